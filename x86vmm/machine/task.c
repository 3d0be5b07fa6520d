#include "x86vmm/machine/task.h"

#include "x86vmm/machine/assist.h"

#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/paging.h"

/* ---- What a TSS holds ---- */

enum { LIMIT_32 = 0x67, LIMIT_16 = 0x2B, TSS_BYTES = 0x68, TRAP_BIT = 0x64 };

/* Of one of 32 bits, then of one of 16: where the registers lie. */
struct layout {
    uint8_t ip, flags, gpr, seg, ldt, seg_step, segs;
};

static const struct layout layouts[2] = {
    {0x0E, 0x10, 0x12, 0x22, 0x2A, 2, 4},
    {0x20, 0x24, 0x28, 0x48, 0x60, 4, 6},
};

static bool is_32(const struct x86_descriptor *tss)
{
    return tss->attr & 8;
}

struct context {
    uint32_t cr3, ip, flags, gpr[8];
    uint16_t seg[6], ldt; /* segments in the order of enum x86_seg */
    bool trap;
};

static uint32_t load(const uint8_t *at, bool wide)
{
    return wide ? load_le32(at) : load_le16(at);
}

/* A 16-bit TSS knows no FS, GS, and no upper halves. */
static struct context parse(const uint8_t *bytes, bool wide)
{
    const struct layout *l = &layouts[wide];
    unsigned size = wide ? 4 : 2;
    struct context c = {.ip = load(bytes + l->ip, wide),
                        .flags = load(bytes + l->flags, wide),
                        .ldt = load_le16(bytes + l->ldt),
                        .cr3 = wide ? load_le32(bytes + 0x1C) : 0,
                        .trap = wide && (bytes[TRAP_BIT] & 1)};

    for (unsigned i = 0; i < 8; i++)
        c.gpr[i] =
            load(bytes + l->gpr + i * size, wide) | (wide ? 0 : 0xFFFF0000);
    for (unsigned i = 0; i < l->segs; i++)
        c.seg[i] = load_le16(bytes + l->seg + i * l->seg_step);
    return c;
}

static void put(uint8_t *at, bool wide, uint32_t v)
{
    if (wide)
        store_le32(at, v);
    else
        store_le16(at, (uint16_t)v);
}

/* The part that the processor writes: from IP to the last segment register. */
static void format(struct x86_cpu *cpu, uint8_t *bytes, bool wide,
                   uint32_t flags)
{
    const struct layout *l = &layouts[wide];
    unsigned size = wide ? 4 : 2;

    put(bytes + l->ip, wide, (uint32_t)cpu->next_rip);
    put(bytes + l->flags, wide, flags);
    for (unsigned i = 0; i < 8; i++)
        put(bytes + l->gpr + i * size, wide, (uint32_t)cpu->state.gpr[i]);
    for (unsigned i = 0; i < l->segs; i++)
        store_le16(bytes + l->seg + i * l->seg_step,
                   cpu->state.seg[i].selector);
}

/* ---- Checks ---- */

int x86_find_tss(struct x86_cpu *cpu, uint16_t selector, unsigned vector,
                 struct x86_descriptor *tss)
{
    unsigned type;

    if (x86_is_null(selector) || (selector & 4))
        return x86_raise_selector(cpu, vector, selector);
    TRY(x86_get_descriptor(cpu, selector, vector, tss));
    type = x86_type(tss->attr) & ~(unsigned)X86_TSS_BUSY;
    if ((tss->attr & X86_ATTR_S) || (type != X86_TSS_16 && type != X86_TSS_32))
        return x86_raise_selector(cpu, vector, selector);
    return 0;
}

int x86_task_gate(struct x86_cpu *cpu, const struct x86_descriptor *gate,
                  enum x86_switch how)
{
    struct x86_descriptor tss;

    if (!(gate->attr & X86_ATTR_P))
        return x86_raise_selector(cpu, X86_EXC_NP, gate->selector);
    TRY(x86_find_tss(cpu, (uint16_t)(gate->low >> 16), X86_EXC_GP, &tss));
    return x86_task_switch(cpu, &tss, how);
}

static int check_tss(struct x86_cpu *cpu, const struct x86_descriptor *tss,
                     enum x86_switch how)
{
    bool busy = tss->attr & X86_TSS_BUSY;

