/* The processor that the monitor itself runs on: the instructions that C has no
 * words for, and its tables. */
#ifndef X86VMM_BARE_CPU_H
#define X86VMM_BARE_CPU_H

#include "base/types.h"

/* Descriptor tables, the task register, and what becomes of an exception of the
 * monitor's own: it is told on the console, and that is the end. */
void cpu_init(void);

/* Turn the machine off, by the ports that emulators have for it, or halt.
 * `code` is what the exit port is told. */
_Noreturn void cpu_off(uint8_t code);

struct trap_frame {
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

extern uint64_t gdt[];
extern uint8_t stack_end[];

static inline uint8_t in8(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr"
                     :
                     : "c"(msr), "a"((uint32_t)value),
                       "d"((uint32_t)(value >> 32))
                     : "memory");
}

static inline void cpuid(uint32_t leaf, uint32_t out[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                     : "a"(leaf), "c"(0));
}

/* How wide physical addresses are. */
static inline unsigned cpu_physical_bits(void)
{
    uint32_t r[4];

    cpuid(0x80000008, r);
    return r[0] & 0xFF;
}

static inline uint64_t rdtsc(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

#define READ_CONTROL(n)                                       \
    static inline uint64_t read_cr##n(void)                   \
    {                                                         \
        uint64_t value;                                       \
                                                              \
        __asm__ volatile("mov %%cr" #n ", %0" : "=r"(value)); \
        return value;                                         \
    }
#define WRITE_CONTROL(n)                                               \
    static inline void write_cr##n(uint64_t value)                     \
    {                                                                  \
        __asm__ volatile("mov %0, %%cr" #n : : "r"(value) : "memory"); \
    }
READ_CONTROL(0)
WRITE_CONTROL(0)
READ_CONTROL(2)
WRITE_CONTROL(2)
READ_CONTROL(3)
READ_CONTROL(4)
WRITE_CONTROL(4)

#endif
