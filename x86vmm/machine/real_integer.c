/* Integers, remainders, scaling. */
#include "x86vmm/machine/real.h"

#include <string.h>

/* ---- To integers ---- */

/* The magnitude of a finite number rounded to an integer; too large ones give
 * 2^64 or more.  *inexact: it was none. */
static x86_u128 whole(struct x86_real_env *env, const struct x86_real *r,
                      bool *inexact)
{
    x86_u128 v = (x86_u128)r->significand << 64, rest, half;
    int32_t places = 127 - r->exponent; /* after the point */
    bool up = false;

    *inexact = false;
    if (places < 63)
        return (x86_u128)1 << 65;
    if (places > 128) { /* below a half: all that counts is that it is not 0 */
        v = 1;
        places = 127;
    }
    if (places == 128) { /* a half or more, but less than 1 */
        v = v >> 1;
        places = 127;
    }
    half = (x86_u128)1 << (places - 1);
    rest = v & (2 * half - 1);
    v >>= places;
    *inexact = rest != 0;
    if (env->rounding == X86_NEAREST)
        up = rest > half || (rest == half && (v & 1));
    else if (env->rounding != X86_CHOP)
        up = rest && r->negative == (env->rounding == X86_DOWN);
    env->up = up;
    return v + up;
}

/* Rounded; false: it is no number, or its magnitude is more than `most` (one
 * more if it is negative and `extra`). */
static bool round_in(struct x86_real_env *env, const struct x86_real *r,
                     uint64_t most, bool extra, uint64_t *magnitude)
{
    bool inexact = false;
    x86_u128 v = 0;

    env->up = false;
    if (r->kind != X86_REAL_ZERO && r->kind != X86_REAL_FINITE)
        return false;
    if (r->kind == X86_REAL_FINITE)
        v = whole(env, r, &inexact);
    if (v > most && !(extra && r->negative && v == (x86_u128)most + 1)) {
        env->up = false;
        return false;
    }
    env->flags |= inexact ? X86_FP_PE : 0;
    *magnitude = (uint64_t)v;
    return true;
}

int64_t x86_real_to_int(struct x86_real_env *env, struct x86_real r,
                        unsigned bits)
{
    uint64_t most = (UINT64_C(1) << (bits - 1)) - 1, v;

    if (!round_in(env, &r, most, true, &v)) {
        env->flags |= X86_FP_IE;
        return (int64_t)~most;
    }
    return (int64_t)(r.negative ? -v : v);
}

struct x86_real x86_real_integral(struct x86_real_env *env, struct x86_real r)
{
    struct x86_real result;
    bool inexact;
    x86_u128 v;

    env->up = false;
    if (x86_real_nan(env, &r, &result))
        return result;
    if (x86_real_denormals(env, &r, &r) || r.kind != X86_REAL_FINITE ||
        r.exponent >= 63)
        return r;
    v = whole(env, &r, &inexact);
    env->flags |= inexact ? X86_FP_PE : 0;
    if (!v)
        return x86_real_zero(r.negative);
    result = x86_real_get_int((int64_t)(uint64_t)v);
    if (v >> 63) /* 2^63: as a signed number it was its own opposite */
        result.exponent = 63;
    result.negative = r.negative;
    return result;
}

/* ---- Packed decimal ---- */

void x86_real_to_bcd(struct x86_real_env *env, struct x86_real r,
                     uint8_t bcd[10])
{
    static const uint8_t indefinite[10] = {0, 0, 0,    0,    0,
                                           0, 0, 0xC0, 0xFF, 0xFF};
    uint64_t v;

    if (!round_in(env, &r, UINT64_C(999999999999999999), false, &v)) {
        env->flags |= X86_FP_IE;
        memcpy(bcd, indefinite, 10);
        return;
    }
    for (unsigned i = 0; i < 9; i++) {
        bcd[i] = (uint8_t)(v % 10 | v / 10 % 10 << 4);
        v /= 100;
    }
    bcd[9] = r.negative ? 0x80 : 0;
}

/* Digits above 9 count as what they are in binary. */
struct x86_real x86_real_from_bcd(const uint8_t bcd[10])
{
    struct x86_real r;
    uint64_t v = 0;

    for (unsigned i = 9; i-- > 0;)
        v = v * 100 + (bcd[i] >> 4) * 10u + (bcd[i] & 15u);
    r = x86_real_get_int((int64_t)v);
    r.negative = bcd[9] >> 7;
    return r;
}

