#include "popek-goldberg/report/report.h"

#include "popek-goldberg/judge/mistakes.h"
#include "popek-goldberg/judge/properties.h"
#include "popek-goldberg/judge/repair.h"
#include "popek-goldberg/report/report_parts.h"
#include "popek-goldberg/report/sets.h"
#include "popek-goldberg/report/text.h"

#include <string.h>

static const char *const reading_names[] = {"literal", "corrected"};

enum {
    TABLE_MAX = 40 /* encodings; a longer table has those that stand out */
};

/* ---- The head ---- */

static void put_setting(FILE *to, const struct pg_judgement *j)
{
    const struct isa *isa = j->isa;
    struct pg_lines lines = {.to = to, .indent = 0};

    if (!j->enforced)
        return;
    pg_put_words(&lines, "The monitor sets");
    for (unsigned i = 0; i < isa->element_count; i++)
        if (isa->elements[i].enforced)
            pg_put_words_of(&lines, "%s=%llu", isa->elements[i].name,
                            (unsigned long long)pg_setting_value(j, i));
    pg_put_mark(&lines, ',');
    pg_put_words(&lines, "which leaves the fewest critical instructions.");
    pg_end_line(&lines);
    for (unsigned t = 0; t < PG_THEOREMS; t++)
        if (j->worst.holds[PG_CORRECTED][t] != j->best.holds[PG_CORRECTED][t])
            fprintf(to,
                    "In the worst setting the premise of Theorem %u "
                    "fails.\n",
                    t + 1);
}

static void put_head(FILE *to, const struct pg_judgement *j, enum pg_reading r)
{
    const struct isa *isa = j->isa;
    struct pg_lines lines = {.to = to, .indent = 0};

    pg_put_words_of(&lines, "Machine %s:", isa->name);
    pg_put_words(&lines, isa->title);
    pg_end_line(&lines);
    fprintf(to,
            "Reading: %s.  %s\nSpace: every state of the scaled machine: %u "
            "words of %u bit%s, base 0 to %u,\nbound 0 to %u; the monitor of f "
            "takes %u words.\n",
            reading_names[r],
            r == PG_LITERAL
                ? "Only memory traps are set aside; R is base and bound."
                : "All traps are set aside; resource registers are part of R.",
            isa->cells, isa->cell_width[ISA_SCALED],
            isa->cell_width[ISA_SCALED] == 1 ? "" : "s", isa->cells - 1,
            isa->cells, isa->monitor_words);
    put_setting(to, j);
    fputc('\n', to);
}

/* ---- The table ---- */

static const char *grade(const struct pg_judgement *j, unsigned i,
                         enum pg_reading r)
{
    bool one = pg_spoils(j, i, r, PG_T2), three = pg_spoils(j, i, r, PG_T3);

    return one ? three ? "BAD/BAD" : "BAD/ok" : "ok/ok";
}

/* Does it need a line of its own?  In the literal reading too much is bad that
 * only traps: those are counted where it is not asked for. */
static bool stands_out(const struct pg_judgement *j, unsigned i,
                       enum pg_reading r)
{
    const struct pg_exact *x = &j->best.exact[i];

    return x->vm.found || x->hybrid.found ||
           strcmp(grade(j, i, PG_CORRECTED), "ok/ok") != 0 ||
           (r == PG_LITERAL && strcmp(grade(j, i, PG_LITERAL), "ok/ok") != 0);
}

/* The lines of those that have none, by what the literal reading says. */
static void put_others(FILE *to, const struct pg_judgement *j,
                       enum pg_reading r)
{
    static const char *const grades[] = {"BAD/BAD", "BAD/ok", "ok/ok"};
    char head[32];

    for (unsigned g = 0; g < ARRAY_LEN(grades); g++) {
        unsigned n = 0;

        for (unsigned i = 0; i < j->isa->encoding_count; i++)
            n += !stands_out(j, i, r) &&
                 !strcmp(grade(j, i, PG_LITERAL), grades[g]);
        snprintf(head, sizeof(head), "%u %s", n,
                 strcmp(grades[g], "ok/ok") ? "that trap" : "more");
        if (n)
            fprintf(to, "%-16s %-9s %-9s ok/ok\n", head, grades[g], "ok/ok");
    }
}

/* Of a critical one: its witness, what breaks, how it is sensitive. */
static void put_reason(struct pg_lines *lines, const struct pg_judgement *j,
                       unsigned i, enum pg_reading r, unsigned last)
{
    const struct pg_exact *x = &j->best.exact[i];
    char ways[PG_WAYS_SIZE];

    pg_ways_words(j->isa, &j->best.labels[i], r, ways);
    pg_put_words_of(lines, "[%u] %s%s%s%s", last,
                    x->breaks[PG_EQUIVALENCE].found ? "E" : "",
                    x->breaks[PG_CONTROL].found ? "R" : "",
                    x->vm.found ? " " : "", ways);
}

static void put_line(FILE *to, const struct pg_judgement *j, unsigned i,
                     enum pg_reading r, unsigned last)
{
    const struct pg_exact *x = &j->best.exact[i];
    bool critical = pg_critical(&j->best.labels[i], r);
    struct pg_lines lines = {.to = to, .indent = 51};
    char exact[16], head[ISA_NAME + 64];

