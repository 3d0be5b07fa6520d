/* The tables of the template. */
#include "tests/x86_oracle/case.h"

#include <string.h>

void ox_put_descriptor(uint8_t *at, uint32_t base, uint32_t limit,
                       unsigned attr)
{
    store_le32(at, (limit & 0xFFFF) | base << 16);
    store_le32(at + 4, (base >> 16 & 0xFF) | (attr & 0xFF) << 8 |
                           (limit & 0xF0000) | (attr & 0xF00) << 12 |
                           (base & 0xFF000000));
}

void ox_put_gate(uint8_t *at, unsigned selector, uint32_t offset, unsigned attr,
                 unsigned count)
{
    store_le32(at, (offset & 0xFFFF) | selector << 16);
    store_le32(at + 4, (offset & 0xFFFF0000) | attr << 8 | count);
}

/* ---- GDT ---- */

enum {
    CODE = A_P | A_S | 0xA,
    DATA = A_P | A_S | 2,
    BIG = A_DB | A_G,
    FLAT = 0xFFFFF
};

static const struct {
    uint16_t selector, attr;
    uint32_t base, limit;
} rows[] = {
    {SEL_CODE, CODE | 1 | BIG, 0, FLAT},
    {SEL_DATA, DATA | 1 | BIG | A_DPL3, 0, FLAT},
    {SEL_CODE64, CODE | 1 | A_L | A_G, 0, FLAT},
    {SEL_CODE16, CODE | 1, 0, 0xFFFF},
    {SEL_DATA16, DATA | 1, 0, 0xFFFF},
    {SEL_STACK, DATA | 1 | BIG, 0, FLAT},
    {SEL_TSS, A_P | 9, AT_TSS, 0x68 + 0x80},
    {SEL_TSS_B, A_P | 9, AT_TSS_B, 0x67},
    {SEL_TSS_DF, A_P | 9, AT_TSS_DF, 0x67},
    {SEL_TSS_16, A_P | 1, AT_TSS_16, 0x2B},
    {SEL_TSS_64, A_P | 9, AT_TSS_64, 0x68 + 0x80},
    {SEL_LDT, A_P | 2, AT_LDT, LDT_ENTRIES * 8 - 1},
    {SEL_CODE_1, CODE | BIG | 0x20, 0, FLAT},
    {SEL_DATA_1, DATA | BIG | 0x20, 0, FLAT},
    {SEL_CODE_2, CODE | BIG | 0x40, 0, FLAT},
    {SEL_DATA_2, DATA | BIG | 0x40, 0, FLAT},
    {SEL_CODE_3, CODE | BIG | A_DPL3, 0, FLAT},
    {SEL_DATA_3, DATA | BIG | A_DPL3, 0, FLAT},
    {SEL_CODE64_3, CODE | A_L | A_G | A_DPL3, 0, FLAT},
    {SEL_CONFORMING, CODE | 4 | BIG, 0, FLAT},
    {SEL_CODE16_3, CODE | A_DPL3, AT_CODE3, 0xFFFF},
    {SEL_DATA16_3, DATA | A_DPL3, 0, 0xFFFF},
    {SEL_DOWN, DATA | 4 | A_DPL3 | A_DB, 0, 0xDFFF},
    {SEL_READ_ONLY, (DATA & ~2) | BIG | A_DPL3, 0, FLAT},
    {SEL_EXECUTE_ONLY, (CODE & ~2) | BIG | A_DPL3, 0, FLAT},
    {SEL_ABSENT, (DATA & ~A_P) | BIG | A_DPL3, 0, FLAT},
    {SEL_CODE_ABSENT, (CODE & ~A_P) | BIG, 0, FLAT},
    {SEL_DATA16_0, DATA, 0, 0xFFFF},
};

static void make_gdt(uint8_t *arena)
{
    uint8_t *gdt = arena + AT_GDT;

    memset(gdt, 0, 0x400);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ox_put_descriptor(gdt + rows[i].selector, rows[i].base, rows[i].limit,
                          rows[i].attr);
    ox_put_gate(gdt + SEL_CALL, SEL_CODE, AT_PAD0, 0xEC, 0);
    ox_put_gate(gdt + SEL_CALL_16, SEL_CODE, AT_PAD0 + 16, 0xE4, 0);
    ox_put_gate(gdt + SEL_TASK_GATE, SEL_TSS_B, 0, 0xE5, 0);
    ox_put_gate(gdt + SEL_CALL_CONFORMING, SEL_CONFORMING, AT_PAD3, 0xEC, 0);
    ox_put_gate(gdt + SEL_CALL_64, SEL_CODE64, AT_PAD0 + 32, 0xEC, 0);
    ox_put_gate(gdt + SEL_CALL_PARAMS, SEL_CODE, AT_PAD0 + 48, 0xEC, 5);
}

