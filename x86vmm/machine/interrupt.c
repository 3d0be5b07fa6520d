/* Delivery of exceptions and interrupts (Intel SDM vol. 3, "Interrupt and
 * Exception Handling"; vol. 2, INT n).  Nothing is changed before all has
 * worked, but for accessed bits. */
#include "x86vmm/machine/assist.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/op.h"
#include "x86vmm/machine/task.h"

/* One delivery. */
struct delivery {
    struct x86_fault f; /* what is delivered */
    uint64_t rip;       /* to be saved, and RFLAGS */
    uint64_t flags;
    /* From the gate: */
    struct x86_descriptor gate, code;
    uint64_t to;
    unsigned width; /* of what is pushed */
    bool keeps_if;  /* a trap gate */
};

/* Error code that names the gate: IDT bit, index. */
static int raise_gate(struct x86_cpu *cpu, unsigned vector,
                      const struct delivery *d)
{
    return x86_raise_error(cpu, vector, d->f.vector * 8u | 2);
}

/* ---- Real-address mode ---- */

static int deliver_real(struct x86_cpu *cpu, struct delivery *d)
{
    struct x86_stack s = x86_stack_now(cpu);
    struct x86_state *st = &cpu->state;
    unsigned at = d->f.vector * 4u;
    uint8_t entry[4];

    if (at + 3 > st->idt.limit)
        return x86_raise_gp(cpu);
    TRY(x86_read_linear(cpu, st->idt.base + at, 4, X86_AS_SYSTEM, entry));
    TRY(x86_stack_push(cpu, &s, 2, d->flags));
    TRY(x86_stack_push(cpu, &s, 2, st->seg[X86_CS].selector));
    TRY(x86_stack_push(cpu, &s, 2, d->rip));
    x86_stack_keep(cpu, &s);
    st->rflags &= ~(X86_FLAG_IF | X86_FLAG_TF | X86_FLAG_AC | X86_FLAG_RF);
    x86_load_8086(cpu, X86_CS, load_le16(entry + 2));
    st->rip = load_le16(entry);
    return 0;
}

/* ---- The gate ---- */

static int read_gate(struct x86_cpu *cpu, struct delivery *d)
{
    bool wide = x86_long_mode(cpu);
    unsigned size = wide ? 16 : 8, at = d->f.vector * size;
    const struct x86_table_reg *idt = &cpu->state.idt;
    struct x86_descriptor *g = &d->gate;
    uint8_t bytes[16] = {0};
    unsigned type;

    if (at + size - 1 > idt->limit)
        return raise_gate(cpu, X86_EXC_GP, d);
    TRY(x86_read_linear(cpu, idt->base + at, size, X86_AS_SYSTEM, bytes));
    *g = (struct x86_descriptor){.low = load_le32(bytes),
                                 .high = load_le32(bytes + 4),
                                 .upper = load_le32(bytes + 8),
                                 .selector = (uint16_t)(d->f.vector * 8u | 2),
                                 .attr = load_le16(bytes + 4) >> 8};
    type = g->attr & (X86_ATTR_S | X86_ATTR_TYPE);
    bool known = type == X86_INTERRUPT_32 || type == X86_TRAP_32 ||
                 (!wide && (type == X86_TASK_GATE || type == X86_TRAP_16 ||
                            type == X86_INTERRUPT_16));
    if (!known || (d->f.software && x86_dpl(g->attr) < cpu->cpl))
        return raise_gate(cpu, X86_EXC_GP, d);
    if (!(g->attr & X86_ATTR_P))
        return raise_gate(cpu, X86_EXC_NP, d);
    d->width = wide ? 8 : type & 8 ? 4 : 2;
    d->keeps_if = type == X86_TRAP_32 || type == X86_TRAP_16;
    d->to = (g->low & 0xFFFF) | (d->width > 2 ? g->high & 0xFFFF0000 : 0) |
            (uint64_t)g->upper << 32;
    return 0;
}

/* The handler's code segment. */
static int read_code(struct x86_cpu *cpu, struct delivery *d)
{
    uint16_t selector = (uint16_t)(d->gate.low >> 16);
    struct x86_descriptor *c = &d->code;
    bool bad;

    if (x86_is_null(selector))
        return x86_raise_gp(cpu);
    TRY(x86_get_descriptor(cpu, selector, X86_EXC_GP, c));
    bad = !x86_is_code(c->attr) || x86_dpl(c->attr) > cpu->cpl;
    if (d->width == 8)
        bad = bad || !(c->attr & X86_ATTR_L) || (c->attr & X86_ATTR_DB);
    if (cpu->state.rflags & X86_FLAG_VM) /* a handler of CPL 0 */
        bad = bad || x86_is_conforming(c->attr) || x86_dpl(c->attr);
    if (bad)
        return x86_raise_selector(cpu, X86_EXC_GP, selector);
    if (!(c->attr & X86_ATTR_P))
        return x86_raise_selector(cpu, X86_EXC_NP, selector);
    return 0;
}

