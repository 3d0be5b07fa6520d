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
    X86_LINE_RTC = 8,
    X86_LINE_FLOAT = 13, /* an x87 exception, CR0.NE = 0 */
    X86_LINE_DISK = 14
};

/* Ticks of a bare PC's clock in a second of its devices: an instruction takes
 * 10 ns. */
enum { X86_TICKS_SECOND = 100000000 };

/* How a guest has ended its machine. */
enum x86_stop {
    X86_STOP_EXIT,  /* through its exit port, with a code */
    X86_STOP_OFF,   /* power off */
    X86_STOP_RESET, /* it wants to begin anew */
    X86_STOP_COUNT
};

struct x86_platform {
    uint16_t raised;    /* a bit a line; set and cleared by devices */
    bool stopped;       /* the guest has ended its machine */
    uint32_t exit_code; /* what it wrote to its exit port */
    enum x86_stop how;
    const char *through; /* of OFF and RESET: which device; static text */
    /* The interrupt controller, told of each line's change; NULL: none. */
    void (*line_changed)(void *controller, unsigned line, bool raised);
    void *controller;
};

static inline void x86_line_set(struct x86_platform *p, unsigned line,
                                bool raised)
{
    uint16_t bit = (uint16_t)(1u << (line % X86_LINES));

    p->raised = raised ? p->raised | bit : p->raised & (uint16_t)~bit;
    if (p->line_changed)
        p->line_changed(p->controller, line % X86_LINES, raised);
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
