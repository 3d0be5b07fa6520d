/* What the second stream of cases has of its own: tables of long mode that
 * differ from the template. */
#include "tests/x86_oracle/case.h"

#define FIELD(name) c->field[CASE_##name / 4]

/* Stacks of the 64-bit TSS that are nowhere, or not aligned. */
static void random_stacks(struct ox_case *c)
{
    uint8_t *tss = c->arena + AT_TSS_64;
    uint32_t at =
        ox_chance(c, 50) ? 4 + 8 * ox_below(c, 3) : 36 + 8 * ox_below(c, 7);

    if (!ox_chance(c, 20))
        return;
    if (ox_chance(c, 60))
        store_le32(tss + at, load_le32(tss + at) + 1 + ox_below(c, 15));
    else
        store_le32(tss + at + 4, ox_chance(c, 50) ? 0x8000 : 0xFFFF8000);
}

/* Where the I/O map begins, of both TSSs. */
static void random_map(struct ox_case *c)
{
    static const uint16_t bases[] = {0x67, 0x69, 0xA8,   0xE7,
                                     0xE8, 0xE9, 0xDFFF, 0xFFFF};

    if (!ox_chance(c, 25))
        return;
    store_le16(c->arena + AT_TSS + 0x66, OX_PICK(c, bases));
    store_le16(c->arena + AT_TSS_64 + 0x66, OX_PICK(c, bases));
}

/* The gates of vectors 8E and 8F, and the call gate of 16 bytes. */
static void random_gates(struct ox_case *c)
{
    static const uint16_t code[] = {SEL_CODE64, SEL_CODE64,     SEL_CODE64,
                                    SEL_CODE,   SEL_CONFORMING, SEL_RANDOM};
    uint8_t *call = c->arena + AT_GDT + SEL_CALL_64;

    for (unsigned v = 0x8E; v <= 0x8F; v++) {
        uint8_t *at = c->arena + AT_IDT_64 + 16 * v;

        ox_put_gate(at, OX_PICK(c, code), AT_STUBS64 + 16 * v,
                    ox_chance(c, 70) ? 0xEE : 0xE0 | ox_below(c, 16),
                    ox_below(c, 8));
        store_le32(at + 8, ox_chance(c, 10) ? 0x8000 : 0);
        store_le32(at + 12, ox_chance(c, 10) ? ox_value(c) : 0);
    }
    if (ox_chance(c, 15))
        store_le32(call + 8, ox_chance(c, 50) ? 0x8000 : 0xFFFF8000);
    if (ox_chance(c, 15))
        store_le32(call + 12, 1u << (8 + ox_below(c, 5)));
    if (ox_chance(c, 10)) { /* L and D */
        ox_put_descriptor(c->arena + AT_GDT + SEL_RANDOM + 8, 0, 0xFFFFF,
                          A_P | A_S | 0xA | A_L | A_DB | A_G);
        store_le16(call + 2, SEL_RANDOM + 8);
    }
}

/* The second entry of each upper level, and the first of the upper half: all
 * lead to the one table below. */
static void random_levels(struct ox_case *c)
{
    uint64_t table[] = {AT_PML4 + 8, AT_PML4 + 8 * 256, AT_PDPT_64 + 8};

    for (unsigned i = 0; i < 3; i++) {
        uint64_t entry = (i < 2 ? AT_PDPT_64 : AT_PD) | 7;

        for (unsigned bit = 0; bit < 7;
             bit++) /* P W U PWT PCD A and one more */
            if (ox_chance(c, 12))
                entry ^= UINT64_C(1) << bit;
        if (i < 2 && ox_chance(c, 10))
            entry |= 0x80; /* reserved */
        if (ox_chance(c, 20))
            entry |= UINT64_C(1) << 63;
        if (ox_chance(c, 5))
            entry |= UINT64_C(1) << (50 + ox_below(c, 2));
        store_le64(c->arena + table[i], entry);
    }
}

