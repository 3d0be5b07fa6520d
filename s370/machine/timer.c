/* The timing facilities as functions of the ticks (GA22-7000, "Timing"). */
#include "s370/machine/timer.h"

#include "base/bytes.h"

/* 1900-01-01 to 1969-01-01: 69 years with 17 leap days. */
#define EPOCH_1969 (UINT64_C(25202) * 86400 * S370_TICKS_PER_SECOND)

/* Clocks are compared in ticks, unsigned, modulo 2^56. */
#define TICKS(clock) ((uint64_t)(clock) >> S370_TOD_SHIFT)
#define IMPLEMENTED  (~((UINT64_C(1) << S370_TOD_SHIFT) - 1))

void s370_timers_end_pending(struct s370_timers *t)
{
    t->interval_pending = t->key_pending = t->signal_pending = false;
    t->emergency_pending = t->call_pending = false;
}

void s370_timers_reset(struct s370_timers *t, uint64_t ticks)
{
    struct s370_timers fresh = {.tod_offset = t->tod_offset,
                                .tod_set = t->tod_set,
                                .interval_enabled =
                                    t->interval_enabled || !t->tod_set,
                                .interval_next = ticks + S370_INTERVAL_TICKS};

    if (!fresh.tod_set)
        s370_tod_set(&fresh, ticks, EPOCH_1969 << S370_TOD_SHIFT);
    s370_cpu_timer_set(&fresh, ticks, 0);
    *t = fresh;
}

uint64_t s370_tod(const struct s370_timers *t, uint64_t ticks)
{
    return (uint64_t)t->tod_offset + (ticks << S370_TOD_SHIFT);
}

void s370_tod_set(struct s370_timers *t, uint64_t ticks, uint64_t value)
{
    t->tod_offset =
        (int64_t)((value & IMPLEMENTED) - (ticks << S370_TOD_SHIFT));
    t->tod_set = true;
}

uint64_t s370_cpu_timer(const struct s370_timers *t, uint64_t ticks)
{
    return (uint64_t)t->cpu_timer_zero - (ticks << S370_TOD_SHIFT);
}

void s370_cpu_timer_set(struct s370_timers *t, uint64_t ticks, uint64_t value)
{
    t->cpu_timer_zero =
        (int64_t)((value & IMPLEMENTED) + (ticks << S370_TOD_SHIFT));
}

void s370_comparator_set(struct s370_timers *t, uint64_t value)
{
    t->comparator = value & IMPLEMENTED;
}

/* ---- Location 80 ---- */

/* Steps until the sign goes from plus to minus.  A negative value first runs
 * down to the largest positive one, which is no interruption; so the word,
 * taken as unsigned, says it for both. */
static uint64_t steps_to_minus(const struct s370_storage *storage,
                               uint32_t prefix)
{
    uint32_t value =
        load_be32(storage->bytes + prefix + S370_PSA_INTERVAL_TIMER);

    return value / S370_INTERVAL_STEP + 1;
}

void s370_interval_step(struct s370_timers *t, uint64_t ticks,
                        struct s370_storage *storage, uint32_t prefix)
{
    uint8_t *at = storage->bytes + prefix + S370_PSA_INTERVAL_TIMER;

    if (!t->interval_enabled || ticks < t->interval_next)
        return;
    uint64_t steps = (ticks - t->interval_next) / S370_INTERVAL_TICKS + 1;
    if (steps >= steps_to_minus(storage, prefix))
        t->interval_pending = true;
    store_be32(at, load_be32(at) - (uint32_t)steps * S370_INTERVAL_STEP);
    t->interval_next += steps * S370_INTERVAL_TICKS;
}

void s370_interval_restart(struct s370_timers *t, uint64_t ticks)
{
    t->interval_next = ticks + S370_INTERVAL_TICKS;
}

/* ---- What is due ---- */

