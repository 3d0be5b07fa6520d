/* Near transfers of control, and single flags (Intel SDM vol. 2, by name; vol.
 * 1, "Control Transfer Instructions"). */
#include "x86vmm/machine/form.h"
#include "x86vmm/machine/segment.h"

enum { SAHF_BITS = 0xD5 };

TEMPLATE int jump(struct x86_cpu *cpu, uint64_t to, unsigned size)
{
    to = x86_cut(to, size);
    if (UNLIKELY(cpu->code_bits == 64 ? !x86_canonical(to)
                                      : to > cpu->state.seg[X86_CS].limit))
        return x86_raise_gp(cpu);
    cpu->next_rip = to;
    return 0;
}

int x86_jump_near(struct x86_cpu *cpu, uint64_t to, unsigned size)
{
    return jump(cpu, to, size);
}

/* The target of operand 0: relative to the next instruction, or absolute. */
TEMPLATE int target(struct x86_cpu *cpu, const struct x86_op *op, unsigned kind,
                    uint64_t *to)
{
    if (kind != X86_IMM)
        return x86_take(cpu, op, 0, kind, op->operand[0].size, to);
    *to = cpu->next_rip + op->imm;
    return 0;
}

TEMPLATE int jmp(struct x86_cpu *cpu, const struct x86_op *op,
                 struct x86_form f)
{
    uint64_t to;

    TRY(target(cpu, op, f.to, &to));
    return jump(cpu, to, f.size);
}

int op_jmp(struct x86_cpu *cpu, const struct x86_op *op)
{
    return jmp(cpu, op, (struct x86_form){op->operand[0].kind, 0, op->size});
}

X86_FORM_BODY(jmp, i, IMM, NONE, 4)
X86_FORM_BODY(jmp, i, IMM, NONE, 8)

TEMPLATE int jcc(struct x86_cpu *cpu, const struct x86_op *op, unsigned size,
                 unsigned cc)
{
    if (!x86_condition(cpu, cc))
        return 0;
    return jump(cpu, cpu->next_rip + op->imm, size);
}

int op_jcc(struct x86_cpu *cpu, const struct x86_op *op)
{
    return jcc(cpu, op, op->size, op->detail);
}

#define JCC(size, cc)                                                          \
    static int jcc_##size##_##cc(struct x86_cpu *cpu, const struct x86_op *op) \
    {                                                                          \
        return jcc(cpu, op, size, cc);                                         \
    }
#define FOUR(X, size, a, b, c, d) X(size, a) X(size, b) X(size, c) X(size, d)
#define CONDITIONS(X, size)     \
    FOUR(X, size, 0, 1, 2, 3)   \
    FOUR(X, size, 4, 5, 6, 7)   \
    FOUR(X, size, 8, 9, 10, 11) \
    FOUR(X, size, 12, 13, 14, 15)
CONDITIONS(JCC, 4)
CONDITIONS(JCC, 8)

#define JCC_ROW(size, cc) jcc_##size##_##cc,
static const x86_body jcc_4[] = {CONDITIONS(JCC_ROW, 4)};
static const x86_body jcc_8[] = {CONDITIONS(JCC_ROW, 8)};

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

TEMPLATE int call(struct x86_cpu *cpu, const struct x86_op *op,
                  struct x86_form f)
{
    uint64_t to, back = cpu->next_rip;
    int code;

    TRY(target(cpu, op, f.to, &to));
    TRY(jump(cpu, to, f.size));
    code = x86_push(cpu, f.size, back);
    if (UNLIKELY(code))
        cpu->next_rip = back;
    return code;
}

int op_call(struct x86_cpu *cpu, const struct x86_op *op)
{
    return call(cpu, op, (struct x86_form){op->operand[0].kind, 0, op->size});
}

X86_FORM_BODY(call, i, IMM, NONE, 4)
X86_FORM_BODY(call, i, IMM, NONE, 8)

TEMPLATE int ret(struct x86_cpu *cpu, const struct x86_op *op,
                 struct x86_form f)
{
    uint64_t to, sp = x86_sp(cpu);

    TRY(x86_pop(cpu, f.size, &to));
    TRY(jump(cpu, to, f.size));
    x86_set_sp(cpu, sp + f.size + (f.to == X86_IMM ? op->imm & 0xFFFF : 0));
    return 0;
}

int op_ret(struct x86_cpu *cpu, const struct x86_op *op)
{
    return ret(cpu, op, (struct x86_form){op->operand[0].kind, 0, op->size});
}

X86_FORM_BODY(ret, n, NONE, NONE, 4)
X86_FORM_BODY(ret, n, NONE, NONE, 8)

x86_body x86_fast_branch(const struct x86_op *op)
{
    bool direct = op->operand[0].kind == X86_IMM, wide = op->size == 8;

    if (op->size != 4 && op->size != 8)
        return NULL;
    if (op->id >= X86_INSN_JO && op->id <= X86_INSN_JNLE)
        return wide ? jcc_8[op->detail] : jcc_4[op->detail];
    if (op->id == X86_INSN_JMP && direct)
        return wide ? jmp_i8 : jmp_i4;
    if (op->id == X86_INSN_CALL && direct)
        return wide ? call_i8 : call_i4;
    if (op->id == X86_INSN_RET && !op->count)
        return wide ? ret_n8 : ret_n4;
    return NULL;
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
    cpu->state.rflags &= ~X86_FLAG_DF;
    return 0;
}

int op_std(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    cpu->state.rflags |= X86_FLAG_DF;
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