    snprintf(exact, sizeof(exact), "%s/%s", x->vm.found ? "FAIL" : "ok",
             x->hybrid.found ? "FAIL" : "ok");
    snprintf(head, sizeof(head), "%-16s %-9s %-9s %-*s",
             j->isa->encodings[i].name, grade(j, i, PG_LITERAL),
             grade(j, i, PG_CORRECTED), critical ? 10 : 0, exact);
    pg_begin_line(&lines, head);
    if (critical)
        put_reason(&lines, j, i, r, last);
    pg_end_line(&lines);
}

static void put_table(FILE *to, const struct pg_judgement *j, enum pg_reading r,
                      const char *instruction)
{
    bool all = instruction || j->isa->encoding_count <= TABLE_MAX;
    struct pg_row rows[PG_ROWS];
    unsigned last = 0;

    fprintf(to, "%-16s %-9s %-9s %-9s %s\n", "", "literal", "corrected",
            "exact", "critical: [witness], what");
    fprintf(to, "%-16s %-9s %-9s %-9s %s\n", "instruction", "T1/T3", "T1/T3",
            "VM/hybrid", "breaks, how it is sensitive");
    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        last += pg_rows(j, i, r, rows);
        if (!pg_is_named(&j->isa->encodings[i], instruction))
            continue;
        if (all || stands_out(j, i, r))
            put_line(to, j, i, r, last);
    }
    if (!all)
        put_others(to, j, r);
    fputs(
        "BAD: spoils the premise.  E: breaks equivalence.  R: breaks resource "
        "control.\n",
        to);
}

/* ---- The classes ---- */

/* "LGDT [3-5]": its name, and the numbers of its witnesses. */
static void put_member(struct pg_lines *lines, const struct pg_judgement *j,
                       unsigned i, enum pg_reading r)
{
    struct pg_row rows[PG_ROWS];
    unsigned first = 1, n;

    for (unsigned k = 0; k < i; k++)
        first += pg_rows(j, k, r, rows);
    n = pg_rows(j, i, r, rows);
    if (n > 1)
        pg_put_words_of(lines, "%s [%u-%u]", j->isa->encodings[i].name, first,
                        first + n - 1);
    else if (n)
        pg_put_words_of(lines, "%s [%u]", j->isa->encodings[i].name, first);
    else
        pg_put_words(lines, j->isa->encodings[i].name);
}

static void put_class(FILE *to, const struct pg_judgement *j, enum pg_reading r,
                      enum pg_region region)
{
    bool titles = region != PG_IN_NEITHER && region != PG_IN_PRIVILEGED;
    struct pg_lines lines = {.to = to, .indent = 4};
    struct pg_region_walk w = {0};
    char ways[PG_WAYS_SIZE];

    fprintf(to, "  %s: %u\n", pg_region_name(region),
            pg_region_count(j, r, region));
    while (pg_walk_region(j, r, region, &w)) {
        pg_group_words(w.ways, ways);
        if (w.opens) {
            pg_end_line(&lines);
            lines.indent = 4;
            if (titles)
                pg_put_words_of(&lines, "%s:", ways);
            lines.indent = titles ? 6 : 4;
        }
        put_member(&lines, j, w.encoding, r);
    }
    pg_end_line(&lines);
}

static void put_classes(FILE *to, const struct pg_judgement *j,
                        enum pg_reading r)
{
    fprintf(to, "\nThe %u instructions, with the numbers of their witnesses\n",
            j->isa->encoding_count);
    for (enum pg_region i = PG_REGIONS; i-- > PG_IN_NEITHER;)
        put_class(to, j, r, i);
}

/* Mnemonics of which there are several encodings. */
static void put_unions(FILE *to, const struct pg_judgement *j)
{
    static const char *const words[ISA_VERDICT_COUNT] = {
        [ISA_SAYS_PRIVILEGED] = "privileged: all are",
        [ISA_SAYS_CRITICAL] = "critical: one at least is",
        [ISA_SAYS_INNOCUOUS] = "neither: none is critical, not all are "
                               "privileged"};
    const struct isa *isa = j->isa;
    bool any = false;

    for (unsigned i = 0; i < isa->encoding_count; i++) {
        const char *name = isa->encodings[i].mnemonic;
        unsigned n = 0;

        for (unsigned k = 0; k < isa->encoding_count; k++)
            n += !strcmp(isa->encodings[k].mnemonic, name);
        if (n < 2 || isa_find_mnemonic(isa, name) != (int)i)
            continue;
        fputs(any ? "" : "\nMnemonics of several encodings (corrected)\n", to);
        any = true;
        fprintf(to, "  %-12s %2u encodings; %s\n", name, n,
                words[pg_of_mnemonic(j, name)]);
    }
}

/* ---- The theorems ---- */

static const char *const statements[] = {
    "a monitor may be constructed if every sensitive instruction is "
    "privileged",
    "it is recursively virtualizable if it is virtualizable, and a monitor "
    "without timing dependencies can be constructed",
    "a hybrid monitor may be constructed if every user sensitive instruction "
    "is privileged",
};

