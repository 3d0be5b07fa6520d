#include "x86vmm/machine/fpu.h"

enum { CR0_MP = 2, CR0_EM = 4 };

/* ---- May it begin? ---- */

int x86_fpu_enter_no_wait(struct x86_cpu *cpu)
{
    if (UNLIKELY(cpu->state.cr0 & (CR0_EM | X86_CR0_TS)))
        return x86_raise(cpu, X86_EXC_NM);
    return 0;
}

/* A processor freezes until the interrupt (SDM vol. 3, "MS-DOS Compatibility");
 * here the instruction is begun again after it.  If none can come, the
 * exception counts as ignored: IGNNE#. */
static int tell_outside(struct x86_cpu *cpu)
{
    if (!cpu->world.float_error)
        return 0;
    cpu->world.float_error(cpu->world.who);
    if (!cpu->interrupt_line || !(cpu->state.rflags & X86_FLAG_IF))
        return 0;
    cpu->next_rip = cpu->state.rip;
    return X86_SYNC;
}

int x86_fpu_wait(struct x86_cpu *cpu)
{
    if (LIKELY(!(cpu->fpu.status & X86_FPU_ES)))
        return 0;
    if (cpu->state.cr0 & X86_CR0_NE)
        return x86_raise(cpu, X86_EXC_MF);
    return tell_outside(cpu);
}

int x86_fpu_enter(struct x86_cpu *cpu)
{
    TRY(x86_fpu_enter_no_wait(cpu));
    return x86_fpu_wait(cpu);
}

/* ---- Registers ---- */

void x86_fpu_set_tag(struct x86_cpu *cpu, unsigned i, unsigned tag)
{
    unsigned shift = 2 * x86_fpu_index(cpu, i);

    cpu->fpu.tag = (uint16_t)((cpu->fpu.tag & ~(3u << shift)) | tag << shift);
}

void x86_fpu_set(struct x86_cpu *cpu, unsigned i, struct x86_f80 v)
{
    *x86_fpu_st(cpu, i) = v;
    x86_fpu_set_tag(cpu, i, X86_TAG_VALID);
}

void x86_fpu_turn(struct x86_cpu *cpu, int by)
{
    unsigned top = (cpu->fpu.status >> 11) + (unsigned)by;

    cpu->fpu.status =
        (uint16_t)((cpu->fpu.status & ~X86_FPU_TOP) | (top & 7) << 11);
}

void x86_fpu_pop(struct x86_cpu *cpu)
{
    x86_fpu_set_tag(cpu, 0, X86_TAG_EMPTY);
    x86_fpu_turn(cpu, 1);
}

void x86_fpu_set_conditions(struct x86_cpu *cpu, unsigned mask, unsigned c)
{
    cpu->fpu.status = (uint16_t)((cpu->fpu.status & ~mask) | c);
}

/* SDM vol. 1, 8.1.7. */
static unsigned tag_of(struct x86_f80 v)
{
    unsigned exponent = v.exponent & 0x7FFF;

    if (!exponent && !v.significand)
        return 1;
    return !exponent || exponent == 0x7FFF || !(v.significand >> 63) ? 2 : 0;
}

uint16_t x86_fpu_tag_word(const struct x86_cpu *cpu)
{
    unsigned word = cpu->fpu.tag;

    for (unsigned i = 0; i < 8; i++)
        if ((word >> 2 * i & 3) != X86_TAG_EMPTY)
            word = (word & ~(3u << 2 * i)) | tag_of(cpu->fpu.st[i]) << 2 * i;
    return (uint16_t)word;
}

void x86_fpu_summarize(struct x86_cpu *cpu)
{
    struct x86_fpu *f = &cpu->fpu;

    f->status &= (uint16_t) ~(X86_FPU_ES | X86_FPU_BUSY);
    if (f->status & ~f->control & X86_FP_ALL)
        f->status |= X86_FPU_ES | X86_FPU_BUSY;
}

void x86_fpu_init(struct x86_cpu *cpu)
{
    struct x86_fpu *f = &cpu->fpu;

    f->control = X86_FPU_INITIAL_CONTROL;
    f->status = 0;
    f->tag = 0xFFFF;
    f->ip = f->dp = 0;
    f->cs = f->ds = f->opcode = 0;
}

/* ---- Computing ---- */

struct x86_real_env x86_fpu_env(const struct x86_cpu *cpu)
{
    static const uint8_t precisions[] = {24, 64, 53, 64};
    uint16_t control = cpu->fpu.control;

    return (struct x86_real_env){.rounding = control >> 10 & 3,
                                 .precision = precisions[control >> 8 & 3],
                                 .masks = control & X86_FP_ALL,
                                 .x87 = true};
}

void x86_fpu_note(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct x86_fpu *f = &cpu->fpu;

    f->opcode = (uint16_t)(op->imm & 0x7FF); /* decode.c puts it there */
    f->ip = cpu->state.rip;
    f->cs = cpu->state.seg[X86_CS].selector;
    if (op->count && op->operand[0].kind == X86_MEM) {
        f->dp = x86_offset(cpu, op);
        f->ds = cpu->state.seg[op->seg].selector;
    }
}

bool x86_fpu_settle(struct x86_cpu *cpu, const struct x86_real_env *env)
{
    struct x86_fpu *f = &cpu->fpu;

    f->status &= (uint16_t)~X86_FPU_C1;
    f->status |= env->flags | (env->up ? X86_FPU_C1 : 0);
    if (env->flags & ~env->masks)
        f->status |= X86_FPU_ES | X86_FPU_BUSY;
    return !(env->flags & ~env->masks & X86_FP_BEFORE);
}

bool x86_fpu_stack_fault(struct x86_cpu *cpu, bool overflow)
{
    struct x86_real_env env = x86_fpu_env(cpu);

    env.flags = X86_FP_IE;
    env.up = overflow;
    cpu->fpu.status |= X86_FPU_SF;
    return x86_fpu_settle(cpu, &env);
}

void x86_fpu_push(struct x86_cpu *cpu, const struct x86_op *op,
                  struct x86_real_env *env, struct x86_f80 v)
{
    x86_fpu_note(cpu, op);
    if (!x86_fpu_empty(cpu, 7)) {
        if (!x86_fpu_stack_fault(cpu, true))
            return;
        v = x86_real_put80(x86_real_indefinite());
    } else if (!x86_fpu_settle(cpu, env)) {
        return;
    }
    x86_fpu_turn(cpu, -1);
    x86_fpu_set(cpu, 0, v);
}