/* Segments of other tasks. */
static void random_context(struct ox_case *c)
{
    static const uint16_t segs[] = {
        SEL_CODE_ABSENT,      SEL_ABSENT | 3, SEL_CODE_1 | 1,
        SEL_DATA_1 | 1,       SEL_CONFORMING, SEL_DATA_3 | 3,
        SEL_EXECUTE_ONLY | 3, SEL_STACK,      SEL_CODE,
        SEL_CODE_3 | 3,       SEL_LIMIT,      0};
    static const uint16_t code[] = {SEL_CODE_ABSENT, SEL_CONFORMING,
                                    SEL_EXECUTE_ONLY | 3, SEL_CODE_1, 0};
    static const uint16_t ldts[] = {0, SEL_LDT, SEL_LDT | 4, SEL_TSS};
    uint8_t *tss = c->arena + AT_TSS_B, *small = c->arena + AT_TSS_16;

    for (unsigned i = 0; i < 6; i++)
        if (ox_chance(c, 12))
            store_le16(tss + 0x48 + 4 * i, OX_PICK(c, segs));
    for (unsigned i = 0x22; i < 0x2A; i += 2)
        if (ox_chance(c, 12))
            store_le16(small + i, OX_PICK(c, segs));
    if (ox_chance(c, 20))
        store_le16(tss + 0x4C, OX_PICK(c, code));
    if (ox_chance(c, 20))
        store_le16(small + 0x24, OX_PICK(c, code));
    if (ox_chance(c, 15))
        store_le16(tss + 0x60, OX_PICK(c, ldts));
    if (ox_chance(c, 15))
        store_le16(small + 0x2A, OX_PICK(c, ldts));
}

/* Descriptors of TSSs that are absent, too small or busy, what a return from a
 * nested task finds, and a task of virtual-8086 mode. */
static void random_descriptors(struct ox_case *c)
{
    static const uint16_t links[] = {SEL_TSS_B,     SEL_TSS_B, SEL_TSS_16,
                                     SEL_TASK_GATE, SEL_DATA,  SEL_TSS_B | 4};
    uint8_t *other =
        c->arena + AT_GDT + (ox_chance(c, 70) ? SEL_TSS_B : SEL_TSS_16);
    uint8_t *tss = c->arena + AT_TSS_B;

    switch (ox_below(c, 6)) {
    case 0:
        other[5] ^= 0x80; /* P */
        break;
    case 1:
        store_le16(other, ox_chance(c, 50) ? 0x66 : 0x2A);
        break;
    case 2:
    case 3:
        other[5] ^= 2; /* busy */
        break;
    default:
        break;
    }
    store_le16(c->arena + AT_TSS, OX_PICK(c, links));
    if (!ox_chance(c, 15))
        return;
    store_le32(tss + 0x20, 0x40);
    store_le32(tss + 0x24, 0x20002 | ox_below(c, 4) << 12);
    store_le32(tss + 0x38, 0xF00);
    for (unsigned i = 0; i < 6; i++)
        store_le32(tss + 0x48 + 4 * i, AT_DATA3 >> 4);
    store_le32(tss + 0x4C, AT_PAD3 >> 4);
}

void ox_more_state(struct ox_case *c)
{
    random_map(c);
    if ((FIELD(CR4) & 0x10) && ox_chance(c, 25))
        c->arena[AT_PD_32 + 10] |= 0x20; /* reserved: bit 21 */
    if (c->mode == OX_PROTECTED || c->mode == OX_V86)
        random_context(c);
    if (c->mode == OX_PROTECTED)
        random_descriptors(c);
    if (c->mode != OX_LONG && c->mode != OX_COMPAT)
        return;
    random_stacks(c);
    random_gates(c);
    random_levels(c);
    if (c->mode == OX_LONG && c->cpl % 3) { /* the template has none */
        ox_put_descriptor(c->arena + AT_GDT + SEL_RANDOM, 0, 0xFFFFF,
                          A_P | A_S | 0xA | A_L | A_G | c->cpl << 5);
        FIELD(CS) = SEL_RANDOM | c->cpl;
    }
}
