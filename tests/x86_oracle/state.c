/* The state in which a case begins, its tables too. */
#include "tests/x86_oracle/case.h"

#include <string.h>

#define FIELD(name) c->field[CASE_##name / 4]

/* ---- Descriptors ---- */

static unsigned random_attr(struct ox_case *c)
{
    unsigned attr = ox_below(c, 32) | ox_below(c, 4) << 5;

    attr |= ox_chance(c, 60) ? A_S : 0;
    attr |= ox_chance(c, 88) ? A_P : 0;
    attr |= ox_chance(c, 60) ? A_DB : 0;
    attr |= ox_chance(c, 50) ? A_G : 0;
    attr |= ox_chance(c, 15) ? A_L : 0;
    attr |= ox_chance(c, 10) ? A_AVL : 0;
    return attr;
}

static void random_descriptor(struct ox_case *c, uint8_t *at)
{
    static const uint32_t bases[] = {0, 0, 0, AT_DATA3, AT_CODE3, WINDOW};
    static const uint32_t limits[] = {0, 0xFFF, 0xFFFF, 0xFFFFF, 0xFFFFF};
    static const uint16_t code[] = {SEL_CODE,   SEL_CODE64,     SEL_CODE_1,
                                    SEL_CODE_3, SEL_CONFORMING, SEL_CODE16};
    unsigned attr = random_attr(c), type = attr & 0x1F;
    uint32_t base = OX_PICK(c, bases), limit = OX_PICK(c, limits);

    if (type == 9 || type == 11) {
        base = AT_TSS_B;
        limit = ox_chance(c, 80) ? 0x67 : ox_below(c, 0x80);
        attr &= ~(unsigned)A_G;
    } else if (type == 1 || type == 3) {
        base = AT_TSS_16;
        limit = ox_chance(c, 80) ? 0x2B : ox_below(c, 0x40);
        attr &= ~(unsigned)A_G;
    } else if (type == 2) {
        base = AT_LDT;
        limit = 8 * ox_below(c, LDT_ENTRIES + 2) - 1 + ox_below(c, 2);
        attr &= ~(unsigned)A_G;
    }
    if (type == 4 || type == 5 || type == 6 || type == 7 || type == 12 ||
        type == 14 || type == 15)
        ox_put_gate(at,
                    type == 5          ? ox_selector(c)
                    : ox_chance(c, 70) ? OX_PICK(c, code)
                                       : ox_selector(c),
                    AT_PAD0 + 16 * ox_below(c, 8), attr & 0xFF,
                    ox_chance(c, 70) ? 0 : ox_below(c, 32));
    else
        ox_put_descriptor(at, base, limit, attr);
}

static void random_tables(struct ox_case *c)
{
    uint8_t *gdt = c->arena + AT_GDT, *ldt = c->arena + AT_LDT;

    for (unsigned i = 0; i < 8; i++)
        random_descriptor(c, gdt + SEL_RANDOM + 8 * i);
    for (unsigned i = ox_below(c, 4); i > 0; i--)
        random_descriptor(c, ldt + 8 * ox_below(c, LDT_ENTRIES));
    if (ox_chance(c,
                  10)) /* one of the fixed ones, but not what recorders use */
        random_descriptor(c,
                          gdt + SEL_CODE_1 +
                              8 * ox_below(c, (SEL_RANDOM - SEL_CODE_1) / 8));
    if (c->mode != OX_LONG && c->mode != OX_COMPAT && ox_chance(c, 60))
        ox_put_gate(c->arena + AT_IDT + 8 * 8, SEL_TSS_DF, 0, 0x85, 0);
    if (ox_chance(c, 10)) { /* a gate */
        unsigned v =
            ox_chance(c, 50) ? ox_below(c, 18) : 0x80 + ox_below(c, 16);
        bool wide = c->mode == OX_LONG || c->mode == OX_COMPAT;
        uint8_t *at = c->arena + (wide ? AT_IDT_64 + 16 * v : AT_IDT + 8 * v);

        at[ox_chance(c, 50) ? 5 : 2] ^= (uint8_t)(1u << ox_below(c, 8));
    }
}

/* ---- Tasks ---- */