/* ---- The frame ---- */

static int choose_stack(struct x86_cpu *cpu, const struct delivery *d,
                        unsigned cpl, struct x86_stack *s)
{
    bool inward = cpl < cpu->cpl;

    if (d->width != 8 && inward)
        return x86_stack_of_tss(cpu, cpl, s);
    if (d->width == 8) {
        unsigned ist = d->gate.high & 7;

        if (ist || inward)
            TRY(x86_stack_of_tss_64(cpu, ist ? 3 + ist : cpl, cpl, s));
        else
            *s = x86_stack_now(cpu);
        /* an interrupted compatibility program's stack is a wide one now */
        s->wide = true;
        s->mask = UINT64_MAX;
        if (!ist && !inward)
            s->sp = cpu->state.gpr[X86_RSP];
        s->sp &= ~UINT64_C(15);
        return 0;
    }
    *s = x86_stack_now(cpu);
    return 0;
}

static int push_v86(struct x86_cpu *cpu, const struct delivery *d,
                    struct x86_stack *s)
{
    static const enum x86_seg order[] = {X86_GS, X86_FS, X86_DS, X86_ES};

    for (unsigned i = 0; i < ARRAY_LEN(order); i++)
        TRY(x86_stack_push(cpu, s, d->width,
                           cpu->state.seg[order[i]].selector));
    return 0;
}

static int push_frame(struct x86_cpu *cpu, const struct delivery *d,
                      bool inward, struct x86_stack *s)
{
    const struct x86_state *st = &cpu->state;
    unsigned w = d->width;

    if (st->rflags & X86_FLAG_VM)
        TRY(push_v86(cpu, d, s));
    if (inward || w == 8) {
        TRY(x86_stack_push(cpu, s, w, st->seg[X86_SS].selector));
        TRY(x86_stack_push(cpu, s, w, st->gpr[X86_RSP]));
    }
    TRY(x86_stack_push(cpu, s, w, d->flags));
    TRY(x86_stack_push(cpu, s, w, st->seg[X86_CS].selector));
    TRY(x86_stack_push(cpu, s, w, d->rip));
    return d->f.has_error ? x86_stack_push(cpu, s, w, d->f.error) : 0;
}

static void go(struct x86_cpu *cpu, const struct delivery *d, unsigned cpl,
               bool new_ss, const struct x86_stack *s)
{
    static const enum x86_seg data[] = {X86_ES, X86_DS, X86_FS, X86_GS};
    struct x86_state *st = &cpu->state;

    if (new_ss)
        st->seg[X86_SS] = s->ss;
    for (unsigned i = 0; i < ARRAY_LEN(data); i++)
        if (st->rflags & X86_FLAG_VM)
            st->seg[data[i]] = x86_null_segment(0, 0);
    x86_set_code(cpu, &d->code, cpl);
    st->rip = d->to;
    st->rflags &= ~(X86_FLAG_TF | X86_FLAG_NT | X86_FLAG_RF | X86_FLAG_VM);
    if (!d->keeps_if)
        st->rflags &= ~X86_FLAG_IF;
    x86_stack_keep(cpu, s);
}

static int deliver_gate(struct x86_cpu *cpu, struct delivery *d)
{
    struct x86_stack s;
    unsigned cpl;
    bool inward;

    TRY(read_code(cpu, d));
    cpl = x86_is_conforming(d->code.attr) ? cpu->cpl : x86_dpl(d->code.attr);
    inward = cpl < cpu->cpl;
    TRY(choose_stack(cpu, d, cpl, &s));
    TRY(x86_check_target(cpu, &d->code, d->to));
    TRY(push_frame(cpu, d, inward, &s));
    TRY(x86_mark_accessed(cpu, &d->code));
    TRY(x86_stack_mark(cpu, &s));
    go(cpu, d, cpl, inward, &s);
    return 0;
}

/* The error code goes onto the new task's stack, as wide as its TSS is. */
static int deliver_task(struct x86_cpu *cpu, struct delivery *d)
{
    uint64_t flags = cpu->state.rflags, tr = cpu->state.seg[X86_TR].base;
    int code;

    cpu->state.rflags = d->flags;
    cpu->next_rip = d->rip;
    code = x86_task_gate(cpu, &d->gate, X86_SWITCH_CALL);
    if (code == X86_FAULT) {
        if (cpu->state.seg[X86_TR].base == tr)
            cpu->state.rflags = flags; /* there was no switch */
        return code;
    }
    if (!d->f.has_error)
        return 0;
    return x86_push(cpu, cpu->state.seg[X86_TR].attr & 8 ? 4 : 2, d->f.error);
}

static int deliver_by_gate(struct x86_cpu *cpu, struct delivery *d)
{
    if (x86_real_mode(&cpu->state))
        return deliver_real(cpu, d);
    TRY(read_gate(cpu, d));
    if (x86_type(d->gate.attr) == X86_TASK_GATE)
        return deliver_task(cpu, d);
    return deliver_gate(cpu, d);
}

