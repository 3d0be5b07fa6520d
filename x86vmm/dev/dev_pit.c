#include "x86vmm/dev/dev_pit.h"

#include "x86vmm/dev/bytewise.h"

enum { CONTROL = 3, REGISTERS };
enum { ACCESS_LATCH, ACCESS_LOW, ACCESS_HIGH, ACCESS_BOTH };
enum {
    READ_BACK_NO_COUNT = 0x20,
    READ_BACK_NO_STATUS = 0x10,
    STATUS_OUT = 0x80,
    STATUS_NULL = 0x40,
    P61_GATE = 1,
    P61_REFRESH = 0x10,
    P61_OUT = 0x20,
    REFRESH_TICKS = X86_TICKS_SECOND / 1000000 * 15 /* 15 us */
};

/* ---- Time ---- */

/* value * by / per, rounded down; `by` and `per` fit 32 bits. */
static uint64_t scale(uint64_t value, uint64_t by, uint64_t per)
{
    return value / per * by + value % per * by / per;
}

static uint64_t counts_of(uint64_t ticks)
{
    return scale(ticks, PIT_HZ, X86_TICKS_SECOND);
}

/* The first tick at which so many counts have passed. */
static uint64_t ticks_of(uint64_t counts)
{
    uint64_t ticks = scale(counts, X86_TICKS_SECOND, PIT_HZ);

    return counts_of(ticks) < counts ? ticks + 1 : ticks;
}

static uint64_t passed(const struct pit *p, const struct pit_counter *c)
{
    if (!c->running)
        return 0;
    return counts_of(c->gate || c->mode == 1 || c->mode == 5
                         ? p->clock->now - c->start
                         : c->held);
}

static bool is_periodic(const struct pit_counter *c)
{
    return c->mode == 2 || c->mode == 3;
}

/* ---- What can be read ---- */

static uint32_t modulus(const struct pit_counter *c)
{
    return c->bcd ? 10000 : 0x10000;
}

static uint16_t to_bcd(uint32_t n)
{
    return (uint16_t)(n / 1000 % 10 << 12 | n / 100 % 10 << 8 |
                      n / 10 % 10 << 4 | n % 10);
}

static uint32_t from_bcd(uint32_t n)
{
    return (n >> 12) * 1000 + (n >> 8 & 15) * 100 + (n >> 4 & 15) * 10 +
           (n & 15);
}

/* The counting element.  In mode 3 it goes down by twos, twice a period. */
static uint16_t value(const struct pit *p, const struct pit_counter *c)
{
    uint64_t done = passed(p, c), n = c->count;
    uint32_t left;

    if (c->mode == 3)
        left = (uint32_t)((n & ~UINT64_C(1)) -
                          2 * done % (n > 1 ? n & ~UINT64_C(1) : 2));
    else if (c->mode == 2)
        left = (uint32_t)(n - done % n);
    else
        left = (uint32_t)((n + modulus(c) - done % modulus(c)) % modulus(c));
    left %= modulus(c);
    return c->bcd ? to_bcd(left) : (uint16_t)left;
}

static bool output(const struct pit *p, const struct pit_counter *c)
{
    uint64_t done = passed(p, c), n = c->count;

    if (!c->running)
        return c->mode != 0 && c->mode < 6;
    switch (c->mode) {
    case 0:
        return done > n;
    case 1:
        return done >= n;
    case 2:
        return !c->gate || done % n != n - 1;
    case 3:
        return !c->gate || done % n < (n + 1) / 2;
    default:
        return done != n;
    }
}

/* ---- Counter 0's line ---- */

static void tick(void *owner, uint64_t arg);

/* Wait for the next time that output 0 goes up. */
static void schedule(struct pit *p)
{
    const struct pit_counter *c = &p->counters[0];
    uint64_t done = passed(p, c), n = c->count, next;

    clock_cancel(p->clock, tick, p);
    if (!c->running)
        return;
    if (is_periodic(c))
        next = (done / n + 1) * n;
    else if (done <= n)
        next = n + 1;
    else
        return;
    /* Line and counter are one each, so the clock has room. */
    if (clock_after(p->clock, c->start + ticks_of(next) - p->clock->now, tick,
                    p, 0))
        return;
}

static void tick(void *owner, uint64_t arg)
{
    struct pit *p = owner;

    (void)arg;
    x86_line_set(p->platform, X86_LINE_TIMER, false);
    x86_line_set(p->platform, X86_LINE_TIMER, true);
    schedule(p);
}

static void changed(struct pit *p, const struct pit_counter *c)
{
    if (c != &p->counters[0])
        return;
    bool up = output(p, c);
    if (!(p->platform->raised & 1u << X86_LINE_TIMER) != !up)
        x86_line_set(p->platform, X86_LINE_TIMER, up);
    schedule(p);
}

/* ---- Programming ---- */

static void latch_count(const struct pit *p, struct pit_counter *c)
{
    if (c->count_latched)
        return;
    c->count_latched = true;
    c->latch = value(p, c);
}

static void latch_status(const struct pit *p, struct pit_counter *c)
{
    if (c->status_latched)
        return;
    c->status_latched = true;
    c->status = (uint8_t)((output(p, c) ? STATUS_OUT : 0) |
                          (c->loaded ? 0 : STATUS_NULL) | c->access << 4 |
                          c->mode << 1 | (c->bcd ? 1 : 0));
}

