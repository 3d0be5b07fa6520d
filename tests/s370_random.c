#include "tests/s370_random.h"

#include "base/bytes.h"
#include "s370/machine/timer.h"

#include <string.h>

struct random random_seed(uint64_t seed)
{
    return (struct random){(seed + 1) * UINT64_C(0x9E3779B97F4A7C15)};
}

uint64_t random_next(struct random *r)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * UINT64_C(0x2545F4914F6CDD1D);
}

uint32_t random_below(struct random *r, uint32_t n)
{
    return (uint32_t)(random_next(r) >> 32) % n;
}

bool random_chance(struct random *r, unsigned percent)
{
    return random_below(r, 100) < percent;
}

/* ---- Layout ---- */

enum {
    SIZE = 64 << 10,
    HANDLERS = 0x0800, /* one for each class of interruption */
    PROGRAM = 0x1000,
    PROGRAM_LEN = 0x0C00,
    PSWS = 0x2000,      /* doublewords for LPSW */
    CCWS = RANDOM_CCWS, /* doublewords */
    DATA = 0x3000,
    TABLES = RANDOM_TABLES, /* segment table, page tables behind it */
    ALT_PREFIX = 0x6000
};

/* ---- PSWs ---- */

static uint32_t target(struct random *r)
{
    uint32_t at = PROGRAM + random_below(r, PROGRAM_LEN / 2) * 2;

    if (random_chance(r, 2))
        at |= 1;
    return random_chance(r, 1) ? random_below(r, 1 << 24) : at;
}

static uint8_t random_mask(struct random *r, const struct random_mix *mix,
                           bool ec)
{
    uint8_t mask = (uint8_t)random_next(r);

    if (!ec)
        return mask;
    mask &= random_chance(r, 97) ? 0x47 : 0xFF;
    if (!mix->per || random_chance(r, 60))
        mask &= (uint8_t)~S370_MASK_PER;
    if (!mix->translation || random_chance(r, 40))
        mask &= (uint8_t)~S370_MASK_DAT;
    return mask;
}

static void random_psw(struct random *r, const struct random_mix *mix,
                       uint32_t ia, uint8_t bytes[8])
{
    bool ec = random_chance(r, 50);
    uint8_t key = random_chance(r, 60) ? 0 : (uint8_t)random_below(r, 4);
    struct s370_psw psw = {
        .system_mask = random_mask(r, mix, ec),
        .key = key,
        .ec = ec,
        .machine_check = random_chance(r, 30),
        .wait = random_chance(r, 2),
        .problem = random_chance(r, 15),
        .cc = (uint8_t)random_below(r, 4),
        .program_mask = (uint8_t)random_below(r, 16),
        .ia = ia,
    };

    s370_psw_store(&psw, 2, 0, bytes);
    if (random_chance(r, 1))
        bytes[random_below(r, 8)] ^= (uint8_t)(1u << random_below(r, 8));
    if (!mix->translation && (bytes[1] & 8))
        bytes[0] &= (uint8_t)~S370_MASK_DAT;
}

/* A handler does little and goes back by the old PSW, most of the time. */
static void handler(struct random *r, const struct random_mix *mix,
                    struct s370_image *im, unsigned n, uint32_t old,
                    uint32_t new)
{
    uint32_t at = HANDLERS + n * 0x40;
    uint8_t *code = im->bytes + at;

    random_psw(r, mix, at, im->bytes + new);
    if (random_chance(r, 90)) {
        im->bytes[new + 1] &= 0x0C; /* key 0, supervisor, no wait */
        im->bytes[new] = 0;
        if (im->bytes[new + 1] & 8)
            im->bytes[new + 2] &= 0x3F, im->bytes[new + 3] = 0,
                                                        im->bytes[new + 4] = 0;
        store_be24(im->bytes + new + 5, at);
    }
    store_be32(code, 0x41110001); /* LA 1,1(1) */
    store_be16(code + 4, 0x8200); /* LPSW old */
    store_be16(code + 6, (uint16_t)old);
}

static void low_core(struct random *r, const struct random_mix *mix,
                     struct s370_image *im)
{
    static const uint8_t old[] = {24, 32, 40, 48, 56};

    for (unsigned i = 0; i < ARRAY_LEN(old); i++)
        handler(r, mix, im, i, old[i], old[i] + 64u);
    random_psw(r, mix, target(r), im->bytes + S370_PSA_RESTART_NEW);
    store_be32(im->bytes + S370_PSA_CAW,
               (random_chance(r, 80) ? 0 : random_below(r, 4) << 28) |
                   (CCWS + random_below(r, 64) * 8));
    store_be32(im->bytes + S370_PSA_INTERVAL_TIMER,
               random_chance(r, 50) ? random_below(r, 0x400)
                                    : (uint32_t)random_next(r));
}

/* ---- Channel programs ---- */

