/* TOD clock, clock comparator, CPU timer and interval timer, for a real or a
 * virtual processor: all are functions of its ticks.
 *
 * One tick is one instruction and one microsecond, bit 51 of the TOD clock
 * (GA22-7000, "Timing").  The interval timer at location 80 is stepped 300
 * times a second in bit 23: every S370_INTERVAL_TICKS ticks it loses 0x100. */
#ifndef S370_MACHINE_TIMER_H
#define S370_MACHINE_TIMER_H

#include "s370/machine/cpu.h"

enum { S370_INTERVAL_TICKS = 3333 };

/* TOD clock at reset: 1969-01-01 00:00 in the 1900 epoch unless a run asks
 * for real time. */
void s370_timers_reset(struct s370_timers *t, uint64_t ticks);

uint64_t s370_tod(const struct s370_timers *t, uint64_t ticks);
void s370_tod_set(struct s370_timers *t, uint64_t ticks, uint64_t value);
uint64_t s370_cpu_timer(const struct s370_timers *t, uint64_t ticks);
void s370_cpu_timer_set(struct s370_timers *t, uint64_t ticks, uint64_t value);

/* Step location 80 in the storage if its time has come; note its pending
 * condition.  Call whenever the clock has moved to or past interval_next. */
void s370_interval_step(struct s370_timers *t, uint64_t ticks,
                        struct s370_storage *storage, uint32_t prefix);

/* The first tick after `ticks` at which a timer may change something that
 * CR0 and the PSW let through; CLOCK_NEVER if none. */
uint64_t s370_timers_next(const struct s370_timers *t, uint64_t ticks,
                          uint32_t cr0);

/* The highest-priority external condition that is pending and enabled by CR0
 * (the PSW's external mask is the caller's to test); its code in *code, and
 * conditions that do not persist are reset.  False when there is none. */
bool s370_external_take(struct s370_timers *t, uint64_t ticks, uint32_t cr0,
                        uint16_t *code);

#endif
