/* Random instructions: a row of the table and operands that make sense of it,
 * mostly. */
#include "tests/oracle/batch.h"

/* ---- Fields ---- */

static unsigned float_register(struct rng *r, unsigned step)
{
    return rng_chance(r, 93) ? step * rng_below(r, 8 / step) : rng_below(r, 16);
}

/* Base and displacement of data. */
static uint16_t data_address(struct rng *r)
{
    unsigned base = REG_DATA + rng_below(r, 4);

    if (rng_chance(r, 60))
        base = REG_DATA + rng_below(r, 2);
    else if (rng_chance(r, 6))
        base = rng_below(r, 16);
    return (uint16_t)(base << 12 | (rng_chance(r, 5) ? rng_below(r, 4096)
                                                     : rng_below(r, 40)));
}

static uint16_t control_address(struct rng *r, unsigned at, unsigned size,
                                unsigned count)
{
    if (rng_chance(r, 5))
        return data_address(r);
    return (uint16_t)(REG_CONTROL << 12 | (at + size * rng_below(r, count)));
}

static uint16_t code_address(struct rng *r)
{
    if (rng_chance(r, 4))
        return data_address(r);
    return (uint16_t)(REG_CODE << 12 | (rng_chance(r, 97) ? 2 * rng_below(r, 12)
                                                          : rng_below(r, 48)));
}

static bool is_float(const struct insn_desc *row)
{
    return (row->opcode >= 0x20 && row->opcode <= 0x3F) ||
           (row->opcode >= 0x60 && row->opcode <= 0x7F);
}

/* The first register, bits 8-11. */
static unsigned first_register(struct rng *r, const struct insn_desc *row)
{
    switch (row->id) {
    case S370_OP_MXR:
    case S370_OP_AXR:
    case S370_OP_SXR:
    case S370_OP_MXD:
    case S370_OP_MXDR:
        return float_register(r, 4);
    case S370_OP_MR:
    case S370_OP_DR:
    case S370_OP_M:
    case S370_OP_D:
    case S370_OP_CDS:
    case S370_OP_MVCL:
    case S370_OP_CLCL:
    case S370_OP_SLDA:
    case S370_OP_SRDA:
    case S370_OP_SLDL:
    case S370_OP_SRDL:
        return rng_chance(r, 93) ? 2 * rng_below(r, 8) : rng_below(r, 16);
    default:
        return is_float(row) ? float_register(r, 2) : rng_below(r, 16);
    }
}

/* The second, bits 12-15. */
static unsigned second_register(struct rng *r, const struct insn_desc *row)
{
    switch (row->id) {
    case S370_OP_SSK:
    case S370_OP_ISK:
        return rng_chance(r, 90) ? REG_BLOCK : rng_below(r, 16);
    case S370_OP_BALR:
    case S370_OP_BCR:
    case S370_OP_BCTR:
        return rng_chance(r, 30)   ? 0
               : rng_chance(r, 90) ? REG_CODE
                                   : rng_below(r, 16);
    case S370_OP_LRDR:
    case S370_OP_MXR:
    case S370_OP_AXR:
    case S370_OP_SXR:
        return float_register(r, 4);
    case S370_OP_CDS:
    case S370_OP_MVCL:
    case S370_OP_CLCL:
        return rng_chance(r, 93) ? 2 * rng_below(r, 8) : rng_below(r, 16);
    default:
        return is_float(row) ? float_register(r, 2) : rng_below(r, 16);
    }
}

/* The address of a 4-byte instruction, bits 16-31. */
static uint16_t second_address(struct rng *r, const struct insn_desc *row)
{
    switch (row->id) {
    case S370_OP_EX:
        return rng_chance(r, 90) ? (uint16_t)(REG_CODE << 12 | CODE_TARGET)
                                 : data_address(r);
    case S370_OP_BAL:
    case S370_OP_BC:
    case S370_OP_BCT:
    case S370_OP_BXH:
    case S370_OP_BXLE:
        return code_address(r);
    case S370_OP_LCTL:
        return control_address(r, CONTROL_CR, 64, 2);
    case S370_OP_LPSW:
        return control_address(r, CONTROL_PSW, 8, 8);
    case S370_OP_SPX:
        return control_address(r, CONTROL_PREFIX, 4, 8);
    case S370_OP_SPT:
        return control_address(r, CONTROL_TIMER, 8, 4);
    case S370_OP_SCKC:
        return control_address(r, CONTROL_COMPARATOR, 8, 4);
    case S370_OP_SCK:
        return control_address(r, CONTROL_CLOCK, 8, 2);
    case S370_OP_RRB:
        return rng_chance(r, 90) ? REG_BLOCK << 12 : data_address(r);
    case S370_OP_SRL:
    case S370_OP_SLL:
    case S370_OP_SRA:
    case S370_OP_SLA:
    case S370_OP_SRDL:
    case S370_OP_SLDL:
    case S370_OP_SRDA:
    case S370_OP_SLDA:
    case S370_OP_LA:
        return rng_chance(r, 80) ? (uint16_t)rng_below(r, 70)
                                 : (uint16_t)rng_next(r);
    default:
        return data_address(r);
    }
}

