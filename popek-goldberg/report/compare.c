#include "popek-goldberg/report/compare.h"

#include "popek-goldberg/report/sets.h"
#include "popek-goldberg/report/text.h"

#include <string.h>

/* What is held against one another of a machine as a whole. */
enum verdict { THEOREM_1, THEOREM_2, THEOREM_3, EXACT, HYBRID, NESTED, DIRECT };

enum { VERDICTS = DIRECT + 1 };

static const struct {
    const char *words, *key;
} verdicts[VERDICTS] = {
    [THEOREM_1] = {"Theorem 1", "t1"},
    [THEOREM_2] = {"Theorem 2", "t2"},
    [THEOREM_3] = {"Theorem 3", "t3"},
    [EXACT] = {"exact criterion, monitor", "exact"},
    [HYBRID] = {"exact criterion, hybrid", "exact_hybrid"},
    [NESTED] = {"exact criterion, twice", "exact_nested"},
    [DIRECT] = {"efficiency", "efficiency"},
};

static bool holds(const struct pg_comparison *c, unsigned side, unsigned v)
{
    const struct pg_case *b = &c->j[side]->best;
    const bool all[VERDICTS] = {b->holds[c->r][PG_T1],
                                b->holds[c->r][PG_T2],
                                b->holds[c->r][PG_T3],
                                b->vm,
                                b->hybrid,
                                b->nested,
                                b->direct};

    return all[v];
}

/* Is this encoding against the verdict? */
static bool spoils(const struct pg_comparison *c, unsigned side, unsigned i,
                   unsigned v)
{
    const struct pg_judgement *j = c->j[side];
    const struct pg_exact *x = &j->best.exact[i];
    bool needed = j->isa->encodings[i].needed;
    const bool all[VERDICTS] = {
        [THEOREM_1] = pg_spoils(j, i, c->r, PG_T1),
        [THEOREM_2] = pg_spoils(j, i, c->r, PG_T2),
        [THEOREM_3] = pg_spoils(j, i, c->r, PG_T3),
        [EXACT] = !needed && x->vm.found,
        [HYBRID] = !needed && x->hybrid.found,
        [NESTED] = x->nested.found,
        [DIRECT] = !needed && pg_needlessly_stopped(&j->best.labels[i], x)};

    return all[v];
}

static const char *name_of(const struct pg_comparison *c, unsigned side)
{
    return c->names[side] ? c->names[side] : c->j[side]->isa->name;
}

/* The encoding of this name on that side, or -1. */
static int find(const struct pg_comparison *c, unsigned side, const char *name)
{
    return isa_find_encoding(c->j[side]->isa, name);
}

/* ---- One encoding, on both sides ---- */

enum { CLASS_SIZE = 256 };

static void class_words(const struct pg_comparison *c, unsigned side,
                        unsigned i, char out[CLASS_SIZE])
{
    const struct pg_judgement *j = c->j[side];
    const struct pg_labels *l = &j->best.labels[i];
    const struct pg_exact *x = &j->best.exact[i];
    char ways[PG_WAYS_SIZE];

    pg_ways_words(j->isa, l, c->r, ways);
    snprintf(out, CLASS_SIZE, "%s%s%s%s%s",
             pg_region_name(pg_region_of(l, c->r)),
             strcmp(ways, "none") ? "; sensitive by " : "",
             strcmp(ways, "none") ? ways : "", x->vm.found ? "; breaks " : "",
             x->vm.found ? pg_broken_words(x) : "");
}

static bool same_class(const struct pg_comparison *c, unsigned a, unsigned b)
{
    char words[2][CLASS_SIZE];

    class_words(c, 0, a, words[0]);
    class_words(c, 1, b, words[1]);
    return !strcmp(words[0], words[1]) &&
           c->j[0]->best.exact[a].hybrid.found ==
               c->j[1]->best.exact[b].hybrid.found;
}

/* Does this encoding of side 0 have one of its name on side 1, and is that
 * another? */