/* The frame may lie over the tables. */
static int deliver_once(struct x86_cpu *cpu, struct delivery *d)
{
    x86_stores_begin(cpu);
    return x86_stores_end(cpu, deliver_by_gate(cpu, d));
}

/* ---- Faults on the way ---- */

/* SDM vol. 3, "Interrupt and Exception Classes". */
enum severity { BENIGN, CONTRIBUTORY, PAGE_FAULT, DOUBLE_FAULT };

static enum severity severity_of(const struct x86_fault *f)
{
    if (f->software || f->external)
        return BENIGN;
    switch (f->vector) {
    case X86_EXC_DE:
    case X86_EXC_TS:
    case X86_EXC_NP:
    case X86_EXC_SS:
    case X86_EXC_GP:
        return CONTRIBUTORY;
    case X86_EXC_PF:
        return PAGE_FAULT;
    case X86_EXC_DF:
        return DOUBLE_FAULT;
    default:
        return BENIGN;
    }
}

/* SDM vol. 3, "Conditions for Generating a Double Fault". */
static bool doubles(enum severity first, enum severity second)
{
    return (first == CONTRIBUTORY && second == CONTRIBUTORY) ||
           (first == PAGE_FAULT &&
            (second == CONTRIBUTORY || second == PAGE_FAULT));
}

/* What is saved: faults are tried again, with RF so that an instruction
 * breakpoint does not come once more. */
static void prepare(struct x86_cpu *cpu, struct delivery *d)
{
    const struct x86_fault *f = &d->f;
    bool after = f->trap || f->software;

    d->rip = after ? cpu->next_rip : cpu->state.rip;
    d->flags = f->external ? x86_flags_between(cpu) : x86_flags_get(cpu);
    if (after && !f->debug) /* RF of IRET outlasts its single-step trap */
        d->flags &= ~X86_FLAG_RF;
    else if (!after && !f->external && !f->keep_rf)
        d->flags |= X86_FLAG_RF;
    if (x86_real_mode(&cpu->state))
        d->f.has_error = false;
    if (severity_of(f) == PAGE_FAULT)
        cpu->state.cr2 = f->cr2;
    if (f->vector == X86_EXC_DB && !f->external && !f->plain_int)
        x86_debug_delivered(cpu, f->debug);
}

/* EXT: what led here was no instruction's own doing. */
static void mark_external(struct x86_cpu *cpu, const struct x86_fault *first)
{
    if (!first->software && cpu->fault.has_error &&
        cpu->fault.vector != X86_EXC_PF && cpu->fault.vector != X86_EXC_AC)
        cpu->fault.error |= 1;
}

/* Benign ones could go on for ever (#AC on the stack of a handler at CPL 3). */
enum { ROUNDS_MAX = 8 };

/* In a guest, its monitor may want it instead. */
static int ask_guest(struct x86_cpu *cpu, const struct x86_fault *during)
{
    return UNLIKELY(cpu->guest) ? cpu->guest->deliver(cpu, during) : 0;
}

static int shut_down(struct x86_cpu *cpu)
{
    return UNLIKELY(cpu->guest) ? cpu->guest->shutdown(cpu) : X86_SHUTDOWN;
}

/* It ends a HLT even where something on the way leaves a guest (SDM vol. 3,
 * 28.1). */
int x86_inject_fault(struct x86_cpu *cpu)
{
    cpu->halted = false;
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        struct delivery d = {.f = cpu->fault};
        uint64_t from = cpu->state.rip;

        prepare(cpu, &d);
        if (UNLIKELY(cpu->world.delivers))
            cpu->world.delivers(cpu->world.who, &d.f);
        if (!deliver_once(cpu, &d)) {
            cpu->next_rip = cpu->state.rip;
            cpu->repeats_at = X86_NO_REPEAT;
            cpu->shadow = cpu->shadow_ss = false;
            if (UNLIKELY(cpu->debugctl))
                x86_debug_interrupted(cpu, d.f.software ? from : d.rip);
            x86_mode_changed(cpu);
            return X86_SYNC;
        }
        TRY(ask_guest(cpu, &d.f));
        enum severity first = severity_of(&d.f),
                      second = severity_of(&cpu->fault);
        if (first == DOUBLE_FAULT)
            return shut_down(cpu);
        mark_external(cpu, &d.f);
        if (second == PAGE_FAULT) /* even where it becomes a double fault */
            cpu->state.cr2 = cpu->fault.cr2;
        if (doubles(first, second)) {
            cpu->fault = (struct x86_fault){
                .vector = X86_EXC_DF, .has_error = true, .error = 0};
            TRY(ask_guest(cpu, NULL));
        }
    }
    return shut_down(cpu);
}

int x86_deliver_fault(struct x86_cpu *cpu)
{
    TRY(ask_guest(cpu, NULL));
    return x86_inject_fault(cpu);
}
