/* One instruction of the report: its class, its labels, its witnesses. */
#include "popek-goldberg/report/report_parts.h"
#include "popek-goldberg/report/sets.h"
#include "popek-goldberg/report/text.h"

#include <stdlib.h>
#include <string.h>

/* ---- A witness ---- */

/* What `put` writes, in lines that go on below where it began. */
static void put_wrapped(FILE *to, const char *head, char *text)
{
    struct pg_lines lines = {.to = to, .indent = (unsigned)strlen(head)};

    pg_begin_line(&lines, head);
    if (text)
        pg_put_words(&lines, text);
    pg_end_line(&lines);
    free(text);
}

static char *state_words(const struct isa *isa, unsigned encoding,
                         const struct isa_state *s)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return NULL;
    pg_put_state(f, isa, encoding, s);
    fclose(f);
    return text;
}

static char *outcome_words(const struct isa *isa, unsigned encoding,
                           const struct isa_result *r)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return NULL;
    pg_put_outcome(f, isa, encoding, r);
    fclose(f);
    return text;
}

static char *difference_words(const struct pg_judgement *j,
                              const struct pg_row *row)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return NULL;
    pg_put_difference(f, j, row);
    fputc('.', f);
    fclose(f);
    return text;
}

void pg_put_because(FILE *to, const struct pg_judgement *j,
                    const struct pg_row *row)
{
    put_wrapped(to, "        because  ", difference_words(j, row));
}

static void put_witness(FILE *to, const struct pg_judgement *j,
                        const struct pg_row *row)
{
    const struct pg_witness *w = row->witness;
    const struct isa *isa = j->isa;
    bool alone = row->proof == PG_ALONE;
    static const char *const names[2][2] = {{"S1", "S2"}, {"S", "f(S)"}};
    char head[32];

    fputs("        instruction ", to);
    pg_put_operands(to, isa, row->encoding, w);
    fputc('\n', to);
    for (unsigned i = 0; i < (alone ? 1 : 2); i++) {
        const char *name = alone ? "S" : names[row->proof == PG_MAPPED][i];

        snprintf(head, sizeof(head), "        %-9s", name);
        put_wrapped(to, head, state_words(isa, row->encoding, &w->s[i]));
        snprintf(head, sizeof(head), "        i(%s)%*s", name,
                 (int)(6 - strlen(name)), "");
        put_wrapped(to, head, outcome_words(isa, row->encoding, &w->r[i]));
    }
    pg_put_because(to, j, row);
    if (row->proof == PG_MAPPED)
        fprintf(to, "        so breaks %s.\n",
                pg_breaks(w) == PG_CONTROL ? "resource control"
                                           : "equivalence");
}

static void put_row(FILE *to, const struct pg_judgement *j,
                    const struct pg_row *row, unsigned n)
{
    struct pg_lines lines = {.to = to, .indent = 6};

    pg_begin_line(&lines, "  ");
    pg_put_words_of(&lines, "[%u] %s:", n, row->label);
    pg_put_words_of(&lines, "%s.", row->definition);
    pg_end_line(&lines);
    put_witness(to, j, row);
}

/* The definition stands elsewhere; what decides is a sentence. */
static void put_row_briefly(FILE *to, const struct pg_judgement *j,
                            const struct pg_row *row, unsigned n, bool states)
{
    char head[128];

    if (states) {
        fprintf(to, "  [%u] %s:\n", n, row->label);
        put_witness(to, j, row);
        return;
    }
    snprintf(head, sizeof(head), "  [%u] %s: ", n, row->label);
    put_wrapped(to, head, difference_words(j, row));
}

/* ---- An instruction ---- */

static const char *class_of(const struct pg_labels *l, enum pg_reading r)
{
    if (pg_critical(l, r))
        return "CRITICAL: sensitive and not privileged";
    if (l->privileged[r])
        return pg_sensitive(l, r) ? "privileged and sensitive"
                                  : "privileged and innocuous";
    return "innocuous";
}

static const char *const mistakes[] = {
    "Privileged would be vacuous here: no pair of states speaks for or "
    "against it.",
    "A user-mode no-op is not privileged: the monitor never hears of it.",
    "It traps in supervisor mode and not in user mode: the condition is the "
    "wrong way round.",
    "Privileged asks for two things: a trap in user mode, and none in "
    "supervisor mode.",
};

