#include "x86vmm/bare/cpu.h"

#include "x86vmm/bare/console.h"
#include "x86vmm/bare/layout.h"
#include "x86vmm/machine/exception.h"

enum {
    TRAPS = 32,
    GATES = TRAPS + 8 /* of the first 8259A */,
    STUB = 16,
    TASK_SIZE = 104
};

/* Intel SDM vol. 3, "IDT Descriptors", "Task Management in 64-bit Mode". */
struct gate {
    uint16_t low, selector, type, middle;
    uint32_t high, zero;
};
static struct gate idt[GATES];
static uint32_t task[TASK_SIZE / 4];
static uint8_t spare[4096]; /* a stack for a fault of the stack's own */

extern uint8_t trap_stubs[], trap_tick[];

struct table_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

static void make_task(void)
{
    uint64_t base = (uint64_t)task, top = (uint64_t)spare + sizeof(spare);

    task[9] = (uint32_t)top; /* IST1 */
    task[10] = (uint32_t)(top >> 32);
    gdt[SELECTOR_TASK / 8] = (TASK_SIZE - 1) | (base & 0xFFFFFF) << 16 |
                             UINT64_C(0x89) << 40 | (base >> 24 & 0xFF) << 56;
    gdt[SELECTOR_TASK / 8 + 1] = base >> 32;
    __asm__ volatile("ltr %w0" : : "r"(SELECTOR_TASK));
}

void cpu_init(void)
{
    const struct table_pointer p = {sizeof(idt) - 1, (uint64_t)idt};

    make_task();
    for (unsigned i = 0; i < GATES; i++) {
        uint64_t to = (uint64_t)(i < TRAPS ? trap_stubs + i * STUB : trap_tick);

        idt[i] = (struct gate){.low = (uint16_t)to,
                               .selector = SELECTOR_CODE64,
                               .type = 0x8E01, /* interrupt gate, IST1 */
                               .middle = (uint16_t)(to >> 16),
                               .high = (uint32_t)(to >> 32)};
    }
    __asm__ volatile("lidt %0" : : "m"(p));
    out8(0x21, 0xFF); /* the 8259As say nothing unasked */
    out8(0xA1, 0xFF);
}

_Noreturn void bare_trap(const struct trap_frame *f);
_Noreturn void bare_trap(const struct trap_frame *f)
{
    const char *name = x86_exception_name((unsigned)f->vector);

    say("the monitor itself has met #%s (error %llx) at %llx, CR2 %llx",
        name ? name : "?", (unsigned long long)f->error,
        (unsigned long long)f->rip, (unsigned long long)read_cr2());
    say("the end, code 125");
    cpu_off(125);
}

_Noreturn void cpu_off(uint8_t code)
{
    console_drain();
    out8(0xF4, code); /* QEMU's isa-debug-exit; the modelled PC's exit port */
    for (const char *p = "Shutdown"; *p; p++)
        out8(0x8900, (uint8_t)*p); /* Bochs */
    for (;;)
        __asm__ volatile("cli; hlt");
}