static void read_back(struct pit *p, uint8_t command)
{
    for (unsigned i = 0; i < 3; i++) {
        if (!(command & 2u << i))
            continue;
        if (!(command & READ_BACK_NO_COUNT))
            latch_count(p, &p->counters[i]);
        if (!(command & READ_BACK_NO_STATUS))
            latch_status(p, &p->counters[i]);
    }
}

static void control(struct pit *p, uint8_t command)
{
    unsigned select = command >> 6, access = command >> 4 & 3;
    unsigned mode = command >> 1 & 7;

    if (select == 3) {
        read_back(p, command);
        return;
    }
    struct pit_counter *c = &p->counters[select];
    if (access == ACCESS_LATCH) {
        latch_count(p, c);
        return;
    }
    bool gate = c->gate;
    *c = (struct pit_counter){.mode = (uint8_t)(mode > 5 ? mode - 4 : mode),
                              .access = (uint8_t)access,
                              .bcd = command & 1,
                              .gate = gate,
                              .count = modulus(c)};
    changed(p, c);
}

static void begin(struct pit *p, struct pit_counter *c)
{
    c->running = true;
    c->start = p->clock->now;
    c->held = 0;
}

static void load(struct pit *p, struct pit_counter *c, uint32_t count)
{
    count = c->bcd ? from_bcd(count) : count;
    c->count = count ? count : modulus(c);
    c->loaded = true;
    if (c->mode != 1 && c->mode != 5) /* those wait for their trigger */
        begin(p, c);
    changed(p, c);
}

static void write_count(struct pit *p, struct pit_counter *c, uint8_t byte)
{
    if (c->access == ACCESS_LOW) {
        load(p, c, byte);
    } else if (c->access == ACCESS_HIGH) {
        load(p, c, (uint32_t)byte << 8);
    } else if (c->access == ACCESS_BOTH && !c->high_next_w) {
        c->low = byte;
        c->high_next_w = true;
        if (c->mode == 0) { /* the first byte stops it */
            c->running = false;
            changed(p, c);
        }
    } else if (c->access == ACCESS_BOTH) {
        c->high_next_w = false;
        load(p, c, (uint32_t)byte << 8 | c->low);
    }
}

static uint8_t read_count(const struct pit *p, struct pit_counter *c)
{
    if (c->status_latched) {
        c->status_latched = false;
        return c->status;
    }
    uint16_t v = c->count_latched ? c->latch : value(p, c);
    bool high = c->access == ACCESS_HIGH ||
                (c->access == ACCESS_BOTH && c->high_next_r);

    if (c->access == ACCESS_BOTH)
        c->high_next_r = !c->high_next_r;
    if (c->access != ACCESS_BOTH || high)
        c->count_latched = false;
    return (uint8_t)(high ? v >> 8 : v);
}

static uint8_t read_register(void *dev, unsigned reg)
{
    struct pit *p = dev;

    return reg == CONTROL ? 0xFF : read_count(p, &p->counters[reg]);
}

static void write_register(void *dev, unsigned reg, uint8_t byte)
{
    struct pit *p = dev;

    if (reg == CONTROL)
        control(p, byte);
    else
        write_count(p, &p->counters[reg], byte);
}

void pit_io(void *dev, uint64_t offset, unsigned size, bool write, uint64_t *v)
{
    bytewise_io(dev, REGISTERS, read_register, write_register, offset, size,
                write, v);
}

/* ---- Port 61h ---- */

/* A low gate stops modes 0, 2, 3 and 4; its rise begins 1, 2, 3 and 5 anew. */
static void set_gate(struct pit *p, struct pit_counter *c, bool gate)
{
    if (gate == c->gate)
        return;
    if (!gate) {
        c->held = p->clock->now - c->start;
    } else if (c->mode == 0 || c->mode == 4) {
        c->start = p->clock->now - c->held;
    } else if (c->loaded) {
        begin(p, c);
    }
    c->gate = gate;
}

static uint8_t read_61(void *dev, unsigned reg)
{
    const struct pit *p = dev;
    bool refresh = p->clock->now / REFRESH_TICKS % 2;

    (void)reg;
    return (uint8_t)(p->port_61 | (refresh ? P61_REFRESH : 0) |
                     (output(p, &p->counters[2]) ? P61_OUT : 0));
}

static void write_61(void *dev, unsigned reg, uint8_t byte)
{
    struct pit *p = dev;

    (void)reg;
    p->port_61 = byte & 0xF;
    set_gate(p, &p->counters[2], byte & P61_GATE);
}

void pit_gate_io(void *dev, uint64_t offset, unsigned size, bool write,
                 uint64_t *v)
{
    bytewise_io(dev, 1, read_61, write_61, offset, size, write, v);
}

void pit_init(struct pit *p, struct clock *clock, struct x86_platform *platform)
{
    clock_cancel(clock, tick, p);
    *p = (struct pit){.clock = clock, .platform = platform};
    for (unsigned i = 0; i < 3; i++)
        p->counters[i] = (struct pit_counter){
            .access = ACCESS_BOTH, .gate = i != 2, .count = 0x10000};
}
