/* The three answers in words. */
#include "popek-goldberg/probe/agree_s370.h"
#include "popek-goldberg/report/text.h"

#include <string.h>

enum { BEYOND = 64, NAMES = 2, SHOWN = 7 }; /* indents */

/* ---- Parts ---- */

static const char *labels(unsigned sensitivity)
{
    static const char *const words[8] = {"-",        "CTL",         "LOC",
                                         "CTL LOC",  "MODE",        "CTL MODE",
                                         "LOC MODE", "CTL LOC MODE"};

    return words[sensitivity & 7];
}

static void print_column(const struct pg_s370_column *c, FILE *out)
{
    if (c->there)
        fprintf(out, " %c %-13s", "UPQ"[c->privilege], labels(c->sensitivity));
    else
        fprintf(out, " %-15s", "not there");
}

static void print_parts(const char *before, uint64_t parts, FILE *out)
{
    struct pg_lines l = {.to = out, .indent = SHOWN};

    if (!parts)
        return;
    pg_put_words(&l, before);
    for (unsigned i = 0; i < PG_PARTS; i++) {
        unsigned last = i;

        if (!(parts >> i & 1))
            continue;
        while (last >= S370_REG_CR0 && last < S370_REG_CR15 &&
               (parts >> (last + 1) & 1))
            last++;
        if (last > i)
            pg_put_words_of(&l, "%s-%s", pg_part_name(i), pg_part_name(last));
        else
            pg_put_words(&l, pg_part_name(i));
        i = last;
    }
    pg_end_line(&l);
}

/* ---- The table ---- */

static bool is_plain(const struct pg_s370_verdict *v)
{
    return v->agrees && !v->columns[PG_OBSERVED].sensitivity &&
           v->columns[PG_OBSERVED].privilege == PRIV_U;
}

static void print_plain(const struct pg_s370_answers *a, FILE *out)
{
    uint32_t pairs = UINT32_MAX, completed = UINT32_MAX;
    struct pg_lines l = {.to = out, .indent = NAMES};
    unsigned n = 0;

    for (unsigned op = 0; op < S370_OP_COUNT; op++) {
        struct pg_s370_verdict v = pg_s370_judge(a, op);
        const struct pg_probe_row *row = &a->observed[op];

        if (!is_plain(&v))
            continue;
        n++;
        if (row->pairs < pairs)
            pairs = row->pairs;
        if (row->completed < completed)
            completed = row->completed;
    }
    if (!n)
        return;
    fprintf(out,
            "%u instructions are declared, derived and observed to be "
            "unprivileged and\ninnocuous.  Each was run from at least %u pairs "
            "of states, without a trap in\nat least %u:\n",
            n, pairs, completed);
    for (unsigned op = 0; op < S370_OP_COUNT; op++) {
        struct pg_s370_verdict v = pg_s370_judge(a, op);

        if (is_plain(&v))
            pg_put_words(&l, a->declared->rows[op].name);
    }
    pg_end_line(&l);
}

static void print_row(const struct pg_s370_answers *a, unsigned op,
                      const struct pg_s370_verdict *v, FILE *out)
{
    const struct pg_probe_row *row = &a->observed[op];

    fprintf(out, "%-6s", a->declared->rows[op].name);
    for (unsigned i = 0; i < PG_SOURCES; i++)
        print_column(&v->columns[i], out);
    fprintf(out, "%6u %6u %s\n", row->pairs, row->completed,
            !pg_s370_good(v) ? "DIFFERS"
            : v->explained   ? "explained"
                             : "agrees");
    print_parts("shows", row->leaks, out);
    print_parts("traps by", row->traps_by & ~(UINT64_C(1) << S370_REG_PSW_P),
                out);
    if (v->columns[PG_DERIVED].critical)
        fputs("       derived to be critical: sensitive and not privileged\n",
              out);
    if (row->silent)
        fputs("       does less in the problem state without a trap\n", out);
}

/* What the derivation rests on. */
static void print_derivation(const struct pg_s370_answers *a, const char *name,
                             FILE *out)
{
    const struct isa *isa = a->derived->isa;
    bool found = false;

    for (unsigned i = 0; i < isa->encoding_count; i++) {
        const struct isa_encoding *code = &isa->encodings[i];
        bool it = !strcmp(code->mnemonic, name);

        for (unsigned k = 0; k < code->cover_count; k++)
            it = it || !strcmp(code->covers[k], name);
        if (it)
            fprintf(out, "%s %s (line %u)", found ? "," : "  derived from",
                    code->name, code->line);
        found = found || it;
    }
    if (found)
        fputc('\n', out);
}

static void print_why(const struct pg_probe_row *row, FILE *out)
{
    const struct pg_probe_witness *alone[] = {&row->trap, &row->control,
                                              &row->less};

    for (size_t i = 0; i < ARRAY_LEN(alone); i++)
        if (alone[i]->found)
            pg_probe_print_witness(alone[i], out);
    for (unsigned i = 0; i < PG_PARTS; i++)
        if (row->shows[i].found)
            pg_probe_print_witness(&row->shows[i], out);
}

static int print_rows(const struct pg_s370_answers *a, FILE *out)
{
    int bad = 0;

    fputs("\n       declared        derived         observed        pairs   "
          "done\n",
          out);
    for (unsigned op = 0; op < S370_OP_COUNT; op++) {
        struct pg_s370_verdict v = pg_s370_judge(a, op);

        if (is_plain(&v))
            continue;
        print_row(a, op, &v, out);
        if (pg_s370_good(&v))
            continue;
        bad++;
        print_derivation(a, a->declared->rows[op].name, out);
        print_why(&a->observed[op], out);
    }
    return bad;
}

/* ---- Around it ---- */

static void print_footnote(const char *name, const char *words, FILE *out)
{
    struct pg_lines l = {.to = out, .indent = NAMES};

    pg_put_words_of(&l, "%s: %s.", name, words);
    pg_end_line(&l);
}

static void print_footnotes(const struct pg_s370_answers *a, FILE *out)
{
    unsigned records = 0;

    fputs("\nFootnotes\n", out);
    for (unsigned op = 0; op < S370_OP_COUNT; op++) {
        struct pg_s370_verdict v = pg_s370_judge(a, op);
        const struct pg_probe_row *row = &a->observed[op];

        records += row->records && !(row->sensitivity & SENS_CTL);
        if (v.explained)
            print_footnote(a->declared->rows[op].name, v.explained, out);
    }
    fprintf(out,
            "Reference and change bits: %u instructions set them and are not "
            "called control\nsensitive for that; the monitor merges them with "
            "the guest's.\n",
            records);
}

static void print_beyond(const struct pg_s370_answers *a, FILE *out)
{
    const char *names[BEYOND];
    unsigned n = pg_s370_beyond(a, names, BEYOND);
    struct pg_lines l = {.to = out, .indent = NAMES};

    if (!n)
        return;
    fprintf(out,
            "\n%u that the description %s has and our machine has not, so "
            "that nothing\nis declared or observed of them:\n",
            n, a->derived->isa->name);
    for (unsigned i = 0; i < n && i < BEYOND; i++)
        pg_put_words(&l, names[i]);
    pg_end_line(&l);
}

int pg_s370_report(const struct pg_s370_answers *a, FILE *out)
{
    int bad;

    print_plain(a, out);
    bad = print_rows(a, out);
    print_footnotes(a, out);
    print_beyond(a, out);
    fprintf(out,
            "\n%u instructions; %d neither agree nor are "
            "explained.\n",
            (unsigned)S370_OP_COUNT, bad);
    return bad;
}
