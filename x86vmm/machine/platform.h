/* What a virtual machine has beside its processor and devices: interrupt
 * lines, and the wish to end. */
#ifndef X86VMM_MACHINE_PLATFORM_H
#define X86VMM_MACHINE_PLATFORM_H

#include "base/types.h"

/* There is no interrupt controller: line n is level-triggered and seen by the
 * guest as vector X86_LINE_VECTOR + n while it is raised and IF is on; the
 * lowest line first.  The guest's handler quiets the device before IRET. */
enum { X86_LINES = 16, X86_LINE_VECTOR = 0x20, X86_LINE_SERIAL = 4 };

struct x86_platform {
    uint16_t raised;    /* a bit a line; set and cleared by devices */
    bool stopped;       /* the guest has written to its exit port */
    uint32_t exit_code; /* what it wrote */
};

static inline void x86_line_set(struct x86_platform *p, unsigned line,
                                bool raised)
{
    uint16_t bit = (uint16_t)(1u << (line % X86_LINES));

    p->raised = raised ? p->raised | bit : p->raised & (uint16_t)~bit;
}

/* Ports that belong to the machine itself. */
enum {
    X86_PORT_DEBUG = 0xE9,     /* a byte written is printed */
    X86_PORT_EXIT = 0xF4,      /* the value written ends the machine */
    X86_PORT_HYPERCALL = 0xF5, /* OUT EAX: call the monitor */
    X86_PORT_SERIAL = 0x3F8,
    X86_MMIO_SERIAL = 0xD0000 /* the same eight registers in storage */
};

#endif