static void random_ccw(struct random *r, uint8_t *at)
{
    static const uint8_t commands[] = {0x01, 0x02, 0x03, 0x04, 0x08, 0x0B,
                                       0x0C, 0x13, 0x1B, 0x22, 0x42, 0x08};

    at[0] = random_chance(r, 95)
                ? commands[random_below(r, ARRAY_LEN(commands))]
                : (uint8_t)random_next(r);
    store_be24(at + 1, at[0] == 0x08          ? CCWS + random_below(r, 64) * 8
                       : random_chance(r, 90) ? DATA + random_below(r, 0x2000)
                                              : random_below(r, 1 << 24));
    at[4] = random_chance(r, 95) ? (uint8_t)(random_below(r, 32) << 3)
                                 : (uint8_t)random_next(r);
    if (random_chance(r, 50))
        at[4] &= 0x3F; /* no chaining */
    at[5] = 0;
    store_be16(at + 6, (uint16_t)(random_below(r, 300)));
}

/* ---- Instructions ---- */

static const struct insn_desc *pick(struct random *r,
                                    const struct random_mix *mix)
{
    bool privileged = random_chance(r, mix->privileged);

    if (mix->only >= 0 && random_chance(r, 60))
        return &s370_insns.rows[mix->only];
    for (;;) {
        const struct insn_desc *d =
            &s370_insns.rows[random_below(r, S370_OP_COUNT)];
        if ((d->privilege == PRIV_P) == privileged)
            return d;
    }
}

/* Base 13 is the data area, 12 the PSWs, 10 the end of storage, 0 low storage;
 * others as they are. */
static uint16_t random_address(struct random *r)
{
    static const uint8_t bases[] = {13, 13, 13, 13, 13, 13, 12, 12, 12, 10, 0};
    unsigned base = random_chance(r, 97)
                        ? bases[random_below(r, ARRAY_LEN(bases))]
                        : random_below(r, 16);
    unsigned displacement = random_below(r, base == 12 ? 0x400 : 0x1000);

    if (random_chance(r, 85))
        displacement &= 0xFF8;
    return (uint16_t)(base << 12 | displacement);
}

static uint8_t device_byte(struct random *r)
{
    static const uint8_t low[] = {0x10, 0x20, 0x21, 0x22};

    return low[random_below(r, ARRAY_LEN(low))];
}

/* I/O addresses come as displacement without a base. */
static void fix_address(struct random *r, const struct insn_desc *d,
                        uint8_t *at)
{
    bool io = (d->opcode & 0xFC00) == 0x9C00 || d->id == S370_OP_STIDC;

    if (io && random_chance(r, 90)) {
        at[2] = (uint8_t)random_below(r, 2);
        at[3] = device_byte(r);
    }
    if (d->id == S370_OP_LPSW && random_chance(r, 80))
        store_be16(at + 2, (uint16_t)(0xC000 | random_below(r, 64) * 8));
    if (d->id == S370_OP_SIGP && random_chance(r, 90))
        at[1] &= 0xF0, at[2] = 0, at[3] = (uint8_t)random_below(r, 4);
    if (d->id == S370_OP_SPX && random_chance(r, 80))
        store_be16(at + 2, (uint16_t)(0xD000 | 8 * random_below(r, 2)));
    if (d->id == S370_OP_SPKA && random_chance(r, 80))
        store_be16(at + 2, (uint16_t)(random_below(r, 4) << 4));
}

static void fix_mask(const struct random_mix *mix, const struct insn_desc *d,
                     uint8_t *at)
{
    uint8_t dat = mix->translation ? 0 : S370_MASK_DAT;

    if (d->id == S370_OP_STOSM)
        at[1] &= (uint8_t) ~(0xB8 | dat | (mix->per ? 0 : S370_MASK_PER));
}

/* One instruction at `at`; its length. */
static unsigned instruction(struct random *r, const struct random_mix *mix,
                            uint8_t *at)
{
    const struct insn_desc *d = pick(r, mix);
    bool two = d->opcode > 0xFF;
    uint64_t noise = random_next(r);
    unsigned len;

    at[0] = (uint8_t)(two ? d->opcode >> 8 : d->opcode);
    at[1] = two ? (uint8_t)d->opcode : (uint8_t)noise;
    len = s370_insn_len(at[0]);
    for (unsigned i = 2; i < len; i += 2)
        store_be16(at + i, random_address(r));
    if (len > 2) {
        fix_address(r, d, at);
        fix_mask(mix, d, at);
    }
    if (len == 2 && d->privilege == PRIV_P && random_chance(r, 80))
        at[1] = (uint8_t)(at[1] & 0xF0) | (13 - random_below(r, 3));
    return len;
}

static bool branches(uint8_t opcode)
{
    return opcode == 0x45 || opcode == 0x46 || opcode == 0x47 ||
           opcode == 0x86 || opcode == 0x87;
}

/* Branches go into the program, EXECUTE to an instruction of it. */
static void aim(struct random *r, uint8_t *at)
{
    if ((branches(at[0]) || at[0] == 0x44) && random_chance(r, 95))
        store_be16(at + 2, (uint16_t)(0xB000 | random_below(r, 0x800) << 1));
    if (at[0] == 0x44)
        at[1] &= 0xF0;
}

