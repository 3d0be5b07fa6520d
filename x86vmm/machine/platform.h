/* What a virtual machine has beside its processor and devices: interrupt
 * lines, and the wish to end. */
#ifndef X86VMM_MACHINE_PLATFORM_H
#define X86VMM_MACHINE_PLATFORM_H

#include "base/types.h"

/* Where no interrupt controller is: line n is level-triggered and seen by the
 * guest as vector X86_LINE_VECTOR + n while it is raised and IF is on; the
 * lowest line first.  The guest's handler quiets the device before IRET.  A
 * controller (dev_pic.h) begins like that, until the guest sets it up. */
enum {
    X86_LINES = 16,
    X86_LINE_VECTOR = 0x20,
    X86_LINE_TIMER = 0,
    X86_LINE_KEYBOARD = 1,
    X86_LINE_SERIAL = 4,
    X86_LINE_FLOPPY = 6,
    X86_LINE_RTC = 8,
    X86_LINE_FLOAT = 13, /* an x87 exception, CR0.NE = 0 */
    X86_LINE_DISK = 14
};

/* Ticks of a bare PC's clock in a second of its devices: an instruction takes
 * 10 ns. */
enum { X86_TICKS_SECOND = 100000000 };

/* Of IA32_APIC_BASE (Intel SDM vol. 3, "Local APIC Status and Location"): on,
 * of the bootstrap processor; and what it is after a reset. */
enum { X86_APIC_ENABLED = 0x800, X86_APIC_BSP = 0x100 };
#define X86_APIC_BASE_RESET \
    (UINT64_C(0xFEE00000) | X86_APIC_ENABLED | X86_APIC_BSP)
/* What a program may set of it. */
#define X86_APIC_BASE_OWN \
    (UINT64_C(0xFFFFFF000) | X86_APIC_ENABLED | X86_APIC_BSP)

/* How a guest has ended its machine. */
enum x86_stop {
    X86_STOP_EXIT,  /* through its exit port, with a code */
    X86_STOP_OFF,   /* power off */
    X86_STOP_RESET, /* it wants to begin anew */
    X86_STOP_COUNT
};

/* VT-x of a guest that is a monitor itself. */
enum x86_own_end {
    X86_OWN_DONE,     /* executed: the instruction pointer is to be advanced */
    X86_OWN_FAULT,    /* *fault is the guest's */
    X86_OWN_ELSEWHERE /* the state is another one: go on there */
};
struct x86_fault; /* cpu.h */
struct x86_own_vtx {
    bool wanted; /* by whoever makes the machine */
    /* Then the engine fills in: */
    /* Execute the VMX instruction that has exited. */
    enum x86_own_end (*instruction)(void *who, struct x86_fault *fault);
    /* Read or write a model-specific register; false: there is none, or the
     * value is wrong. */
    bool (*msr)(void *who, uint32_t index, bool write, uint64_t *value);
    void *who;
};

struct x86_platform {
    uint16_t raised;    /* a bit a line; set and cleared by devices */
    bool stopped;       /* the guest has ended its machine */
    uint32_t exit_code; /* what it wrote to its exit port */
    enum x86_stop how;
    const char *through; /* of OFF and RESET: which device; static text */
    /* The interrupt controller; all NULL: none. */
    void (*line_changed)(void *controller, unsigned line, bool raised);
    bool (*waits)(void *controller);      /* an interrupt for the processor? */
    int (*acknowledge)(void *controller); /* INTA: its vector, or -1 */
    void *controller;
    /* FERR#: an x87 exception is to be told by an interrupt; NULL: nobody
     * minds. */
    void (*float_error)(void *controller);
    /* A local APIC, and what it shares with its processor: IA32_APIC_BASE and
     * CR8.  Whoever changes one of them tells; NULL: nobody minds. */
    bool apic;
    uint64_t apic_base, cr8;
    void (*apic_changed)(void *controller);
    uint64_t mcg_status; /* of machine checks (msr.h) */
    /* The interrupt controllers and the timer are the engine's: it sets the
     * five above, and is told of lines. */
    bool outside_irqchip;
    /* What CPUID tells: twelve characters of a vendor, or NULL for the
     * profile's; and whether the guest is not to see its monitor: no leaves, no
     * calls. */
    const char *vendor;
    bool hides_monitor;
    /* All that can leave a guest does, exceptions included, where the engine
     * can have it so: for whoever wants to see them. */
    bool watched;
    struct x86_own_vtx own;
};

static inline void x86_line_set(struct x86_platform *p, unsigned line,
                                bool raised)
{
    uint16_t bit = (uint16_t)(1u << (line % X86_LINES));

    p->raised = raised ? p->raised | bit : p->raised & (uint16_t)~bit;
    if (p->line_changed)
        p->line_changed(p->controller, line % X86_LINES, raised);
}

/* Is there an interrupt for the processor? */
static inline bool x86_platform_waits(const struct x86_platform *p)
{
    return p->waits ? p->waits(p->controller) : p->raised != 0;
}

/* The processor takes it: its vector, or -1 when it is gone. */
static inline int x86_platform_acknowledge(const struct x86_platform *p)
{
    if (p->acknowledge)
        return p->acknowledge(p->controller);
    return p->raised ? X86_LINE_VECTOR + __builtin_ctz(p->raised) : -1;
}

/* A device ends the machine. */
static inline void x86_stop(struct x86_platform *p, enum x86_stop how,
                            const char *through)
{
    p->stopped = true;
    p->how = how;
    p->through = through;
}

/* Ports that belong to the machine itself. */
enum {
    X86_PORT_DEBUG = 0xE9,     /* a byte written is printed */
    X86_PORT_FLOAT = 0xF0,     /* a write lowers X86_LINE_FLOAT */
    X86_PORT_EXIT = 0xF4,      /* the value written ends the machine */
    X86_PORT_HYPERCALL = 0xF5, /* OUT EAX: call the monitor */
    X86_PORT_SERIAL = 0x3F8,
    X86_PORT_OFF = 0x8900,    /* "Shutdown" turns the machine off */
    X86_MMIO_SERIAL = 0xD0000 /* the same eight registers in storage */
};

#endif
