#include "popek-goldberg/report/html.h"

#include "popek-goldberg/report/sets.h"
#include "popek-goldberg/report/svg.h"
#include "popek-goldberg/report/text.h"

#include <string.h>

/* Dark on light, or the other way round as the reader likes: at least 7 to 1
 * between a text and its ground. */
static const char style[] =
    ":root{color-scheme:light dark;--ink:#111;--paper:#fff;--line:#767676;"
    "--soft:#f0f0f0;--mark:#ffe58a;--on-mark:#111;--link:#00479c;"
    "--bad:#8a0000}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#eee;--paper:#141414;"
    "--line:#999;--soft:#262626;--mark:#5c4a00;--on-mark:#fff;"
    "--link:#9cc7ff;--bad:#ffb3b3}}\n"
    "body{font:1rem/1.5 system-ui,sans-serif;color:var(--ink);"
    "background:var(--paper);max-width:70rem;margin:auto;padding:1rem}\n"
    "a{color:var(--link)}a:focus-visible,[tabindex]:focus-visible{"
    "outline:3px solid var(--link);outline-offset:2px}\n"
    ".skip{position:absolute;left:-99rem}.skip:focus{position:static}\n"
    "table{border-collapse:collapse;margin:.5rem 0}"
    "caption{text-align:left;font-weight:600;padding:.25rem 0}\n"
    "th,td{border:1px solid var(--line);padding:.2rem .5rem;"
    "text-align:left;vertical-align:top}"
    "thead th{background:var(--soft)}\n"
    ".scroll{overflow-x:auto}code,td.v{font-family:ui-monospace,monospace}\n"
    "mark{background:var(--mark);color:var(--on-mark);font-weight:700;"
    "text-decoration:underline}\n"
    "tr.differs th,tr.differs td{border-width:3px}"
    ".bad{color:var(--bad);font-weight:700}\n"
    "svg{max-width:100%;height:auto;display:block}"
    "svg text{fill:var(--ink);font:12px ui-monospace,monospace}\n"
    "svg .title{font:600 13px system-ui,sans-serif}"
    "svg .ways{font-style:italic}\n"
    "svg rect{fill:none;stroke:var(--ink);stroke-width:1.5}"
    "svg .critical{stroke:var(--bad);stroke-width:5}"
    "svg .user{stroke-dasharray:6 4}\n"
    "@media print{body{max-width:none}nav,.skip{display:none}"
    ".scroll{overflow:visible}"
    ".witness,tr,figure{break-inside:avoid}}\n";

void pg_open_section(FILE *to, const char *id, const char *title)
{
    fprintf(to, "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">%s</h2>\n", id,
            id, title);
}

void pg_close_section(FILE *to)
{
    fputs("</section>\n", to);
}

void pg_open_small_table(FILE *to, const char *caption, const char *columns)
{
    fputs("<table><caption>", to);
    pg_put_html(to, caption);
    fputs("</caption>\n<thead><tr>", to);
    while (*columns) {
        size_t len = strcspn(columns, "|");

        fprintf(to, "<th scope=\"col\">%.*s</th>", (int)len, columns);
        columns += len + (columns[len] == '|');
    }
    fputs("</tr></thead>\n<tbody>\n", to);
}

void pg_close_small_table(FILE *to)
{
    fputs("</tbody></table>\n", to);
}

void pg_open_table(FILE *to, const char *caption, const char *columns)
{
    fputs("<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
          "aria-label=\"Table: ",
          to);
    pg_put_html(to, caption);
    fputs("\">\n", to);
    pg_open_small_table(to, caption, columns);
}

void pg_close_table(FILE *to)
{
    pg_close_small_table(to);
    fputs("</div>\n", to);
}

void pg_put_row_head(FILE *to, const char *text)
{
    fputs("<tr><th scope=\"row\">", to);
    pg_put_html(to, text);
    fputs("</th>", to);
}

void pg_put_cell(FILE *to, const char *text)
{
    fputs("<td>", to);
    pg_put_html(to, text);
    fputs("</td>", to);
}

/* ---- Verdicts ---- */

static void put_verdict(FILE *to, bool holds)
{
    fputs(holds ? "<td>holds</td>" : "<td class=\"bad\">fails</td>", to);
}

/* The encodings because of which it fails, each a link to its witnesses. */
static void put_culprits(const struct pg_page *p, unsigned theorem)
{
    const struct isa *isa = p->j->isa;
    const char *separator = "";

    fputs("<td>", p->to);
    for (unsigned i = 0; i < isa->encoding_count; i++)
        if (pg_spoils(p->j, i, p->r, theorem)) {
            fprintf(p->to, "%s<a href=\"#i-%s\">%s</a>", separator,
                    isa->encodings[i].name, isa->encodings[i].name);
            separator = ", ";
        }
    if (theorem == PG_T2 && isa->needs) {
        fprintf(p->to, "%s", *separator ? "; " : "");
        pg_put_html(p->to, isa->needs);
    }
    if (theorem == PG_T2 && isa->timing) {
        fprintf(p->to, "%stiming: ", *separator ? "; and " : "");
        pg_put_html(p->to, isa->timing);
    }
    fputs("</td>", p->to);
}

