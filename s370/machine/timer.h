/* TOD clock, clock comparator, CPU timer and interval timer, for a real or a
 * virtual processor: all are functions of its ticks.
 *
 * One tick is one instruction and a sixteenth of a microsecond, bit 55 of the
 * TOD clock (GA22-7000, "Timing"): a machine of 16 million instructions a
 * second, so that what took an operating system of the time minutes takes it
 * less than a second of its own clock.  The interval timer at location 80 is
 * stepped 300 times a second in bit 23: every S370_INTERVAL_TICKS ticks it
 * loses 0x100. */
#ifndef S370_MACHINE_TIMER_H
#define S370_MACHINE_TIMER_H

#include "s370/machine/cpu.h"

enum {
    S370_TICKS_PER_SECOND = 16000000,
    S370_INTERVAL_TICKS = S370_TICKS_PER_SECOND / 300,
    S370_INTERVAL_STEP = 0x100, /* bit 23 */
    S370_TOD_SHIFT = 8          /* a tick is 1 << 8 in the clocks */
};

/* At every CPU reset: no interruption condition is pending any more. */
void s370_timers_end_pending(struct s370_timers *t);

/* At an initial CPU reset: clock comparator and CPU timer are zero, nothing is
 * pending.  The TOD clock goes on and the operator's interval-timer switch
 * stays.  Timers that were all zero before begin with the switch on and the
 * TOD clock "set" to 1969-01-01 00:00 in the 1900 epoch; who wants real time
 * sets it afterwards. */
void s370_timers_reset(struct s370_timers *t, uint64_t ticks);

/* 64 bits as STCK, STCKC and STPT store them and SCK, SCKC and SPT give them.
 * Bits 56-63 are not implemented: they are ignored, and stored as zeros. */
uint64_t s370_tod(const struct s370_timers *t, uint64_t ticks);
void s370_tod_set(struct s370_timers *t, uint64_t ticks, uint64_t value);
uint64_t s370_cpu_timer(const struct s370_timers *t, uint64_t ticks);
void s370_cpu_timer_set(struct s370_timers *t, uint64_t ticks, uint64_t value);
void s370_comparator_set(struct s370_timers *t, uint64_t value);

/* Step location 80 in the storage as often as its time has come since the last
 * call, and note its pending condition (a step from zero or more to less than
 * zero).  Call it when the clock has come to a tick, before what the clock has
 * due then: a channel program that reads location 80 sees the step done.  The
 * step sets no reference and no change bit (the manual leaves that open). */
void s370_interval_step(struct s370_timers *t, uint64_t ticks,
                        struct s370_storage *storage, uint32_t prefix);

/* Location 80 was not stepped for a while (initial program loading, the
 * operator's switch): go on with a whole step from now. */
void s370_interval_restart(struct s370_timers *t, uint64_t ticks);

/* The first tick after `ticks` at which a driver has to look again: location
 * 80 steps, or a comparator or timer interruption that CR0 lets through
 * becomes pending.  CLOCK_NEVER if none.  A driver runs at most
 *     min(s370_timers_next, clock->next) - ticks
 * instructions, takes the interruption of the last one if there is one, then
 * does s370_interval_step, clock_run, and asks s370_external_take: so every
 * machine sees every timer at the same tick. */
uint64_t s370_timers_next(const struct s370_timers *t, uint64_t ticks,
                          uint32_t cr0);

/* For a wait: the first tick, `ticks` or later, at which a timer interruption
 * that CR0 lets through is pending; CLOCK_NEVER if none will be. */
uint64_t s370_timers_due(const struct s370_timers *t, uint64_t ticks,
                         uint32_t cr0, const struct s370_storage *storage,
                         uint32_t prefix);

/* The highest-priority external condition that is pending and enabled by CR0
 * (the PSW's external mask is the caller's to test); its code in *code, and
 * conditions that do not persist are reset.  False when there is none.  With
 * codes 1201 and 1202 the interruption carries the signalling CPU's address:
 * its own, there being one CPU. */
bool s370_external_take(struct s370_timers *t, uint64_t ticks, uint32_t cr0,
                        uint16_t *code);

#endif
