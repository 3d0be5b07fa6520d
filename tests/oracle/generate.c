/* Random cases: operands, translation tables, states of the processor. */
#include "tests/oracle/batch.h"

#include <string.h>

#define BITS_OF_DIGITS UINT64_C(0x00FFFFFFFFFFFFFF) /* a long fraction */

/* ---- Operands ---- */

static void fill_packed(struct rng *r, uint8_t *p, unsigned len)
{
    static const uint8_t signs[] = {0xC, 0xC, 0xD, 0xD, 0xF, 0xA, 0xB, 0xE};
    unsigned zeros = rng_chance(r, 50) ? rng_below(r, len + 1) : 0;

    for (unsigned i = 0; i < len; i++)
        p[i] =
            i < zeros ? 0 : (uint8_t)(rng_below(r, 10) << 4 | rng_below(r, 10));
    p[len - 1] = (uint8_t)((p[len - 1] & 0xF0) | signs[rng_below(r, 8)]);
    if (rng_chance(r, 3))
        p[rng_below(r, len)] = (uint8_t)rng_next(r);
}

static uint64_t random_float(struct rng *r)
{
    uint64_t v = rng_next(r);

    if (rng_chance(r, 70)) /* characteristics that are near each other */
        v = (v & ~(UINT64_C(0x7F) << 56)) | (uint64_t)(0x38 + rng_below(r, 16))
                                                << 56;
    if (rng_chance(r, 20)) /* few digits */
        v &= ~(BITS_OF_DIGITS >> (4 * rng_below(r, 14)));
    if (rng_chance(r, 15)) /* leading zeros */
        v = (v & UINT64_C(0xFF00000000000000)) |
            (v & BITS_OF_DIGITS) >> (4 * rng_below(r, 15));
    return v;
}

static void fill_pattern(struct rng *r, uint8_t *p, unsigned len)
{
    static const uint8_t kinds[] = {0x20, 0x20, 0x20, 0x20, 0x21, 0x22, 0x6B};

    for (unsigned i = 0; i < len; i++)
        p[i] = kinds[rng_below(r, sizeof(kinds))];
    p[0] = 0x40;
}

static uint32_t random_word(struct rng *r)
{
    static const uint32_t words[] = {0,          1,          0xFFFFFFFF,
                                     0x7FFFFFFF, 0x80000000, 0x0000FFFF,
                                     0xFFFF8000, 0x80000001};

    switch (rng_below(r, 4)) {
    case 0:
        return words[rng_below(r, ARRAY_LEN(words))];
    case 1:
        return rng_below(r, 600) - 300;
    default:
        return (uint32_t)rng_next(r);
    }
}

void fill_operands(struct rng *r, uint8_t *p, unsigned len)
{
    uint8_t item[16];

    for (unsigned i = 0; i < len;) {
        unsigned n = 1 + rng_below(r, 16);
        switch (rng_below(r, 6)) {
        case 0:
        case 1:
            fill_packed(r, item, n);
            break;
        case 2:
            n = 8;
            store_be64(item, random_float(r));
            break;
        case 3:
            fill_pattern(r, item, n);
            break;
        case 4:
            n = 4;
            store_be32(item, random_word(r));
            break;
        default:
            for (unsigned k = 0; k < n; k++)
                item[k] = (uint8_t)rng_next(r);
        }
        n = n < len - i ? n : len - i;
        memcpy(p + i, item, n);
        i += n;
    }
}

/* ---- Translation tables ---- */

enum { PAGE_TABLES = 4, PAGE_TABLE_SIZE = 0x400 };

/* Even sets have pages of 2K, sets 2, 3, 6, 7 segments of 1M. */
static bool pages_4k(unsigned set)
{
    return set & 1;
}

static bool segments_1m(unsigned set)
{
    return set & 2;
}

/* The frame is nearly always one that cases own: a wrong one is out of
 * storage or invalid. */
static uint16_t random_page_entry(struct rng *r, bool big, unsigned page)
{
    unsigned shift = big ? 12 : 11;
    uint32_t identity = page << shift;
    uint32_t real = AT_REGION + (rng_below(r, 4) << 11);

    if (identity >= AT_REGION && identity < AT_REGION + REGION_SIZE &&
        rng_chance(r, 85))
        real = identity;
    else if (rng_chance(r, 10))
        real = STORAGE_END_BLOCK;
    else if (rng_chance(r, 5))
        real = STORAGE_SIZE + (rng_below(r, 16) << 12);
    uint16_t entry = (uint16_t)(real >> shift << (big ? 4 : 3));
    if (rng_chance(r, 8))
        entry |= big ? 8 : 4; /* invalid */
    if (rng_chance(r, 1))
        entry |= big ? (uint16_t)(2u << rng_below(r, 2)) : 2; /* must be 0 */
    if (rng_chance(r, 10))
        entry |= 1; /* free to the program */
    return entry;
}