/* ---- Instructions ---- */

static unsigned index_register(struct rng *r)
{
    return rng_chance(r, 70) ? 0 : rng_below(r, 4);
}

static void fill_second_byte(struct rng *r, const struct insn_desc *row,
                             uint8_t *p)
{
    switch (row->format) {
    case S370_FMT_RX:
    case S370_FMT_RX_M:
        p[1] = (uint8_t)(first_register(r, row) << 4 | index_register(r));
        break;
    case S370_FMT_SI:
    case S370_FMT_RR_I:
        p[1] = (uint8_t)rng_next(r);
        break;
    case S370_FMT_S:
    case S370_FMT_S_0:
        p[1] = row->opcode > 0xFF ? (uint8_t)row->opcode : (uint8_t)rng_next(r);
        break;
    case S370_FMT_SS_L:
        p[1] =
            (uint8_t)(rng_chance(r, 70) ? rng_below(r, 20) : rng_below(r, 256));
        break;
    case S370_FMT_SS_LL:
    case S370_FMT_SS_LI:
        p[1] = (uint8_t)rng_next(r);
        if (rng_chance(r, 50)) /* MP and DP want the first longer */
            p[1] = (uint8_t)(rng_below(r, 8) + rng_below(r, 9) * 16 + 0x70);
        break;
    default:
        p[1] = (uint8_t)(first_register(r, row) << 4 | second_register(r, row));
    }
}

/* Shift counts of SRP: the second address is no address. */
static uint16_t third_halfword(struct rng *r, const struct insn_desc *row)
{
    if (row->id == S370_OP_SRP && rng_chance(r, 80))
        return (uint16_t)(rng_chance(r, 50) ? rng_below(r, 64)
                                            : 64 - rng_below(r, 8));
    return data_address(r);
}

static unsigned put_row(struct rng *r, const struct insn_desc *row, uint8_t *p)
{
    p[0] = (uint8_t)(row->opcode > 0xFF ? row->opcode >> 8 : row->opcode);
    fill_second_byte(r, row, p);
    if (row->length > 2)
        store_be16(p + 2, second_address(r, row));
    if (row->length > 4) {
        store_be16(p + 2, data_address(r));
        store_be16(p + 4, third_halfword(r, row));
        if (rng_chance(r, 10)) /* the operands overlap */
            store_be16(p + 4, (uint16_t)((load_be16(p + 2) & 0xF000) |
                                         rng_below(r, 40)));
    }
    return row->length;
}

unsigned fill_insn(struct rng *r, uint8_t *p, bool executed)
{
    const struct insn_desc *row =
        &s370_insns.rows[rng_below(r, (uint32_t)s370_insns.count)];

    if (executed && row->id == S370_OP_EX && rng_chance(r, 80))
        row = &s370_insns.rows[S370_OP_MVC];
    if (!rng_chance(r, 4))
        return put_row(r, row, p);
    store_be16(p, (uint16_t)rng_next(r)); /* any opcode */
    store_be16(p + 2, data_address(r));
    store_be16(p + 4, data_address(r));
    return s370_insn_len(p[0]);
}

/* ---- What privileged instructions load ---- */

static const uint64_t timers[] = {
    UINT64_C(0x7FFFFFFFFFFFF000), UINT64_C(0xC000000000000000),
    UINT64_C(0xFFFFFFFF00000000), UINT64_C(0x4123456789ABCDEF)};
static const uint64_t comparators[] = {0, 1, UINT64_MAX,
                                       UINT64_C(0xFFFFFFFFFFFFF000)};
static const uint64_t clocks[] = {UINT64_C(0x8000000000000000),
                                  UINT64_C(0x9123456789ABCDEF)};

static uint32_t random_prefix(struct rng *r)
{
    uint32_t v = rng_chance(r, 60) ? AT_ALT : 0;

    if (rng_chance(r, 10))
        v = STORAGE_SIZE + (rng_below(r, 16) << 12);
    if (rng_chance(r, 40)) /* bits that are ignored */
        v |= (uint32_t)rng_next(r) & 0xFF000FFF;
    return v;
}

void fill_control(struct rng *r, uint8_t *image)
{
    uint8_t *at = image + AT_PRISTINE + CONTROL_AREA - AT_REGION;

    for (unsigned i = 0; i < 2; i++)
        fill_control_registers(r, at + CONTROL_CR + 64 * i);
    for (unsigned i = 0; i < 8; i++) {
        store_be64(at + CONTROL_PSW + 8 * i,
                   random_psw(r, 1 + rng_below(r, 14),
                              CODE_FIELD + 2 * rng_below(r, 0x80) +
                                  (rng_chance(r, 3) ? 1 : 0)));
        store_be32(at + CONTROL_PREFIX + 4 * i, random_prefix(r));
    }
    for (unsigned i = 0; i < 4; i++) {
        store_be64(at + CONTROL_TIMER + 8 * i, timers[i]);
        store_be64(at + CONTROL_COMPARATOR + 8 * i, comparators[i]);
    }
    for (unsigned i = 0; i < 2; i++)
        store_be64(at + CONTROL_CLOCK + 8 * i, clocks[i]);
}
