/* x87: basic arithmetic and comparison (Intel SDM vol. 1, 8.3.5, 8.3.6). */
#include "x86vmm/machine/fpu.h"

/* ---- Sources ---- */

static struct x86_real st(struct x86_cpu *cpu, unsigned i)
{
    return x86_real_get80(*x86_fpu_st(cpu, i));
}

/* The memory operand as a number: real, or for FI... an integer. */
static int get_memory(struct x86_cpu *cpu, const struct x86_op *op,
                      bool integer, struct x86_real *value)
{
    const struct x86_real_env none = {.daz = false};
    unsigned size = op->operand[0].size;
    uint64_t v;

    TRY(x86_read(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op), size, &v));
    if (integer)
        *value = x86_real_get_int(size == 2 ? (int16_t)v : (int32_t)v);
    else
        *value = size == 4 ? x86_real_get32(&none, (uint32_t)v)
                           : x86_real_get64(&none, v);
    return 0;
}

/* ---- Arithmetic ---- */

enum { REVERSE = 1, POP = 2, INTEGER = 4 };

/* Operand 0 (ST(0), where the other one is in memory) takes the result. */
static int arith(struct x86_cpu *cpu, const struct x86_op *op, x86_real_fn fn,
                 unsigned how)
{
    bool memory = op->operand[0].kind == X86_MEM;
    unsigned to = memory ? 0 : op->operand[0].reg, from = op->operand[1].reg;
    struct x86_real_env env = x86_fpu_env(cpu);
    struct x86_real a, b, r = x86_real_indefinite();
    bool go_on;

    TRY(x86_fpu_enter(cpu));
    if (memory)
        TRY(get_memory(cpu, op, how & INTEGER, &b));
    else
        b = st(cpu, from);
    a = st(cpu, to);
    x86_fpu_note(cpu, op);
    if (x86_fpu_empty(cpu, to) || (!memory && x86_fpu_empty(cpu, from))) {
        go_on = x86_fpu_stack_fault(cpu, false);
    } else {
        r = how & REVERSE ? fn(&env, &x86_extended, b, a)
                          : fn(&env, &x86_extended, a, b);
        go_on = x86_fpu_settle(cpu, &env);
    }
    if (!go_on)
        return 0;
    x86_fpu_set(cpu, to, x86_real_put80(r));
    if (how & POP)
        x86_fpu_pop(cpu);
    return 0;
}

#define ARITH(name, fn, how)                                    \
    int op_##name(struct x86_cpu *cpu, const struct x86_op *op) \
    {                                                           \
        return arith(cpu, op, fn, how);                         \
    }

ARITH(fadd, x86_real_add, 0)
ARITH(faddp, x86_real_add, POP)
ARITH(fiadd, x86_real_add, INTEGER)
ARITH(fsub, x86_real_sub, 0)
ARITH(fsubp, x86_real_sub, POP)
ARITH(fisub, x86_real_sub, INTEGER)
ARITH(fsubr, x86_real_sub, REVERSE)
ARITH(fsubrp, x86_real_sub, REVERSE | POP)
ARITH(fisubr, x86_real_sub, REVERSE | INTEGER)
ARITH(fmul, x86_real_mul, 0)
ARITH(fmulp, x86_real_mul, POP)
ARITH(fimul, x86_real_mul, INTEGER)
ARITH(fdiv, x86_real_div, 0)
ARITH(fdivp, x86_real_div, POP)
ARITH(fidiv, x86_real_div, INTEGER)
ARITH(fdivr, x86_real_div, REVERSE)
ARITH(fdivrp, x86_real_div, REVERSE | POP)
ARITH(fidivr, x86_real_div, REVERSE | INTEGER)

/* ---- Comparison ---- */

enum { QUIET = 1, POP_ONE = 2, POP_TWO = 4, INT = 8, TO_FLAGS = 16 };
enum { CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, OF = 0x800 };

