#include "tests/x86_system.h"

#include "base/bytes.h"
#include "base/digit.h"
#include "x86vmm/machine/access.h"
#include "x86vmm/machine/segment.h"

#include <stdlib.h>
#include <string.h>

enum {
    CODE = X86_ATTR_P | X86_ATTR_S | 0xB,
    DATA = X86_ATTR_P | X86_ATTR_S | 3,
    BIG = X86_ATTR_DB | X86_ATTR_G,
    WIDE = X86_ATTR_L | X86_ATTR_G,
    DPL1 = 0x20,
    DPL3 = X86_ATTR_DPL
};

static const struct row {
    uint16_t selector, attr;
    uint32_t base, limit;
} rows[] = {
    {SEL_CODE, CODE | BIG, 0, 0xFFFFF},
    {SEL_DATA0, DATA | BIG, 0, 0xFFFFF},
    {SEL_CODE_64, CODE | WIDE, 0, 0xFFFFF},
    {SEL_CODE3, CODE | BIG | DPL3, 0, 0xFFFFF},
    {SEL_DATA3, DATA | BIG | DPL3, 0, 0xFFFFF},
    {SEL_CODE3_64, CODE | WIDE | DPL3, 0, 0xFFFFF},
    {SEL_CODE_16, CODE, 0, 0xFFFF},
    {SEL_DATA_16, DATA, 0, 0xFFFF},
    {SEL_CONFORMING, CODE | 4 | BIG, 0, 0xFFFFF},
    {SEL_TSS, X86_ATTR_P | X86_TSS_32, SYS_TSS, 0x20FF},
    {SEL_TSS2, X86_ATTR_P | X86_TSS_32, SYS_TSS2, 0x67},
    {SEL_TSS16, X86_ATTR_P | X86_TSS_16, SYS_TSS16, 0x2B},
    {SEL_LDT, X86_ATTR_P | X86_LDT, SYS_LDT, 0x1F},
    {SEL_ABSENT, (DATA & ~X86_ATTR_P) | BIG, 0, 0xFFFFF},
    {SEL_READ_ONLY, (DATA & ~2) | BIG | DPL3, 0, 0xFFFFF},
    {SEL_EXECUTE_ONLY, (CODE & ~2) | BIG | DPL3, 0, 0xFFFFF},
    {SEL_CODE1, CODE | BIG | DPL1, 0, 0xFFFFF},
    {SEL_DATA1, DATA | BIG | DPL1, 0, 0xFFFFF},
    {SEL_DOWN, DATA | 4 | X86_ATTR_DB | DPL3, 0, 0xFFF},
    {SEL_CODE_ABSENT, (CODE & ~X86_ATTR_P) | BIG, 0, 0xFFFFF},
};

/* ---- Tables ---- */

static uint64_t descriptor(uint32_t base, uint32_t limit, uint16_t attr)
{
    return (limit & 0xFFFF) | (uint64_t)(base & 0xFFFFFF) << 16 |
           (uint64_t)(attr & 0xFF) << 40 | (uint64_t)(limit >> 16 & 0xF) << 48 |
           (uint64_t)(attr >> 8 & 0xF) << 52 | (uint64_t)(base >> 24) << 56;
}

void sys_descriptor(struct x86_bare *m, unsigned selector, uint32_t base,
                    uint32_t limit, uint16_t attr)
{
    store_le64(m->storage + SYS_GDT + (selector & ~7u),
               descriptor(base, limit, attr));
}

static uint64_t gate(uint16_t selector, uint64_t offset, unsigned attr,
                     unsigned low)
{
    return (offset & 0xFFFF) | (uint64_t)selector << 16 | (uint64_t)low << 32 |
           (uint64_t)attr << 40 | (offset >> 16 & 0xFFFF) << 48;
}

static bool is_long(const struct x86_bare *m)
{
    return m->cpu.state.efer & X86_EFER_LMA;
}

