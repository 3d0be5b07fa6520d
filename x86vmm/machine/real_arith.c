/* Addition to square root, and comparison. */
#include "x86vmm/machine/wide.h"

/* ---- Operands that are no numbers ---- */

#define QUIET (UINT64_C(1) << 62)

static struct x86_real quieted(struct x86_real r)
{
    r.kind = X86_REAL_QNAN;
    r.significand |= QUIET;
    r.denormal = false;
    return r;
}

/* x87 takes the one with the larger significand, the positive one of equals;
 * a QNaN before an SNaN (SDM vol. 1, table 4-7). */
static struct x86_real x87_nan(const struct x86_real *a,
                               const struct x86_real *b)
{
    if (a->kind != b->kind)
        return quieted(a->kind == X86_REAL_QNAN ? *a : *b);
    if (a->significand != b->significand)
        return quieted(a->significand > b->significand ? *a : *b);
    return quieted(a->negative ? *b : *a);
}

bool x86_real_nans(struct x86_real_env *env, const struct x86_real *a,
                   const struct x86_real *b, struct x86_real *result)
{
    bool first = x86_real_is_nan(a), second = x86_real_is_nan(b);

    if (a->kind == X86_REAL_UNSUPPORTED || b->kind == X86_REAL_UNSUPPORTED) {
        *result = x86_real_invalid(env);
        return true;
    }
    if (!first && !second)
        return false;
    if (a->kind == X86_REAL_SNAN || b->kind == X86_REAL_SNAN)
        env->flags |= X86_FP_IE;
    if (first && second && env->x87)
        *result = x87_nan(a, b);
    else
        *result = quieted(first ? *a : *b);
    return true;
}

bool x86_real_nan(struct x86_real_env *env, const struct x86_real *a,
                  struct x86_real *result)
{
    return x86_real_nans(env, a, a, result);
}

bool x86_real_denormals(struct x86_real_env *env, const struct x86_real *a,
                        const struct x86_real *b)
{
    if (!a->denormal && !b->denormal)
        return false;
    env->flags |= X86_FP_DE;
    return !(env->masks & X86_FP_DE);
}

/* ---- Sums ---- */

/* Of two finite ones; exact, or jammed where it does not matter. */
static struct x86_wide sum(const struct x86_real_env *env,
                           const struct x86_real *a, const struct x86_real *b)
{
    struct x86_wide w = x86_wide_add(x86_wide_of(*a), x86_wide_of(*b));

    if (!w.significand)
        w.negative = env->rounding == X86_DOWN;
    return w;
}

struct x86_real x86_real_add(struct x86_real_env *env,
                             const struct x86_format *format, struct x86_real a,
                             struct x86_real b)
{
    struct x86_real r;
    bool same = a.negative == b.negative;

    env->up = false;
    if (x86_real_nans(env, &a, &b, &r))
        return r;
    if (a.kind == X86_REAL_INFINITE && b.kind == X86_REAL_INFINITE && !same)
        return x86_real_invalid(env);
    if (x86_real_denormals(env, &a, &b))
        return a;
    if (a.kind == X86_REAL_INFINITE || b.kind == X86_REAL_INFINITE)
        return a.kind == X86_REAL_INFINITE ? a : b;
    if (a.kind == X86_REAL_ZERO && b.kind == X86_REAL_ZERO)
        return x86_real_zero(same ? a.negative : env->rounding == X86_DOWN);
    if (a.kind == X86_REAL_ZERO || b.kind == X86_REAL_ZERO)
        return x86_real_round(env, format,
                              x86_wide_of(a.kind == X86_REAL_ZERO ? b : a));
    return x86_real_round(env, format, sum(env, &a, &b));
}

struct x86_real x86_real_sub(struct x86_real_env *env,
                             const struct x86_format *format, struct x86_real a,
                             struct x86_real b)
{
    if (!x86_real_is_nan(&b))
        b.negative = !b.negative;
    return x86_real_add(env, format, a, b);
}

/* ---- Products ---- */

struct x86_real x86_real_mul(struct x86_real_env *env,
                             const struct x86_format *format, struct x86_real a,
                             struct x86_real b)
{
    bool negative = a.negative != b.negative;
    bool infinite = a.kind == X86_REAL_INFINITE || b.kind == X86_REAL_INFINITE;
    bool zero = a.kind == X86_REAL_ZERO || b.kind == X86_REAL_ZERO;
    struct x86_real r;

