#include "x86vmm/dev/dev_lapic.h"

/* Registers: offset / 16 ("Local APIC Register Address Map"). */
enum {
    ID = 0x02,
    VERSION = 0x03,
    TPR = 0x08,
    APR = 0x09,
    PPR = 0x0A,
    EOI = 0x0B,
    LDR = 0x0D,
    DFR = 0x0E,
    SVR = 0x0F,
    ISR = 0x10,
    TMR = 0x18,
    IRR = 0x20,
    ESR = 0x28,
    ICR = 0x30,
    ICR_TO = 0x31,
    LVT = 0x32,
    INITIAL = 0x38,
    CURRENT = 0x39,
    DIVIDE = 0x3E
};

enum {
    SVR_ENABLED = 0x100,
    LVT_MASKED = 0x10000,
    LVT_PERIODIC = 0x20000,
    ICR_LOGICAL = 0x800,
    ICR_ASSERT = 0x4000,
    ICR_LEVEL = 0x8000,
    ERROR_SENT_VECTOR = 0x20,
    ERROR_TAKEN_VECTOR = 0x40,
    ERROR_REGISTER = 0x80,
    VECTORS_RESERVED = 16
};

/* What a program can write of each entry. */
static const uint32_t lvt_own[LAPIC_LVTS] = {
    [LVT_TIMER] = 0x300FF, [LVT_THERMAL] = 0x107FF, [LVT_COUNTERS] = 0x107FF,
    [LVT_LINT0] = 0x1A7FF, [LVT_LINT1] = 0x1A7FF,   [LVT_ERROR] = 0x100FF,
};

/* ---- Sets of vectors ---- */

static void set_vector(uint32_t *set, unsigned v, bool on)
{
    uint32_t bit = UINT32_C(1) << v % 32;

    set[v / 32] = on ? set[v / 32] | bit : set[v / 32] & ~bit;
}

static bool has_vector(const uint32_t *set, unsigned v)
{
    return set[v / 32] >> v % 32 & 1;
}

/* The highest one, or -1. */
static int highest(const uint32_t *set)
{
    for (int i = LAPIC_WORDS - 1; i >= 0; i--)
        if (set[i])
            return 32 * i + 31 - __builtin_clz(set[i]);
    return -1;
}

/* ---- Priority ---- */

/* "Task and Processor Priorities" */
static uint8_t processor_priority(const struct lapic *l)
{
    int serving = highest(l->isr);
    uint8_t class = serving < 0 ? 0 : (uint8_t)(serving & 0xF0);

    return (l->tpr & 0xF0) >= class ? l->tpr : class;
}

int lapic_pending(const struct lapic *l)
{
    int v = highest(l->irr);

    return v >= 0 && (v & 0xF0) > (processor_priority(l) & 0xF0) ? v : -1;
}

int lapic_acknowledge(struct lapic *l)
{
    int v = lapic_pending(l);

    if (v >= 0) {
        set_vector(l->irr, (unsigned)v, false);
        set_vector(l->isr, (unsigned)v, true);
    }
    return v;
}

bool lapic_passes_extint(const struct lapic *l)
{
    uint32_t entry = l->lvt[LVT_LINT0];

    return !(entry & LVT_MASKED) && (entry >> 8 & 7) == LAPIC_EXTINT;
}

void lapic_set_cr8(struct lapic *l, uint64_t cr8)
{
    if (l->tpr >> 4 != (cr8 & 15))
        l->tpr = (uint8_t)((cr8 & 15) << 4);
}

/* ---- Coming in ---- */

static void local(struct lapic *l, unsigned n);

static void trouble(struct lapic *l, uint8_t bit)
{
    bool news = !(l->error_news & bit);

    l->error_news |= bit;
    if (news)
        local(l, LVT_ERROR);
}

/* Software can turn it off; then it takes no vector. */
static void take(struct lapic *l, unsigned v, bool level)
{
    if (!(l->svr & SVR_ENABLED))
        return;
    if (v < VECTORS_RESERVED) {
        trouble(l, ERROR_TAKEN_VECTOR);
        return;
    }
    set_vector(l->irr, v, true);
    set_vector(l->tmr, v, level);
}

/* "Local Vector Table": an interrupt of its own. */
static void local(struct lapic *l, unsigned n)
{
    uint32_t entry = l->lvt[n];

    if (entry & LVT_MASKED)
        return;
    if (n != LVT_TIMER && n != LVT_ERROR && (entry >> 8 & 7) == LAPIC_NMI)
        l->nmi(l->who);
    else
        take(l, entry & 0xFF, false);
}

