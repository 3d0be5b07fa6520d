/* TOD clock, clock comparator and CPU timer (GA22-7000, "Timing"). */
#include "s370/machine/access.h"
#include "s370/machine/timer.h"

/* The operand of all but STORE CLOCK is a doubleword on its boundary. */
static int load_clock(struct s370_cpu *cpu, const struct s370_decoded *d,
                      uint64_t *v)
{
    uint32_t a = s370_ea2(cpu, d);

    return a & 7 ? S370_PGM_SPECIFICATION : s370_load64(cpu, a, v);
}

static int store_clock(struct s370_cpu *cpu, const struct s370_decoded *d,
                       uint64_t v)
{
    uint32_t a = s370_ea2(cpu, d);

    return a & 7 ? S370_PGM_SPECIFICATION : s370_store64(cpu, a, v);
}

/* The operator's TOD-clock switch is always in the enable-set position:
 * condition code 0, value set. */
int op_sck(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint64_t v;

    TRY(load_clock(cpu, d, &v));
    s370_tod_set(&cpu->timers, s370_ticks(cpu), v);
    cpu->psw.cc = 0;
    return S370_SYNC;
}

/* Each instruction is a tick later than the one before it, so two STORE CLOCK
 * never store the same value. */
int op_stck(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    TRY(s370_store64(cpu, s370_ea2(cpu, d),
                     s370_tod(&cpu->timers, s370_ticks(cpu))));
    cpu->psw.cc = cpu->timers.tod_set ? 0 : 1;
    return S370_DONE;
}

int op_sckc(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint64_t v;

    TRY(load_clock(cpu, d, &v));
    s370_comparator_set(&cpu->timers, v);
    return S370_SYNC;
}

int op_stckc(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    return store_clock(cpu, d, cpu->timers.comparator);
}

int op_spt(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint64_t v;

    TRY(load_clock(cpu, d, &v));
    s370_cpu_timer_set(&cpu->timers, s370_ticks(cpu), v);
    return S370_SYNC;
}

int op_stpt(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    return store_clock(cpu, d, s370_cpu_timer(&cpu->timers, s370_ticks(cpu)));
}
