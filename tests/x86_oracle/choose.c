/* What is often interesting. */
#include "tests/x86_oracle/case.h"

/* In real-address and virtual-8086 mode a selector is where 64 KiB begin: only
 * where there is storage that is the same on every machine. */
static uint32_t paragraph(struct ox_case *c)
{
    static const uint16_t list[] = {
        0, AT_DATA3 >> 4, AT_DATA0 >> 4, AT_CODE3 >> 4, AT_STACK3 >> 4, 0x7FF};

    return OX_PICK(c, list);
}

uint32_t ox_slot(struct ox_case *c)
{
    return 0x20 + 16 * c->slots++;
}

uint32_t ox_selector(struct ox_case *c)
{
    uint32_t rpl = ox_chance(c, 60) ? c->cpl : ox_below(c, 4);

    if (c->mode == OX_REAL || c->mode == OX_V86)
        return paragraph(c);
    switch (ox_below(c, 10)) {
    case 0:
        return ox_below(c, 4); /* null */
    case 1:
    case 2:
        return (ox_below(c, LDT_ENTRIES + 1) << 3) | 4 | rpl;
    case 3:
    case 4:
        return (SEL_RANDOM + 8 * ox_below(c, 9)) | rpl;
    default:
        return 8 * ox_below(c, SEL_RANDOM / 8) | rpl;
    }
}

/* Inside the arena, the window, or where nothing is mapped.  Not what each
 * recorder loads first: it would begin again and again, until its stack has
 * eaten the tables. */
uint32_t ox_address(struct ox_case *c)
{
    static const uint32_t pages[] = {
        AT_DATA3, AT_DATA3,     AT_DATA0, AT_DATA0,  AT_STACK3,
        AT_CODE3, WINDOW,       WINDOW,   WINDOW,    WINDOW,
        WINDOW,   WINDOW_LARGE, AT_GDT,   AT_STACK0, 0x600000};
    static const uint32_t offsets[] = {0,     1,     0x10,  0x800, 0xFF0,
                                       0xFFC, 0xFFD, 0xFFE, 0xFFF};
    uint32_t page = OX_PICK(c, pages);

    if (page == WINDOW)
        page += 0x1000 * ox_below(c, 8);
    if (page == WINDOW_LARGE)
        page += AT_DATA3;
    page += OX_PICK(c, offsets);
    return page == AT_GDT + SEL_DATA ? AT_GDT + SEL_CODE_3 : page;
}

uint32_t ox_value(struct ox_case *c)
{
    static const uint32_t list[] = {0,          1,          0xFF,   0x7FFFFFFF,
                                    0x80000000, 0xFFFFFFFF, 0xFFFF, 0x12345678};

    return ox_chance(c, 50) ? (uint32_t)rng_next(&c->rng) : OX_PICK(c, list);
}

/* For POPF and IRET: VM, VIF, VIP seldom. */
uint32_t ox_flags(struct ox_case *c)
{
    uint32_t f = 2 | (ox_value(c) & 0x8D5), often = 0;

    often |= ox_chance(c, 20) ? 0x100 : 0;    /* TF */
    often |= ox_chance(c, 30) ? 0x200 : 0;    /* IF */
    often |= ox_chance(c, 20) ? 0x400 : 0;    /* DF */
    often |= ox_below(c, 4) << 12;            /* IOPL */
    often |= ox_chance(c, 15) ? 0x4000 : 0;   /* NT */
    often |= ox_chance(c, 10) ? 0x10000 : 0;  /* RF */
    often |= ox_chance(c, 8) ? 0x20000 : 0;   /* VM */
    often |= ox_chance(c, 25) ? 0x40000 : 0;  /* AC */
    often |= ox_chance(c, 4) ? 0x80000 : 0;   /* VIF */
    often |= ox_chance(c, 4) ? 0x100000 : 0;  /* VIP */
    often |= ox_chance(c, 20) ? 0x200000 : 0; /* ID */
    return f | often;
}

/* Breakpoints 0 and 1, of all kinds and lengths; GD seldom.  Not what is
 * undefined (SDM vol. 3, "Debug Control Register (DR7)"): another length than 1
 * of an instruction's, ports without CR4.DE. */
uint32_t ox_dr7(struct ox_case *c)
{
    uint32_t v = (ox_value(c) & 0x00FF000F) | 0x400;

    for (unsigned at = 16; at <= 20; at += 4) {
        if ((v >> at & 3) == 2 && !(c->field[CASE_CR4 / 4] & 8))
            v |= UINT32_C(1) << at;
        if (!(v >> at & 3))
            v &= ~(UINT32_C(0xC) << at);
    }
    return v | (ox_chance(c, 15) ? 0x2000 : 0);
}