    if (busy != (how == X86_SWITCH_IRET))
        return x86_raise_selector(
            cpu, how == X86_SWITCH_IRET ? X86_EXC_TS : X86_EXC_GP,
            tss->selector);
    if (!(tss->attr & X86_ATTR_P))
        return x86_raise_selector(cpu, X86_EXC_NP, tss->selector);
    if (x86_segment_of(tss).limit < (is_32(tss) ? LIMIT_32 : LIMIT_16))
        return x86_raise_selector(cpu, X86_EXC_TS, tss->selector);
    return 0;
}

/* ---- The old task ---- */

/* Into its TSS, all or nothing; its descriptor is no longer busy. */
static int save_old(struct x86_cpu *cpu, enum x86_switch how)
{
    const struct x86_segment *tr = &cpu->state.seg[X86_TR];
    bool wide = tr->attr & 8;
    unsigned first = layouts[wide].ip;
    unsigned end =
        layouts[wide].seg + layouts[wide].segs * layouts[wide].seg_step;
    uint32_t flags = (uint32_t)x86_flags_get(cpu);
    uint8_t bytes[TSS_BYTES];

    if (how == X86_SWITCH_IRET)
        flags &= ~(uint32_t)X86_FLAG_NT;
    TRY(x86_read_linear(cpu, tr->base + first, end - first, X86_AS_SYSTEM,
                        bytes + first));
    format(cpu, bytes, wide, flags);
    return x86_write_linear(cpu, tr->base + first, end - first, X86_AS_SYSTEM,
                            bytes + first);
}

static int not_busy(struct x86_cpu *cpu)
{
    struct x86_descriptor d;

    TRY(x86_get_descriptor(cpu, cpu->state.seg[X86_TR].selector, X86_EXC_TS,
                           &d));
    return x86_set_type(cpu, &d, x86_type(d.attr) & ~(unsigned)X86_TSS_BUSY);
}

/* ---- The new task ---- */

static int load_cr3(struct x86_cpu *cpu, const struct context *c)
{
    struct x86_state *s = &cpu->state;

    if (!(s->cr0 & X86_CR0_PG))
        return 0;
    if (s->cr4 & X86_CR4_PAE)
        TRY(x86_load_pdptes(cpu, c->cr3));
    s->cr3 = c->cr3;
    x86_tlb_flush(cpu, false);
    return 0;
}

/* Selectors as they are, descriptors not yet: a fault finds this.  As long as
 * SS is none the stack is none of CPL 0 to 2, so that a handler there has the
 * one that the new TSS names for it. */
static void load_registers(struct x86_cpu *cpu, const struct context *c,
                           enum x86_switch how)
{
    uint64_t flags = c->flags & 0x3F7FD5; /* those there are, VIF and VIP too */

    if (how == X86_SWITCH_CALL)
        flags |= X86_FLAG_NT;
    x86_flags_set(cpu, flags | X86_FLAG_ONE);
    for (unsigned i = 0; i < 8; i++)
        cpu->state.gpr[i] = c->gpr[i];
    for (unsigned i = X86_ES; i <= X86_GS; i++)
        cpu->state.seg[i] = x86_null_segment(c->seg[i], 3);
    cpu->state.seg[X86_LDTR] = x86_null_segment(c->ldt, 0);
    cpu->state.rip = cpu->next_rip = c->ip;
    x86_mode_changed(cpu);
}

static int load_ldt(struct x86_cpu *cpu, uint16_t selector)
{
    struct x86_descriptor d;

    if (x86_is_null(selector))
        return 0;
    if (selector & 4)
        return x86_raise_selector(cpu, X86_EXC_TS, selector);
    TRY(x86_get_descriptor(cpu, selector, X86_EXC_TS, &d));
    if ((d.attr & (X86_ATTR_S | X86_ATTR_TYPE)) != X86_LDT ||
        !(d.attr & X86_ATTR_P))
        return x86_raise_selector(cpu, X86_EXC_TS, selector);
    cpu->state.seg[X86_LDTR] = x86_segment_of(&d);
    return 0;
}

static int load_code(struct x86_cpu *cpu, uint16_t selector, unsigned cpl)
{
    struct x86_descriptor d;
    unsigned dpl;

    if (x86_is_null(selector))
        return x86_raise_error(cpu, X86_EXC_TS, 0);
    TRY(x86_get_descriptor(cpu, selector, X86_EXC_TS, &d));
    dpl = x86_dpl(d.attr);
    if (!x86_is_code(d.attr) ||
        (x86_is_conforming(d.attr) ? dpl > cpl : dpl != cpl))
        return x86_raise_selector(cpu, X86_EXC_TS, selector);
    if (!(d.attr & X86_ATTR_P))
        return x86_raise_selector(cpu, X86_EXC_NP, selector);
    TRY(x86_mark_accessed(cpu, &d));
    x86_set_code(cpu, &d, cpl);
    return 0;
}

