/* States and differences in words. */
#include "popek-goldberg/judge/space.h"
#include "popek-goldberg/report/report.h"

#include <string.h>

void pg_put_value(FILE *to, const struct isa *isa, const struct isa_state *s,
                  unsigned component)
{
    if (component >= PG_WORD) {
        unsigned i = component - PG_WORD;

        if (s->unknown_mem >> i & 1)
            fputs("unpredictable", to);
        else
            fprintf(to, "%llu", (unsigned long long)s->mem[i]);
    } else if (s->unknown >> component & 1) {
        fputs("unpredictable", to);
    } else if (isa->elements[component].kind == ISA_KIND_MODE) {
        fputs(s->v[component] ? "user" : "supervisor", to);
    } else {
        fprintf(to, "%llu", (unsigned long long)s->v[component]);
    }
}

void pg_put_component(FILE *to, const struct isa *isa, unsigned component)
{
    if (component >= PG_WORD)
        fprintf(to, "mem[%u]", component - PG_WORD);
    else
        fputs(isa->elements[component].name, to);
}

uint64_t pg_shown_elements(const struct isa *isa, unsigned encoding)
{
    struct space space;

    space_open(&space, isa, &isa->encodings[encoding], false);
    return space.used | 1u << ISA_MODE | 1u << ISA_BASE | 1u << ISA_BOUND |
           1u << ISA_PC;
}

bool pg_reads_clock(const struct isa *isa, unsigned encoding)
{
    struct space space;

    space_open(&space, isa, &isa->encodings[encoding], false);
    for (unsigned i = 0; i < isa->element_count; i++)
        if (isa->elements[i].kind == ISA_KIND_CLOCK && (space.read >> i & 1))
            return true;
    return false;
}

void pg_put_state(FILE *to, const struct isa *isa, unsigned encoding,
                  const struct isa_state *s)
{
    uint64_t shown = pg_shown_elements(isa, encoding);

    for (unsigned i = 0; i < isa->element_count; i++)
        if (shown >> i & 1) {
            fprintf(to, "%s%s=", i ? " " : "", isa->elements[i].name);
            pg_put_value(to, isa, s, i);
        }
    for (unsigned i = 0; i < isa->cells; i++)
        if (s->mem[i] || (s->unknown_mem >> i & 1)) {
            fprintf(to, " mem[%u]=", i);
            pg_put_value(to, isa, s, PG_WORD + i);
        }
}

void pg_put_outcome(FILE *to, const struct isa *isa, unsigned encoding,
                    const struct isa_result *r)
{
    if (r->ending == ISA_TRAPPED)
        fprintf(to, "%s trap", isa->traps[r->trap].name);
    else if (r->ending == ISA_ANYTHING)
        fputs("unpredictable", to);
    else
        pg_put_state(to, isa, encoding, &r->state);
}

void pg_put_operands(FILE *to, const struct isa *isa, unsigned encoding,
                     const struct pg_witness *w)
{
    const struct isa_encoding *c = &isa->encodings[encoding];

    fputs(c->name, to);
    for (unsigned i = 0; i < c->operand_count; i++)
        fprintf(to, "%s%s=%llu", i ? ", " : " ", c->operands[i].name,
                (unsigned long long)w->operands[i]);
}

/* "ac is 0 in one and 1 in the other". */
static void put_values(FILE *to, const struct isa *isa,
                       const struct pg_witness *w)
{
    pg_put_component(to, isa, w->component);
    fputs(" is ", to);
    pg_put_value(to, isa, &w->r[0].state, w->component);
    fputs(" in the first outcome, ", to);
    pg_put_value(to, isa, &w->r[1].state, w->component);
    fputs(" in the second", to);
}

static void put_change(FILE *to, const struct isa *isa,
                       const struct pg_witness *w)
{
    pg_put_component(to, isa, w->component);
    fputs(" changes from ", to);
    pg_put_value(to, isa, &w->s[0], w->component);
    fputs(" to ", to);
    pg_put_value(to, isa, &w->r[0].state, w->component);
}

void pg_put_difference(FILE *to, const struct pg_judgement *j,
                       const struct pg_row *row)
{
    const struct isa *isa = j->isa;
    const struct pg_witness *w = row->witness;

    switch (w->why) {
    case PG_DIFFERS:
        if (row->proof == PG_PAIR || row->proof == PG_MAPPED)
            put_values(to, isa, w);
        else
            put_change(to, isa, w);
        if (row->proof == PG_LESS)
            fputs(" in supervisor mode, and not in user mode", to);
        return;
    case PG_TRAP_CONTROLS:
        fputs("the trap itself loads a new PSW, with another ", to);
        pg_put_component(to, isa, w->component);
        return;
    case PG_UNPREDICTABLE:
        fputs("unpredictable: it need not trap, and may change anything", to);
        return;
    case PG_NO_TRAP:
        fputs("it does not trap in user mode", to);
        return;
    case PG_TRAPS_TOO:
        fputs("it traps in supervisor mode too", to);
        return;
    case PG_HIDDEN:
        put_change(to, isa, w);
        fputs(" on the bare machine, and the monitor, which keeps the virtual "
              "one, is not told",
              to);
        return;
    case PG_SEIZED:
        pg_put_component(to, isa, w->component);
        fputs(" of the real machine is not what the monitor has set", to);
        return;
    case PG_REAL_TRAPS:
        fputs(row->proof == PG_PAIR
                  ? "it traps in supervisor mode and not in user mode"
                  : "the bare machine traps and the virtual one does not",
              to);
        return;
    case PG_VIRTUAL_TRAPS:
        fputs("the virtual machine traps and the bare one does not", to);
        return;
    }
}