static void random_task(struct ox_case *c)
{
    uint8_t *tss = c->arena + AT_TSS_B, *small = c->arena + AT_TSS_16;

    store_le32(tss + 0x1C, FIELD(CR3) | (ox_chance(c, 20) ? 0x18 : 0));
    store_le32(c->arena + AT_TSS + 0x1C, FIELD(CR3));
    store_le32(c->arena + AT_TSS_DF + 0x1C, FIELD(CR3));
    if (ox_chance(c, 50)) {
        store_le32(tss + 0x20, AT_PAD3);
        store_le32(tss + 0x4C, SEL_CODE_3 | 3);
        store_le32(tss + 0x50, SEL_DATA_3 | 3);
        store_le32(tss + 0x38, AT_STACK3 + 0x800);
    }
    if (ox_chance(c, 50))
        store_le32(tss + 0x24,
                   ox_flags(c) & ~(ox_chance(c, 70) ? 0x20000u : 0));
    if (ox_chance(c, 40))
        store_le16(tss + 0x60,
                   (uint16_t)(ox_chance(c, 60) ? SEL_LDT : ox_selector(c)));
    for (unsigned i = 0; i < 6; i++)
        if (ox_chance(c, 8))
            store_le16(tss + 0x48 + 4 * i, (uint16_t)ox_selector(c));
    store_le16(tss + 0x64, ox_chance(c, 15));
    for (unsigned i = 0x22; i < 0x2C; i += 2)
        if (ox_chance(c, 8))
            store_le16(small + i, (uint16_t)ox_selector(c));
    if (ox_chance(c, 30))
        store_le16(small + 0x10, (uint16_t)ox_flags(c));
    if (ox_chance(c, 15)) /* a stack of the present one */
        store_le16(c->arena + AT_TSS + 8 + 8 * ox_below(c, 3),
                   (uint16_t)ox_selector(c));
    if (ox_chance(c, 15)) /* who called it, for IRET */
        store_le16(c->arena + AT_TSS, (uint16_t)ox_selector(c));
    else
        store_le16(c->arena + AT_TSS, SEL_TSS_B);
}

/* ---- Pages ---- */

static uint64_t random_entry(struct ox_case *c, uint64_t e, bool wide)
{
    static const uint16_t frames[] = {AT_DATA3 >> 12, AT_DATA0 >> 12,
                                      AT_PAD0 >> 12, AT_PAD3 >> 12};

    e = (e & 0xFFF) | (uint64_t)OX_PICK(c, frames) << 12;
    for (unsigned i = 0; i < 3; i++) /* P W U */
        if (ox_chance(c, 20))
            e ^= 1u << i;
    e |= ox_chance(c, 20) ? 0x20 : 0;
    e |= ox_chance(c, 20) ? 0x40 : 0;
    e |= ox_chance(c, 20) ? 0x100 : 0;
    if (wide && ox_chance(c, 20))
        e |= UINT64_C(1) << 63;
    if (wide && ox_chance(c, 5))
        e |= UINT64_C(1) << (50 + ox_below(c, 2)); /* beyond any MAXPHYADDR */
    return e;
}

static void random_pages(struct ox_case *c)
{
    uint8_t *a = c->arena;

    for (unsigned i = 0; i < 8; i++) {
        uint8_t *small = a + AT_WPT_32 + 4 * i, *wide = a + AT_WPT + 8 * i;

        store_le32(small, (uint32_t)random_entry(c, load_le32(small), false));
        store_le64(wide, random_entry(c, load_le64(wide), true));
    }
    if (ox_chance(c, 30)) { /* upper levels of the window */
        unsigned flip = 1u << ox_below(c, 3);

        a[AT_PD_32 + 4] ^= (uint8_t)flip;
        a[AT_PD + 16] ^= (uint8_t)flip;
        if (ox_chance(c, 30))
            a[AT_PD + 16 + 7] ^= 0x80;
    }
    if (ox_chance(c, 50)) { /* the large one */
        unsigned flip = 1u << ox_below(c, 3);

        a[AT_PD_32 + 8] ^= (uint8_t)flip;
        a[AT_PD + 32] ^= (uint8_t)flip;
        if (ox_chance(c, 30))
            a[AT_PD + 32 + 7] ^= 0x80;
        if (ox_chance(c, 15))
            a[AT_PD + 33] ^= 0x40; /* reserved: bit 14 */
    }
}

/* ---- Registers ---- */

