/* The local interrupt controller of one processor.
 *
 * Source: Intel SDM vol. 3, "Advanced Programmable Interrupt Controller
 * (APIC)"; section titles in comments are of that chapter.  It is an xAPIC at
 * its usual place.  Not there: x2APIC, the deadline mode of the timer, the
 * thermal and performance interrupts' sources, SMI, and other processors: INIT
 * and STARTUP have nobody to go to. */
#ifndef X86VMM_DEV_DEV_LAPIC_H
#define X86VMM_DEV_DEV_LAPIC_H

#include "base/bus.h"
#include "base/clock.h"

#define LAPIC_AT UINT64_C(0xFEE00000)
enum { LAPIC_SIZE = 0x1000, LAPIC_VERSION = 0x14 };

/* Delivery modes, of messages and local vector table entries alike. */
enum lapic_mode {
    LAPIC_FIXED,
    LAPIC_LOWEST,
    LAPIC_SMI,
    LAPIC_NMI = 4,
    LAPIC_INIT,
    LAPIC_STARTUP,
    LAPIC_EXTINT
};

/* An interrupt message, of an I/O APIC or of the processor itself. */
struct lapic_message {
    uint8_t vector;
    enum lapic_mode mode;
    uint8_t destination;
    bool logical, level;
};

/* The local vector table, in the order of its registers. */
enum { LVT_TIMER, LVT_THERMAL, LVT_COUNTERS, LVT_LINT0, LVT_LINT1, LVT_ERROR };
enum { LAPIC_LVTS = 6, LAPIC_WORDS = 8 };

struct lapic {
    struct clock *clock;
    void (*nmi)(void *who);
    /* A level-triggered interrupt has been ended. */
    void (*ended)(void *who, unsigned vector);
    void *who;

    uint32_t id, ldr, dfr, svr, icr, icr_to; /* as their registers */
    uint8_t tpr;
    uint32_t lvt[LAPIC_LVTS];
    uint32_t irr[LAPIC_WORDS], isr[LAPIC_WORDS], tmr[LAPIC_WORDS];
    uint8_t error, error_news; /* ESR, and what its next write latches */
    uint32_t initial, divide;  /* of the timer */
    uint64_t start;            /* tick at which it was last `initial` */
    bool counts;
};

/* As after a reset, and after firmware has made LINT0 the way of the 8259A's
 * interrupts ("virtual wire mode"). */
void lapic_init(struct lapic *l, struct clock *clock);
void lapic_reset(struct lapic *l);

/* The vector that the processor may be interrupted with, or -1. */
int lapic_pending(const struct lapic *l);
/* The same, acknowledged: in service now. */
int lapic_acknowledge(struct lapic *l);
/* Do the 8259A's interrupts come through LINT0? */
bool lapic_passes_extint(const struct lapic *l);

/* A message from the system; true if it was for this processor. */
bool lapic_send(struct lapic *l, const struct lapic_message *m);

/* CR8 is bits 7:4 of the task priority. */
void lapic_set_cr8(struct lapic *l, uint64_t cr8);

/* bus_io_fn of the registers. */
void lapic_io(void *dev, uint64_t offset, unsigned size, bool write,
              uint64_t *value);

#endif
