/* Observed labels beside the declared ones, and what they rest on. */
#include "popek-goldberg/probe_s370_state.h"

#include <string.h>

static const char *const part_names[PG_PARTS - S370_REG_COUNT] = {
    [PG_TOD_SET - S370_REG_COUNT] = "TOD_SET",
    [PG_SIGNALS - S370_REG_COUNT] = "SIGNALS",
    [PG_STOPPED - S370_REG_COUNT] = "STOPPED",
    [PG_CPU_ID - S370_REG_COUNT] = "CPU_ID",
    [PG_CPU_ADDRESS - S370_REG_COUNT] = "CPU_ADDRESS",
    [PG_STORAGE_KEYS - S370_REG_COUNT] = "KEYS",
    [PG_REFERENCE - S370_REG_COUNT] = "R_AND_C",
    [PG_TRANSLATION - S370_REG_COUNT] = "TLB",
    [PG_CHANNELS - S370_REG_COUNT] = "CHANNELS",
    [PG_OUTSIDE - S370_REG_COUNT] = "STORAGE_OUTSIDE",
    [PG_WINDOW - S370_REG_COUNT] = "STORAGE",
    [PG_LOCATION - S370_REG_COUNT] = "LOCATION",
    [PG_TRAP - S370_REG_COUNT] = "TRAP",
};

const char *pg_part_name(unsigned part)
{
    if (part < S370_REG_COUNT)
        return s370_regs.rows[part].name;
    return part < PG_PARTS ? part_names[part - S370_REG_COUNT] : "nothing";
}

/* ---- Judging ---- */