static void random_control(struct ox_case *c)
{
    bool wide = c->mode == OX_LONG || c->mode == OX_COMPAT;
    uint32_t cr0 = 0x11, cr4 = 0, efer = 0;

    cr0 |= ox_chance(c, 50) ? 0x10000 : 0; /* WP */
    cr0 |= ox_chance(c, 50) ? 0x40000 : 0; /* AM */
    cr0 |= ox_chance(c, 50) ? 0x20 : 0;    /* NE */
    cr0 |= ox_chance(c, 20) ? ox_below(c, 8) << 1 : 0;
    for (unsigned i = 2; i < 5; i++) /* TSD DE PSE */
        cr4 |= ox_chance(c, 40) ? 1u << i : 0;
    for (unsigned i = 7; i < 12; i++) /* PGE PCE OSFXSR OSXMMEXCPT UMIP */
        cr4 |= ox_chance(c, 30) ? 1u << i : 0;
    FIELD(CR3) = AT_PD_32;
    if (wide || (c->mode != OX_REAL && ox_chance(c, 75))) {
        cr0 |= 0x80000000;
        cr4 |= ox_chance(c, 30) ? 0x100000 : 0;
        cr4 |= ox_chance(c, 30) ? 0x200000 : 0;
        if (wide || ox_chance(c, 50)) {
            cr4 |= 0x20;
            efer |= ox_chance(c, 70) ? 0x800 : 0;
            FIELD(CR3) = wide ? AT_PML4 : AT_PDPT;
        }
    }
    efer |= ox_chance(c, 70) ? 1 : 0;
    efer |= wide ? 0x100 : 0;
    if (c->mode == OX_REAL)
        cr0 &= ~1u;
    FIELD(CR0) = cr0;
    FIELD(CR4) = cr4;
    FIELD(EFER) = efer;
}

/* Where the program or what delivers to it is likely to be: its stack, its
 * operands. */
static uint32_t watched(struct ox_case *c)
{
    bool low = c->mode == OX_REAL || c->mode == OX_V86;

    if (ox_chance(c, 40))
        return (low ? FIELD(SS) << 4 : 0) + FIELD(SP) - 2 * ox_below(c, 12);
    return ox_chance(c, 40) ? AT_DATA3 + 0x10 * ox_below(c, 4) : ox_address(c);
}

static void random_debug(struct ox_case *c)
{
    FIELD(DR7) = 0x400;
    if (!ox_chance(c, 15))
        return;
    FIELD(DR7) = ox_dr7(c);
    FIELD(DR0) = ox_chance(c, 40) ? c->at + ox_below(c, 32) : ox_address(c);
    FIELD(DR1) = watched(c);
    if (ox_chance(c, 20)) /* ports */
        FIELD(DR0) = 0x23E + ox_below(c, 4);
}

static void set_segments(struct ox_case *c, uint32_t data)
{
    FIELD(DS) = FIELD(ES) = FIELD(FS) = FIELD(GS) = data;
    for (unsigned i = CASE_DS; i <= CASE_GS; i += 4)
        if (ox_chance(c, 8) && c->mode != OX_REAL && c->mode != OX_V86)
            c->field[i / 4] = ox_below(c, 2) ? 0 : SEL_DATA | 3;
}

/* CS, SS and where code and stack are. */
static void random_program_state(struct ox_case *c)
{
    static const uint16_t code[] = {SEL_CODE, SEL_CODE_1 | 1, SEL_CODE_2 | 2,
                                    SEL_CODE_3 | 3};
    static const uint16_t stack[] = {SEL_STACK, SEL_DATA_1 | 1, SEL_DATA_2 | 2,
                                     SEL_DATA_3 | 3};
    static const uint16_t page[] = {AT_STACK0, AT_STACK1, AT_STACK2, AT_STACK3};
    bool may = c->mode == OX_PROTECTED || (c->more && c->mode == OX_COMPAT);
    bool by_16 = may && c->cpl % 3 == 0 && ox_chance(c, 20);

    c->at = c->cpl == 3 ? AT_CODE3 : AT_CODE0;
    FIELD(CS) = code[c->cpl];
    FIELD(SS) = stack[c->cpl];
    FIELD(SP) = page[c->cpl] + 0xF00u;
    c->bits = 32;
    if (by_16) {
        c->bits = 16;
        FIELD(CS) = c->cpl ? SEL_CODE16_3 | 3 : SEL_CODE16;
        if (!c->cpl)
            c->at = AT_STACK2; /* below 64 KiB */
        if (ox_chance(c, 50))
            FIELD(SS) = c->cpl ? SEL_DATA16_3 | 3 : SEL_DATA16;
    }
    if (c->mode == OX_LONG) {
        c->bits = 64;
        FIELD(CS) = c->cpl ? SEL_CODE64_3 | 3 : SEL_CODE64;
        if (!c->cpl && ox_chance(c, 50))
            FIELD(SS) = 0;
    }
    FIELD(IP) = by_16 && c->cpl ? c->at - AT_CODE3 : c->at;
    set_segments(c, SEL_DATA | 3);
}