void sys_gate(struct x86_bare *m, unsigned vector, uint16_t selector,
              uint64_t offset, unsigned attr, unsigned ist)
{
    uint8_t *at = m->storage + SYS_IDT + vector * (is_long(m) ? 16 : 8);

    store_le64(at, gate(selector, offset, attr, ist));
    if (is_long(m))
        store_le64(at + 8, offset >> 32);
}

static void make_gates(struct x86_bare *m)
{
    for (unsigned v = 0; v < 256; v++) {
        unsigned at = SYS_HANDLERS + 16 * v;

        m->storage[at] = 0xF4; /* HLT */
        store_le16(m->storage + 4 * v, (uint16_t)at);
        store_le16(m->storage + 4 * v + 2, 0);
        /* INT3, INTO, BOUND and 80 to FF are everybody's */
        sys_gate(m, v, is_long(m) ? SEL_CODE_64 : SEL_CODE, at,
                 v == 3 || v == 4 || v == 5 || v >= 0x80 ? 0xEE : 0x8E, 0);
    }
    m->storage[SYS_CALLED] = 0xF4;
}

static void make_tss(struct x86_bare *m)
{
    uint8_t *tss = m->storage + SYS_TSS;

    memset(tss, 0, 0x68);
    memset(tss + 0x68, 0xFF, 0x2098);
    if (is_long(m)) {
        store_le64(tss + 4, SYS_STACK0);
        store_le64(tss + 36, SYS_STACK1); /* IST1 */
    } else {
        store_le32(tss + 4, SYS_STACK0);
        store_le32(tss + 8, SEL_DATA0);
        store_le32(tss + 12, SYS_STACK1);
        store_le32(tss + 16, SEL_DATA1 | 1);
    }
    store_le16(tss + 102, 0x68);
}

static void make_tables(struct x86_bare *m)
{
    struct x86_state *s = &m->cpu.state;
    uint8_t *gdt = m->storage + SYS_GDT;

    memset(gdt, 0, SEL_LIMIT);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        sys_descriptor(m, rows[i].selector, rows[i].base, rows[i].limit,
                       rows[i].attr);
    if (is_long(m)) /* upper halves */
        store_le64(gdt + SEL_TSS + 8, 0);
    if (is_long(m))
        store_le64(gdt + SEL_LDT + 8, 0);
    store_le64(gdt + SEL_GATE, gate(is_long(m) ? SEL_CODE_64 : SEL_CODE,
                                    SYS_CALLED, 0xEC, is_long(m) ? 0 : 2));
    store_le64(gdt + SEL_TASK_GATE, gate(SEL_TSS2, 0, 0xE5, 0));
    make_gates(m);
    make_tss(m);
    s->gdt = (struct x86_table_reg){SYS_GDT, SEL_LIMIT - 1};
    s->idt = (struct x86_table_reg){SYS_IDT, is_long(m) ? 0xFFF : 0x7FF};
    s->seg[X86_TR] = (struct x86_segment){.base = SYS_TSS,
                                          .limit = 0x20FF,
                                          .selector = SEL_TSS,
                                          .attr = X86_ATTR_P | X86_TSS_32_BUSY};
    m->storage[SYS_GDT + SEL_TSS + 5] |= X86_TSS_BUSY;
    s->seg[X86_LDTR] = x86_null_segment(0, 0);
}

/* ---- Where the program begins ---- */

static struct x86_segment segment_of(const struct x86_bare *m,
                                     uint16_t selector)
{
    const uint8_t *at = m->storage + SYS_GDT + (selector & ~7u);
    uint32_t high = load_le32(at + 4);
    struct x86_descriptor d = {
        .low = load_le32(at),
        .high = high,
        .selector = selector,
        .attr = (uint16_t)((high >> 8 & 0xFF) | (high >> 12 & 0xF00))};

    return x86_segment_of(&d);
}