    env->up = false;
    if (x86_real_nans(env, &a, &b, &r))
        return r;
    if (infinite && zero)
        return x86_real_invalid(env);
    if (x86_real_denormals(env, &a, &b))
        return a;
    if (infinite)
        return x86_real_infinity(negative);
    if (zero)
        return x86_real_zero(negative);
    return x86_real_round(
        env, format,
        x86_wide_normal(negative, a.exponent + b.exponent + 1,
                        (x86_u128)a.significand * b.significand));
}

/* 128 bits of the quotient, the last one jammed. */
static struct x86_wide quotient(const struct x86_real *a,
                                const struct x86_real *b)
{
    x86_u128 n = (x86_u128)a->significand << 63, d = b->significand;
    x86_u128 high = n / d, low = (n % d) << 64;
    x86_u128 q = high << 64 | low / d;
    struct x86_wide w = x86_wide_normal(a->negative != b->negative,
                                        a->exponent - b->exponent, q);

    w.significand |= low % d != 0;
    return w;
}

struct x86_real x86_real_div(struct x86_real_env *env,
                             const struct x86_format *format, struct x86_real a,
                             struct x86_real b)
{
    bool negative = a.negative != b.negative;
    struct x86_real r;

    env->up = false;
    if (x86_real_nans(env, &a, &b, &r))
        return r;
    if (a.kind == b.kind && a.kind != X86_REAL_FINITE)
        return x86_real_invalid(env); /* 0/0, infinity/infinity */
    if (b.kind == X86_REAL_ZERO && a.kind == X86_REAL_FINITE) {
        env->flags |= X86_FP_ZE;
        return x86_real_infinity(negative);
    }
    if (x86_real_denormals(env, &a, &b))
        return a;
    if (a.kind == X86_REAL_INFINITE)
        return x86_real_infinity(negative);
    if (a.kind == X86_REAL_ZERO || b.kind == X86_REAL_INFINITE)
        return x86_real_zero(negative);
    return x86_real_round(env, format, quotient(&a, &b));
}

/* ---- Square root ---- */

/* The whole part of the root, and what is left. */
static uint64_t whole_root(x86_u128 v, x86_u128 *left)
{
    x86_u128 root = 0, rest = v;

    for (x86_u128 bit = (x86_u128)1 << 126; bit; bit >>= 2)
        if (rest >= root + bit) {
            rest -= root + bit;
            root = root >> 1 | bit;
        } else {
            root >>= 1;
        }
    *left = rest;
    return (uint64_t)root;
}

/* 64 bits of the root; then a half, and whether there is more. */
static struct x86_wide root(const struct x86_real *a)
{
    bool odd = a->exponent & 1;
    x86_u128 left,
        r = whole_root((x86_u128)a->significand << (63 + odd), &left);
    x86_u128 half = left > r ? (x86_u128)1 << 63 : 0;

    return (struct x86_wide){false, (a->exponent - odd) / 2,
                             r << 64 | half | (left != 0)};
}

struct x86_real x86_real_sqrt(struct x86_real_env *env,
                              const struct x86_format *format,
                              struct x86_real a)
{
    struct x86_real r;

    env->up = false;
    if (x86_real_nan(env, &a, &r))
        return r;
    if (a.kind == X86_REAL_ZERO)
        return a;
    if (a.negative)
        return x86_real_invalid(env);
    if (x86_real_denormals(env, &a, &a) || a.kind == X86_REAL_INFINITE)
        return a;
    return x86_real_round(env, format, root(&a));
}

/* ---- Comparison ---- */

/* Of two magnitudes; the kinds ZERO, FINITE, INFINITE are in order. */
static int compare_magnitude(const struct x86_real *a, const struct x86_real *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->kind != X86_REAL_FINITE)
        return 0;
    if (a->exponent != b->exponent)
        return a->exponent < b->exponent ? -1 : 1;
    if (a->significand != b->significand)
        return a->significand < b->significand ? -1 : 1;
    return 0;
}

enum x86_order x86_real_compare(struct x86_real_env *env, struct x86_real a,
                                struct x86_real b, bool quiet)
{
    struct x86_real r;
    int c;

    env->up = false;
    if (x86_real_nans(env, &a, &b, &r)) {
        if (!quiet)
            env->flags |= X86_FP_IE;
        return X86_UNORDERED;
    }
    x86_real_denormals(env, &a, &b);
    if (a.kind == X86_REAL_ZERO && b.kind == X86_REAL_ZERO)
        return X86_EQUAL;
    if (a.negative != b.negative)
        return a.negative ? X86_LESS : X86_GREATER;
    c = compare_magnitude(&a, &b);
    if (!c)
        return X86_EQUAL;
    return (c < 0) != a.negative ? X86_LESS : X86_GREATER;
}