static void put_culprits(struct pg_lines *lines, const struct pg_judgement *j,
                         enum pg_reading r, unsigned theorem)
{
    bool any = false;

    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        if (!pg_spoils(j, i, r, theorem))
            continue;
        if (any)
            pg_put_mark(lines, ',');
        else
            pg_put_words(lines, "because of");
        pg_put_words(lines, j->isa->encodings[i].name);
        any = true;
    }
    if (theorem == PG_T2 && j->isa->needs) {
        pg_put_mark(lines, ';');
        pg_put_words(lines, j->isa->needs);
    }
    if (theorem == PG_T2 && j->isa->timing) {
        pg_put_words(lines, "and timing:");
        pg_put_words(lines, j->isa->timing);
    }
    pg_put_mark(lines, '.');
}

static const char *explain(bool holds, bool exact, bool timed)
{
    if (!holds && exact && !timed)
        return "Premise and conclusion disagree: the theorem is sufficient, "
               "not necessary.  In every state the named instructions trap "
               "under the monitor, or do what they would on the bare machine.";
    if (holds && !exact)
        return "Premise and conclusion disagree: a guest may set its machine "
               "up otherwise than the monitor sets the real one, or a trap "
               "depends on it; see the witness.";
    return "";
}

/* Critical, and no matter to Theorems 1 and 3, as no virtual machine has it. */
static void put_needed(struct pg_lines *lines, const struct pg_judgement *j,
                       enum pg_reading r, unsigned theorem)
{
    bool any = false;

    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        const struct pg_labels *l = &j->best.labels[i];

        if (!j->isa->encodings[i].needed || !pg_critical(l, r) ||
            (theorem == PG_T3 && !pg_user_sensitive(l, r)))
            continue;
        pg_put_words_of(lines, "%s%s",
                        any ? "" : "Not counted, as the monitor's own: ",
                        j->isa->encodings[i].name);
        any = true;
    }
    if (any)
        pg_put_mark(lines, '.');
}

static void put_theorem(FILE *to, const struct pg_judgement *j,
                        enum pg_reading r, unsigned t)
{
    bool exact[] = {j->best.vm, j->best.nested, j->best.hybrid};
    static const char *const maps[] = {"f", "f of f", "f, virtual user mode"};
    bool holds = j->best.holds[r][t];
    bool timed = t == PG_T2 && (j->isa->timing || j->isa->needs);
    struct pg_lines lines = {.to = to, .indent = 2};

    fputc('\n', to);
    pg_begin_line(&lines, "Theorem");
    lines.spaced = true;
    pg_put_words_of(&lines, "%u: %s.", t + 1, statements[t]);
    pg_end_line(&lines);
    pg_put_words_of(&lines, "Premise: %s", holds ? "holds." : "fails");
    lines.indent = 4;
    if (!holds)
        put_culprits(&lines, j, r, t);
    if (t != PG_T2)
        put_needed(&lines, j, r, t);
    pg_end_line(&lines);
    fprintf(to, "  Exact criterion (%s): %s.\n", maps[t],
            exact[t] ? "holds" : "fails");
    lines.indent = 2;
    pg_put_words(&lines, explain(holds, exact[t], timed));
    pg_end_line(&lines);
}

/* What each technique of making virtual machines keeps, and how to mend what
 * fails. */
static void put_techniques(FILE *to, const struct pg_judgement *j,
                           enum pg_reading r)
{
    struct pg_properties *p = NULL;
    struct diag d = {""};
    enum status st = pg_properties_derive(j, &p, &d);

    if (st == STATUS_OK) {
        pg_properties_put(to, p, r);
        st = pg_repair_put_lines(to, j, &d);
    }
    if (st != STATUS_OK)
        fprintf(to, "\nThe properties are not derived: %s.\n", d.text);
    pg_properties_free(p);
}

/* ---- All of it ---- */

static void put_codes(FILE *to, const struct pg_judgement *j, enum pg_reading r,
                      const char *instruction)
{
    struct pg_row rows[PG_ROWS];
    unsigned first = 1;

    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        if (instruction && pg_is_named(&j->isa->encodings[i], instruction))
            pg_put_code(to, j, i, r, first);
        else if (!instruction && pg_is_remarkable(j, i, r))
            pg_put_code_briefly(to, j, i, r, first);
        first += pg_rows(j, i, r, rows);
    }
}

void pg_report(FILE *to, const struct pg_judgement *j, enum pg_reading r,
               const char *instruction)
{
    put_head(to, j, r);
    put_table(to, j, r, instruction);
    if (instruction) {
        put_codes(to, j, r, instruction);
        pg_report_mistakes(to, j, instruction);
        return;
    }
    put_classes(to, j, r);
    pg_put_definitions(to, j, r);
    put_codes(to, j, r, NULL);
    for (unsigned t = 0; t < PG_THEOREMS; t++)
        put_theorem(to, j, r, t);
    put_unions(to, j);
    put_techniques(to, j, r);
    pg_put_about(to, j);
    pg_report_mistakes(to, j, NULL);
}
