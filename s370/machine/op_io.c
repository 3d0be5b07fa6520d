/* The I/O instructions: they hand a device address to the channels and show
 * their answer as condition code (GA22-7000, "Input/Output Instructions"). */
#include "s370/machine/access.h"
#include "s370/machine/channel.h"

typedef uint8_t (*channel_fn)(struct s370_channels *ch, uint32_t address);

/* The channels count from the clock, which stands where this run of
 * instructions began: show them the time of this very instruction.  What is
 * due at it comes after it. */
static int io(struct s370_cpu *cpu, const struct s370_decoded *d, channel_fn fn)
{
    if (!cpu->channels) {
        cpu->psw.cc = 3; /* not operational */
        return S370_SYNC;
    }
    cpu->clock->now += cpu->ran;
    cpu->psw.cc = fn(cpu->channels, s370_ea2(cpu, d));
    cpu->clock->now -= cpu->ran;
    return S370_SYNC;
}

#define IO(name)                                                      \
    int op_##name(struct s370_cpu *cpu, const struct s370_decoded *d) \
    {                                                                 \
        return io(cpu, d, s370_##name);                               \
    }

IO(sio)
IO(siof)
IO(tio)
IO(clrio)
IO(hio)
IO(hdv)
IO(tch)
IO(stidc)
