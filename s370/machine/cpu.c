/* Making and resetting a CPU. */
#include "s370/machine/cpu.h"

#include "s370/machine/timer.h"

/* GA22-7000, "CPU Reset" and "Initial CPU Reset": the first ends what is
 * pending, the second also clears PSW, prefix, CPU timer and clock comparator
 * and gives the control registers their initial values.  General and
 * floating-point registers stay, and so does the TOD clock. */
void s370_cpu_reset(struct s370_cpu *cpu, bool initial)
{
    struct s370_timers *t = &cpu->timers;

    t->interval_pending = t->key_pending = t->signal_pending = false;
    t->emergency_pending = t->call_pending = false;
    cpu->restart_pending = false;
    cpu->per_code = 0;
    if (initial) {
        cpu->psw = (struct s370_psw){0};
        cpu->prefix = 0;
        __builtin_memset(cpu->cr, 0, sizeof(cpu->cr));
        cpu->cr[0] = S370_CR0_RESET;
        cpu->cr[2] = S370_CR2_RESET;
        cpu->cr[14] = S370_CR14_RESET;
        cpu->cr[15] = S370_CR15_RESET;
        s370_timers_reset(t, s370_ticks(cpu));
    }
    s370_tlb_purge(cpu);
}

enum status s370_cpu_init(struct s370_cpu *cpu, struct s370_storage *storage,
                          struct clock *clock, struct s370_channels *channels)
{
    *cpu = (struct s370_cpu){
        .storage = storage,
        .clock = clock,
        .channels = channels,
        .generation = 0xFE * (uint32_t)S370_CONTEXT_GENERATION,
    };
    s370_cpu_reset(cpu, true);
    return STATUS_OK;
}

void s370_cpu_fini(struct s370_cpu *cpu)
{
    cpu->storage = NULL;
    cpu->channels = NULL;
}