/* "Determining IPI Destination" */
static bool is_for(const struct lapic *l, uint8_t to, bool logical)
{
    uint8_t id = (uint8_t)(l->id >> 24), mine = (uint8_t)(l->ldr >> 24);

    if (to == 0xFF)
        return true;
    if (!logical)
        return to == id;
    if (l->dfr >> 28 == 0xF)
        return to & mine;
    return (to >> 4 == mine >> 4 || to >> 4 == 0xF) && (to & mine & 0xF);
}

bool lapic_send(struct lapic *l, const struct lapic_message *m)
{
    if (!is_for(l, m->destination, m->logical))
        return false;
    if (m->mode == LAPIC_FIXED || m->mode == LAPIC_LOWEST)
        take(l, m->vector, m->level);
    else if (m->mode == LAPIC_NMI)
        l->nmi(l->who);
    return true;
}

/* "Interrupt Command Register": to all but oneself is to nobody. */
static void command(struct lapic *l)
{
    enum { TO_FIELD, TO_SELF, TO_ALL, TO_OTHERS };
    unsigned to = l->icr >> 18 & 3;
    struct lapic_message m = {.vector = (uint8_t)l->icr,
                              .mode = (enum lapic_mode)(l->icr >> 8 & 7),
                              .destination = (uint8_t)(l->icr_to >> 24),
                              .logical = l->icr & ICR_LOGICAL};

    if (m.mode <= LAPIC_LOWEST && m.vector < VECTORS_RESERVED) {
        trouble(l, ERROR_SENT_VECTOR);
        return;
    }
    if (to == TO_SELF || to == TO_ALL) {
        m.destination = 0xFF;
        m.logical = false;
    }
    if (to != TO_OTHERS)
        (void)lapic_send(l, &m);
}

static void end(struct lapic *l)
{
    int v = highest(l->isr);

    if (v < 0)
        return;
    set_vector(l->isr, (unsigned)v, false);
    if (has_vector(l->tmr, (unsigned)v))
        l->ended(l->who, (unsigned)v);
}

/* ---- The timer ---- */

/* Ticks a count: 2 4 8 16 32 64 128 1. */
static uint64_t divisor(const struct lapic *l)
{
    unsigned code = (l->divide & 3) | (l->divide >> 1 & 4);

    return UINT64_C(1) << (code + 1) % 8;
}

static uint32_t current(const struct lapic *l)
{
    uint64_t done = (l->clock->now - l->start) / divisor(l);

    if (!l->counts || !l->initial)
        return 0;
    if (l->lvt[LVT_TIMER] & LVT_PERIODIC)
        return l->initial - (uint32_t)(done % l->initial);
    return done >= l->initial ? 0 : l->initial - (uint32_t)done;
}

static void expire(void *owner, uint64_t arg);

static void schedule(struct lapic *l)
{
    uint64_t due = l->start + l->initial * divisor(l);

    clock_cancel(l->clock, expire, l);
    /* There is one event of it, so the clock has room. */
    if (l->counts && l->initial &&
        clock_after(l->clock, due > l->clock->now ? due - l->clock->now : 1,
                    expire, l, 0))
        return;
}

static void expire(void *owner, uint64_t arg)
{
    struct lapic *l = owner;

    (void)arg;
    l->start = l->clock->now;
    l->counts = l->lvt[LVT_TIMER] & LVT_PERIODIC;
    local(l, LVT_TIMER);
    schedule(l);
}

/* The count goes on with another divisor from where it is. */
static void set_divide(struct lapic *l, uint32_t value)
{
    uint64_t done = (l->clock->now - l->start) / divisor(l);

    l->divide = value & 0xB;
    l->start = l->clock->now - min_u64(done * divisor(l), l->clock->now);
    schedule(l);
}

static void set_initial(struct lapic *l, uint32_t value)
{
    l->initial = value;
    l->start = l->clock->now;
    l->counts = value;
    schedule(l);
}

/* ---- Registers ---- */

static uint32_t read_set(const struct lapic *l, unsigned reg)
{
    return reg < TMR   ? l->isr[reg - ISR]
           : reg < IRR ? l->tmr[reg - TMR]
                       : l->irr[reg - IRR];
}

