#include "base/clock.h"

void clock_init(struct clock *c)
{
    *c = (struct clock){.next = CLOCK_NEVER};
}

static bool earlier(const struct clock_event *a, const struct clock_event *b)
{
    return a->when != b->when ? a->when < b->when : a->order < b->order;
}

static unsigned earliest(const struct clock *c)
{
    unsigned best = 0;

    for (unsigned i = 1; i < c->count; i++)
        if (earlier(&c->events[i], &c->events[best]))
            best = i;
    return best;
}

static void find_next(struct clock *c)
{
    c->next = c->count ? c->events[earliest(c)].when : CLOCK_NEVER;
}

enum status clock_after(struct clock *c, uint64_t delay, clock_fn fn,
                        void *owner, uint64_t arg)
{
    uint64_t when = c->now + delay;

    if (c->count == CLOCK_EVENTS)
        return STATUS_NO_MEMORY;
    if (when < c->now)
        when = CLOCK_NEVER - 1;
    c->events[c->count++] =
        (struct clock_event){when, c->order++, fn, owner, arg};
    if (when < c->next)
        c->next = when;
    return STATUS_OK;
}

void clock_cancel(struct clock *c, clock_fn fn, void *owner)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < c->count; i++)
        if (c->events[i].fn != fn || c->events[i].owner != owner)
            c->events[kept++] = c->events[i];
    c->count = kept;
    find_next(c);
}

void clock_forget(struct clock *c)
{
    c->count = 0;
    c->next = CLOCK_NEVER;
}

void clock_run_due(struct clock *c)
{
    while (c->next <= c->now) {
        unsigned i = earliest(c);
        struct clock_event due = c->events[i];

        c->events[i] = c->events[--c->count];
        find_next(c);
        due.fn(due.owner, due.arg);
    }
}

void clock_advance(struct clock *c, uint64_t ticks)
{
    uint64_t end = c->now + ticks;

    while (c->next <= end) {
        if (c->next > c->now)
            c->now = c->next;
        clock_run(c);
    }
    c->now = end;
}
