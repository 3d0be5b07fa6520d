/* RET from far procedures and IRET (Intel SDM vol. 2, RET, IRET). */
#include "x86vmm/machine/op.h"
#include "x86vmm/machine/task.h"

/* What is popped, and checked, before anything is changed. */
struct back {
    unsigned size;
    uint64_t ip, cs, flags, sp, ss;
    struct x86_stack from;
    struct x86_descriptor code, stack;
    bool null;    /* the stack is none */
    unsigned cpl; /* that it returns to */
};

/* ---- RFLAGS ---- */

/* Which bits a program at this CPL may change by IRET or POPF. */
uint64_t x86_flags_writable(const struct x86_cpu *cpu, unsigned size)
{
    uint64_t status = 0xDD5 | X86_FLAG_NT; /* CF to OF, TF DF, not IF */
    unsigned iopl = (cpu->state.rflags & X86_FLAG_IOPL) >> 12;

    status &= ~X86_FLAG_IF;
    if (size > 2)
        status |= X86_FLAG_RF | X86_FLAG_AC | X86_FLAG_ID;
    if (!cpu->cpl)
        status |= X86_FLAG_IOPL;
    if (cpu->cpl <= iopl)
        status |= X86_FLAG_IF;
    return status;
}

static void set_flags(struct x86_cpu *cpu, uint64_t value, uint64_t which)
{
    x86_flags_set(cpu, (x86_flags_get(cpu) & ~which) | (value & which) |
                           X86_FLAG_ONE);
}

/* ---- Protected mode ---- */

static int check_code(struct x86_cpu *cpu, struct back *b)
{
    uint16_t selector = (uint16_t)b->cs;
    struct x86_descriptor *d = &b->code;

    if (x86_is_null(selector))
        return x86_raise_gp(cpu);
    TRY(x86_get_descriptor(cpu, selector, X86_EXC_GP, d));
    b->cpl = selector & 3u;
    bool dpl_ok = x86_is_conforming(d->attr) ? x86_dpl(d->attr) <= b->cpl
                                             : x86_dpl(d->attr) == b->cpl;
    bool wide = (d->attr & X86_ATTR_L) && (d->attr & X86_ATTR_DB);

    if (!x86_is_code(d->attr) || b->cpl < cpu->cpl || !dpl_ok ||
        (x86_long_mode(cpu) && wide))
        return x86_raise_selector(cpu, X86_EXC_GP, selector);
    if (!(d->attr & X86_ATTR_P))
        return x86_raise_selector(cpu, X86_EXC_NP, selector);
    return 0;
}

/* A 64-bit program below CPL 3 may have a null SS.  One that is not present is
 * #SS of RET, #NP of IRET (SDM vol. 2, exceptions of each). */
static int check_stack(struct x86_cpu *cpu, struct back *b, unsigned absent)
{
    uint16_t ss = (uint16_t)b->ss;
    bool to_64 = x86_long_mode(cpu) && (b->code.attr & X86_ATTR_L);

    b->null = x86_is_null(ss) && to_64 && b->cpl < 3 && (ss & 3u) == b->cpl;
    return b->null
               ? 0
               : x86_find_stack(cpu, ss, b->cpl, X86_EXC_GP, absent, &b->stack);
}

/* Where nothing is wrong any more. */
static int mark_both(struct x86_cpu *cpu, struct back *b, bool new_stack)
{
    TRY(x86_mark_accessed(cpu, &b->code));
    return new_stack && !b->null ? x86_mark_accessed(cpu, &b->stack) : 0;
}

static void go_back(struct x86_cpu *cpu, const struct back *b, bool new_stack,
                    uint64_t release)
{
    struct x86_stack to = b->from;
    unsigned before = cpu->cpl;

    if (new_stack) {
        bool to_64 = x86_long_mode(cpu) && (b->code.attr & X86_ATTR_L);

        struct x86_segment ss = b->null
                                    ? x86_null_segment((uint16_t)b->ss, b->cpl)
                                    : x86_segment_of(&b->stack);

        cpu->state.seg[X86_SS] = ss;
        to = x86_stack_inner(&ss, b->sp, to_64);
    }
    to.sp = (to.sp + release) & to.mask;
    x86_stack_keep(cpu, &to);
    x86_set_code(cpu, &b->code, b->cpl);
    cpu->next_rip = x86_target(cpu, &b->code, b->ip);
    if (b->cpl > before)
        x86_drop_data(cpu, b->cpl);
    x86_mode_changed(cpu);
}

/* ---- RET ---- */

static int ret_8086(struct x86_cpu *cpu, struct back *b, uint64_t release)
{
    if (b->ip > cpu->state.seg[X86_CS].limit)
        return x86_raise_gp(cpu);
    b->from.sp = (b->from.sp + release) & b->from.mask;
    x86_stack_keep(cpu, &b->from);
    x86_load_8086(cpu, X86_CS, (uint16_t)b->cs);
    cpu->next_rip = b->ip;
    x86_mode_changed(cpu);
    return X86_SYNC;
}

