/* Making and resetting a CPU. */
#include "s370/machine/cpu.h"

#include "s370/machine/timer.h"

void s370_control_reset(uint32_t cr[16])
{
    __builtin_memset(cr, 0, 16 * sizeof(cr[0]));
    cr[0] = S370_CR0_RESET;
    cr[2] = S370_CR2_RESET;
    cr[14] = S370_CR14_RESET;
    cr[15] = S370_CR15_RESET;
}

void s370_cpu_reset(struct s370_cpu *cpu, bool initial)
{
    s370_timers_end_pending(&cpu->timers);
    cpu->restart_pending = false;
    cpu->per_code = 0;
    if (initial) {
        cpu->psw = (struct s370_psw){0};
        cpu->prefix = 0;
        s370_control_reset(cpu->cr);
        s370_timers_reset(&cpu->timers, s370_ticks(cpu));
    }
    s370_tlb_purge(cpu);
}

void s370_cpu_init(struct s370_cpu *cpu, struct s370_storage *storage,
                   struct clock *clock, struct s370_channels *channels)
{
    *cpu = (struct s370_cpu){
        .storage = storage,
        .clock = clock,
        .channels = channels,
        .generation = 0xFE * (uint32_t)S370_CONTEXT_GENERATION,
    };
    s370_cpu_reset(cpu, true);
}