static void tell(struct x86_cpu *cpu, enum x86_order order, bool to_flags)
{
    static const uint16_t conditions[] = {
        [X86_LESS] = X86_FPU_C0,
        [X86_EQUAL] = X86_FPU_C3,
        [X86_GREATER] = 0,
        [X86_UNORDERED] = X86_FPU_C0 | X86_FPU_C2 | X86_FPU_C3};
    static const uint8_t flags[] = {[X86_LESS] = CF,
                                    [X86_EQUAL] = ZF,
                                    [X86_GREATER] = 0,
                                    [X86_UNORDERED] = CF | PF | ZF};
    const uint64_t all = CF | PF | AF | ZF | SF | OF;

    if (to_flags)
        x86_flags_set(cpu, (x86_flags_get(cpu) & ~all) | flags[order]);
    else
        x86_fpu_set_conditions(cpu, X86_FPU_C0 | X86_FPU_C2 | X86_FPU_C3,
                               conditions[order]);
}

/* ST(0) with b, which is `full` unless it is an empty register. */
static int compare(struct x86_cpu *cpu, const struct x86_op *op,
                   struct x86_real b, bool full, unsigned how)
{
    struct x86_real_env env = x86_fpu_env(cpu);
    enum x86_order order = X86_UNORDERED;
    bool go_on;

    x86_fpu_note(cpu, op);
    if (!full || x86_fpu_empty(cpu, 0)) {
        go_on = x86_fpu_stack_fault(cpu, false);
    } else {
        order = x86_real_compare(&env, st(cpu, 0), b, how & QUIET);
        go_on = x86_fpu_settle(cpu, &env);
    }
    if (!go_on)
        return 0;
    tell(cpu, order, how & TO_FLAGS);
    if (how & (POP_ONE | POP_TWO))
        x86_fpu_pop(cpu);
    if (how & POP_TWO)
        x86_fpu_pop(cpu);
    return 0;
}

/* With memory, with the register that is the last operand, or ST(1). */
static int compare_operand(struct x86_cpu *cpu, const struct x86_op *op,
                           unsigned how)
{
    unsigned i = op->count ? op->operand[op->count - 1].reg : 1;
    struct x86_real b;

    TRY(x86_fpu_enter(cpu));
    if (op->count && op->operand[0].kind == X86_MEM) {
        TRY(get_memory(cpu, op, how & INT, &b));
        return compare(cpu, op, b, true, how);
    }
    return compare(cpu, op, st(cpu, i), !x86_fpu_empty(cpu, i), how);
}

#define COMPARE(name, how)                                      \
    int op_##name(struct x86_cpu *cpu, const struct x86_op *op) \
    {                                                           \
        return compare_operand(cpu, op, how);                   \
    }

COMPARE(fcom, 0)
COMPARE(fcomp, POP_ONE)
COMPARE(fcompp, POP_TWO)
COMPARE(fucom, QUIET)
COMPARE(fucomp, QUIET | POP_ONE)
COMPARE(fucompp, QUIET | POP_TWO)
COMPARE(ficom, INT)
COMPARE(ficomp, INT | POP_ONE)
COMPARE(fcomi, TO_FLAGS)
COMPARE(fcomip, TO_FLAGS | POP_ONE)
COMPARE(fucomi, QUIET | TO_FLAGS)
COMPARE(fucomip, QUIET | TO_FLAGS | POP_ONE)

int op_ftst(struct x86_cpu *cpu, const struct x86_op *op)
{
    TRY(x86_fpu_enter(cpu));
    return compare(cpu, op, x86_real_zero(false), true, 0);
}

int op_fxam(struct x86_cpu *cpu, const struct x86_op *op)
{
    static const uint16_t class[] = {
        [X86_REAL_UNSUPPORTED] = 0,
        [X86_REAL_QNAN] = X86_FPU_C0,
        [X86_REAL_SNAN] = X86_FPU_C0,
        [X86_REAL_FINITE] = X86_FPU_C2,
        [X86_REAL_INFINITE] = X86_FPU_C2 | X86_FPU_C0,
        [X86_REAL_ZERO] = X86_FPU_C3,
    };
    struct x86_real r;
    unsigned c;

    TRY(x86_fpu_enter(cpu));
    x86_fpu_note(cpu, op);
    r = st(cpu, 0);
    c = class[r.kind];
    if (r.denormal)
        c = X86_FPU_C3 | X86_FPU_C2;
    if (x86_fpu_empty(cpu, 0))
        c = X86_FPU_C3 | X86_FPU_C0;
    x86_fpu_set_conditions(cpu, X86_FPU_CONDITIONS,
                           c | (r.negative ? X86_FPU_C1 : 0));
    return 0;
}

/* ---- Of ST(0) alone ---- */

