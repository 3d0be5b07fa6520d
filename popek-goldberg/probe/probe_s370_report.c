/* The parts of a state, and witnesses, in words. */
#include "popek-goldberg/probe/probe_s370_state.h"

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
