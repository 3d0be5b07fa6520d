/* Random and boundary states for one System/370 instruction, made so that most
 * of them complete it; and the same state with one part varied. */
#include "popek-goldberg/probe/probe_s370_state.h"

#include "base/bytes.h"
#include "s370/machine/decode.h"

#include <string.h>

/* Logical addresses in the window. */
enum {
    CODE = 0x600, /* some place here, behind the fixed locations */
    CODE_LEN = 0x1C0,
    TARGET = 0x500, /* of an EXECUTE */
    FIRST = 0x900,  /* about here the first operand */
    SECOND = 0x1300,
    PREFIXES = 7 /* the last page has the channel program, at the same real
                  * and absolute address */
};

/* Registers that point into the window: to code as the target of an EXECUTE,
 * to the operands; the first of a pair for the long moves. */
enum { OR_REGISTER = 9, TARGET_BASE = 11, FIRST_BASE = 12, SECOND_BASE = 14 };

static struct pg_random seeded(uint64_t seed, unsigned op, uint32_t number)
{
    uint64_t x = seed * UINT64_C(0x9E3779B97F4A7C15) + op + 1;

    x = (x ^ x >> 29) * UINT64_C(0xBF58476D1CE4E5B9) + number;
    x = (x ^ x >> 32) * UINT64_C(0x94D049BB133111EB);
    struct pg_random r = {x ^ x >> 31 ? x ^ x >> 31 : 1};
    (void)pg_random_next(&r);
    return r;
}

static uint32_t some32(struct pg_random *r)
{
    static const uint32_t edges[] = {0,          1,          0xFFFFFFFF,
                                     0x7FFFFFFF, 0x80000000, 0x00FFFFFF};

    if (pg_random_chance(r, 25))
        return edges[pg_random_below(r, ARRAY_LEN(edges))];
    return (uint32_t)pg_random_next(r) >> pg_random_below(r, 32);
}

/* ---- Operands ---- */

/* A number of `len` bytes in packed decimal, small enough to be multiplied,
 * divided and shifted. */
static void packed(struct pg_random *r, uint8_t *at, unsigned len)
{
    memset(at, 0, len);
    at[len - 1] = (uint8_t)((1 + pg_random_below(r, 9)) << 4 |
                            (pg_random_chance(r, 50) ? 0xC : 0xD));
    if (len > 4 && pg_random_chance(r, 50))
        at[len - 2] = (uint8_t)pg_random_below(r, 10);
}

static void window(struct pg_random *r, struct pg_state *s)
{
    for (uint32_t i = 0; i < PG_WINDOW_SIZE; i += 8)
        store_be64(s->window + i, pg_random_next(r));
    for (uint32_t i = 0; i < PG_WINDOW_SIZE; i += 4)
        if (pg_random_chance(r, 25)) /* addresses, small numbers */
            store_be32(s->window + i,
                       pg_random_below(r, PG_BLOCKS * S370_BLOCK));
}

static bool is_io(const struct insn_desc *d)
{
    return (d->opcode & 0xFC00) == 0x9C00 || d->id == S370_OP_STIDC;
}

static bool is_float(const struct insn_desc *d)
{
    return d->opcode < 0x80 && (d->opcode & 0x20) && (d->opcode & 0x70) != 0x50;
}

static bool is_decimal(const struct insn_desc *d)
{
    return d->opcode >= 0xF8 && d->opcode <= 0xFF;
}

static void registers(struct pg_random *r, struct pg_state *s)
{
    struct s370_cpu *c = &s->cpu;

    for (unsigned i = 0; i < 16; i++) {
        c->gr[i] = some32(r);
        c->cr[i] = (uint32_t)pg_random_next(r);
    }
    for (unsigned i = 0; i < 4; i++)
        c->fpr[i] = (pg_random_next(r) & ~(UINT64_C(0x70) << 56)) |
                    (UINT64_C(0x40) << 56);
    c->gr[TARGET_BASE] = TARGET;
    c->gr[FIRST_BASE] = FIRST + 8 * pg_random_below(r, 32);
    c->gr[FIRST_BASE + 1] = pg_random_below(r, 64); /* lengths of MVCL, CLCL */
    c->gr[SECOND_BASE] = SECOND + 8 * pg_random_below(r, 32);
    c->gr[SECOND_BASE + 1] = some32(r) & 0xFF00003F;
}

