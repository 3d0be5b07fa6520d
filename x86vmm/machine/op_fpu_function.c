/* x87: transcendental instructions and FXTRACT (Intel SDM vol. 1, 8.3.7 to
 * 8.3.10). */
#include "x86vmm/machine/fpu.h"
#include "x86vmm/machine/real_function.h"

static struct x86_real st(struct x86_cpu *cpu, unsigned i)
{
    return x86_real_get80(*x86_fpu_st(cpu, i));
}

static struct x86_f80 indefinite(void)
{
    return x86_real_put80(x86_real_indefinite());
}

/* These compute with all 64 bits whatever the precision control says. */
static int begin(struct x86_cpu *cpu, const struct x86_op *op,
                 struct x86_real_env *env)
{
    TRY(x86_fpu_enter(cpu));
    x86_fpu_note(cpu, op);
    *env = x86_fpu_env(cpu);
    env->precision = 64;
    return 0;
}

/* ---- Trigonometry ---- C2: the operand is too large, and stays */

static void set_c2(struct x86_cpu *cpu, bool on)
{
    x86_fpu_set_conditions(cpu, X86_FPU_C2, on ? X86_FPU_C2 : 0);
}

static int trigonometric(struct x86_cpu *cpu, const struct x86_op *op,
                         bool (*fn)(struct x86_real_env *, struct x86_real,
                                    struct x86_real *))
{
    struct x86_real r = x86_real_indefinite();
    struct x86_real_env env;

    TRY(begin(cpu, op, &env));
    set_c2(cpu, false);
    if (x86_fpu_empty(cpu, 0)) {
        if (x86_fpu_stack_fault(cpu, false))
            x86_fpu_set(cpu, 0, indefinite());
        return 0;
    }
    if (!fn(&env, st(cpu, 0), &r)) {
        x86_fpu_set_conditions(cpu, X86_FPU_C1, 0);
        set_c2(cpu, true);
        return 0;
    }
    if (x86_fpu_settle(cpu, &env))
        x86_fpu_set(cpu, 0, x86_real_put80(r));
    return 0;
}

int op_fsin(struct x86_cpu *cpu, const struct x86_op *op)
{
    return trigonometric(cpu, op, x86_real_sin);
}

int op_fcos(struct x86_cpu *cpu, const struct x86_op *op)
{
    return trigonometric(cpu, op, x86_real_cos);
}

/* ST(0) becomes `first`, and `second` is pushed. */
static void replace_and_push(struct x86_cpu *cpu, struct x86_f80 first,
                             struct x86_f80 second)
{
    x86_fpu_set(cpu, 0, first);
    x86_fpu_turn(cpu, -1);
    x86_fpu_set(cpu, 0, second);
}

/* True: the stack is at fault, and has been seen to. */
static bool no_room(struct x86_cpu *cpu)
{
    bool underflow = x86_fpu_empty(cpu, 0);

    if (!underflow && x86_fpu_empty(cpu, 7))
        return false;
    if (x86_fpu_stack_fault(cpu, !underflow))
        replace_and_push(cpu, indefinite(), indefinite());
    return true;
}

int op_fptan(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct x86_real r, one = x86_real_get_int(1);
    struct x86_real_env env;

    TRY(begin(cpu, op, &env));
    set_c2(cpu, false);
    if (no_room(cpu))
        return 0;
    if (!x86_real_tan(&env, st(cpu, 0), &r)) {
        x86_fpu_set_conditions(cpu, X86_FPU_C1, 0);
        set_c2(cpu, true);
        return 0;
    }
    if (x86_real_is_nan(&r))
        one = r;
    if (x86_fpu_settle(cpu, &env))
        replace_and_push(cpu, x86_real_put80(r), x86_real_put80(one));
    return 0;
}

int op_fsincos(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct x86_real_env env;
    struct x86_real s, c;

    TRY(begin(cpu, op, &env));
    set_c2(cpu, false);
    if (no_room(cpu))
        return 0;
    if (!x86_real_sin(&env, st(cpu, 0), &s)) {
        x86_fpu_set_conditions(cpu, X86_FPU_C1, 0);
        set_c2(cpu, true);
        return 0;
    }
    (void)x86_real_cos(&env, st(cpu, 0), &c);
    if (x86_fpu_settle(cpu, &env))
        replace_and_push(cpu, x86_real_put80(s), x86_real_put80(c));
    return 0;
}

/* ---- Of ST(1) and ST(0), which is popped ---- */

static int binary(struct x86_cpu *cpu, const struct x86_op *op,
                  struct x86_real (*fn)(struct x86_real_env *, struct x86_real,
                                        struct x86_real))
{
    struct x86_real r = x86_real_indefinite();
    struct x86_real_env env;
    bool go_on;

    TRY(begin(cpu, op, &env));
    if (x86_fpu_empty(cpu, 0) || x86_fpu_empty(cpu, 1)) {
        go_on = x86_fpu_stack_fault(cpu, false);
    } else {
        r = fn(&env, st(cpu, 1), st(cpu, 0));
        go_on = x86_fpu_settle(cpu, &env);
    }
    if (!go_on)
        return 0;
    x86_fpu_set(cpu, 1, x86_real_put80(r));
    x86_fpu_pop(cpu);
    return 0;
}

int op_fpatan(struct x86_cpu *cpu, const struct x86_op *op)
{
    return binary(cpu, op, x86_real_atan);
}

int op_fyl2x(struct x86_cpu *cpu, const struct x86_op *op)
{
    return binary(cpu, op, x86_real_ylog2);
}

int op_fyl2xp1(struct x86_cpu *cpu, const struct x86_op *op)
{
    return binary(cpu, op, x86_real_ylog2p1);
}

int op_f2xm1(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct x86_real r = x86_real_indefinite();
    struct x86_real_env env;
    bool go_on;

    TRY(begin(cpu, op, &env));
    if (x86_fpu_empty(cpu, 0)) {
        go_on = x86_fpu_stack_fault(cpu, false);
    } else {
        r = x86_real_exp2m1(&env, st(cpu, 0));
        go_on = x86_fpu_settle(cpu, &env);
    }
    if (go_on)
        x86_fpu_set(cpu, 0, x86_real_put80(r));
    return 0;
}

/* ---- Exponent and significand ---- */

static void extract(struct x86_real_env *env, struct x86_real *r,
                    struct x86_real *exponent)
{
    struct x86_real nan;

    if (x86_real_nan(env, r, &nan)) {
        *r = *exponent = nan;
        return;
    }
    switch (r->kind) {
    case X86_REAL_INFINITE:
        *exponent = x86_real_infinity(false);
        return;
    case X86_REAL_ZERO:
        env->flags |= X86_FP_ZE;
        *exponent = x86_real_infinity(true);
        return;
    default:
        x86_real_denormals(env, r, r);
        *exponent = x86_real_get_int(r->exponent);
        r->exponent = 0;
    }
}

int op_fxtract(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct x86_real r, exponent;
    struct x86_real_env env;

    TRY(begin(cpu, op, &env));
    if (no_room(cpu))
        return 0;
    r = st(cpu, 0);
    extract(&env, &r, &exponent);
    if (x86_fpu_settle(cpu, &env))
        replace_and_push(cpu, x86_real_put80(exponent), x86_real_put80(r));
    return 0;
}