/* Bit i: mistakes[i] has been made, or looks as if it had. */
static unsigned find_mistakes(const struct pg_labels *l, enum pg_reading r)
{
    const struct pg_witness *w = &l->unprivileged[r];
    const bool made[ARRAY_LEN(mistakes)] = {
        l->vacuous[r] && !w->found,
        l->less.found && !l->privileged[r],
        w->found && w->why == PG_NO_TRAP &&
            w->r[ISA_SUPERVISOR].ending == ISA_TRAPPED,
        w->found && w->why == PG_TRAPS_TOO,
    };
    unsigned bits = 0;

    for (unsigned i = 0; i < ARRAY_LEN(mistakes); i++)
        bits |= (unsigned)made[i] << i;
    return bits;
}

static void put_title(FILE *to, const struct pg_judgement *j, unsigned i,
                      enum pg_reading r)
{
    const struct isa_encoding *c = &j->isa->encodings[i];
    const struct pg_labels *l = &j->best.labels[i];
    bool other = strcmp(c->name, c->mnemonic) != 0;
    unsigned made = find_mistakes(l, r);
    struct pg_lines lines = {.to = to, .indent = 2};

    fputc('\n', to);
    pg_begin_line(&lines, c->name);
    lines.spaced = true;
    if (other)
        pg_put_words_of(&lines, "(of %s)", c->mnemonic);
    if (*c->title) {
        pg_put_mark(&lines, ',');
        pg_put_words(&lines, c->title);
    }
    pg_put_mark(&lines, ':');
    pg_put_words_of(&lines, "%s.", class_of(l, r));
    pg_end_line(&lines);
    for (unsigned k = 0; k < ARRAY_LEN(mistakes); k++)
        if (made >> k & 1) {
            pg_put_words(&lines, mistakes[k]);
            pg_end_line(&lines);
        }
}

/* It is about every pair of states, so that its proof is that none is against
 * it. */
static void put_privileged(FILE *to, const struct pg_labels *l,
                           enum pg_reading r)
{
    struct pg_lines lines = {.to = to, .indent = 4};

    pg_begin_line(&lines, "  Privileged:");
    lines.spaced = true;
    pg_put_words_of(&lines, "%s.", pg_class_definitions(r)[0].text);
    pg_put_words_of(&lines,
                    "No witness against it in the exhausted space of %llu "
                    "states.",
                    (unsigned long long)l->states);
    pg_end_line(&lines);
}

void pg_put_code(FILE *to, const struct pg_judgement *j, unsigned encoding,
                 enum pg_reading r, unsigned first)
{
    const struct pg_labels *l = &j->best.labels[encoding];
    struct pg_row rows[PG_ROWS];
    unsigned count = pg_rows(j, encoding, r, rows);

    put_title(to, j, encoding, r);
    for (unsigned k = 0; k < count; k++)
        put_row(to, j, &rows[k], first + k);
    if (l->privileged[r])
        put_privileged(to, l, r);
    if (!pg_sensitive(l, r))
        fprintf(to,
                "  Not sensitive: no witness in the exhausted space of "
                "%llu states.\n",
                (unsigned long long)l->states);
    if (!j->best.exact[encoding].vm.found)
        fprintf(to,
                "  Meets the exact criterion: no witness against it in "
                "the exhausted space\n  of %llu states.\n",
                (unsigned long long)j->best.exact[encoding].states);
    pg_put_code_notes(to, j->isa, encoding);
}

bool pg_is_remarkable(const struct pg_judgement *j, unsigned encoding,
                      enum pg_reading r)
{
    const struct pg_labels *l = &j->best.labels[encoding];
    const struct pg_exact *x = &j->best.exact[encoding];

    return pg_critical(l, r) || x->vm.found || x->hybrid.found ||
           x->nested.found || find_mistakes(l, r);
}

/* The witnesses that a verdict rests on: one of a sensitivity, the one that
 * the program feels rather than what happens in supervisor mode; and one
 * against the exact criterion. */