static uint32_t random_segment_entry(struct rng *r, uint32_t tables)
{
    uint32_t entry = tables + rng_below(r, PAGE_TABLES) * PAGE_TABLE_SIZE;

    entry |= (rng_chance(r, 70) ? 15 : rng_below(r, 16)) << 28;
    if (rng_chance(r, 8))
        entry |= 1;
    if (rng_chance(r, 1))
        entry |= 0x01000000u << rng_below(r, 4);
    if (rng_chance(r, 1))
        entry |= 4;
    return entry;
}

void fill_tables(struct rng *r, uint8_t *image)
{
    for (unsigned set = 0; set < TABLE_SETS; set++) {
        uint32_t at = AT_TABLES + set * TABLE_SET_SIZE, pages = at + 0x400;
        for (unsigned i = 0; i < 256; i++)
            store_be32(image + at + 4 * i, random_segment_entry(r, pages));
        store_be32(image + at, 0xF0000000 | pages);
        for (unsigned i = 0; i < PAGE_TABLES * PAGE_TABLE_SIZE / 2; i++)
            store_be16(
                image + pages + 2 * i,
                random_page_entry(r, pages_4k(set), i % (PAGE_TABLE_SIZE / 2)));
    }
}

static uint32_t random_cr0(struct rng *r, unsigned set)
{
    uint32_t v = rng_next(r) & 0x80000C60;

    v |= pages_4k(set) ? 0x00800000 : 0x00400000;
    v |= segments_1m(set) ? 0x00100000 : 0;
    if (rng_chance(r, 3))
        v = (v & ~0x00F80000u) | (rng_next(r) & 0x00F80000);
    if (rng_chance(r, 10))
        v |= 0x40000000; /* SSM suppression */
    return v;
}

static uint32_t random_cr1(struct rng *r, unsigned set)
{
    uint32_t at = AT_TABLES + set * TABLE_SET_SIZE;
    uint32_t length = segments_1m(set) ? 0 : 15;

    if (rng_chance(r, 15))
        length = rng_below(r, 16);
    if (rng_chance(r, 1))
        at += 0x00FF0000; /* beyond storage */
    return length << 24 | (at & 0xFFFFFF);
}

/* ---- The state before a case ---- */

static uint32_t random_address(struct rng *r)
{
    switch (rng_below(r, 12)) {
    case 0:
        return STORAGE_SIZE - rng_below(r, 40);
    case 1:
        return STORAGE_END_BLOCK + 20 - rng_below(r, 40);
    case 2:
        return (0x1000000 - rng_below(r, 40)) & 0xFFFFFF;
    case 3:
        return (uint32_t)rng_next(r) & 0xFFFFFF;
    default:
        return AT_REGION + 0x800 * (1 + rng_below(r, 4)) - rng_below(r, 48);
    }
}

/* Where the data patch is put: around the boundaries of blocks. */
static uint32_t random_patch(struct rng *r)
{
    switch (rng_below(r, 8)) {
    case 0:
        return STORAGE_END_BLOCK;
    case 1:
        return STORAGE_SIZE - DATA_SIZE;
    case 2:
        return AT_REGION + 0x800 + rng_below(r, 0x1800 - DATA_SIZE + 1);
    default:
        return AT_REGION + 0x800 * (1 + rng_below(r, 3)) -
               rng_below(r, DATA_SIZE);
    }
}

static uint32_t random_code(struct rng *r)
{
    switch (rng_below(r, 20)) {
    case 0:
        return AT_REGION + 0x800 - 2 * rng_below(r, 6);
    case 1:
        return STORAGE_SIZE - CODE_SIZE;
    default:
        return CODE_FIELD + 0x80 + 2 * rng_below(r, 0x40);
    }
}

static uint32_t copy_of(uint32_t a)
{
    return a >= STORAGE_END_BLOCK ? a - STORAGE_END_BLOCK + AT_COPY_END
                                  : a - AT_REGION + AT_COPY;
}

static uint32_t high_byte(struct rng *r, uint32_t address)
{
    return rng_chance(r, 30) ? address | (uint32_t)rng_next(r) << 24 : address;
}

static void fill_registers(struct rng *r, uint8_t *at, uint32_t code,
                           uint32_t data)
{
    uint32_t gr[16];

    for (unsigned i = 0; i < 16; i++)
        gr[i] = random_word(r);
    for (unsigned i = 0; i < 4; i++)
        if (rng_chance(r, 40))
            gr[i] = rng_below(r, 200);
    gr[REG_CODE] = high_byte(r, code);
    gr[REG_DATA] = high_byte(r, data + rng_below(r, DATA_SIZE));
    gr[REG_DATA + 1] = high_byte(r, data + rng_below(r, 16));
    gr[REG_DATA + 2] = high_byte(r, AT_REGION + 0x800 + rng_below(r, 0x1800));
    gr[REG_DATA + 3] = high_byte(r, random_address(r));
    gr[REG_CONTROL] = high_byte(r, CONTROL_AREA);
    gr[REG_BLOCK] = high_byte(r, AT_REGION + 0x800 * rng_below(r, 4));
    if (rng_chance(r, 20))
        gr[REG_BLOCK] = random_address(r);
    if (rng_chance(r, 50))
        gr[14] = random_address(r);
    for (unsigned i = 0; i < 16; i++)
        store_be32(at + CASE_GR + 4 * i, gr[i]);
    for (unsigned i = 0; i < 4; i++)
        store_be64(at + CASE_FPR + 8 * i, random_float(r));
}

