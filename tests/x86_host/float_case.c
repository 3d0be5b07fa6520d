#include "tests/x86_host/float_case.h"

#include "base/bytes.h"

#include <string.h>

#define ROW(name, opcode, modrm, how, data) \
    {name, sizeof(opcode) - 1, opcode, modrm, how, data},
static const struct float_row rows[] = {
#include "tests/x86_host/float.def"
};
#undef ROW

size_t float_rows(const struct float_row **first)
{
    *first = rows;
    return ARRAY_LEN(rows);
}

static uint64_t below(struct case_random *r, uint64_t n)
{
    return case_random(r) % n;
}

/* ---- Numbers ---- */

/* Bits in runs, as carries and roundings like them. */
static uint64_t runs(struct case_random *r)
{
    uint64_t v = case_random(r);

    switch (below(r, 6)) {
    case 0:
        return v;
    case 1:
        return v & case_random(r) & case_random(r);
    case 2:
        return v | case_random(r) | case_random(r);
    case 3:
        return ~UINT64_C(0) << below(r, 64);
    case 4:
        return ~UINT64_C(0) >> below(r, 64);
    default:
        return UINT64_C(1) << below(r, 64);
    }
}

/* An exponent of `bits` bits: all, near 1, near the ends. */
static uint64_t exponent(struct case_random *r, unsigned bits)
{
    uint64_t top = (UINT64_C(1) << bits) - 1;

    switch (below(r, 8)) {
    case 0:
        return below(r, top + 1);
    case 1:
        return below(r, 4);
    case 2:
        return top - below(r, 4);
    case 3:
        return (top / 2 + below(r, 140) - 70) & top;
    case 4:
        return top / 2 + 14 + below(r, 60) % (top / 2);
    default:
        return (top / 2 + below(r, 8) - 4) & top;
    }
}

static uint64_t number(struct case_random *r, unsigned exponent_bits,
                       unsigned fraction_bits)
{
    uint64_t fraction = runs(r) & ((UINT64_C(1) << fraction_bits) - 1);
    uint64_t e =
        exponent(r, exponent_bits) & ((UINT64_C(1) << exponent_bits) - 1);

    if (!below(r, 12))
        fraction = 0;
    if (!below(r, 16))
        e = 0;
    return below(r, 2) << (exponent_bits + fraction_bits) | e << fraction_bits |
           fraction;
}

static void number80(struct case_random *r, bool unit, uint8_t *to)
{
    uint64_t significand = runs(r), e = exponent(r, 15);

    if (below(r, 16))
        significand |= UINT64_C(1) << 63;
    if (!below(r, 12))
        significand = UINT64_C(1) << 63;
    if (!below(r, 16))
        e = 0;
    if (!below(r, 24))
        significand = 0;
    if (unit && below(r, 8)) /* below 1, or a quarter for FYL2XP1's sake */
        e = 0x3FFD - below(r, below(r, 4) ? 20 : 16000);
    store_le64(to, significand);
    store_le16(to + 8, (uint16_t)(e & 0x7FFF) | (uint16_t)(below(r, 2) << 15));
}