static void program(struct random *r, const struct random_mix *mix,
                    struct s370_image *im)
{
    uint32_t at = PROGRAM;

    while (at < PROGRAM + PROGRAM_LEN) {
        unsigned len = instruction(r, mix, im->bytes + at);
        aim(r, im->bytes + at);
        at += len;
    }
    if (mix->wild)
        for (uint32_t i = 0; i < PROGRAM_LEN; i++)
            im->bytes[PROGRAM + i] = (uint8_t)random_next(r);
}

/* ---- Data ---- */

/* Packed decimal now and then, so that decimal instructions find digits. */
static void data(struct random *r, struct s370_image *im)
{
    for (uint32_t i = 0; i < 0x2000; i++) {
        uint8_t b = (uint8_t)random_next(r);
        if (random_chance(r, 60))
            b = (uint8_t)(random_below(r, 10) << 4 | random_below(r, 10));
        if (i % 8 == 7 && random_chance(r, 50))
            b = (uint8_t)(random_below(r, 10) << 4 | 0x0C);
        im->bytes[DATA + i] = b;
    }
    s370_image_word(im, DATA, 0);
    s370_image_word(im, DATA + 8, ALT_PREFIX);
}

/* Tables that translate most of storage to itself, with holes. */
static void tables(struct random *r, struct s370_image *im)
{
    for (uint32_t i = 0; i < 16; i++)
        s370_image_word(im, TABLES + i * 4,
                        i ? 1 : 0xF0000000 | (TABLES + 0x100));
    for (uint32_t page = 0; page < 32; page++) {
        uint16_t entry = (uint16_t)(page << 3); /* 2K pages */
        if (random_chance(r, 5) && page > 4)
            entry |= 4;
        if (random_chance(r, 5) && page > 8)
            entry = (uint16_t)(random_below(r, 34) << 3);
        store_be16(im->bytes + TABLES + 0x100 + page * 2, entry);
    }
}

static void registers(struct random *r, const struct random_mix *mix,
                      struct s370_image *im)
{
    for (unsigned i = 0; i < 16; i++)
        im->gr[i] = random_chance(r, 50) ? (uint32_t)random_next(r)
                                         : random_below(r, SIZE);
    im->gr[10] = SIZE - 0x800;
    im->gr[11] = PROGRAM;
    im->gr[12] = PSWS;
    im->gr[13] = DATA;
    for (unsigned i = 0; i < 4; i++)
        im->fpr[i] = random_next(r);
    im->cr[0] ^= random_chance(r, 30) ? S370_CR0_BLOCK_MULTIPLEX : 0;
    im->cr[0] ^= random_chance(r, 10) ? S370_CR0_SSM_SUPPRESSION : 0;
    im->cr[0] |= random_chance(r, 30) ? S370_CR0_CLOCK_COMPARATOR : 0;
    im->cr[0] |= random_chance(r, 30) ? S370_CR0_CPU_TIMER : 0;
    im->cr[0] |= 0x00400000; /* 2K pages in 64K segments */
    im->cr[1] = TABLES;
    im->cr[8] = (uint32_t)random_next(r) & 0xFFFF;
    if (mix->per) {
        im->cr[9] = (uint32_t)random_next(r);
        im->cr[10] = random_below(r, SIZE);
        im->cr[11] = im->cr[10] + random_below(r, 0x4000);
    }
}

/* Timers that come to something within the run. */
static void timers(struct random *r, struct s370_image *im)
{
    static const struct s370_timers at_reset;
    struct s370_timers t = at_reset;

    s370_timers_reset(&t, 0);
    im->interval_next = 1 + random_below(r, 1500);
    im->comparator = s370_tod(&t, random_below(r, 1500));
    im->cpu_timer = (uint64_t)random_below(r, 1500) << 8;
}

static void keys(struct random *r, struct s370_image *im)
{
    for (uint32_t i = 0; i < SIZE / S370_BLOCK; i++)
        if (random_chance(r, 30))
            im->keys[i] = (uint8_t)(random_below(r, 4) << 4 |
                                    (random_chance(r, 30) ? 8 : 0));
}

void random_guest(struct random *r, const struct random_mix *mix,
                  struct s370_image *im)
{
    uint8_t bytes[8];

    s370_image_init(im, SIZE);
    low_core(r, mix, im);
    memcpy(im->bytes + ALT_PREFIX, im->bytes, 0x1000);
    program(r, mix, im);
    for (uint32_t i = 0; i < 128; i++)
        random_psw(r, mix, target(r), im->bytes + PSWS + i * 8);
    for (uint32_t i = 0; i < 64; i++)
        random_ccw(r, im->bytes + CCWS + i * 8);
    data(r, im);
    tables(r, im);
    registers(r, mix, im);
    timers(r, im);
    keys(r, im);
    random_psw(r, mix, PROGRAM, bytes);
    bytes[1] &= 0x0C; /* it begins in the supervisor state, running */
    s370_psw_load(&im->psw, bytes);
}