/* The comparator's condition is there as long as the TOD clock is greater. */
static uint64_t comparator_due(const struct s370_timers *t, uint64_t ticks)
{
    uint64_t now = TICKS(s370_tod(t, ticks));
    uint64_t then = TICKS(t->comparator);

    if (now > then)
        return ticks;
    if (then == TICKS(UINT64_MAX))
        return CLOCK_NEVER; /* the clock is never greater */
    return ticks + (then - now) + 1;
}

/* The CPU timer's condition is there as long as it is negative. */
static uint64_t cpu_timer_due(const struct s370_timers *t, uint64_t ticks)
{
    uint64_t value = s370_cpu_timer(t, ticks);

    return value >> 63 ? ticks : ticks + TICKS(value) + 1;
}

uint64_t s370_timers_next(const struct s370_timers *t, uint64_t ticks,
                          uint32_t cr0)
{
    uint64_t next = t->interval_enabled ? t->interval_next : CLOCK_NEVER;

    /* One that is due already changes nothing by itself. */
    if (cr0 & S370_CR0_CLOCK_COMPARATOR) {
        uint64_t due = comparator_due(t, ticks);
        next = due > ticks ? min_u64(next, due) : next;
    }
    if (cr0 & S370_CR0_CPU_TIMER) {
        uint64_t due = cpu_timer_due(t, ticks);
        next = due > ticks ? min_u64(next, due) : next;
    }
    return next > ticks ? next : ticks + 1;
}

static uint64_t interval_due(const struct s370_timers *t, uint64_t ticks,
                             const struct s370_storage *storage,
                             uint32_t prefix)
{
    if (t->interval_pending)
        return ticks;
    if (!t->interval_enabled)
        return CLOCK_NEVER;
    return t->interval_next +
           (steps_to_minus(storage, prefix) - 1) * S370_INTERVAL_TICKS;
}

uint64_t s370_timers_due(const struct s370_timers *t, uint64_t ticks,
                         uint32_t cr0, const struct s370_storage *storage,
                         uint32_t prefix)
{
    uint64_t due = CLOCK_NEVER;

    if (cr0 & S370_CR0_CLOCK_COMPARATOR)
        due = min_u64(due, comparator_due(t, ticks));
    if (cr0 & S370_CR0_CPU_TIMER)
        due = min_u64(due, cpu_timer_due(t, ticks));
    if (cr0 & S370_CR0_INTERVAL_TIMER)
        due = min_u64(due, interval_due(t, ticks, storage, prefix));
    return due;
}

/* ---- External interruptions ---- */

/* Take a condition that stays pending until it is taken. */
static bool take(bool *pending, uint32_t cr0, uint32_t mask)
{
    bool taken = *pending && (cr0 & mask);

    if (taken)
        *pending = false;
    return taken;
}

/* In the order of priority of "External Interruption".  Interval timer,
 * interrupt key and external signal are presented together. */
bool s370_external_take(struct s370_timers *t, uint64_t ticks, uint32_t cr0,
                        uint16_t *code)
{
    *code = 0;
    if (take(&t->interval_pending, cr0, S370_CR0_INTERVAL_TIMER))
        *code |= S370_EXT_INTERVAL_TIMER;
    if (take(&t->key_pending, cr0, S370_CR0_INTERRUPT_KEY))
        *code |= S370_EXT_INTERRUPT_KEY;
    if (take(&t->signal_pending, cr0, S370_CR0_SIGNAL))
        *code |= S370_EXT_SIGNAL;
    if (*code)
        return true;
    if (take(&t->emergency_pending, cr0, S370_CR0_EMERGENCY_SIGNAL))
        *code = S370_EXT_EMERGENCY_SIGNAL;
    else if (take(&t->call_pending, cr0, S370_CR0_EXTERNAL_CALL))
        *code = S370_EXT_EXTERNAL_CALL;
    else if ((cr0 & S370_CR0_CLOCK_COMPARATOR) &&
             comparator_due(t, ticks) == ticks)
        *code = S370_EXT_CLOCK_COMPARATOR;
    else if ((cr0 & S370_CR0_CPU_TIMER) && cpu_timer_due(t, ticks) == ticks)
        *code = S370_EXT_CPU_TIMER;
    return *code != 0;
}