/* ---- The instruction ---- */

static uint16_t address(struct pg_random *r, unsigned base)
{
    unsigned displacement = pg_random_below(r, 0x40) * 8;

    if (pg_random_chance(r, 10))
        displacement = pg_random_below(r, 0x800);
    if (pg_random_chance(r, 5))
        base = 0; /* the fixed locations */
    return (uint16_t)(base << 12 | displacement);
}

/* Fields that are registers: even ones, where the operand is a pair; those
 * that hold addresses of the window, and of blocks of real storage. */
static uint8_t fields(struct pg_random *r, const struct insn_desc *d)
{
    uint8_t low = (uint8_t)pg_random_below(r, 11);

    if (is_float(d))
        return (uint8_t)(d->format == S370_FMT_RX ? pg_random_below(r, 4) << 5
                                                  : (pg_random_next(r) & 0x66));
    if (d->id == S370_OP_MVCL || d->id == S370_OP_CLCL)
        return FIRST_BASE << 4 | SECOND_BASE;
    if (d->id == S370_OP_SSK || d->id == S370_OP_ISK)
        return (uint8_t)(low << 4 | SECOND_BASE);
    if (d->format == S370_FMT_RX)
        return (uint8_t)(pg_random_chance(r, 70) ? (low & 0xE) << 4 : low << 4);
    if (d->format == S370_FMT_RR)
        low &= pg_random_chance(r, 70) ? 0xE : 0xF;
    return (uint8_t)(low << 4 | (pg_random_next(r) & 0xF));
}

static void operands(struct pg_random *r, const struct insn_desc *d,
                     struct pg_state *s)
{
    struct s370_cpu *c = &s->cpu;
    uint8_t *at = s->code;

    switch (d->id) {
    case S370_OP_SSK:
    case S370_OP_ISK:
        c->gr[SECOND_BASE] = pg_random_below(r, PG_BLOCKS) * S370_BLOCK;
        break;
    case S370_OP_RRB:
        c->gr[SECOND_BASE] = pg_random_below(r, PG_BLOCKS - 1) * S370_BLOCK;
        for (unsigned i = 0; i < PG_BLOCKS; i++) /* mostly nothing to reset */
            s->keys[i] &= pg_random_chance(r, 70) ? 0xFB : 0xFF;
        for (unsigned i = 0; i < PG_WINDOW_BLOCKS; i++)
            s->window_keys[i] &= pg_random_chance(r, 70) ? 0xFB : 0xFF;
        break;
    case S370_OP_LRA: /* also pages that are not there */
        c->gr[SECOND_BASE] = pg_random_below(r, 0x20000);
        break;
    case S370_OP_STOSM: /* mostly masks that may be on together */
        at[1] &= pg_random_chance(r, 80) ? (uint8_t)pg_random_below(r, 4) : 255;
        break;
    case S370_OP_MC:
        at[1] &= 0x0F;
        break;
    case S370_OP_CDS:
        at[1] &= 0xEE;
        break;
    case S370_OP_SIGP: /* to itself, mostly */
        at[1] = (uint8_t)(at[1] & 0xF0) | 4;
        c->gr[4] = pg_random_below(r, 5) ? c->address : some32(r);
        store_be16(at + 2, (uint16_t)pg_random_below(r, 14));
        break;
    default:
        break;
    }
}

static void digits(struct pg_random *r, const struct insn_desc *d,
                   struct pg_state *s)
{
    uint32_t first = load_be16(s->code + 2) & 0xFFF;
    unsigned l1 = 4 + pg_random_below(r, 8), l2 = pg_random_below(r, 3);