/* Whether it is there is asked before its privilege, as the table on task
 * switches has it. */
static int load_stack(struct x86_cpu *cpu, uint16_t selector, unsigned cpl)
{
    struct x86_descriptor d;

    if (!x86_is_null(selector)) {
        TRY(x86_get_descriptor(cpu, selector, X86_EXC_TS, &d));
        if (x86_is_writable(d.attr) && !(d.attr & X86_ATTR_P))
            return x86_raise_selector(cpu, X86_EXC_SS, selector);
    }
    return x86_check_stack(cpu, selector, cpl, X86_EXC_TS,
                           &cpu->state.seg[X86_SS]);
}

/* The order is the processor's own (SDM vol. 3, before table 8-1). */
static int load_segments(struct x86_cpu *cpu, const struct context *c)
{
    static const enum x86_seg data[] = {X86_DS, X86_ES, X86_FS, X86_GS};
    struct x86_segment *seg = cpu->state.seg;
    unsigned cpl = c->seg[X86_CS] & 3u;

    TRY(load_ldt(cpu, c->ldt));
    if (cpu->state.rflags & X86_FLAG_VM) {
        for (unsigned i = X86_ES; i <= X86_GS; i++)
            x86_load_8086(cpu, (enum x86_seg)i, c->seg[i]);
        return 0;
    }
    TRY(load_stack(cpu, c->seg[X86_SS], cpl));
    TRY(load_code(cpu, c->seg[X86_CS], cpl));
    for (unsigned i = 0; i < ARRAY_LEN(data); i++)
        TRY(x86_check_data(cpu, c->seg[data[i]], cpl, X86_EXC_TS,
                           &seg[data[i]]));
    return 0;
}

static int enter(struct x86_cpu *cpu, const struct context *c)
{
    int code = load_segments(cpu, c);

    x86_mode_changed(cpu);
    if (code)
        return code;
    if (c->ip > cpu->state.seg[X86_CS].limit)
        return x86_raise_gp(cpu);
    if (c->trap)
        cpu->debug_hits |= X86_DR6_BT;
    return X86_SYNC;
}

/* The link to the old one, for IRET to find. */
static int write_link(struct x86_cpu *cpu, uint64_t tss)
{
    uint8_t link[2];

    store_le16(link, cpu->state.seg[X86_TR].selector);
    return x86_write_linear(cpu, tss, 2, X86_AS_SYSTEM, link);
}

static int switch_task(struct x86_cpu *cpu, struct x86_descriptor *tss,
                       enum x86_switch how)
{
    uint64_t base = x86_segment_of(tss).base;
    uint64_t size = (is_32(tss) ? LIMIT_32 : LIMIT_16) + UINT64_C(1);
    uint8_t bytes[TSS_BYTES];
    struct context c;

    TRY(check_tss(cpu, tss, how));
    if (UNLIKELY(cpu->guest))
        TRY(cpu->guest->task_switch(cpu, tss->selector, how));
    /* First whether it is there; a task that returns to itself finds what it
     * has saved. */
    TRY(x86_read_linear(cpu, base, size, X86_AS_SYSTEM, bytes));
    TRY(save_old(cpu, how));
    TRY(x86_read_linear(cpu, base, size, X86_AS_SYSTEM, bytes));
    c = parse(bytes, is_32(tss));
    if (how == X86_SWITCH_CALL)
        TRY(write_link(cpu, base));
    else
        TRY(not_busy(cpu));
    if (how != X86_SWITCH_IRET)
        TRY(x86_set_type(cpu, tss, x86_type(tss->attr) | X86_TSS_BUSY));
    /* From here on it is the new one. */
    cpu->state.seg[X86_TR] = x86_segment_of(tss);
    cpu->state.cr0 |= X86_CR0_TS;
    cpu->dr[7] &= ~(uint64_t)0x155; /* local breakpoints */
    load_registers(cpu, &c, how);
    if (is_32(tss))
        TRY(load_cr3(cpu, &c));
    return enter(cpu, &c);
}

int x86_task_switch(struct x86_cpu *cpu, struct x86_descriptor *tss,
                    enum x86_switch how)
{
    x86_stores_begin(cpu); /* begun again, it must not find the new one busy */
    return x86_stores_end(cpu, switch_task(cpu, tss, how));
}