static void make_ldt(uint8_t *arena)
{
    uint8_t *ldt = arena + AT_LDT;

    memset(ldt, 0, 0x200);
    for (unsigned i = 0; i < LDT_ENTRIES; i++)
        memcpy(ldt + 8 * i, arena + AT_GDT + SEL_CODE_3 + 8 * i, 8);
}

/* ---- IDT ---- */

/* Vectors with something special, in both tables; `wide`: in long mode's. */
static const struct {
    uint8_t vector;
    uint16_t selector, attr;
    uint8_t ist;
    bool legacy, wide;
} gates[] = {
    {0x81, SEL_CODE, 0xE6, 0, true, false}, /* 16-bit */
    {0x81, SEL_CODE64, 0xEE, 2, false, true},
    {0x82, SEL_CODE, 0xEF, 0, true, false},
    {0x82, SEL_CODE64, 0xEF, 0, false, true},
    {0x83, SEL_CODE, 0xE7, 0, true, true},
    {0x84, SEL_TSS_B, 0xE5, 0, true, true},
    {0x85, SEL_CODE, 0x6E, 0, true, true}, /* not present */
    {0x86, SEL_CONFORMING, 0xEE, 0, true, true},
    {0x87, SEL_CODE_1, 0xEE, 0, true, true},
    {0x88, SEL_DATA_3, 0xEE, 0, true, true},
    {0x89, 0, 0xEE, 0, true, true},
    {0x8A, SEL_CODE, 0x8E, 0, true, false},
    {0x8A, SEL_CODE64, 0x8E, 0, false, true},
    {0x8B, SEL_CODE_ABSENT, 0xEE, 0, true, true},
    {0x8C, SEL_LIMIT, 0xEE, 0, true, true},
    {0x8D, SEL_CODE, 0xEC, 0, true, true}, /* a call gate */
    {8, SEL_CODE64, 0x8E, 1, false, true},
};

static void put_wide(uint8_t *at, unsigned selector, unsigned vector,
                     unsigned attr, unsigned ist)
{
    ox_put_gate(at, selector, AT_STUBS64 + 16 * vector, attr, ist);
    memset(at + 8, 0, 8);
}

static void make_idt(uint8_t *arena)
{
    uint8_t *idt = arena + AT_IDT, *wide = arena + AT_IDT_64;

    for (unsigned v = 0; v < 256; v++) {
        bool user = v == 3 || v == 4 || v >= 0x40;
        unsigned attr = user ? 0xEE : 0x8E;

        ox_put_gate(idt + 8 * v, SEL_CODE, AT_STUBS + 16 * v, attr, 0);
        put_wide(wide + 16 * v, SEL_CODE64, v, attr, 0);
        store_le32(arena + AT_IVT + 4 * v, AT_STUBS_R + 16 * v);
    }
    for (size_t i = 0; i < ARRAY_LEN(gates); i++) {
        unsigned v = gates[i].vector;
        uint32_t stubs = gates[i].attr & 8 ? AT_STUBS : AT_STUBS16;

        if (gates[i].legacy)
            ox_put_gate(idt + 8 * v, gates[i].selector, stubs + 16 * v,
                        gates[i].attr, 0);
        if (gates[i].wide)
            put_wide(wide + 16 * v, gates[i].selector, v, gates[i].attr,
                     gates[i].ist);
    }
}

/* ---- TSSs ---- */

static void make_task(uint8_t *tss, uint32_t ip, uint32_t sp)
{
    static const uint16_t segs[] = {SEL_DATA, SEL_CODE, SEL_STACK,
                                    SEL_DATA, SEL_DATA, SEL_DATA};

    memset(tss, 0, 0x200);
    store_le32(tss + 4, AT_STACK0 + 0xE00);
    store_le32(tss + 8, SEL_STACK);
    store_le32(tss + 12, AT_STACK1 + 0xE00);
    store_le32(tss + 16, SEL_DATA_1 | 1);
    store_le32(tss + 20, AT_STACK2 + 0xE00);
    store_le32(tss + 24, SEL_DATA_2 | 2);
    store_le32(tss + 0x20, ip);
    store_le32(tss + 0x24, 2);
    for (unsigned i = 0; i < 8; i++)
        store_le32(tss + 0x28 + 4 * i, 0x11110000 * i + i);
    store_le32(tss + 0x38, sp);
    for (unsigned i = 0; i < ARRAY_LEN(segs); i++)
        store_le32(tss + 0x48 + 4 * i, segs[i]);
    store_le16(tss + 0x66, 0x68);
}