    if (d->id == S370_OP_CVB) {
        first += s->cpu.gr[SECOND_BASE];
        packed(r, s->window + first, 8);
        store_be16(s->code + 2, (uint16_t)(SECOND_BASE << 12 |
                                           (first - s->cpu.gr[SECOND_BASE])));
        return;
    }
    s->code[1] = (uint8_t)(l1 << 4 | l2);
    packed(r, s->window + s->cpu.gr[FIRST_BASE] + first, l1 + 1);
    store_be16(s->code + 2, (uint16_t)(FIRST_BASE << 12 | first));
    if (d->id == S370_OP_SRP) {
        s->code[1] = (uint8_t)(l1 << 4 | pg_random_below(r, 10));
        store_be16(s->code + 4, (uint16_t)pg_random_below(r, 64));
        return;
    }
    packed(r, s->window + s->cpu.gr[SECOND_BASE] + 0x40, l2 + 1);
    store_be16(s->code + 4, SECOND_BASE << 12 | 0x40);
}

static void device_address(struct pg_random *r, struct pg_state *s)
{
    static const uint16_t devices[] = {0x010, 0x010, 0x130, 0x130,
                                       0x131, 0x210, 0x010, 0x130};
    static const uint8_t commands[] = {0x03, 0x07, 0x02};

    s->device = devices[pg_random_below(r, ARRAY_LEN(devices))];
    s->command = commands[pg_random_below(r, ARRAY_LEN(commands))];
    s->channels = (uint8_t)pg_random_below(r, PG_SITUATIONS);
    store_be16(s->code + 2, s->device);
}

/* A random instruction of the row in s->code. */
static void instruction(struct pg_random *r, const struct insn_desc *d,
                        struct pg_state *s)
{
    bool two = d->opcode > 0xFF;
    uint8_t first = (uint8_t)(two ? d->opcode >> 8 : d->opcode);

    s->code[0] = first;
    s->code[1] = two ? (uint8_t)d->opcode : (uint8_t)pg_random_next(r);
    bool registers_named = d->format <= S370_FMT_RS_M && !two &&
                           d->format != S370_FMT_RR_I &&
                           d->format != S370_FMT_S;
    if (registers_named)
        s->code[1] = fields(r, d);
    if (d->length == 6) {
        store_be16(s->code + 2, address(r, FIRST_BASE));
        store_be16(s->code + 4, address(r, SECOND_BASE));
    } else if (d->length == 4) {
        store_be16(s->code + 2, address(r, SECOND_BASE));
    }
    operands(r, d, s);
    s->io = is_io(d);
    if (s->io)
        device_address(r, s);
    if ((is_decimal(d) || d->id == S370_OP_SRP || d->id == S370_OP_CVB) &&
        pg_random_chance(r, 80))
        digits(r, d, s);
}

/* Put it where it is fetched from; now and then as the target of an EXECUTE,
 * which may name no other. */
static void place(struct pg_random *r, struct pg_state *s)
{
    uint32_t ia = CODE + 2 * pg_random_below(r, CODE_LEN / 2);
    uint32_t at = s->executed ? TARGET : ia;

    s->cpu.psw.ia = ia;
    memcpy(s->window + at, s->code, 6);
    if (s->executed)
        store_be32(s->window + ia, 0x44000000 | TARGET_BASE << 12);
    if (s->executed && pg_random_chance(r, 50)) { /* with bits to be or'ed */
        s->window[ia + 1] = OR_REGISTER << 4;
        s->cpu.gr[OR_REGISTER] &= 0xFFFFFF00 | s->code[1];
    }
}

/* ---- Mode, mapping, resources ---- */

static void psw(struct pg_random *r, struct pg_state *s)
{
    struct s370_psw *p = &s->cpu.psw;
    uint32_t kind = pg_random_below(r, 4);

    p->ec = kind != 0;
    p->system_mask =
        (uint8_t)(p->ec || pg_random_chance(r, 50) ? pg_random_below(r, 4)
                                                   : pg_random_next(r));
    if (kind > 1)
        p->system_mask |= S370_MASK_DAT;
    p->key = (uint8_t)(pg_random_chance(r, 50) ? 0 : pg_random_below(r, 16));
    p->machine_check = pg_random_chance(r, 50);
    p->problem = pg_random_chance(r, 50);
    p->cc = (uint8_t)pg_random_below(r, 4);
    p->program_mask =
        (uint8_t)(pg_random_chance(r, 50) ? 0 : pg_random_below(r, 16));
}

