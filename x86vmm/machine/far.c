/* JMP and CALL to another segment, through gates or not (Intel SDM vol. 2, JMP,
 * CALL; vol. 3, "Privilege Level Checking When Transferring Program Control
 * Between Code Segments"). */
#include "x86vmm/machine/op.h"
#include "x86vmm/machine/task.h"

struct far {
    uint16_t selector;
    uint64_t offset;
    unsigned size; /* of operands: of what is pushed */
    bool call;
};

static int push_return(struct x86_cpu *cpu, struct x86_stack *s, unsigned size)
{
    TRY(x86_stack_push(cpu, s, size, cpu->state.seg[X86_CS].selector));
    return x86_stack_push(cpu, s, size, cpu->next_rip);
}

static int to_8086(struct x86_cpu *cpu, const struct far *f)
{
    struct x86_stack s = x86_stack_now(cpu);

    if (f->offset > cpu->state.seg[X86_CS].limit)
        return x86_raise_gp(cpu);
    if (f->call)
        TRY(push_return(cpu, &s, f->size));
    x86_stack_keep(cpu, &s);
    x86_load_8086(cpu, X86_CS, f->selector);
    cpu->next_rip = f->offset;
    x86_mode_changed(cpu);
    return X86_SYNC;
}

/* L and D of a code segment together are reserved, in long mode. */
static bool bad_width(const struct x86_cpu *cpu, uint16_t attr)
{
    return x86_long_mode(cpu) && (attr & X86_ATTR_L) && (attr & X86_ATTR_DB);
}

/* In the present privilege level; the code segment has been checked. */
static int go_same(struct x86_cpu *cpu, const struct far *f,
                   struct x86_descriptor *code, uint64_t to)
{
    struct x86_stack s = x86_stack_now(cpu);

    TRY(x86_check_target(cpu, code, to));
    if (f->call)
        TRY(push_return(cpu, &s, f->size));
    TRY(x86_mark_accessed(cpu, code));
    x86_stack_keep(cpu, &s);
    x86_set_code(cpu, code, cpu->cpl);
    cpu->next_rip = x86_target(cpu, code, to);
    x86_mode_changed(cpu);
    return X86_SYNC;
}

static int to_code(struct x86_cpu *cpu, const struct far *f,
                   struct x86_descriptor *d)
{
    unsigned dpl = x86_dpl(d->attr), rpl = f->selector & 3u;
    bool allowed = x86_is_conforming(d->attr)
                       ? dpl <= cpu->cpl
                       : rpl <= cpu->cpl && dpl == cpu->cpl;

    if (!x86_is_code(d->attr) || !allowed || bad_width(cpu, d->attr))
        return x86_raise_selector(cpu, X86_EXC_GP, f->selector);
    if (!(d->attr & X86_ATTR_P))
        return x86_raise_selector(cpu, X86_EXC_NP, f->selector);
    return go_same(cpu, f, d, f->offset);
}

/* ---- Call gates ---- */

struct call_gate {
    struct x86_descriptor code;
    uint64_t offset;
    unsigned size;  /* of what is pushed: 2, 4, 8 */
    unsigned count; /* of parameters */
};

/* The last one first, from above the old stack's pointer (SDM vol. 2, CALL:
 * behind SS:ESP). */
static int push_parameters(struct x86_cpu *cpu, const struct call_gate *g,
                           struct x86_stack *to)
{
    for (unsigned i = g->count; i-- > 0;) {
        struct x86_stack from = x86_stack_now(cpu);
        uint64_t value;

        from.sp = (from.sp + i * g->size) & from.mask;
        TRY(x86_stack_pop(cpu, &from, g->size, &value));
        TRY(x86_stack_push(cpu, to, g->size, value));
    }
    return 0;
}

/* To a more privileged segment: its stack is in the TSS. */
static int go_inner(struct x86_cpu *cpu, struct call_gate *g)
{
    unsigned cpl = x86_dpl(g->code.attr);
    struct x86_stack to;

    if (g->size == 8)
        TRY(x86_stack_of_tss_64(cpu, cpl, cpl, &to));
    else
        TRY(x86_stack_of_tss(cpu, cpl, &to));
    TRY(x86_check_target(cpu, &g->code, g->offset));
    TRY(x86_stack_push(cpu, &to, g->size, cpu->state.seg[X86_SS].selector));
    TRY(x86_stack_push(cpu, &to, g->size,
                       cpu->state.gpr[X86_RSP] &
                           (g->size == 8 ? UINT64_MAX : UINT32_MAX)));
    TRY(push_parameters(cpu, g, &to));
    TRY(push_return(cpu, &to, g->size));
    TRY(x86_stack_mark(cpu, &to));
    TRY(x86_mark_accessed(cpu, &g->code));
    cpu->state.seg[X86_SS] = to.ss;
    x86_stack_keep(cpu, &to);
    x86_set_code(cpu, &g->code, cpl);
    cpu->next_rip = g->offset;
    x86_mode_changed(cpu);
    return X86_SYNC;
}