static const struct footnote {
    uint16_t op;
    uint8_t privilege, missing, extra;
    const char *words;
} footnotes[] = {
#define FOOTNOTE(name, privilege, missing, extra, words) \
    {S370_OP_##name, PRIV_##privilege, missing, extra, words},
#include "popek-goldberg/s370_footnotes.def"
#undef FOOTNOTE
};

struct pg_probe_verdict pg_probe_s370_judge(const struct pg_probe_row *row)
{
    const struct insn_desc *d = &s370_insns.rows[row->op];
    uint8_t both = d->sensitivity & row->sensitivity;
    struct pg_probe_verdict v = {
        .critical = row->sensitivity && row->privilege != PRIV_P,
        .missing = d->sensitivity & (uint8_t)~both,
        .extra = row->sensitivity & (uint8_t)~both,
    };

    v.agrees = row->privilege == d->privilege && !v.missing && !v.extra &&
               row->completed && !row->silent;
    for (size_t i = 0; i < ARRAY_LEN(footnotes); i++) {
        const struct footnote *f = &footnotes[i];

        if (f->op == row->op && f->privilege == row->privilege &&
            f->missing == v.missing && f->extra == v.extra && !row->silent)
            v.explained = f->words;
    }
    return v;
}

/* ---- The table ---- */

static const char *labels(unsigned sensitivity)
{
    static const char *const words[8] = {"-",        "CTL",         "LOC",
                                         "CTL LOC",  "MODE",        "CTL MODE",
                                         "LOC MODE", "CTL LOC MODE"};

    return words[sensitivity & 7];
}

static void print_parts(uint64_t parts, FILE *out)
{
    for (unsigned i = 0; i < PG_PARTS; i++) {
        unsigned last = i;

        if (!(parts >> i & 1))
            continue;
        while (last >= S370_REG_CR0 && last < S370_REG_CR15 &&
               (parts >> (last + 1) & 1))
            last++;
        fprintf(out, " %s", pg_part_name(i));
        if (last > i)
            fprintf(out, "-%s", pg_part_name(last));
        i = last;
    }
}

static void print_row(const struct pg_probe_row *row,
                      const struct pg_probe_verdict *v, FILE *out)
{
    const struct insn_desc *d = &s370_insns.rows[row->op];

    fprintf(out, "%-6s %c %-13s %c %-13s %6u %6u %s", d->name,
            "UPQ"[d->privilege], labels(d->sensitivity), "UPQ"[row->privilege],
            labels(row->sensitivity), row -> pairs, row -> completed,
            !pg_probe_good(v) ? "DIFFERS"
            : v->explained    ? "explained"
                              : "agrees");
    if (row->leaks) {
        fputs("; shows", out);
        print_parts(row->leaks, out);
    }
    if (row->traps_by & ~(UINT64_C(1) << S370_REG_PSW_P)) {
        fputs("; traps by", out);
        print_parts(row->traps_by, out);
    }
    if (row->silent)
        fputs("; does less in the problem state without a trap", out);
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

static void print_footnotes(const struct pg_probe_row *rows, FILE *out)
{
    fputs("\nFootnotes\n", out);
    for (unsigned op = 0; op < S370_OP_COUNT; op++) {
        struct pg_probe_verdict v = pg_probe_s370_judge(&rows[op]);

        if (v.explained)
            fprintf(out, "%s: %s.\n", s370_insns.rows[op].name, v.explained);
    }
}

int pg_probe_s370_report(const struct pg_probe_row *rows, FILE *out)
{
    unsigned records = 0;
    int bad = 0;

    fputs("       declared        observed         pairs   done\n", out);
    for (unsigned op = 0; op < S370_OP_COUNT; op++) {
        struct pg_probe_verdict v = pg_probe_s370_judge(&rows[op]);

        print_row(&rows[op], &v, out);
        bad += !pg_probe_good(&v);
        records += rows[op].records && !(rows[op].sensitivity & SENS_CTL);
        if (!pg_probe_good(&v))
            print_why(&rows[op], out);
    }
    print_footnotes(rows, out);
    fprintf(out,
            "Reference and change bits: %u instructions set them and are not "
            "called control\nsensitive for that; the monitor merges them with "
            "the guest's.\n",
            records);
    fprintf(out, "%u instructions; %d neither agree nor are explained.\n",
            (unsigned)S370_OP_COUNT, bad);
    return bad;
}

/* ---- A witness in words ---- */

static void print_state(const char *name, const struct pg_state *s, FILE *out)
{
    char psw[64];

    (void)s370_psw_brief(&s->cpu.psw, psw, sizeof(psw));
    fprintf(out, "    %s: PSW %s %s, window at real blocks", name, psw,
            s->cpu.psw.problem ? "problem" : "supervisor");
    for (unsigned i = 0; i < PG_WINDOW_BLOCKS; i++)
        fprintf(out, " %u", s->frame[i]);
    fprintf(out, ", prefix %06x\n", s->cpu.prefix);
}

static void print_seen(const struct pg_difference *d, FILE *out)
{
    fprintf(out, "    %s", pg_part_name(d->part));
    if (d->part == PG_WINDOW || d->part == PG_OUTSIDE ||
        d->part == PG_STORAGE_KEYS || d->part == PG_REFERENCE)
        fprintf(out, "[%x]", d->index);
    fprintf(out, ": %llx and %llx\n", (unsigned long long)d->a,
            (unsigned long long)d->b);
}

void pg_probe_print_witness(const struct pg_probe_witness *w, FILE *out)
{
    struct pg_state s;
    const struct insn_desc *d = &s370_insns.rows[w->op];

    pg_state_make(&s, w->seed, w->op, w->number);
    unsigned len = s370_insn_len(s.code[0]);
    fprintf(out, "  %s, state %u, ", d->name, w->number);
    for (unsigned i = 0; i < len; i++)
        fprintf(out, "%02x", s.code[i]);
    fputs(s.executed ? " by EXECUTE" : "", out);
    if (w->varied == PG_PARTS)
        fputs(", before and after\n", out);
    else
        fprintf(out, ", varied: %s\n", pg_part_name(w->varied));
    print_state("S1", &s, out);
    if (w->varied != PG_PARTS &&
        pg_state_vary(&s, w->varied, w->seed, w->number))
        print_state("S2", &s, out);
    print_seen(&w->seen, out);
}