void fill_control_registers(struct rng *r, uint8_t *at)
{
    unsigned set = rng_below(r, TABLE_SETS);

    memset(at, 0, 64);
    store_be32(at, random_cr0(r, set));
    store_be32(at + 4, random_cr1(r, set));
    store_be32(at + 8, (uint32_t)rng_next(r));
    store_be32(at + 4 * 8, (uint32_t)rng_next(r));
    store_be32(at + 4 * 9, (uint32_t)(rng_next(r) & rng_next(r)));
    store_be32(at + 4 * 10, random_address(r));
    store_be32(at + 4 * 11, rng_chance(r, 40) ? 0xFFFFFF : random_address(r));
    store_be32(at + 4 * 14, 0xC2000000);
    store_be32(at + 4 * 15, 0x00000200);
}

uint64_t random_psw(struct rng *r, unsigned key, uint32_t ia)
{
    uint64_t w = (uint64_t)key << 52 | ia;
    uint32_t cc_pm = rng_below(r, 64);

    if (rng_chance(r, 50))
        w |= UINT64_C(0x0001) << 48; /* problem state */
    if (rng_chance(r, 50))
        w |= UINT64_C(0x0004) << 48; /* machine check */
    if (rng_chance(r, 5))
        w |= UINT64_C(0x01) << 56; /* external */
    if (rng_chance(r, 10))
        w |= UINT64_C(0x02) << 56; /* I/O */
    if (rng_chance(r, 50)) {
        w |= (uint64_t)cc_pm << 24;
        if (rng_chance(r, 10))
            w |= (rng_next(r) & 0xFC) << 56; /* channel masks */
        return w | (rng_next(r) & 0xFFFF) << 32;
    }
    w |= UINT64_C(0x0008) << 48 | (uint64_t)cc_pm << 40;
    if (rng_chance(r, 60))
        w |= UINT64_C(0x04) << 56; /* translation */
    if (rng_chance(r, 20))
        w |= UINT64_C(0x40) << 56; /* program-event recording */
    if (rng_chance(r, 1))
        w |= UINT64_C(1) << rng_below(r, 64); /* perhaps one that must be 0 */
    return w;
}

static void fill_keys(struct rng *r, uint8_t *at, unsigned key)
{
    for (unsigned i = 0; i < 5; i++) {
        uint8_t k = (uint8_t)(key << 4);
        if (rng_chance(r, 20))
            k = (uint8_t)(rng_below(r, 16) << 4);
        if (rng_chance(r, 20))
            k |= 8;
        at[i] = (uint8_t)(k | (rng_next(r) & 6));
    }
}

static void fill_code(struct rng *r, uint8_t *code)
{
    unsigned n = 1 + rng_below(r, 3), at = 0;

    for (unsigned i = 0; i < CODE_SIZE; i += 2)
        store_be16(code + i, 0x0AFE);
    if (rng_chance(r, 3)) { /* anything at all */
        for (unsigned i = 0; i < 16; i++)
            code[i] = (uint8_t)rng_next(r);
        return;
    }
    while (n--)
        at += fill_insn(r, code + at, false);
    fill_insn(r, code + CODE_TARGET, true);
}

void fill_case(struct rng *r, uint8_t *at)
{
    uint32_t code = random_code(r), data = random_patch(r);
    unsigned key = rng_chance(r, 12) ? 0 : 1 + rng_below(r, 14);

    store_be64(at + CASE_PSW,
               random_psw(r, key, code | (rng_chance(r, 1) ? 1 : 0)));
    fill_registers(r, at, code, data);
    fill_control_registers(r, at + CASE_CR);
    fill_keys(r, at + CASE_KEYS, key);
    store_be64(at + CASE_COMPARATOR, rng_chance(r, 30) ? 0 : UINT64_MAX);
    store_be64(at + CASE_TIMER,
               rng_chance(r, 30) ? UINT64_C(0xC) << 60 : UINT64_MAX >> 1);
    store_be32(at + CASE_PATCHES, code);
    store_be32(at + CASE_PATCHES + 4, copy_of(code));
    store_be32(at + CASE_PATCHES + 8, data);
    store_be32(at + CASE_PATCHES + 12, copy_of(data));
    fill_code(r, at + CASE_CODE);
    fill_operands(r, at + CASE_DATA, DATA_SIZE);
}