static void integer(struct case_random *r, unsigned bytes, uint8_t *to)
{
    uint64_t v = runs(r) >> below(r, 64);

    v = below(r, 2) ? v : -v;
    memcpy(to,
           (uint8_t[8]){(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
                        (uint8_t)(v >> 24), (uint8_t)(v >> 32),
                        (uint8_t)(v >> 40), (uint8_t)(v >> 48),
                        (uint8_t)(v >> 56)},
           bytes);
}

static void decimal(struct case_random *r, uint8_t *to)
{
    unsigned digits = (unsigned)below(r, 19);

    memset(to, 0, 10);
    for (unsigned i = 0; i < digits; i++)
        to[i / 2] |= (uint8_t)(below(r, 10) << i % 2 * 4);
    to[9] = (uint8_t)(below(r, 2) << 7);
}

/* 16 bytes of data of this kind. */
static void fill(struct case_random *r, unsigned data, uint8_t *to)
{
    memset(to, 0, 16);
    switch (data) {
    case F32:
        for (unsigned i = 0; i < 16; i += 4)
            store_le32(to + i, (uint32_t)number(r, 8, 23));
        break;
    case F64:
        for (unsigned i = 0; i < 16; i += 8)
            store_le64(to + i, number(r, 11, 52));
        break;
    case F80:
    case UNIT:
        number80(r, data == UNIT, to);
        break;
    case I16:
    case I32:
    case I64:
        for (unsigned n = data == I16   ? 2
                          : data == I32 ? 4
                                        : 8,
                      i = 0;
             i < 16; i += n)
            integer(r, n, to + i);
        break;
    case BCD:
        decimal(r, to);
        break;
    default:
        store_le64(to, runs(r));
        store_le64(to + 8, runs(r));
    }
}

/* ---- State ---- */

static bool is_x87(const struct float_row *row)
{
    return row->opcode[0] >= 0xD8 && row->opcode[0] <= 0xDF;
}

/* Exceptions mostly masked; none that waits. */
static unsigned masks(struct case_random *r)
{
    return below(r, 3) ? 0x3F : (unsigned)below(r, 64);
}

static void registers(struct float_case *c, struct case_random *r)
{
    static const uint8_t others[] = {F80, F80, F80, UNIT, I64, F64};
    unsigned data = c->row->data;

    for (unsigned i = 0; i < 8; i++) {
        uint8_t *st = c->image + 32 + 16 * i;

        if (!is_x87(c->row) && data != F80)
            fill(r, data, st);
        number80(r, data == UNIT || others[below(r, 6)] == UNIT, st);
        if (!is_x87(c->row) && data != F80 && below(r, 8))
            fill(r, data, st);
        memset(st + 10, 0, 6);
    }
    for (unsigned i = 0; i < 16; i++)
        fill(r, below(r, 8) ? data : ANY, c->image + 160 + 16 * i);
}

static void make_image(struct float_case *c, struct case_random *r)
{
    unsigned mask = masks(r), flags = (unsigned)below(r, 64) & mask;
    unsigned top = (unsigned)below(r, 8), full;

    memset(c->image, 0, sizeof(c->image));
    registers(c, r);
    if (below(r, 2))
        flags = 0;
    store_le16(
        c->image,
        (uint16_t)(mask | 0x40 | below(r, 4) << 10 |
                   (below(r, 2) ? 3 : below(r, 3) + (below(r, 3) != 0)) << 8));
    store_le16(c->image + 2, (uint16_t)(flags | top << 11 | (below(r, 8) << 8) |
                                        below(r, 2) << 14));
    full = below(r, 4) ? 0x0F : (unsigned)below(r, 256);
    full = full << top | full >> (8 - top);
    c->image[4] = (uint8_t)full;
    mask = masks(r);
    flags = (unsigned)below(r, 64);
    store_le32(c->image + 24,
               (uint32_t)((below(r, 2) ? flags : 0) | mask << 7 |
                          below(r, 4) << 13 | (below(r, 4) ? 0 : 0x40) |
                          (below(r, 4) ? 0 : 0x8000)));
}

/* ---- Code ---- */

static unsigned modrm(const struct float_row *row, struct case_random *r)
{
    static const uint8_t usable[] = {0, 1, 3, 6};
    unsigned a = usable[below(r, 4)], b = usable[below(r, 4)];
    bool memory = row->how & (MEM | REG);

    if (row->how & ST)
        return row->modrm | (unsigned)below(r, 8);
    if (row->how & MEM)
        return row->modrm | 2;
    if (row->how & FIXED)
        return row->modrm;
    if (row->how & MVEC)
        memory =
            below(r, 2) || ((row->how & ONLY_PS) && row->opcode[0] == 0x66);
    return memory ? a << 3 | 2 : 0xC0 | a << 3 | b;
}

static void make_code(struct float_case *c, struct case_random *r)
{
    const struct float_row *row = c->row;

    memcpy(c->code, row->opcode, row->size);
    c->size = row->size;
    if (!(row->how & NONE))
        c->code[c->size++] = (uint8_t)modrm(row, r);
    if (row->how & (IMM | IMM3 | IMMS))
        c->code[c->size++] = (uint8_t)below(r, row->how & IMM    ? 256
                                               : row->how & IMM3 ? 8
                                                                 : 70);
}

/* FLDENV, FLDCW and LDMXCSR: what may be loaded. */
static void control_data(struct float_case *c, struct case_random *r)
{
    for (unsigned i = 0; i < FLOAT_OPERAND; i += 4)
        store_le32(c->operand + i, (uint32_t)(case_random(r) & 0xFFFF));
    if (!is_x87(c->row) && !below(r, 8))
        store_le32(c->operand, (uint32_t)case_random(r));
}

void float_make(struct float_case *c, struct case_random *r,
                const struct float_row *row)
{
    memset(c, 0, sizeof(*c));
    c->row = row;
    make_image(c, r);
    make_code(c, r);
    for (unsigned i = 0; i < FLOAT_OPERAND; i += 16)
        fill(r, row->data, c->operand + i);
    if (row->data == CW)
        control_data(c, r);
    for (unsigned i = 0; i < 16; i++)
        c->gpr[i] = runs(r);
    c->rflags = 2 | (case_random(r) & 0x8D5);
}
