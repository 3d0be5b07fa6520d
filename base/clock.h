/* Virtual time and timed events, the same on every host.
 *
 * One clock belongs to one bare machine or to one virtual machine.  It counts
 * ticks; a machine says what a tick is (System/370: one instruction, which is
 * a sixteenth of a microsecond of its TOD clock; s370/machine/timer.h).
 * Devices complete after a latency in ticks, so the same input gives the same
 * run. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/types.h"

#define CLOCK_NEVER  UINT64_MAX
#define CLOCK_EVENTS 64

/* What whoever runs a machine puts up with, bare and under a monitor alike. */
enum {
    /* So many interruptions with no instruction in between are a loop that the
     * guest cannot leave: each new program status makes the next, while what
     * is pending is there only once. */
    CLOCK_STORM = 4096,
    /* A device may have work without end.  In a wait, where no instruction is
     * spent, and after the guest's end it is given so many events. */
    CLOCK_ENDLESS = 1 << 16
};

typedef void (*clock_fn)(void *owner, uint64_t arg);

struct clock_event {
    uint64_t when;  /* absolute tick */
    uint64_t order; /* of scheduling: equal times run first come first served */
    clock_fn fn;
    void *owner;
    uint64_t arg;
};

struct clock {
    uint64_t now;  /* ticks since the machine was made */
    uint64_t next; /* of the earliest event, or CLOCK_NEVER */
    uint64_t order;
    unsigned count;
    struct clock_event events[CLOCK_EVENTS]; /* unordered */
};

void clock_init(struct clock *c);

/* Call fn(owner, arg) at now + delay.  STATUS_NO_MEMORY when CLOCK_EVENTS are
 * already waiting. */
MUST_USE enum status clock_after(struct clock *c, uint64_t delay, clock_fn fn,
                                 void *owner, uint64_t arg);

/* Forget every waiting event with this fn and owner. */
void clock_cancel(struct clock *c, clock_fn fn, void *owner);

/* Forget every waiting event. */
void clock_forget(struct clock *c);

/* Run all events that are due at c->now, earliest first. */
void clock_run_due(struct clock *c);
static inline void clock_run(struct clock *c)
{
    if (UNLIKELY(c->next <= c->now))
        clock_run_due(c);
}

/* Add ticks (never past c->next without running what is due). */
void clock_advance(struct clock *c, uint64_t ticks);

#endif