static void put_theorems(const struct pg_page *p)
{
    static const char *const names[] = {
        "1: every sensitive instruction is privileged",
        "2: virtualizable, and a monitor without timing dependencies",
        "3: every user sensitive instruction is privileged"};
    const struct pg_case *b = &p->j->best;
    const bool exact[] = {b->vm, b->nested, b->hybrid};

    pg_open_section(p->to, "verdicts", "Verdicts");
    pg_open_table(p->to, "The three theorems and the exact criterion",
                  "Theorem: premise|Premise|Because of|Exact criterion|In "
                  "every setting of the switches");
    for (unsigned t = 0; t < PG_THEOREMS; t++) {
        pg_put_row_head(p->to, names[t]);
        put_verdict(p->to, b->holds[p->r][t]);
        put_culprits(p, t);
        put_verdict(p->to, exact[t]);
        put_verdict(p->to, p->j->worst.holds[p->r][t]);
        fputs("</tr>\n", p->to);
    }
    pg_close_table(p->to);
    fputs("<p>The exact criterion: in every state S of the bare machine the "
          "instruction traps in f(S), or i(f(S)) = f(i(S)). The theorems are "
          "sufficient for it, and not necessary.</p>\n",
          p->to);
    pg_close_section(p->to);
}

/* ---- The sets ---- */

static void put_region(const struct pg_page *p, enum pg_region region)
{
    bool titles = region != PG_IN_NEITHER && region != PG_IN_PRIVILEGED;
    struct pg_region_walk w = {0};
    char ways[PG_WAYS_SIZE], name[PG_MEMBER_SIZE];

    pg_put_row_head(p->to, pg_region_name(region));
    fprintf(p->to, "<td>%u</td><td>", pg_region_count(p->j, p->r, region));
    while (pg_walk_region(p->j, p->r, region, &w)) {
        pg_member_words(p->j, p->r, w.encoding, name);
        pg_group_words(w.ways, ways);
        if (w.opens && w.group > 1)
            fputs("<br>", p->to);
        if (w.opens && titles)
            fprintf(p->to, "%s: ", ways);
        fprintf(p->to, "%s<a href=\"#i-%s\">%s</a>", w.opens ? "" : ", ",
                p->j->isa->encodings[w.encoding].name, name);
    }
    fputs("</td></tr>\n", p->to);
}

static void put_definitions(const struct pg_page *p)
{
    const struct pg_definition *d = pg_class_definitions(p->r);

    fputs("<dl>\n", p->to);
    for (unsigned i = 0; i < PG_CLASSES; i++) {
        fprintf(p->to, "<dt>%s</dt><dd>", d[i].name);
        pg_put_html(p->to, d[i].text);
        fputs("</dd>\n", p->to);
    }
    fputs("</dl>\n", p->to);
}

static void put_sets(const struct pg_page *p)
{
    pg_open_section(p->to, "sets", "The sets");
    fputs("<figure>\n", p->to);
    pg_put_svg(p->to, p->j, p->r);
    fputs("<figcaption>Sensitive and not privileged is critical. The table "
          "has the same in words.</figcaption>\n</figure>\n",
          p->to);
    pg_open_table(p->to, "The sets and their instructions",
                  "Set|Count|Instructions, by how they are sensitive");
    for (enum pg_region i = PG_REGIONS; i-- > PG_IN_NEITHER;)
        put_region(p, i);
    pg_close_table(p->to);
    put_definitions(p);
    pg_close_section(p->to);
}

/* ---- The table of instructions ---- */

static void put_links(const struct pg_page *p, unsigned n, unsigned first)
{
    fputs("<td>", p->to);
    for (unsigned k = 1; k <= n; k++)
        fprintf(p->to, "%s<a href=\"#w%u\">%u</a>", k > 1 ? " " : "", first + k,
                first + k);
    fputs(n ? "</td>" : "none</td>", p->to);
}