static void set_segments(struct x86_bare *m, uint16_t code, uint16_t data)
{
    for (unsigned i = X86_ES; i <= X86_GS; i++)
        m->cpu.state.seg[i] = segment_of(m, i == X86_CS ? code : data);
}

static void begin(struct x86_bare *m, enum sys_mode mode, unsigned cpl)
{
    struct x86_state *s = &m->cpu.state;
    uint16_t rpl = (uint16_t)cpl, data;
    uint16_t code = mode == SYS_LONG ? (cpl ? SEL_CODE3_64 : SEL_CODE_64)
                    : cpl == 1       ? SEL_CODE1
                    : cpl            ? SEL_CODE3
                                     : SEL_CODE;

    data = cpl == 1 ? SEL_DATA1 : cpl ? SEL_DATA3 : SEL_DATA0;
    if (mode == SYS_V86) {
        s->rflags |= X86_FLAG_VM;
        for (unsigned i = X86_ES; i <= X86_GS; i++)
            x86_load_8086(&m->cpu, (enum x86_seg)i, BARE_CODE >> 4);
        s->rip = 0;
        s->gpr[X86_RSP] = 0x8000;
    } else {
        set_segments(m, code | rpl, data | rpl);
    }
}

static void all_for_users(struct x86_bare *m)
{
    for (unsigned i = 0; i < 0x3000; i += 8)
        if (m->storage[X86_MODE_PAGES + i] & 1)
            m->storage[X86_MODE_PAGES + i] |= 4;
}

static enum x86_mode base_of(enum sys_mode mode)
{
    return mode == SYS_REAL                         ? X86_MODE_REAL
           : mode == SYS_LONG || mode == SYS_COMPAT ? X86_MODE_LONG
                                                    : X86_MODE_PROTECTED;
}

void sys_enter(struct x86_bare *m, enum sys_mode mode, unsigned cpl)
{
    struct x86_state *s = &m->cpu.state;

    memset(m->storage, 0, BARE_STORAGE);
    x86_bare_enter(m, base_of(mode));
    make_tables(m);
    if (is_long(m))
        all_for_users(m);
    if (mode == SYS_REAL) {
        s->idt = (struct x86_table_reg){0, 0x3FF};
    } else {
        if (cpl)
            s->gpr[X86_RSP] = SYS_USER;
        begin(m, mode, cpl);
    }
    x86_mode_changed(&m->cpu);
}

struct x86_bare *sys_new(enum sys_mode mode, unsigned cpl)
{
    struct x86_bare *m = x86_bare_new(base_of(mode));

    sys_enter(m, mode, cpl);
    return m;
}

/* ---- Running ---- */

size_t sys_program(struct x86_bare *m, const char *hex)
{
    uint8_t *to = m->storage + BARE_CODE;
    size_t digits = 0;

    for (; *hex; hex++)
        if (digit_value(*hex) < 16) {
            to[digits / 2] = (uint8_t)(to[digits / 2] << 4 | digit_value(*hex));
            digits++;
        }
    x86_code_written(&m->cpu, BARE_CODE, 0x1000);
    return digits / 2;
}

enum x86_outcome sys_run(struct x86_bare *m)
{
    return x86_run(&m->cpu, 1000);
}

int sys_vector(const struct x86_bare *m)
{
    const struct x86_state *s = &m->cpu.state;
    uint64_t at = s->rip - 1 - SYS_HANDLERS;

    return s->seg[X86_CS].base == 0 && at % 16 == 0 && at / 16 < 256
               ? (int)(at / 16)
               : -1;
}

uint64_t sys_stack(struct x86_bare *m, unsigned i, unsigned size)
{
    uint64_t at = x86_sp(&m->cpu) + i * size;

    if (m->cpu.code_bits != 64)
        at += m->cpu.state.seg[X86_SS].base;
    return x86_load(m->storage + at % BARE_STORAGE, size);
}