/* ---- Remainders ---- */

/* `steps` bits of a quotient by long division: *rest < d is what is left of
 * rest * 2^(steps - 1). */
static uint64_t divide(x86_u128 *rest, uint64_t d, int32_t steps)
{
    uint64_t q = 0;

    while (steps-- > 0) {
        q <<= 1;
        if (*rest >= d) {
            *rest -= d;
            q |= 1;
        }
        if (steps)
            *rest <<= 1;
    }
    return q;
}

/* The nearer multiple: one more, if what is left is more than half. */
static void to_nearest(struct x86_real *a, const struct x86_real *b,
                       x86_u128 *rest, int32_t distance, uint64_t *q)
{
    x86_u128 twice = distance < 0 ? *rest : *rest * 2;

    if (distance < -1 || twice < b->significand ||
        (twice == b->significand && !(*q & 1)))
        return;
    *rest = distance < 0 ? (x86_u128)b->significand * 2 - *rest
                         : b->significand - *rest;
    a->negative = !a->negative;
    ++*q;
}

static struct x86_real remainder_of(struct x86_real_env *env, struct x86_real a,
                                    const struct x86_real *b, bool nearest,
                                    int *quotient)
{
    int32_t distance = a.exponent - b->exponent, exponent = b->exponent, n;
    x86_u128 rest = a.significand;
    struct x86_wide w;
    uint64_t q;
    int zeros;

    if (distance > 63) { /* a part only, of 32 to 63 places */
        n = (distance & 31) | 32;
        divide(&rest, b->significand, n + 1);
        exponent += distance - n;
        *quotient = X86_PARTIAL;
    } else {
        q = divide(&rest, b->significand, distance + 1);
        exponent = distance < 0 ? a.exponent : exponent;
        if (nearest)
            to_nearest(&a, b, &rest, distance, &q);
        *quotient = (int)(q & 7);
    }
    if (!rest)
        return x86_real_zero(a.negative);
    zeros = rest >> 64 ? -1 : __builtin_clzll((uint64_t)rest);
    w = (struct x86_wide){a.negative, exponent - zeros, rest << (64 + zeros)};
    return x86_real_round(env, &x86_extended, w);
}

struct x86_real x86_real_rem(struct x86_real_env *env, struct x86_real a,
                             struct x86_real b, bool nearest, int *quotient)
{
    struct x86_real r;

    *quotient = X86_NO_QUOTIENT;
    env->up = false;
    if (x86_real_nans(env, &a, &b, &r))
        return r;
    if (a.kind == X86_REAL_INFINITE || b.kind == X86_REAL_ZERO)
        return x86_real_invalid(env);
    if (x86_real_denormals(env, &a, &b))
        return a;
    *quotient = 0;
    if (a.kind == X86_REAL_ZERO)
        return a;
    if (b.kind == X86_REAL_INFINITE)
        return x86_real_round(env, &x86_extended, x86_wide_of(a));
    return remainder_of(env, a, &b, nearest, quotient);
}

/* ---- Scaling ---- */

/* The whole part; beyond +-100000 it makes no difference. */
static int32_t places(const struct x86_real *b)
{
    uint32_t v;

    if (b->kind == X86_REAL_ZERO || b->exponent < 0)
        return 0;
    if (b->exponent > 16)
        v = 100000;
    else
        v = (uint32_t)(b->significand >> (63 - b->exponent));
    return b->negative ? -(int32_t)v : (int32_t)v;
}

struct x86_real x86_real_scale(struct x86_real_env *env, struct x86_real a,
                               struct x86_real b)
{
    struct x86_real r;
    struct x86_wide w;

    env->up = false;
    if (x86_real_nans(env, &a, &b, &r))
        return r;
    if (b.kind == X86_REAL_INFINITE) {
        if (b.negative ? a.kind == X86_REAL_INFINITE : a.kind == X86_REAL_ZERO)
            return x86_real_invalid(env);
        if (x86_real_denormals(env, &a, &b))
            return a;
        return b.negative ? x86_real_zero(a.negative)
                          : x86_real_infinity(a.negative);
    }
    if (x86_real_denormals(env, &a, &b) || a.kind != X86_REAL_FINITE)
        return a;
    w = x86_wide_of(a);
    w.exponent += places(&b);
    return x86_real_round(env, &x86_extended, w);
}