static void random_8086_state(struct ox_case *c)
{
    c->bits = 16;
    c->at = AT_CODE3;
    FIELD(CS) = AT_CODE3 >> 4;
    FIELD(IP) = 0;
    FIELD(SS) = (c->mode == OX_REAL ? AT_STACK0 : AT_STACK3) >> 4;
    FIELD(SP) = ox_chance(c, 90) ? 0xF00 : 0xF01;
    set_segments(c, AT_DATA3 >> 4);
    if (c->mode == OX_V86)
        FIELD(FLAGS) |= 0x20000;
}

static void random_registers(struct ox_case *c)
{
    FIELD(FLAGS) = 2 | (ox_value(c) & 0x8D5) | ox_below(c, 4) << 12;
    FIELD(FLAGS) |= ox_chance(c, 12) ? 0x100 : 0;
    FIELD(FLAGS) |= ox_chance(c, 25) ? 0x40000 : 0;
    FIELD(FLAGS) |= ox_chance(c, 10) ? 0x4000 : 0;
    if (c->mode == OX_LONG || c->mode == OX_COMPAT || c->mode == OX_REAL)
        FIELD(FLAGS) &= ~0x4000u;
    if (c->mode == OX_V86)
        FIELD(FLAGS) |= ox_chance(c, 50) ? 0x3000 : 0;
    for (unsigned i = 0; i < GPRS; i++)
        c->gpr[i] = ox_value(c);
    FIELD(MSR) = (SEL_CODE64 | (ox_chance(c, 20) ? ox_below(c, 4) : 0)) |
                 (SEL_CODE_3 | 3) << 16;
    c->field[CASE_MSR / 4 + 1] = AT_PAD0 + 16;
    c->field[CASE_MSR / 4 + 2] = ox_value(c) & 0x47FD5;
    c->field[CASE_MSR / 4 + 3] = ox_chance(c, 85) ? SEL_CODE : ox_below(c, 4);
    c->field[CASE_MSR / 4 + 4] = AT_STACK0 + 0xD00;
    c->field[CASE_MSR / 4 + 5] = AT_PAD0 + 32;
}

/* A frame of 16 bits leads back to the program's offset below 64 KiB: to INT3
 * there, where legacy modes have nothing, or 32-bit programs. */
static void fill_low_code(struct ox_case *c)
{
    enum { LONGEST = 0x100 };
    bool legacy = c->mode == OX_PROTECTED || c->mode == OX_V86;

    if (legacy && c->bits == 32)
        memset(c->arena + (c->at & 0xFFFF), 0xCC, LONGEST);
}

void ox_random_state(struct ox_case *c)
{
    bool wide = c->mode == OX_LONG || c->mode == OX_COMPAT;

    FIELD(MODE) = c->mode == OX_REAL ? 0 : wide ? 2 : 1;
    random_control(c);
    random_registers(c);
    if (c->mode == OX_REAL || c->mode == OX_V86)
        random_8086_state(c);
    else
        random_program_state(c);
    random_tables(c);
    random_task(c);
    random_pages(c);
    random_debug(c);
    fill_low_code(c);
    FIELD(GDTR) = (SEL_LIMIT - 1) << 16;
    c->field[CASE_GDTR / 4 + 1] = AT_GDT;
    FIELD(IDTR) = (wide ? 0xFFF : c->mode == OX_REAL ? 0x3FF : 0x7FF) << 16;
    c->field[CASE_IDTR / 4 + 1] = wide                 ? AT_IDT_64
                                  : c->mode == OX_REAL ? AT_IVT
                                                       : AT_IDT;
    FIELD(LDT) = ox_chance(c, 80) ? SEL_LDT : 0;
    FIELD(TR) = wide ? SEL_TSS_64 : SEL_TSS;
    FIELD(MAX) = 12;
}
