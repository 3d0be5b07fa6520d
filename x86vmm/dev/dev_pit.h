/* The timer of a PC, an 8254 of three counters at 1.193182 MHz, and port 61h
 * beside it.
 *
 * Counter 0 raises line 0; counter 1 refreshed storage once and does nothing;
 * counter 2 drives the speaker, its gate and output are in port 61h.
 * Source: Intel, 8254 data sheet (231164), "Programming", "Mode Definitions".
 * Chosen where that is finer than a program can see, or where guests do not
 * look: a count is loaded by the write of its last byte and not by the clock's
 * next pulse, in modes 2 and 3 too; the low pulse of modes 2, 4 and 5 lasts no
 * time on the interrupt line. */
#ifndef X86VMM_DEV_DEV_PIT_H
#define X86VMM_DEV_DEV_PIT_H

#include "base/bus.h"
#include "base/clock.h"
#include "x86vmm/machine/platform.h"

enum { PIT_HZ = 1193182, PIT_PORT = 0x40, PIT_PORT_GATE = 0x61 };

struct pit_counter {
    uint8_t mode;   /* 0 to 5 */
    uint8_t access; /* 1 low byte, 2 high byte, 3 low then high */
    bool bcd;
    bool gate;
    bool running;     /* a count is loaded; modes 1 and 5: and triggered */
    bool loaded;      /* a whole count has been written since the mode */
    bool high_next_w; /* the high byte is to be written, read next */
    bool high_next_r;
    uint8_t low;    /* the low byte that was written */
    uint32_t count; /* 1 to 65536, or to 10000 */
    uint64_t start; /* tick of the load or trigger */
    uint64_t held;  /* ticks that had passed when the gate stopped it */
    bool count_latched, status_latched;
    uint16_t latch;
    uint8_t status;
};

struct pit {
    struct pit_counter counters[3];
    uint8_t port_61; /* bits 0 to 3, as written */
    struct clock *clock;
    struct x86_platform *platform;
};

/* Idle: nothing counts before a program has set a mode and a count. */
void pit_init(struct pit *p, struct clock *clock,
              struct x86_platform *platform);

/* bus_io_fn: of the four registers at 40h, and of port 61h. */
void pit_io(void *dev, uint64_t offset, unsigned size, bool write,
            uint64_t *value);
void pit_gate_io(void *dev, uint64_t offset, unsigned size, bool write,
                 uint64_t *value);

#endif