static void put_instruction(const struct pg_page *p, unsigned i, unsigned first)
{
    const struct isa_encoding *c = &p->j->isa->encodings[i];
    const struct pg_labels *l = &p->j->best.labels[i];
    const struct pg_exact *x = &p->j->best.exact[i];
    struct pg_row rows[PG_ROWS];
    char ways[PG_WAYS_SIZE];

    pg_ways_words(p->j->isa, l, p->r, ways);
    fprintf(p->to, "<tr id=\"i-%s\"><th scope=\"row\">%s</th>", c->name,
            c->name);
    pg_put_cell(p->to, c->mnemonic);
    pg_put_cell(p->to, c->title);
    fprintf(p->to, "<td%s>%s</td>",
            pg_critical(l, p->r) ? " class=\"bad\"" : "",
            pg_region_name(pg_region_of(l, p->r)));
    pg_put_cell(p->to, ways);
    pg_put_cell(p->to, pg_critical(l, p->r) ? pg_broken_words(x) : "none");
    put_verdict(p->to, !x->vm.found);
    put_verdict(p->to, !x->hybrid.found);
    put_links(p, pg_rows(p->j, i, p->r, rows), first);
    fputs("<td>", p->to);
    for (unsigned k = 0; k < c->cover_count; k++)
        fprintf(p->to, "%s%s", k ? ", " : "", c->covers[k]);
    fputs("</td></tr>\n", p->to);
}

static void put_instructions(const struct pg_page *p)
{
    const struct isa *isa = p->j->isa;
    struct pg_row rows[PG_ROWS];
    unsigned first = 0;

    pg_open_section(p->to, "instructions", "The instructions");
    pg_open_table(p->to, "Every encoding and what is derived of it",
                  "Encoding|Mnemonic|Title|Class|Sensitive by|Breaks|Exact: "
                  "monitor|Exact: hybrid|Witnesses|Stands for");
    for (unsigned i = 0; i < isa->encoding_count; i++) {
        put_instruction(p, i, first);
        first += pg_rows(p->j, i, p->r, rows);
    }
    pg_close_table(p->to);
    pg_close_section(p->to);
}

/* ---- The page ---- */

static void put_setting(const struct pg_page *p)
{
    const struct isa *isa = p->j->isa;

    if (!p->j->enforced)
        return;
    fputs("<p>The monitor sets", p->to);
    for (unsigned i = 0; i < isa->element_count; i++)
        if (isa->elements[i].enforced)
            fprintf(p->to, " <code>%s = %llu</code>", isa->elements[i].name,
                    (unsigned long long)pg_setting_value(p->j, i));
    fputs(", which leaves the fewest critical instructions.</p>\n", p->to);
}

static void put_head(const struct pg_page *p)
{
    const struct isa *isa = p->j->isa;

    fprintf(p->to,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
            "<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, "
            "initial-scale=1\">\n"
            "<title>%s against Popek and Goldberg</title>\n"
            "<style>\n%s</style>\n</head>\n<body>\n"
            "<a class=\"skip\" href=\"#main\">To the verdicts</a>\n"
            "<header>\n<h1>%s: ",
            isa->name, style, isa->name);
    pg_put_html(p->to, isa->title);
    fprintf(p->to,
            "</h1>\n<p>Derived from its description by <code>trapline "
            "check</code>, in the %s reading: %s.</p>\n"
            "<p>Looked at was every state of the scaled machine: %u words of "
            "%u bit%s, base 0 to %u, bound 0 to %u. The monitor of f takes %u "
            "words.</p>\n",
            p->r == PG_LITERAL ? "literal" : "corrected",
            p->r == PG_LITERAL
                ? "only memory traps are set aside, and R is base and bound"
                : "all traps are set aside, and resource registers are part "
                  "of R",
            isa->cells, isa->cell_width[ISA_SCALED],
            isa->cell_width[ISA_SCALED] == 1 ? "" : "s", isa->cells - 1,
            isa->cells, isa->monitor_words);
    put_setting(p);
    fputs("</header>\n<nav aria-label=\"Contents\"><ol>\n"
          "<li><a href=\"#verdicts\">Verdicts</a></li>\n"
          "<li><a href=\"#sets\">The sets</a></li>\n"
          "<li><a href=\"#properties\">Properties, by technique</a></li>\n"
          "<li><a href=\"#instructions\">The instructions</a></li>\n"
          "<li><a href=\"#witnesses\">Witnesses</a></li>\n"
          "<li><a href=\"#literature\">What the literature says</a></li>\n"
          "<li><a href=\"#proofs\">Certificates</a></li>\n"
          "<li><a href=\"#notes\">Notes, and what is left out</a></li>\n"
          "</ol></nav>\n<main id=\"main\">\n",
          p->to);
}

void pg_report_html(const struct pg_page *page)
{
    put_head(page);
    put_theorems(page);
    put_sets(page);
    pg_put_html_properties(page);
    put_instructions(page);
    pg_put_html_witnesses(page);
    pg_put_html_about(page);
    pg_put_html_proofs(page);
    fputs("</main>\n</body>\n</html>\n", page->to);
}