bool pg_state_translated(const struct pg_state *s)
{
    return s370_psw_dat(&s->cpu.psw);
}

/* Frames 2 to 11, the second half of them for the other place. */
static void mapping(struct pg_random *r, struct pg_state *s)
{
    unsigned rotate = pg_random_below(r, PG_WINDOW_BLOCKS);

    for (unsigned i = 0; i < PG_WINDOW_BLOCKS; i++)
        s->frame[i] = (uint8_t)(pg_state_translated(s)
                                    ? 2 + (i + rotate) % PG_WINDOW_BLOCKS
                                    : i);
    s->cpu.prefix = pg_random_below(r, PREFIXES) * 0x1000;
    s->cpu.cr[0] &= ~(S370_CR0_PAGE_SIZE | S370_CR0_SEGMENT_SIZE);
    s->cpu.cr[0] |= 0x00400000; /* 2K pages in 64K segments */
    s->cpu.cr[1] = pg_random_chance(r, 50) ? 0x6000 : 0x6100;
}

static void keys(struct pg_random *r, struct pg_state *s)
{
    for (unsigned i = 0; i < PG_BLOCKS; i++)
        s->keys[i] = (uint8_t)(pg_random_next(r) & 0xFE);
    for (unsigned i = 0; i < PG_WINDOW_BLOCKS; i++) {
        s->window_keys[i] = (uint8_t)(s->cpu.psw.key << 4);
        s->window_keys[i] |= (uint8_t)(pg_random_next(r) & 0x0E);
        if (pg_random_chance(r, 5))
            s->window_keys[i] = (uint8_t)(pg_random_next(r) & 0xFE);
    }
}

static uint64_t clock_value(struct pg_random *r)
{
    return pg_random_next(r) & ~UINT64_C(0xFF);
}

static void resources(struct pg_random *r, struct pg_state *s)
{
    struct s370_timers *t = &s->cpu.timers;

    t->tod_offset = (int64_t)clock_value(r);
    t->tod_set = pg_random_chance(r, 50);
    t->comparator = clock_value(r);
    t->cpu_timer_zero = (int64_t)clock_value(r);
    t->call_pending = pg_random_chance(r, 30);
    t->emergency_pending = pg_random_chance(r, 30);
    s->cpu.cpuid = pg_random_next(r);
    s->cpu.address = (uint16_t)pg_random_below(r, 4);
    s->now = 1000 + pg_random_below(r, 1 << 20);
}

/* What an EXECUTE executes: anything else, half of it privileged. */
static const struct insn_desc *target(struct pg_random *r)
{
    bool privileged = pg_random_chance(r, 50);
    const struct insn_desc *d;

    do
        d = &s370_insns.rows[pg_random_below(r, S370_OP_COUNT)];
    while (d->id == S370_OP_EX || (d->privilege == PRIV_P) != privileged);
    return d;
}

void pg_state_make(struct pg_state *s, uint64_t seed, unsigned op,
                   uint32_t number)
{
    struct pg_random r = seeded(seed, op, number);
    const struct insn_desc *d = &s370_insns.rows[op];

    memset(s, 0, sizeof(*s));
    resources(&r, s);
    registers(&r, s);
    psw(&r, s);
    mapping(&r, s);
    keys(&r, s);
    window(&r, s);
    s->executed = op == S370_OP_EX || pg_random_chance(&r, 20);
    if (op == S370_OP_EX)
        d = target(&r);
    instruction(&r, d, s);
    place(&r, s);
}

/* ---- Varying one part ---- */