int op_ret_far(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct back b = {.size = op->size, .from = x86_stack_now(cpu)};
    uint64_t release = op->count ? (uint16_t)op->imm : 0;

    TRY(x86_stack_pop(cpu, &b.from, b.size, &b.ip));
    TRY(x86_stack_pop(cpu, &b.from, b.size, &b.cs));
    if (x86_is_8086(cpu))
        return ret_8086(cpu, &b, release);
    TRY(check_code(cpu, &b));
    bool outer = b.cpl > cpu->cpl;
    b.from.sp = (b.from.sp + release) & b.from.mask;
    if (outer) {
        TRY(x86_stack_pop(cpu, &b.from, b.size, &b.sp));
        TRY(x86_stack_pop(cpu, &b.from, b.size, &b.ss));
        TRY(check_stack(cpu, &b, X86_EXC_SS));
    }
    TRY(x86_check_target(cpu, &b.code, b.ip));
    TRY(mark_both(cpu, &b, outer));
    go_back(cpu, &b, outer, outer ? release : 0);
    return X86_SYNC;
}

/* ---- IRET ---- */

static int iret_8086(struct x86_cpu *cpu, struct back *b)
{
    uint64_t which = x86_flags_writable(cpu, b->size);

    if (b->ip > cpu->state.seg[X86_CS].limit)
        return x86_raise_gp(cpu);
    x86_stack_keep(cpu, &b->from);
    set_flags(cpu, b->flags, which);
    x86_load_8086(cpu, X86_CS, (uint16_t)b->cs);
    cpu->next_rip = b->ip;
    x86_mode_changed(cpu);
    return X86_SYNC;
}

/* From CPL 0 to a virtual-8086 program. */
static int iret_to_v86(struct x86_cpu *cpu, struct back *b)
{
    static const enum x86_seg order[] = {X86_ES, X86_DS, X86_FS, X86_GS};
    uint64_t sel[ARRAY_LEN(order)];

    TRY(x86_stack_pop(cpu, &b->from, 4, &b->sp));
    TRY(x86_stack_pop(cpu, &b->from, 4, &b->ss));
    for (unsigned i = 0; i < ARRAY_LEN(order); i++)
        TRY(x86_stack_pop(cpu, &b->from, 4, &sel[i]));
    if (b->ip > 0xFFFF)
        return x86_raise_gp(cpu);
    set_flags(cpu, b->flags,
              x86_flags_writable(cpu, 4) | X86_FLAG_VM | X86_FLAG_VIF |
                  X86_FLAG_VIP);
    for (unsigned i = 0; i < ARRAY_LEN(order); i++)
        x86_load_8086(cpu, order[i], (uint16_t)sel[i]);
    x86_load_8086(cpu, X86_CS, (uint16_t)b->cs);
    x86_load_8086(cpu, X86_SS, (uint16_t)b->ss);
    cpu->state.gpr[X86_RSP] = (uint32_t)b->sp;
    cpu->next_rip = b->ip;
    x86_mode_changed(cpu);
    return X86_SYNC;
}

static int iret_task(struct x86_cpu *cpu)
{
    const struct x86_segment *tr = &cpu->state.seg[X86_TR];
    struct x86_descriptor tss;
    uint8_t link[2];

    if (x86_long_mode(cpu))
        return x86_raise_gp(cpu);
    TRY(x86_read_linear(cpu, tr->base, 2, X86_AS_SYSTEM, link));
    TRY(x86_find_tss(cpu, load_le16(link), X86_EXC_TS, &tss));
    return x86_task_switch(cpu, &tss, X86_SWITCH_IRET);
}

static int iret_protected(struct x86_cpu *cpu, struct back *b)
{
    uint64_t which = x86_flags_writable(cpu, b->size);
    bool new_stack;

    TRY(check_code(cpu, b));
    new_stack = b->cpl > cpu->cpl || cpu->code_bits == 64;
    if (new_stack) {
        TRY(x86_stack_pop(cpu, &b->from, b->size, &b->sp));
        TRY(x86_stack_pop(cpu, &b->from, b->size, &b->ss));
        TRY(check_stack(cpu, b, X86_EXC_NP));
    }
    TRY(x86_check_target(cpu, &b->code, b->ip));
    TRY(mark_both(cpu, b, new_stack));
    if (!cpu->cpl && b->size > 2)
        which |= X86_FLAG_VIF | X86_FLAG_VIP;
    set_flags(cpu, b->flags, which);
    go_back(cpu, b, new_stack, 0);
    return X86_SYNC;
}

/* The end of an NMI's handler, whatever comes of it (SDM vol. 3, "Handling
 * Multiple NMIs"). */
int op_iret(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct back b = {.size = op->size, .from = x86_stack_now(cpu)};
    const struct x86_state *s = &cpu->state;

    cpu->nmi_blocked = false;
    if ((s->rflags & X86_FLAG_VM) &&
        (s->rflags & X86_FLAG_IOPL) != X86_FLAG_IOPL)
        return x86_raise_gp(cpu);
    if (!x86_is_8086(cpu) && (s->rflags & X86_FLAG_NT))
        return iret_task(cpu);
    TRY(x86_stack_pop(cpu, &b.from, b.size, &b.ip));
    TRY(x86_stack_pop(cpu, &b.from, b.size, &b.cs));
    TRY(x86_stack_pop(cpu, &b.from, b.size, &b.flags));
    if (x86_is_8086(cpu))
        return iret_8086(cpu, &b);
    if ((b.flags & X86_FLAG_VM) && b.size == 4 && !cpu->cpl &&
        !x86_long_mode(cpu))
        return iret_to_v86(cpu, &b);
    return iret_protected(cpu, &b);
}