static bool is_different(const struct pg_comparison *c, unsigned i)
{
    int other = find(c, 1, c->j[0]->isa->encodings[i].name);

    return other >= 0 && !same_class(c, i, (unsigned)other);
}

static bool is_same(const struct pg_comparison *c, unsigned i)
{
    int other = find(c, 1, c->j[0]->isa->encodings[i].name);

    return other >= 0 && same_class(c, i, (unsigned)other);
}

bool pg_compare_differs(const struct pg_comparison *c)
{
    for (unsigned v = 0; v < VERDICTS; v++)
        if (holds(c, 0, v) != holds(c, 1, v))
            return true;
    for (unsigned i = 0; i < c->j[0]->isa->encoding_count; i++)
        if (!is_same(c, i))
            return true;
    return c->j[0]->isa->encoding_count != c->j[1]->isa->encoding_count;
}

/* ---- In words ---- */

/* The number of an encoding's first witness; *row is that witness. */
static unsigned first_row(const struct pg_comparison *c, unsigned side,
                          unsigned i, struct pg_row *row)
{
    struct pg_row rows[PG_ROWS];
    unsigned n = 0;

    for (unsigned k = 0; k < i; k++)
        n += pg_rows(c->j[side], k, c->r, rows);
    if (!pg_rows(c->j[side], i, c->r, rows))
        return 0;
    *row = rows[0];
    return n + 1;
}

static void put_reason(FILE *to, const struct pg_comparison *c, unsigned side,
                       unsigned i)
{
    const struct pg_labels *l = &c->j[side]->best.labels[i];
    struct pg_row row;
    unsigned n = first_row(c, side, i, &row);

    if (l->privileged[c->r] || !n)
        return;
    fprintf(to, "      witness [%u] of %s, %s: ", n, name_of(c, side),
            row.label);
    pg_put_difference(to, c->j[side], &row);
    fputc('\n', to);
}

static void put_different(FILE *to, const struct pg_comparison *c, unsigned i)
{
    const char *name = c->j[0]->isa->encodings[i].name;
    unsigned at[2] = {i, (unsigned)find(c, 1, name)};
    char words[CLASS_SIZE], head[128];

    fprintf(to, "  %s\n", name);
    for (unsigned side = 0; side < 2; side++) {
        struct pg_lines lines = {.to = to, .indent = 17};

        class_words(c, side, at[side], words);
        snprintf(head, sizeof(head), "    %-12s ", name_of(c, side));
        pg_begin_line(&lines, head);
        pg_put_words(&lines, words);
        pg_end_line(&lines);
    }
    for (unsigned side = 0; side < 2; side++)
        put_reason(to, c, side, at[side]);
}

/* "MOVE_from_SR, there privileged and sensitive" */
static void put_culprits(FILE *to, const struct pg_comparison *c, unsigned side,
                         unsigned v)
{
    const struct pg_judgement *j = c->j[side], *others = c->j[!side];
    struct pg_lines lines = {.to = to, .indent = 6};
    const char *joint = "";

    pg_put_words_of(&lines, "%s:", name_of(c, side));
    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        const char *name = j->isa->encodings[i].name;
        int other = find(c, !side, name);

        if (!spoils(c, side, i, v) ||
            (other >= 0 && spoils(c, !side, (unsigned)other, v)))
            continue;
        pg_put_words_of(&lines, "%s %s (%s: %s)", joint, name,
                        name_of(c, !side),
                        other < 0 ? "not there"
                                  : pg_region_name(pg_region_of(
                                        &others->best.labels[other], c->r)));
        joint = "and";
    }
    if (v == THEOREM_2 && j->isa->timing)
        pg_put_words_of(&lines, "%s timing: %s", joint, j->isa->timing);
    pg_end_line(&lines);
}

/* Do both differ, and because of the same encodings? */
static bool same_reason(const struct pg_comparison *c, unsigned u, unsigned v)
{
    unsigned side = holds(c, 0, v);

    if (holds(c, 0, u) != holds(c, 0, v) || holds(c, 1, u) != holds(c, 1, v) ||
        ((u == THEOREM_2 || v == THEOREM_2) && c->j[side]->isa->timing))
        return false;
    for (unsigned i = 0; i < c->j[side]->isa->encoding_count; i++)
        if (spoils(c, side, i, u) != spoils(c, side, i, v))
            return false;
    return true;
}