static int read_gate(struct x86_cpu *cpu, struct x86_descriptor *d,
                     struct call_gate *g)
{
    uint16_t selector = (uint16_t)(d->low >> 16);
    unsigned wide = x86_type(d->attr) == X86_CALL_32;

    *g = (struct call_gate){.offset = d->low & 0xFFFF,
                            .size = wide ? 4 : 2,
                            .count = d->high & 0x1F};
    if (wide)
        g->offset |= d->high & 0xFFFF0000;
    if (x86_long_mode(cpu)) {
        TRY(x86_get_upper(cpu, d, X86_EXC_GP));
        g->offset |= (uint64_t)d->upper << 32;
        g->size = 8;
        g->count = 0;
    }
    if (x86_is_null(selector))
        return x86_raise_gp(cpu);
    return x86_get_descriptor(cpu, selector, X86_EXC_GP, &g->code);
}

static int to_call_gate(struct x86_cpu *cpu, const struct far *f,
                        struct x86_descriptor *d)
{
    struct call_gate g;

    if (!(d->attr & X86_ATTR_P))
        return x86_raise_selector(cpu, X86_EXC_NP, f->selector);
    TRY(read_gate(cpu, d, &g));
    unsigned dpl = x86_dpl(g.code.attr);
    bool conforming = x86_is_conforming(g.code.attr);
    bool bad = !x86_is_code(g.code.attr) || dpl > cpu->cpl ||
               (!f->call && !conforming && dpl != cpu->cpl);

    if (g.size == 8)
        bad = bad || !(g.code.attr & X86_ATTR_L) || (g.code.attr & X86_ATTR_DB);
    if (bad)
        return x86_raise_selector(cpu, X86_EXC_GP, g.code.selector);
    if (!(g.code.attr & X86_ATTR_P))
        return x86_raise_selector(cpu, X86_EXC_NP, g.code.selector);
    if (f->call && !conforming && dpl < cpu->cpl)
        return go_inner(cpu, &g);
    struct far through = *f;
    through.size = g.size;
    return go_same(cpu, &through, &g.code, g.offset);
}

/* ---- Whatever the selector names ---- */

static int to_system(struct x86_cpu *cpu, const struct far *f,
                     struct x86_descriptor *d)
{
    enum x86_switch how = f->call ? X86_SWITCH_CALL : X86_SWITCH_JMP;
    unsigned type = x86_type(d->attr), dpl = x86_dpl(d->attr);
    bool reachable = dpl >= cpu->cpl && dpl >= (f->selector & 3u);
    bool legacy = !x86_long_mode(cpu);

    if (reachable && (type == X86_CALL_32 || (legacy && type == X86_CALL_16)))
        return to_call_gate(cpu, f, d);
    if (reachable && legacy && type == X86_TASK_GATE)
        return x86_task_gate(cpu, d, how);
    if (reachable && legacy && !(f->selector & 4) &&
        (type == X86_TSS_16 || type == X86_TSS_32)) {
        struct x86_descriptor tss;

        TRY(x86_find_tss(cpu, f->selector, X86_EXC_GP, &tss));
        return x86_task_switch(cpu, &tss, how);
    }
    return x86_raise_selector(cpu, X86_EXC_GP, f->selector);
}

static int go_far(struct x86_cpu *cpu, const struct far *f)
{
    struct x86_descriptor d;

    if (x86_is_8086(cpu))
        return to_8086(cpu, f);
    if (x86_is_null(f->selector))
        return x86_raise_gp(cpu);
    TRY(x86_get_descriptor(cpu, f->selector, X86_EXC_GP, &d));
    if (d.attr & X86_ATTR_S)
        return to_code(cpu, f, &d);
    return to_system(cpu, f, &d);
}

/* ptr16:n in the instruction, or m16:n. */
static int read_pointer(struct x86_cpu *cpu, const struct x86_op *op,
                        struct far *f)
{
    f->size = op->size;
    if (op->operand[0].kind == X86_MEM)
        return x86_far_pointer(cpu, op, op->size, &f->offset, &f->selector);
    f->offset = op->size == 2 ? (uint16_t)op->imm : (uint32_t)op->imm;
    f->selector = (uint16_t)op->imm2;
    return 0;
}

int op_jmp_far(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct far f = {.call = false};

    TRY(read_pointer(cpu, op, &f));
    return go_far(cpu, &f);
}

int op_call_far(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct far f = {.call = true};

    TRY(read_pointer(cpu, op, &f));
    x86_stores_begin(cpu); /* the stack may lie over the tables */
    return x86_stores_end(cpu, go_far(cpu, &f));
}
