/* What the page has of the literature, and of the description itself. */
#include "popek-goldberg/judge/mistakes.h"
#include "popek-goldberg/report/html.h"
#include "popek-goldberg/report/sets.h"
#include "popek-goldberg/report/text.h"

static const char *const verdicts[ISA_VERDICT_COUNT] = {
    "holds", "fails", "privileged", "critical", "innocuous"};

static void put_claims(const struct pg_page *p)
{
    const struct isa *isa = p->j->isa;

    if (!isa->claim_count)
        return;
    pg_open_table(p->to, "Claims, against what is derived (corrected reading)",
                  "About|Claimed|Derived|Source|Confidence|If it differs, why");
    for (unsigned i = 0; i < isa->claim_count; i++) {
        const struct isa_claim *c = &isa->claims[i];
        bool agrees = pg_claim_agrees(p->j, c);
        const char confidence[] = {c->confidence, '\0'};

        pg_put_row_head(p->to, pg_claim_subject(isa, c));
        pg_put_cell(p->to, verdicts[c->verdict]);
        fprintf(p->to, agrees ? "<td>%s</td>" : "<td class=\"bad\">%s</td>",
                verdicts[pg_derived(p->j, c)]);
        pg_put_cell(p->to, c->source);
        pg_put_cell(p->to, confidence);
        pg_put_cell(p->to, c->differs ? c->differs
                           : agrees   ? ""
                                      : "not explained");
        fputs("</tr>\n", p->to);
    }
    pg_close_table(p->to);
}

static void put_list(const struct pg_page *p, const struct isa_list *l)
{
    pg_open_table(p->to, l->title, "Name|Derived|Why the list lacks it");
    for (unsigned i = 0; i < l->count; i++) {
        pg_put_row_head(p->to, l->names[i]);
        pg_put_cell(p->to, pg_listed_words(p->j, l->names[i]));
        pg_put_cell(p->to, "listed");
        fputs("</tr>\n", p->to);
    }
    for (unsigned i = 0; i < l->beyond_count; i++) {
        pg_put_row_head(p->to, l->beyond[i].name);
        pg_put_cell(p->to, pg_listed_words(p->j, l->beyond[i].name));
        pg_put_cell(p->to, l->beyond[i].why);
        fputs("</tr>\n", p->to);
    }
    pg_close_table(p->to);
    fputs("<p>Source: ", p->to);
    pg_put_html(p->to, l->source);
    fprintf(p->to, " (confidence %c).</p>\n", l->confidence);
}

static void put_notes(const struct pg_page *p, const char *title,
                      const struct isa_note *notes, unsigned count)
{
    if (!count)
        return;
    fprintf(p->to, "<h3>%s</h3>\n<ul>\n", title);
    for (unsigned i = 0; i < count; i++) {
        fputs("<li>", p->to);
        pg_put_html(p->to, notes[i].name);
        fputs(*notes[i].name ? ": " : "", p->to);
        pg_put_html(p->to, notes[i].text);
        fputs("</li>\n", p->to);
    }
    fputs("</ul>\n", p->to);
}

static void put_clocks(const struct pg_page *p)
{
    const struct isa *isa = p->j->isa;
    const char *before = "<p>These read a clock, which is excused as a matter "
                         "of timing: ";

    for (unsigned i = 0; i < isa->encoding_count; i++)
        if (pg_reads_clock(isa, i)) {
            fprintf(p->to, "%s%s", before, isa->encodings[i].name);
            before = ", ";
        }
    if (before[0] == ',')
        fputs(".</p>\n", p->to);
}

/* What the student may have meant otherwise. */
static void put_mistakes(const struct pg_page *p)
{
    struct pg_mistakes found;
    struct pg_mistake_words words;
    bool whole = pg_find_mistakes(p->j, &found) == STATUS_OK;

    if (found.count)
        fputs("<h3>What looks like a mistake</h3>\n<ul>\n", p->to);
    for (unsigned i = 0; i < found.count; i++) {
        pg_mistake_words(p->j->isa, &found.rows[i], &words);
        fputs("<li>", p->to);
        if (found.rows[i].line)
            fprintf(p->to, "Line %u: ", found.rows[i].line);
        pg_put_html(p->to, words.what);
        fputs(". Why: ", p->to);
        pg_put_html(p->to, words.why);
        fputs(" Mend: ", p->to);
        pg_put_html(p->to, words.mend);
        fputs("</li>\n", p->to);
    }
    if (found.count)
        fputs("</ul>\n", p->to);
    if (!whole)
        fputs("<p>No memory was left to look for all mistakes.</p>\n", p->to);
    pg_mistakes_free(&found);
}

void pg_put_html_about(const struct pg_page *p)
{
    const struct isa *isa = p->j->isa;

    pg_open_section(p->to, "literature", "What the literature says");
    put_claims(p);
    for (unsigned i = 0; i < isa->list_count; i++)
        put_list(p, &isa->lists[i]);
    if (!isa->claim_count && !isa->list_count)
        fputs("<p>The description has no claims.</p>\n", p->to);
    pg_close_section(p->to);
    pg_open_section(p->to, "notes", "Notes, and what is left out");
    put_mistakes(p);
    put_clocks(p);
    put_notes(p, "Notes", isa->notes, isa->note_count);
    put_notes(p, "Left out of the description", isa->leaves_out,
              isa->leaves_out_count);
    if (!isa->note_count && !isa->leaves_out_count)
        fputs("<p>The description has none.</p>\n", p->to);
    pg_close_section(p->to);
}