/* A verdict that differs, with the later ones for the same reason. */
static void put_verdict(FILE *to, const struct pg_comparison *c, unsigned v)
{
    struct pg_lines lines = {.to = to, .indent = 2};

    for (unsigned u = 0; u < v; u++)
        if (same_reason(c, u, v))
            return;
    fputc('\n', to);
    pg_begin_line(&lines, "* ");
    pg_put_words(&lines, verdicts[v].words);
    for (unsigned u = v + 1; u < VERDICTS; u++)
        if (same_reason(c, v, u)) {
            pg_put_mark(&lines, ';');
            pg_put_words(&lines, verdicts[u].words);
        }
    pg_put_mark(&lines, ':');
    pg_put_words(&lines, "because of");
    pg_end_line(&lines);
    put_culprits(to, c, holds(c, 0, v), v);
}

static void put_verdicts(FILE *to, const struct pg_comparison *c)
{
    fprintf(to, "%-26s %-12s %s\n", "", name_of(c, 0), name_of(c, 1));
    for (unsigned v = 0; v < VERDICTS; v++) {
        bool differ = holds(c, 0, v) != holds(c, 1, v);

        fprintf(to, "%-26s %-12s %s%s\n", verdicts[v].words,
                holds(c, 0, v) ? "holds" : "fails",
                holds(c, 1, v) ? "holds" : "fails", differ ? "  *" : "");
    }
    for (unsigned v = 0; v < VERDICTS; v++)
        if (holds(c, 0, v) != holds(c, 1, v))
            put_verdict(to, c, v);
}

static void put_mnemonics(FILE *to, const struct pg_comparison *c)
{
    const struct isa *isa = c->j[0]->isa;
    const char *title = "\nBy mnemonic (corrected reading):\n";

    for (unsigned i = 0; i < isa->encoding_count; i++) {
        const char *name = isa->encodings[i].mnemonic;

        if (isa_find_mnemonic(isa, name) != (int)i ||
            isa_find_mnemonic(c->j[1]->isa, name) < 0)
            continue;
        const char *here = pg_listed_words(c->j[0], name);
        const char *there = pg_listed_words(c->j[1], name);
        if (strcmp(here, there) != 0) {
            fprintf(to, "%s  %s is %s in %s, %s in %s\n", title, name, here,
                    name_of(c, 0), there, name_of(c, 1));
            title = "";
        }
    }
}

static void put_only(FILE *to, const struct pg_comparison *c, unsigned side)
{
    const struct pg_judgement *j = c->j[side];
    char ways[PG_WAYS_SIZE];
    bool any = false;

    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        const struct pg_labels *l = &j->best.labels[i];
        const char *name = j->isa->encodings[i].name;

        if (find(c, !side, name) >= 0)
            continue;
        if (!any)
            fprintf(to, "\nOnly in %s:\n", name_of(c, side));
        any = true;
        pg_ways_words(j->isa, l, c->r, ways);
        fprintf(
            to, "  %-16s %s%s%s\n", name, pg_region_name(pg_region_of(l, c->r)),
            strcmp(ways, "none") ? ": " : "", strcmp(ways, "none") ? ways : "");
    }
}

void pg_compare(FILE *to, const struct pg_comparison *c)
{
    const char *title = "\nNot the same:\n";
    struct pg_lines lines = {.to = to, .indent = 2};
    unsigned same = 0;

    fprintf(to, "%s against %s (%s reading)\n\n", name_of(c, 0), name_of(c, 1),
            c->r == PG_LITERAL ? "literal" : "corrected");
    put_verdicts(to, c);
    for (unsigned i = 0; i < c->j[0]->isa->encoding_count; i++) {
        same += is_same(c, i);
        if (!is_different(c, i))
            continue;
        fputs(title, to);
        put_different(to, c, i);
        title = "";
    }
    put_mnemonics(to, c);
    put_only(to, c, 0);
    put_only(to, c, 1);
    fprintf(to, "\nThe same in both: %u.\n", same);
    for (unsigned i = 0; i < c->j[0]->isa->encoding_count; i++)
        if (is_same(c, i))
            pg_put_words(&lines, c->j[0]->isa->encodings[i].name);
    pg_end_line(&lines);
}

