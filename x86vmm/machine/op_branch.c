/* Near transfers of control, and single flags (Intel SDM vol. 2, by name; vol.
 * 1, "Control Transfer Instructions"). */
#include "x86vmm/machine/op.h"

enum { SAHF_BITS = 0xD5, DF = 0x400 };

static bool is_canonical(uint64_t a)
{
    return (uint64_t)((int64_t)(a << 16) >> 16) == a;
}

int x86_jump_near(struct x86_cpu *cpu, uint64_t to, unsigned size)
{
    to = size == 8 ? to : size == 4 ? (uint32_t)to : (uint16_t)to;
    if (cpu->code_bits == 64 ? !is_canonical(to)
                             : to > cpu->state.seg[X86_CS].limit)
        return x86_raise_gp(cpu);
    cpu->next_rip = to;
    return 0;
}

/* The target of operand 0: relative to the next instruction, or absolute. */
static int target(struct x86_cpu *cpu, const struct x86_op *op, uint64_t *to)
{
    if (op->operand[0].kind != X86_IMM)
        return x86_get(cpu, op, 0, to);
    *to = cpu->next_rip + op->imm;
    return 0;
}

int op_jmp(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t to;

    TRY(target(cpu, op, &to));
    return x86_jump_near(cpu, to, op->size);
}

int op_jcc(struct x86_cpu *cpu, const struct x86_op *op)
{
    if (!x86_condition(cpu, op->detail))
        return 0;
    return x86_jump_near(cpu, cpu->next_rip + op->imm, op->size);
}

int op_jcxz(struct x86_cpu *cpu, const struct x86_op *op)
{
    if (x86_gpr(cpu, X86_RCX, op->asize))
        return 0;
    return x86_jump_near(cpu, cpu->next_rip + op->imm, op->size);
}

/* Count rCX down, of the address size, and jump if it is not zero and `also`;
 * where the jump faults nothing has been counted. */
static int loop_if(struct x86_cpu *cpu, const struct x86_op *op, bool also)
{
    uint64_t count = x86_gpr(cpu, X86_RCX, op->asize) - 1;
    uint64_t left = op->asize == 8   ? count
                    : op->asize == 4 ? (uint32_t)count
                                     : (uint16_t)count;

    if (left && also)
        TRY(x86_jump_near(cpu, cpu->next_rip + op->imm, op->size));
    x86_set_gpr(cpu, X86_RCX, op->asize, count);
    return 0;
}

int op_loop(struct x86_cpu *cpu, const struct x86_op *op)
{
    return loop_if(cpu, op, true);
}

enum { CC_ZERO = 4 };

int op_loope(struct x86_cpu *cpu, const struct x86_op *op)
{
    return loop_if(cpu, op, x86_condition(cpu, CC_ZERO));
}

int op_loopne(struct x86_cpu *cpu, const struct x86_op *op)
{
    return loop_if(cpu, op, !x86_condition(cpu, CC_ZERO));
}

int op_call(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t to, back = cpu->next_rip;

    TRY(target(cpu, op, &to));
    TRY(x86_jump_near(cpu, to, op->size));
    return x86_push(cpu, op->size, back);
}

int op_ret(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t to, sp = x86_sp(cpu);

    TRY(x86_pop(cpu, op->size, &to));
    TRY(x86_jump_near(cpu, to, op->size));
    x86_set_sp(cpu, sp + op->size + (op->count ? op->imm : 0));
    return 0;
}

/* ---- Flags ---- */

int op_nop(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)cpu;
    (void)op;
    return 0;
}

int op_clc(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    x86_set_carry(cpu, false);
    return 0;
}

int op_stc(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    x86_set_carry(cpu, true);
    return 0;
}

int op_cmc(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    x86_set_carry(cpu, !x86_carry(cpu));
    return 0;
}

int op_cld(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    cpu->state.rflags &= ~(uint64_t)DF;
    return 0;
}

int op_std(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    cpu->state.rflags |= DF;
    return 0;
}

int op_lahf(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t *ax = &cpu->state.gpr[X86_RAX];

    (void)op;
    *ax = (*ax & ~UINT64_C(0xFF00)) |
          ((x86_flags_get(cpu) & SAHF_BITS) | X86_FLAG_ONE) << 8;
    return 0;
}

int op_sahf(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t ah = cpu->state.gpr[X86_RAX] >> 8 & SAHF_BITS;

    (void)op;
    x86_flags_set(cpu, (x86_flags_get(cpu) & ~(uint64_t)SAHF_BITS) | ah);
    return 0;
}

/* Not in the manual, but in every processor: outside of 64-bit mode. */
int op_salc(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    x86_set_gpr(cpu, X86_RAX, 1, x86_carry(cpu) ? 0xFF : 0);
    return 0;
}
