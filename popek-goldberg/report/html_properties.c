/* The matrix of properties of the page. */
#include "popek-goldberg/judge/properties.h"
#include "popek-goldberg/report/html.h"
#include "popek-goldberg/report/text.h"

static const char *standing_words(enum pg_standing s)
{
    static const char *const words[] = {
        [PG_STANDS] = "holds",
        [PG_STANDS_SET] = "holds as the monitor sets the switches",
        [PG_FALLS] = "fails",
        [PG_NOT_DERIVED] = "not derived"};

    return words[s];
}

/* In the matrix: the verdict, a link to its reasons. */
static void put_cell(const struct pg_page *p, const struct pg_cell *c,
                     unsigned method, enum pg_property k)
{
    bool bad = c->standing == PG_FALLS;

    fprintf(p->to, "<td%s>", bad ? " class=\"bad\"" : "");
    if (*c->why || c->witness.found) {
        fprintf(p->to, "<a href=\"#p%u-%u\">%s</a></td>", method, (unsigned)k,
                standing_words(c->standing));
        return;
    }
    fprintf(p->to, "%s</td>", standing_words(c->standing));
}

static void put_head(const struct pg_page *p, const struct pg_properties *of,
                     const struct pg_method *m)
{
    fputs(pg_technique_words[m->technique], p->to);
    if (m->imagined)
        fputs(", imagined", p->to);
    else if (m->isa != of->j->isa && m->technique == PG_ASSIST)
        fprintf(p->to, ", %s", m->isa->name);
}

static void put_matrix(const struct pg_page *p, const struct pg_properties *of)
{
    pg_open_table(p->to, "Properties of a monitor, by technique",
                  "Technique|Equivalence|Resource control|Efficiency");
    for (unsigned i = 0; i < of->count; i++) {
        fputs("<tr><th scope=\"row\">", p->to);
        put_head(p, of, &of->methods[i]);
        fputs("</th>", p->to);
        for (enum pg_property k = 0; k < PG_PROPERTIES; k++)
            put_cell(p, &of->methods[i].cell[k], i, k);
        fputs("</tr>\n", p->to);
    }
    pg_close_table(p->to);
}

/* Why, and the witness: a link to it, or its states. */
static void put_reason(const struct pg_page *p, const struct pg_properties *of,
                       const struct pg_method *m, const struct pg_cell *c)
{
    const struct pg_row row = {.proof = c->proof,
                               .label = "",
                               .definition = "",
                               .encoding = c->encoding,
                               .witness = &c->witness};
    unsigned n = pg_cell_row(of, m, c, p->r);

    pg_put_html(p->to, c->why);
    if (n)
        fprintf(p->to, " <a href=\"#w%u\">Witness %u</a>.", n, n);
    fputs("</p>\n", p->to);
    if (!c->witness.found || n)
        return;
    fputs("<p>Instruction <code>", p->to);
    pg_put_operands(p->to, m->isa, c->encoding, &c->witness);
    fputs("</code>:</p>\n", p->to);
    pg_put_html_states(p->to, m->isa, &row);
}

static void put_method(const struct pg_page *p, const struct pg_properties *of,
                       unsigned i)
{
    const struct pg_method *m = &of->methods[i];

    fputs("<h3>", p->to);
    put_head(p, of, m);
    fputs("</h3>\n", p->to);
    if (*m->note) {
        fputs("<p>", p->to);
        pg_put_html(p->to, m->note);
        fputs("</p>\n", p->to);
    }
    for (enum pg_property k = 0; k < PG_PROPERTIES; k++) {
        const struct pg_cell *c = &m->cell[k];

        if (!*c->why && !c->witness.found)
            continue;
        fprintf(p->to, "<div class=\"witness\" id=\"p%u-%u\">\n<p>%s %s: ", i,
                (unsigned)k, pg_property_words[k], standing_words(c->standing));
        put_reason(p, of, m, c);
        fputs("</div>\n", p->to);
    }
}

void pg_put_html_properties(const struct pg_page *p)
{
    struct pg_properties *of = NULL;
    struct diag d = {""};

    pg_open_section(p->to, "properties", "Properties, by technique");
    if (pg_properties_derive(p->j, &of, &d) == STATUS_OK) {
        put_matrix(p, of);
        for (unsigned i = 0; i < of->count; i++)
            put_method(p, of, i);
    } else {
        fputs("<p>They are not derived: ", p->to);
        pg_put_html(p->to, d.text);
        fputs("</p>\n", p->to);
    }
    pg_properties_free(of);
    pg_close_section(p->to);
}