static void make_tss_16(uint8_t *tss)
{
    static const uint16_t words[] = {0,
                                     AT_STACK0 + 0xE00,
                                     SEL_STACK,
                                     AT_STACK1 + 0xE00,
                                     SEL_DATA_1 | 1,
                                     AT_STACK2 + 0xE00,
                                     SEL_DATA_2 | 2,
                                     AT_PAD0,
                                     2,
                                     1,
                                     2,
                                     3,
                                     4,
                                     AT_STACK_T + 0xC00,
                                     6,
                                     7,
                                     8,
                                     SEL_DATA,
                                     SEL_CODE,
                                     SEL_DATA16, /* ESP's upper half is ones */
                                     SEL_DATA,
                                     0};

    memset(tss, 0, 0x200);
    for (unsigned i = 0; i < ARRAY_LEN(words); i++)
        store_le16(tss + 2 * i, words[i]);
}

static void make_tss_64(uint8_t *tss)
{
    memset(tss, 0, 0x200);
    store_le32(tss + 4, AT_STACK0 + 0xE00);
    store_le32(tss + 12, AT_STACK1 + 0xE00);
    store_le32(tss + 20, AT_STACK2 + 0xE00);
    for (unsigned i = 0; i < 7; i++)
        store_le32(tss + 36 + 8 * i, AT_STACK_T + 0x400 + 0x100 * i);
    store_le16(tss + 0x66, 0x68);
}

/* A map of the first 1,024 ports: of each eight, the lower four are open. */
static void make_io_map(uint8_t *tss)
{
    memset(tss + 0x68, 0xF0, 0x80);
    tss[0x68 + 0x80] = 0xFF;
}

/* ---- Page tables ---- each address is itself */

static bool is_users(uint32_t at)
{
    return at == AT_STACK3 || at == AT_DATA3 || at == AT_CODE3 || at == AT_PAD3;
}

static void make_pages(uint8_t *arena)
{
    memset(arena + AT_PD_32, 0, ARENA_SIZE - AT_PD_32);
    for (uint32_t i = 0; i < 1024; i++)
        store_le32(arena + AT_PT_32 + 4 * i,
                   i << 12 | (is_users(i << 12) ? 7 : 3));
    for (uint32_t i = 0; i < 512; i++)
        store_le32(arena + AT_PT + 8 * i,
                   i << 12 | (is_users(i << 12) ? 7 : 3));
    store_le32(arena + AT_PD_32, AT_PT_32 | 7);
    store_le32(arena + AT_PD_32 + 4, AT_WPT_32 | 7);
    store_le32(arena + AT_PD_32 + 8, 0x87);
    store_le32(arena + AT_PDPT, AT_PD | 1);
    store_le32(arena + AT_PDPT_64, AT_PD | 7);
    store_le32(arena + AT_PML4, AT_PDPT_64 | 7);
    store_le32(arena + AT_PD, AT_PT | 7);
    store_le32(arena + AT_PD + 8, 0x200083);
    store_le32(arena + AT_PD + 16, AT_WPT | 7);
    store_le32(arena + AT_PD + 32, 0x87);
    for (uint32_t i = 0; i < 8; i++) {
        store_le32(arena + AT_WPT_32 + 4 * i,
                   (AT_DATA3 + (i % 3) * 0x1000) | 7);
        store_le32(arena + AT_WPT + 8 * i, (AT_DATA3 + (i % 3) * 0x1000) | 7);
    }
}

void ox_make_tables(uint8_t *arena)
{
    make_gdt(arena);
    make_ldt(arena);
    make_idt(arena);
    make_task(arena + AT_TSS, AT_PAD0, AT_STACK_T + 0x400);
    make_io_map(arena + AT_TSS);
    make_task(arena + AT_TSS_B, AT_PAD0 + 64, AT_STACK_T + 0x800);
    make_task(arena + AT_TSS_DF, AT_STUBS + 16 * 8, AT_STACK_T + 0xF00);
    make_tss_16(arena + AT_TSS_16);
    make_tss_64(arena + AT_TSS_64);
    make_io_map(arena + AT_TSS_64);
    make_pages(arena);
}