/* The sign alone: no exception but a stack fault. */
static int sign(struct x86_cpu *cpu, const struct x86_op *op, unsigned keep,
                unsigned flip)
{
    struct x86_f80 v = x86_real_put80(x86_real_indefinite());

    TRY(x86_fpu_enter(cpu));
    x86_fpu_note(cpu, op);
    if (x86_fpu_empty(cpu, 0)) {
        if (!x86_fpu_stack_fault(cpu, false))
            return 0;
    } else {
        v = *x86_fpu_st(cpu, 0);
        v.exponent = (uint16_t)((v.exponent & keep) ^ flip);
        x86_fpu_set_conditions(cpu, X86_FPU_C1, 0);
    }
    x86_fpu_set(cpu, 0, v);
    return 0;
}

int op_fabs(struct x86_cpu *cpu, const struct x86_op *op)
{
    return sign(cpu, op, 0x7FFF, 0);
}

int op_fchs(struct x86_cpu *cpu, const struct x86_op *op)
{
    return sign(cpu, op, 0xFFFF, 0x8000);
}

static int unary(struct x86_cpu *cpu, const struct x86_op *op, bool root)
{
    struct x86_real_env env = x86_fpu_env(cpu);
    struct x86_real r = x86_real_indefinite();
    bool go_on;

    TRY(x86_fpu_enter(cpu));
    x86_fpu_note(cpu, op);
    if (x86_fpu_empty(cpu, 0)) {
        go_on = x86_fpu_stack_fault(cpu, false);
    } else {
        r = root ? x86_real_sqrt(&env, &x86_extended, st(cpu, 0))
                 : x86_real_integral(&env, st(cpu, 0));
        go_on = x86_fpu_settle(cpu, &env);
    }
    if (go_on)
        x86_fpu_set(cpu, 0, x86_real_put80(r));
    return 0;
}

int op_fsqrt(struct x86_cpu *cpu, const struct x86_op *op)
{
    return unary(cpu, op, true);
}

int op_frndint(struct x86_cpu *cpu, const struct x86_op *op)
{
    return unary(cpu, op, false);
}

/* ---- Of ST(0) and ST(1), which stays ---- */

/* C2: not complete; C0 C3 C1: bits 2 to 0 of the quotient. */
static void tell_quotient(struct x86_cpu *cpu, int quotient)
{
    unsigned c = (quotient & 4 ? X86_FPU_C0 : 0) |
                 (quotient & 2 ? X86_FPU_C3 : 0) |
                 (quotient & 1 ? X86_FPU_C1 : 0);

    if (quotient == X86_NO_QUOTIENT)
        x86_fpu_set_conditions(cpu, X86_FPU_C2, 0);
    else
        x86_fpu_set_conditions(cpu, X86_FPU_CONDITIONS,
                               quotient == X86_PARTIAL ? X86_FPU_C2 : c);
}

/* FPREM, FPREM1 if `nearest`; FSCALE if not `rem`. */
static int scale_or_rem(struct x86_cpu *cpu, const struct x86_op *op, bool rem,
                        bool nearest)
{
    struct x86_real_env env = x86_fpu_env(cpu);
    struct x86_real r = x86_real_indefinite();
    int quotient = X86_NO_QUOTIENT;
    bool go_on;

    TRY(x86_fpu_enter(cpu));
    x86_fpu_note(cpu, op);
    env.precision = 64;
    if (x86_fpu_empty(cpu, 0) || x86_fpu_empty(cpu, 1)) {
        go_on = x86_fpu_stack_fault(cpu, false);
    } else {
        r = rem ? x86_real_rem(&env, st(cpu, 0), st(cpu, 1), nearest, &quotient)
                : x86_real_scale(&env, st(cpu, 0), st(cpu, 1));
        go_on = x86_fpu_settle(cpu, &env);
    }
    if (rem)
        tell_quotient(cpu, quotient);
    if (go_on)
        x86_fpu_set(cpu, 0, x86_real_put80(r));
    return 0;
}

int op_fscale(struct x86_cpu *cpu, const struct x86_op *op)
{
    return scale_or_rem(cpu, op, false, false);
}

int op_fprem(struct x86_cpu *cpu, const struct x86_op *op)
{
    return scale_or_rem(cpu, op, true, false);
}

int op_fprem1(struct x86_cpu *cpu, const struct x86_op *op)
{
    return scale_or_rem(cpu, op, true, true);
}