static void choose(const struct pg_row *rows, unsigned n, bool *chosen)
{
    int sensitive = -1, mapped = -1;

    for (unsigned k = 0; k < n; k++) {
        bool felt = strstr(rows[k].label, "user mode") ||
                    !strcmp(rows[k].label, "mode sensitive");

        if (rows[k].proof == PG_MAPPED)
            mapped = mapped < 0 ? (int)k : mapped;
        else if (strcmp(rows[k].label, "not privileged") != 0 &&
                 (sensitive < 0 || felt))
            sensitive = (int)k;
        chosen[k] = false;
    }
    if (sensitive >= 0)
        chosen[sensitive] = true;
    if (mapped >= 0)
        chosen[mapped] = true;
}

void pg_put_code_briefly(FILE *to, const struct pg_judgement *j,
                         unsigned encoding, enum pg_reading r, unsigned first)
{
    const struct pg_labels *l = &j->best.labels[encoding];
    struct pg_lines lines = {.to = to, .indent = 2};
    struct pg_row rows[PG_ROWS];
    unsigned n = pg_rows(j, encoding, r, rows);
    bool chosen[PG_ROWS];

    put_title(to, j, encoding, r);
    if (!pg_critical(l, r) && !j->best.exact[encoding].vm.found &&
        !j->best.exact[encoding].hybrid.found &&
        !j->best.exact[encoding].nested.found)
        return;
    choose(rows, n, chosen);
    for (unsigned k = 0; k < n; k++)
        if (chosen[k] || !strcmp(rows[k].label, "not privileged"))
            put_row_briefly(to, j, &rows[k], first + k, chosen[k]);
    for (unsigned k = 0; k < n; k++)
        if (!chosen[k] && strcmp(rows[k].label, "not privileged") != 0)
            pg_put_words_of(&lines, "%s[%u] %s.", lines.column ? "" : "Also ",
                            first + k, rows[k].label);
    pg_end_line(&lines);
    if (pg_critical(l, r) && !j->best.exact[encoding].vm.found)
        fputs("  And yet it meets the exact criterion of the monitor.\n", to);
    pg_put_code_notes(to, j->isa, encoding);
}

/* ---- Definitions and single witnesses ---- */

/* Of a label without its mode, for which it is defined in the same words. */
static int length_of(const char *label)
{
    static const char *const modes[] = {" in supervisor mode", " in user mode"};
    size_t n = strlen(label);

    for (unsigned i = 0; i < 2; i++)
        if (n > strlen(modes[i]) &&
            !strcmp(label + n - strlen(modes[i]), modes[i]))
            return (int)(n - strlen(modes[i]));
    return (int)n;
}

static void put_definition(FILE *to, int length, const char *label,
                           const char *text)
{
    struct pg_lines lines = {.to = to, .indent = 4};

    pg_begin_line(&lines, "  ");
    pg_put_words_of(&lines, "%.*s:", length, label);
    pg_put_words_of(&lines, "%s.", text);
    pg_end_line(&lines);
}

void pg_put_definitions(FILE *to, const struct pg_judgement *j,
                        enum pg_reading r)
{
    const struct pg_definition *classes = pg_class_definitions(r);
    struct pg_row rows[PG_ROWS], seen[2 * PG_ROWS];
    unsigned n = 0;

    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        unsigned count = pg_rows(j, i, r, rows);

        for (unsigned k = 0; k < count; k++) {
            unsigned at = 0;

            while (at < n && seen[at].definition != rows[k].definition)
                at++;
            if (at == n && n < ARRAY_LEN(seen))
                seen[n++] = rows[k];
        }
    }
    fputs("\nWhat the labels mean (i(S) is what the instruction makes of S; "
          "f(S) is S\nunder a monitor)\n",
          to);
    for (unsigned i = 0; i < PG_CLASSES; i++)
        put_definition(to, (int)strlen(classes[i].name), classes[i].name,
                       classes[i].text);
    for (unsigned i = 0; i < n; i++)
        put_definition(to, length_of(seen[i].label), seen[i].label,
                       seen[i].definition);
}

bool pg_report_witness(FILE *to, const struct pg_judgement *j,
                       enum pg_reading r, unsigned n)
{
    struct pg_row row;

    if (!pg_find_row(j, r, n, &row))
        return false;
    fprintf(to, "%s: %s.\n", j->isa->encodings[row.encoding].name,
            class_of(&j->best.labels[row.encoding], r));
    put_row(to, j, &row, n);
    return true;
}
