/* Asynchronous interruptions: what is pending, enabled, and first (GA22-7000,
 * "Priority of Interruptions": external, input/output, restart). */
#include "s370/machine/channel.h"
#include "s370/machine/timer.h"

bool s370_take_pending(struct s370_cpu *cpu, struct s370_interruption *in)
{
    uint16_t mask = s370_io_mask(&cpu->psw, cpu->cr[2]);

    *in = (struct s370_interruption){.cpu_address = cpu->address};
    if ((cpu->psw.system_mask & S370_MASK_EXTERNAL) &&
        s370_external_take(&cpu->timers, s370_ticks(cpu), cpu->cr[0],
                           &in->code)) {
        in->class = S370_INT_EXTERNAL;
    } else if (mask && cpu->channels &&
               s370_io_take(cpu->channels, mask, &in->code)) {
        in->class = S370_INT_IO;
    } else if (cpu->restart_pending) {
        cpu->restart_pending = false;
        in->class = S370_INT_RESTART;
    }
    return in->class != S370_INT_NONE;
}