static uint32_t read_register(struct lapic *l, unsigned reg)
{
    if (reg >= ISR && reg < ESR)
        return read_set(l, reg);
    if (reg >= LVT && reg < LVT + LAPIC_LVTS)
        return l->lvt[reg - LVT];
    switch (reg) {
    case ID:
        return l->id;
    case VERSION:
        return LAPIC_VERSION | (LAPIC_LVTS - 1) << 16;
    case TPR:
        return l->tpr;
    case APR: /* alone on its bus */
    case PPR:
        return processor_priority(l);
    case EOI:
        return 0;
    case LDR:
        return l->ldr;
    case DFR:
        return l->dfr;
    case SVR:
        return l->svr;
    case ESR:
        return l->error;
    case ICR:
        return l->icr;
    case ICR_TO:
        return l->icr_to;
    case INITIAL:
        return l->initial;
    case CURRENT:
        return current(l);
    case DIVIDE:
        return l->divide;
    default:
        trouble(l, ERROR_REGISTER);
        return 0;
    }
}

/* Turned off, it masks all of its table ("Local APIC State After It Has Been
 * Software Disabled"). */
static void set_svr(struct lapic *l, uint32_t value)
{
    l->svr = value & 0x3FF;
    if (!(l->svr & SVR_ENABLED))
        for (unsigned i = 0; i < LAPIC_LVTS; i++)
            l->lvt[i] |= LVT_MASKED;
}

static void set_lvt(struct lapic *l, unsigned n, uint32_t value)
{
    l->lvt[n] = value & lvt_own[n];
    if (!(l->svr & SVR_ENABLED))
        l->lvt[n] |= LVT_MASKED;
}

static void write_register(struct lapic *l, unsigned reg, uint32_t value)
{
    if (reg >= LVT && reg < LVT + LAPIC_LVTS) {
        set_lvt(l, reg - LVT, value);
        return;
    }
    switch (reg) {
    case ID:
        l->id = value & 0xFF000000;
        break;
    case TPR:
        l->tpr = (uint8_t)value;
        break;
    case EOI:
        end(l);
        break;
    case LDR:
        l->ldr = value & 0xFF000000;
        break;
    case DFR:
        l->dfr = value | 0x0FFFFFFF;
        break;
    case SVR:
        set_svr(l, value);
        break;
    case ESR:
        l->error = l->error_news;
        l->error_news = 0;
        break;
    case ICR:
        l->icr = value & 0xCCFFF & ~UINT32_C(0x1000); /* idle at once */
        command(l);
        break;
    case ICR_TO:
        l->icr_to = value & 0xFF000000;
        break;
    case INITIAL:
        set_initial(l, value);
        break;
    case DIVIDE:
        set_divide(l, value);
        break;
    default: /* read-only, or nothing */
        trouble(l, ERROR_REGISTER);
        break;
    }
}

/* A register is the first four of 16 bytes.  What else a program tries is
 * undefined; here parts can be read, and what is no whole register is not
 * written. */
void lapic_io(void *dev, uint64_t offset, unsigned size, bool write,
              uint64_t *value)
{
    struct lapic *l = dev;
    unsigned reg = (unsigned)(offset % LAPIC_SIZE / 16);
    unsigned at = (unsigned)(offset % 16);

    if (write) {
        if (!at && size >= 4)
            write_register(l, reg, (uint32_t)*value);
    } else {
        *value = at < 4 ? (uint64_t)read_register(l, reg) >> 8 * at : 0;
    }
}

/* "Local APIC State After Power-Up or Reset" */
void lapic_reset(struct lapic *l)
{
    clock_cancel(l->clock, expire, l);
    *l = (struct lapic){.clock = l->clock,
                        .nmi = l->nmi,
                        .ended = l->ended,
                        .who = l->who,
                        .dfr = UINT32_MAX,
                        .svr = 0xFF};
    for (unsigned i = 0; i < LAPIC_LVTS; i++)
        l->lvt[i] = LVT_MASKED;
    l->lvt[LVT_LINT0] = LAPIC_EXTINT << 8;
}

static void nobody(void *who)
{
    (void)who;
}

static void nobody_ended(void *who, unsigned vector)
{
    (void)who;
    (void)vector;
}

void lapic_init(struct lapic *l, struct clock *clock)
{
    *l = (struct lapic){.clock = clock, .nmi = nobody, .ended = nobody_ended};
    lapic_reset(l);
}
