#include "x86vmm/bare/time.h"

#include "x86vmm/bare/cpu.h"
#include "x86vmm/machine/platform.h"

static uint64_t begun, hertz;

void time_init(void)
{
    enum { COUNT = 1193182 / 100, GATE = 0x61, OUT2 = 0x20 };

    out8(GATE, (in8(GATE) & 0xFC) | 1); /* count, and let nobody hear it */
    out8(0x43, 0xB0);                   /* channel 2, mode 0 */
    out8(0x42, COUNT & 0xFF);
    out8(0x42, COUNT >> 8);
    begun = rdtsc();
    while (!(in8(GATE) & OUT2))
        ;
    hertz = (rdtsc() - begun) * 100;
}

/* a * b / c, for results of 64 bits. */
static uint64_t scale(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t low, high;

    __asm__("mul %3" : "=a"(low), "=d"(high) : "a"(a), "r"(b));
    __asm__("div %4" : "=a"(low), "=d"(high) : "a"(low), "d"(high), "r"(c));
    return low;
}

uint64_t time_now(void)
{
    return scale(rdtsc() - begun, X86_TICKS_SECOND, hertz);
}

uint64_t time_cycles(uint64_t ticks)
{
    return ticks > UINT32_MAX ? UINT32_MAX
                              : scale(ticks, hertz, X86_TICKS_SECOND);
}

uint64_t time_wait(uint64_t until)
{
    uint64_t now;

    while ((now = time_now()) < until)
        __asm__ volatile("pause");
    return now;
}