static bool vary_mapping(struct pg_state *s, unsigned part, struct pg_random *r)
{
    struct s370_cpu *c = &s->cpu;

    if (part == S370_REG_PREFIX) { /* storage follows: see pg_run */
        c->prefix += 0x1000 * (1 + pg_random_below(r, PREFIXES - 1));
        c->prefix %= PREFIXES * 0x1000;
        return true;
    }
    if (part == S370_REG_CR0) {
        c->cr[0] ^= (some32(r) | S370_CR0_SSM_SUPPRESSION) &
                    ~(S370_CR0_PAGE_SIZE | S370_CR0_SEGMENT_SIZE);
        return true;
    }
    if (part == S370_REG_CR1) { /* tables that say the same elsewhere */
        c->cr[1] ^= 0x0100;
        return true;
    }
    if (!pg_state_translated(s))
        return false;
    for (unsigned i = 0; i < PG_WINDOW_BLOCKS; i++)
        s->frame[i] = (uint8_t)(s->frame[i] + PG_WINDOW_BLOCKS);
    return true;
}

static bool vary_psw(struct s370_psw *p, unsigned part, struct pg_random *r)
{
    switch (part) {
    case S370_REG_PSW_P:
        p->problem = !p->problem;
        return true;
    case S370_REG_PSW_MASK:
        p->system_mask ^= (uint8_t)(1 + pg_random_below(r, p->ec ? 3 : 255));
        return true;
    case S370_REG_PSW_KEY:
        p->key ^= (uint8_t)(1 + pg_random_below(r, 15));
        return true;
    case S370_REG_PSW_M:
        p->machine_check = !p->machine_check;
        return true;
    case S370_REG_PSW_EC: /* the mask must mean the same in both */
        if (p->system_mask & ~3)
            return false;
        p->ec = !p->ec;
        return true;
    default:
        return false;
    }
}

static bool vary_timers(struct s370_timers *t, unsigned part,
                        struct pg_random *r)
{
    uint64_t other = clock_value(r) | 0x100;

    switch (part) {
    case S370_REG_TOD:
        t->tod_offset ^= (int64_t)other;
        return true;
    case S370_REG_CKC:
        t->comparator ^= other;
        return true;
    case S370_REG_TIMER:
        t->cpu_timer_zero ^= (int64_t)other;
        return true;
    case PG_TOD_SET:
        t->tod_set = !t->tod_set;
        return true;
    case PG_SIGNALS:
        t->call_pending = !t->call_pending;
        t->emergency_pending ^= pg_random_chance(r, 50);
        return true;
    default:
        return false;
    }
}

static bool vary_keys(struct pg_state *s, uint8_t bits)
{
    for (unsigned i = 0; i < PG_BLOCKS; i++)
        s->keys[i] ^= bits;
    for (unsigned i = 0; i < PG_WINDOW_BLOCKS; i++)
        s->window_keys[i] ^= bits;
    return true;
}

bool pg_state_vary(struct pg_state *s, unsigned part, uint64_t seed,
                   uint32_t number)
{
    struct pg_random r = seeded(seed, S370_OP_COUNT + part, number);
    uint32_t bits = (uint32_t)pg_random_next(&r);

    if (part == S370_REG_PREFIX || part == S370_REG_CR0 ||
        part == S370_REG_CR1 || part == PG_LOCATION)
        return vary_mapping(s, part, &r);
    if (part > S370_REG_CR1 && part <= S370_REG_CR15) {
        s->cpu.cr[part - S370_REG_CR0] ^= bits | 1;
        return true;
    }
    switch (part) {
    case PG_CPU_ID:
        s->cpu.cpuid ^= bits | 1;
        return true;
    case PG_CPU_ADDRESS:
        s->cpu.address ^= (uint16_t)(1 + pg_random_below(&r, 3));
        return true;
    case PG_STORAGE_KEYS:
        return vary_keys(s, (uint8_t)((bits & 0xF8) | 0x10));
    case PG_REFERENCE:
        return vary_keys(s, (uint8_t)(2 + 2 * (bits % 3)));
    case PG_CHANNELS:
        s->channels += (uint8_t)(1 + pg_random_below(&r, PG_SITUATIONS - 1));
        s->channels %= PG_SITUATIONS;
        return s->io;
    default:
        return vary_psw(&s->cpu.psw, part, &r) ||
               vary_timers(&s->cpu.timers, part, &r);
    }
}