/* ---- As JSON ---- */

static void put_pair(FILE *to, const char *key, const char *a, const char *b)
{
    fprintf(to, "\"%s\":[", key);
    pg_put_json_string(to, a);
    fputc(',', to);
    pg_put_json_string(to, b);
    fputc(']', to);
}

static void put_json_culprits(FILE *to, const struct pg_comparison *c,
                              unsigned side, unsigned v)
{
    const struct isa *isa = c->j[side]->isa;
    const char *separator = "";

    fputc('[', to);
    for (unsigned i = 0; i < isa->encoding_count; i++)
        if (spoils(c, side, i, v)) {
            fputs(separator, to);
            pg_put_json_string(to, isa->encodings[i].name);
            separator = ",";
        }
    fputc(']', to);
}

static void put_json_verdicts(FILE *to, const struct pg_comparison *c)
{
    fputs(",\"verdicts\":{", to);
    for (unsigned v = 0; v < VERDICTS; v++) {
        fprintf(to, "%s\"%s\":{", v ? "," : "", verdicts[v].key);
        put_pair(to, "says", holds(c, 0, v) ? "holds" : "fails",
                 holds(c, 1, v) ? "holds" : "fails");
        fputs(",\"because\":[", to);
        put_json_culprits(to, c, 0, v);
        fputc(',', to);
        put_json_culprits(to, c, 1, v);
        fputs("]}", to);
    }
    fputc('}', to);
}

static void put_json_only(FILE *to, const struct pg_comparison *c,
                          unsigned side)
{
    const struct isa *isa = c->j[side]->isa;
    const char *separator = "";

    fputc('[', to);
    for (unsigned i = 0; i < isa->encoding_count; i++)
        if (find(c, !side, isa->encodings[i].name) < 0) {
            fputs(separator, to);
            pg_put_json_string(to, isa->encodings[i].name);
            separator = ",";
        }
    fputc(']', to);
}

static void put_json_encodings(FILE *to, const struct pg_comparison *c)
{
    const struct isa *isa = c->j[0]->isa;
    const char *separator = "";

    fputs(",\"differ\":[", to);
    for (unsigned i = 0; i < isa->encoding_count; i++) {
        const char *name = isa->encodings[i].name;
        char words[2][CLASS_SIZE];

        if (!is_different(c, i))
            continue;
        class_words(c, 0, i, words[0]);
        class_words(c, 1, (unsigned)find(c, 1, name), words[1]);
        fprintf(to, "%s{\"encoding\":", separator);
        pg_put_json_string(to, name);
        fputc(',', to);
        put_pair(to, "class", words[0], words[1]);
        fputc('}', to);
        separator = ",";
    }
    fputs("],\"same\":[", to);
    separator = "";
    for (unsigned i = 0; i < isa->encoding_count; i++)
        if (is_same(c, i)) {
            fputs(separator, to);
            pg_put_json_string(to, isa->encodings[i].name);
            separator = ",";
        }
    fputc(']', to);
}

void pg_compare_json(FILE *to, const struct pg_comparison *c)
{
    fputc('{', to);
    put_pair(to, "machines", name_of(c, 0), name_of(c, 1));
    fprintf(to, ",\"reading\":\"%s\"",
            c->r == PG_LITERAL ? "literal" : "corrected");
    put_json_verdicts(to, c);
    put_json_encodings(to, c);
    fputs(",\"only\":[", to);
    put_json_only(to, c, 0);
    fputc(',', to);
    put_json_only(to, c, 1);
    fputs("]}\n", to);
}
