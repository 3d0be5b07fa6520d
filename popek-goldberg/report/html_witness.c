/* The witnesses of the page: states and outcomes side by side. */
#include "popek-goldberg/report/html.h"
#include "popek-goldberg/report/sets.h"
#include "popek-goldberg/report/text.h"

#include <string.h>

/* What tells the two outcomes apart is how they end. */
static bool ends_otherwise(const struct pg_witness *w)
{
    return w->why != PG_DIFFERS && w->why != PG_TRAP_CONTROLS &&
           w->why != PG_HIDDEN && w->why != PG_SEIZED;
}

static void put_ending(FILE *to, const struct isa *isa,
                       const struct isa_result *r)
{
    if (r->ending == ISA_TRAPPED)
        fprintf(to, "%s trap", isa->traps[r->trap].name);
    else
        fputs(r->ending == ISA_DONE ? "done" : "unpredictable", to);
}

static void put_endings(FILE *to, const struct isa *isa,
                        const struct pg_row *row, unsigned sides)
{
    const struct pg_witness *w = row->witness;
    bool differs = ends_otherwise(w);

    fprintf(to, "<tr%s><th scope=\"row\">how it ends%s</th>",
            differs ? " class=\"differs\"" : "",
            differs ? ": <mark>decides</mark>" : "");
    for (unsigned i = 0; i < sides; i++)
        fputs("<td></td>", to);
    for (unsigned i = 0; i < sides; i++) {
        fputs(differs ? "<td><mark>" : "<td>", to);
        put_ending(to, isa, &w->r[i]);
        fputs(differs ? "</mark></td>" : "</td>", to);
    }
    fputs("</tr>\n", to);
}

static uint64_t value_of(const struct isa_state *s, unsigned component)
{
    return component >= PG_WORD ? s->mem[component - PG_WORD] : s->v[component];
}

static void put_component(FILE *to, const struct isa *isa,
                          const struct pg_row *row, unsigned component,
                          unsigned sides)
{
    const struct pg_witness *w = row->witness;
    bool differs = component == w->component && !ends_otherwise(w);
    bool varied = sides == 2 && value_of(&w->s[0], component) !=
                                    value_of(&w->s[1], component);

    fprintf(to, "<tr%s><th scope=\"row\">",
            differs ? " class=\"differs\"" : "");
    pg_put_component(to, isa, component);
    fprintf(to, "%s%s</th>", varied ? " (varied)" : "",
            differs ? ": <mark>decides</mark>" : "");
    for (unsigned i = 0; i < sides; i++) {
        fputs("<td class=\"v\">", to);
        pg_put_value(to, isa, &w->s[i], component);
        fputs("</td>", to);
    }
    for (unsigned i = 0; i < sides; i++) {
        fputs(differs ? "<td class=\"v\"><mark>" : "<td class=\"v\">", to);
        if (w->r[i].ending == ISA_DONE)
            pg_put_value(to, isa, &w->r[i].state, component);
        else
            fputs(w->r[i].ending == ISA_TRAPPED ? "as before" : "anything", to);
        fputs(differs ? "</mark></td>" : "</td>", to);
    }
    fputs("</tr>\n", to);
}

static bool shows_word(const struct pg_witness *w, unsigned word)
{
    bool any = w->component == PG_WORD + word;

    for (unsigned i = 0; i < 2; i++)
        any = any || w->s[i].mem[word] || w->r[i].state.mem[word] ||
              (w->r[i].state.unknown_mem >> word & 1);
    return any;
}

void pg_put_html_states(FILE *to, const struct isa *isa,
                        const struct pg_row *row)
{
    static const char *const columns[] = {
        [PG_ALONE] = "component|S|i(S)",
        [PG_PAIR] = "component|S1|S2|i(S1)|i(S2)",
        [PG_LESS] = "component|S1|S2|i(S1)|i(S2)",
        [PG_MAPPED] = "component|S|f(S)|i(S)|i(f(S))"};
    uint64_t shown = pg_shown_elements(isa, row->encoding);
    unsigned sides = row->proof == PG_ALONE ? 1 : 2;

    pg_open_small_table(to, "States and outcomes", columns[row->proof]);
    put_endings(to, isa, row, sides);
    for (unsigned i = 0; i < isa->element_count; i++)
        if (shown >> i & 1)
            put_component(to, isa, row, i, sides);
    for (unsigned i = 0; i < isa->cells; i++)
        if (shows_word(row->witness, i))
            put_component(to, isa, row, PG_WORD + i, sides);
    pg_close_small_table(to);
}

static void put_witness(const struct pg_page *p, const struct pg_row *row,
                        unsigned n)
{
    fprintf(p->to,
            "<div class=\"witness\" id=\"w%u\">\n<h4>Witness %u: %s</h4>\n"
            "<p>That means: %s.</p>\n<p>Instruction <code>",
            n, n, row->label, row->definition);
    pg_put_operands(p->to, p->j->isa, row->encoding, row->witness);
    fputs("</code>, because ", p->to);
    pg_put_difference(p->to, p->j, row);
    fputs(".", p->to);
    if (row->proof == PG_MAPPED)
        fprintf(p->to, " So it breaks %s.",
                pg_breaks(row->witness) == PG_CONTROL ? "resource control"
                                                      : "equivalence");
    fputs("</p>\n", p->to);
    pg_put_html_states(p->to, p->j->isa, row);
    fputs("</div>\n", p->to);
}

void pg_put_html_witnesses(const struct pg_page *p)
{
    const struct isa *isa = p->j->isa;
    struct pg_row rows[PG_ROWS];
    unsigned n = 0;

    pg_open_section(p->to, "witnesses", "Witnesses");
    fputs("<p>i(S) is what the instruction i makes of the state S, and f(S) is "
          "S as it is under a monitor. Marked as deciding is the first "
          "component in which the outcomes are not what they should be to one "
          "another.</p>\n",
          p->to);
    for (unsigned i = 0; i < isa->encoding_count; i++) {
        const struct pg_labels *l = &p->j->best.labels[i];
        unsigned count = pg_rows(p->j, i, p->r, rows);

        if (count)
            fprintf(p->to, "<h3>%s: %s</h3>\n", isa->encodings[i].name,
                    pg_region_name(pg_region_of(l, p->r)));
        for (unsigned k = 0; k < count; k++)
            put_witness(p, &rows[k], ++n);
    }
    if (!n)
        fputs("<p>There is none.</p>\n", p->to);
    pg_close_section(p->to);
}
