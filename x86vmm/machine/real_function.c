#include "x86vmm/machine/real_function.h"

#include "x86vmm/machine/wide.h"

/* Is this term, which has been added, so small that it did no more than leave
 * its mark in the last bits?  Another one might take that away again. */
static bool is_done(const struct x86_wide *sum, const struct x86_wide *term)
{
    return !term->significand || term->exponent < sum->exponent - 120;
}

/* All these functions are irrational but at the points that are told apart. */
static struct x86_real finish(struct x86_real_env *env, struct x86_wide w)
{
    w.significand |= 1;
    return x86_real_round(env, &x86_extended, w);
}

static struct x86_wide pi_times(unsigned n, unsigned d)
{
    struct x86_wide pi = x86_wide_make(1, UINT64_C(0xC90FDAA22168C234),
                                       UINT64_C(0xC4C6628B80DC1CD1));

    return x86_wide_div_int(x86_wide_mul(pi, x86_wide_int(n)), d);
}

/* ---- Sine and cosine ---- */

/* x + x^3 z / (2 * 3) ... or 1 + ...: `k` is the power that `term` has. */
static struct x86_wide series(struct x86_wide term, struct x86_wide square,
                              uint32_t k)
{
    struct x86_wide sum = term;

    square.negative = true;
    do {
        term = x86_wide_mul(term, square);
        term = x86_wide_div_int(term, (k + 1) * (k + 2));
        sum = x86_wide_add(sum, term);
        k += 2;
    } while (!is_done(&sum, &term));
    return sum;
}

/* |x| as n * pi/2 + rest, |rest| <= pi/4; exact for this pi.  Unit: 2^-65. */
static unsigned reduce(const struct x86_real *x, struct x86_wide *rest)
{
    const x86_u128 half_pi = (x86_u128)3 << 64 | UINT64_C(0x243F6A8885A308D3);
    x86_u128 v;
    unsigned n;
    bool negative = false;

    *rest = x86_wide_of(*x);
    rest->negative = false;
    if (x->exponent < -2)
        return 0;
    v = (x86_u128)x->significand << (x->exponent + 2);
    n = (unsigned)(v / half_pi);
    v %= half_pi;
    if (v > half_pi / 2) {
        v = half_pi - v;
        negative = true;
        n++;
    }
    *rest = x86_wide_normal(negative, 62, v);
    return n & 3;
}

/* Of x, a finite number, sine and cosine. */
static void sincos(const struct x86_real *x, struct x86_wide *sine,
                   struct x86_wide *cosine)
{
    struct x86_wide rest, square, s, c;
    unsigned n = reduce(x, &rest);

    square = x86_wide_mul(rest, rest);
    s = series(rest, square, 1);
    c = series(x86_wide_int(1), square, 0);
    *sine = n & 1 ? c : s;
    *cosine = n & 1 ? s : c;
    if (n & 2)
        sine->negative = !sine->negative;
    if (n == 1 || n == 2)
        cosine->negative = !cosine->negative;
    if (x->negative)
        sine->negative = !sine->negative;
}

/* Operands for which there is nothing to compute: true; *ok false where they
 * are too large. */
static bool trigonometric(struct x86_real_env *env, const struct x86_real *x,
                          struct x86_real *result, bool *ok)
{
    *ok = true;
    env->up = false;
    if (x86_real_nan(env, x, result))
        return true;
    if (x->kind == X86_REAL_INFINITE) {
        *result = x86_real_invalid(env);
        return true;
    }
    *result = *x;
    if (x->kind == X86_REAL_FINITE && x->exponent >= 63) {
        *ok = false;
        return true;
    }
    return x86_real_denormals(env, x, x) || x->kind == X86_REAL_ZERO;
}

bool x86_real_sin(struct x86_real_env *env, struct x86_real x,
                  struct x86_real *sine)
{
    struct x86_wide s, c;
    bool ok;

    if (trigonometric(env, &x, sine, &ok))
        return ok;
    sincos(&x, &s, &c);
    *sine = finish(env, s);
    return true;
}

bool x86_real_cos(struct x86_real_env *env, struct x86_real x,
                  struct x86_real *cosine)
{
    struct x86_wide s, c;
    bool ok;

    if (trigonometric(env, &x, cosine, &ok)) {
        if (x.kind == X86_REAL_ZERO)
            *cosine = x86_real_get_int(1);
        return ok;
    }
    sincos(&x, &s, &c);
    *cosine = finish(env, c);
    return true;
}

/* Sine by cosine; of a small angle x + x^3/3, which is not taken for x. */
static struct x86_wide tangent_of(struct x86_wide x)
{
    struct x86_wide square = x86_wide_mul(x, x), cube;

    if (x.exponent >= -50)
        return x86_wide_div(series(x, square, 1),
                            series(x86_wide_int(1), square, 0));
    cube = x86_wide_div_int(x86_wide_mul(x, square), 3);
    return x86_wide_add(x, cube);
}

bool x86_real_tan(struct x86_real_env *env, struct x86_real x,
                  struct x86_real *tangent)
{
    struct x86_wide t;
    bool ok;

    if (trigonometric(env, &x, tangent, &ok))
        return ok;
    if (reduce(&x, &t) & 1)
        t = x86_wide_div(x86_wide_int(-1), tangent_of(t));
    else
        t = tangent_of(t);
    t.negative = t.negative != x.negative;
    *tangent = finish(env, t);
    return true;
}

/* ---- Arc tangent ---- */

/* x - x^3/3 + ... (sign -1), or x + x^3/3 + ... (sign 1: the inverse
 * hyperbolic one) */
static struct x86_wide odd_series(struct x86_wide x, bool alternating)
{
    struct x86_wide square = x86_wide_mul(x, x), power = x, sum = x, term;
    uint32_t k = 1;

    if (!x.significand)
        return x;
    square.negative = alternating;
    do {
        k += 2;
        power = x86_wide_mul(power, square);
        term = x86_wide_div_int(power, k);
        sum = x86_wide_add(sum, term);
    } while (!is_done(&sum, &term));
    return sum;
}

/* Of 0 < z <= 1: atan(k/8) + atan((z - k/8) / (1 + z k/8)). */
static struct x86_wide atan_of(struct x86_wide z)
{
    static const struct {
        int32_t exponent;
        uint64_t high, low;
    } eighths[] = {
        {-4, 0xFEADD4D5617B6E32, 0xC897989F3E888EF8},
        {-3, 0xFADBAFC96406EB15, 0x6DC79EF5F7A217E6},
        {-2, 0xB7B0CA0F26F78473, 0x8AA32122DCFE4483},
        {-2, 0xED63382B0DDA7B45, 0x6FE445ECBC3A8D03},
        {-1, 0x8F005D5EF7F59F9B, 0x5C835E1665C43748},
        {-1, 0xA4BC7D1934F70924, 0x19A87F2A457DAC9F},
        {-1, 0xB8053E2BC2319E73, 0xCB2DA55210A4443D},
        {-1, 0xC90FDAA22168C234, 0xC4C6628B80DC1CD1},
    };
    struct x86_wide c, t;
    unsigned k = 0;

    if (z.exponent >= -4) /* 8 z, rounded */
        k = (unsigned)((z.significand >> (123 - z.exponent)) + 1) / 2;
    if (!k)
        return odd_series(z, true);
    c = x86_wide_div_int(x86_wide_int(k), 8);
    t = x86_wide_div(x86_wide_sub(z, c),
                     x86_wide_add(x86_wide_int(1), x86_wide_mul(z, c)));
    return x86_wide_add(x86_wide_make(eighths[k - 1].exponent,
                                      eighths[k - 1].high, eighths[k - 1].low),
                        odd_series(t, true));
}

/* Where one of them is 0 or infinite: eighths of a circle (SDM vol. 2,
 * FPATAN, table). */
static struct x86_real atan_special(struct x86_real_env *env,
                                    const struct x86_real *y,
                                    const struct x86_real *x)
{
    unsigned quarters; /* of pi */
    struct x86_wide w;

    if (y->kind == X86_REAL_INFINITE && x->kind == X86_REAL_INFINITE)
        quarters = x->negative ? 3 : 1;
    else if (y->kind == X86_REAL_ZERO || x->kind == X86_REAL_INFINITE)
        quarters = x->negative ? 4 : 0;
    else
        quarters = 2;
    if (!quarters)
        return x86_real_zero(y->negative);
    w = pi_times(quarters, 4);
    w.negative = y->negative;
    return finish(env, w);
}

static bool is_less(const struct x86_wide *a, const struct x86_wide *b)
{
    return a->exponent != b->exponent ? a->exponent < b->exponent
                                      : a->significand < b->significand;
}

struct x86_real x86_real_atan(struct x86_real_env *env, struct x86_real y,
                              struct x86_real x)
{
    struct x86_wide a = x86_wide_of(y), b = x86_wide_of(x), w;
    struct x86_real r;

    env->up = false;
    if (x86_real_nans(env, &y, &x, &r))
        return r;
    if (x86_real_denormals(env, &y, &x))
        return y;
    if (y.kind != X86_REAL_FINITE || x.kind != X86_REAL_FINITE)
        return atan_special(env, &y, &x);
    a.negative = b.negative = false;
    if (is_less(&b, &a))
        w = x86_wide_sub(pi_times(1, 2), atan_of(x86_wide_div(b, a)));
    else
        w = atan_of(x86_wide_div(a, b));
    if (x.negative)
        w = x86_wide_sub(pi_times(1, 1), w);
    w.negative = y.negative;
    return finish(env, w);
}

/* ---- Powers and logarithms of 2 ---- */

struct x86_real x86_real_exp2m1(struct x86_real_env *env, struct x86_real x)
{
    struct x86_wide ln2 = x86_wide_make(-1, UINT64_C(0xB17217F7D1CF79AB),
                                        UINT64_C(0xC9E3B39803F2F6AF));
    struct x86_wide t, term, sum;
    struct x86_real r;
    uint32_t k = 1;

    env->up = false;
    if (x86_real_nan(env, &x, &r))
        return r;
    if (x86_real_denormals(env, &x, &x) || x.kind == X86_REAL_ZERO)
        return x;
    if (x.kind == X86_REAL_INFINITE)
        return x.negative ? x86_real_get_int(-1) : x;
    if (x.exponent >= 0) { /* 1, or out of range */
        if (x.exponent == 0 && x.significand == UINT64_C(1) << 63 && x.negative)
            x.exponent = -1;
        return x;
    }
    t = x86_wide_mul(x86_wide_of(x), ln2);
    term = sum = t;
    do {
        term = x86_wide_div_int(x86_wide_mul(term, t), ++k);
        sum = x86_wide_add(sum, term);
    } while (!is_done(&sum, &term));
    return finish(env, sum);
}

/* ln((1 + z) / (1 - z)) as a logarithm of 2 */
static struct x86_wide log2_of_quotient(struct x86_wide z)
{
    struct x86_wide log2e = x86_wide_make(1, UINT64_C(0xB8AA3B295C17F0BB),
                                          UINT64_C(0xBE87FED0691D3E89));

    return x86_wide_mul(odd_series(z, false), log2e); /* twice */
}

/* Of a positive number; exact if it is a power of 2. */
static struct x86_wide log2_of(struct x86_wide x)
{
    struct x86_wide one = x86_wide_int(1), z;
    int32_t exponent = x.exponent;

    x.exponent = 0;
    if (x.significand >> 64 > UINT64_C(0xB504F333F9DE6484)) { /* sqrt(2) */
        x.exponent = -1;
        exponent++;
    }
    z = x86_wide_sub(x, one);
    if (!z.significand)
        return x86_wide_int(exponent);
    z = log2_of_quotient(x86_wide_div(z, x86_wide_add(x, one)));
    return x86_wide_add(x86_wide_int(exponent), z);
}

/* log2(x) * y for an x of 0 or infinity, or y infinite; `sign` of log2(x): -1,
 * 0, 1, and `infinite` if log2(x) is (SDM vol. 2, FYL2X, table). */
static struct x86_real ylog2_special(struct x86_real_env *env,
                                     const struct x86_real *y, int sign,
                                     bool infinite, bool pole)
{
    bool negative = y->negative != (sign < 0);

    if (y->kind == X86_REAL_INFINITE)
        return sign ? x86_real_infinity(negative) : x86_real_invalid(env);
    if (!infinite)
        return x86_real_zero(negative);
    if (y->kind == X86_REAL_ZERO)
        return x86_real_invalid(env);
    if (pole)
        env->flags |= X86_FP_ZE;
    return x86_real_infinity(negative);
}

struct x86_real x86_real_ylog2(struct x86_real_env *env, struct x86_real y,
                               struct x86_real x)
{
    bool power = x.significand == UINT64_C(1) << 63;
    struct x86_real r;
    struct x86_wide w;
    int sign;

    env->up = false;
    if (x86_real_nans(env, &y, &x, &r))
        return r;
    if (x.negative && x.kind != X86_REAL_ZERO)
        return x86_real_invalid(env);
    sign = x.kind == X86_REAL_ZERO || x.exponent < 0 ? -1 : 1;
    if (x.kind == X86_REAL_INFINITE)
        sign = 1;
    if (x.kind == X86_REAL_FINITE && !x.exponent && power)
        sign = 0;
    if (x.kind == X86_REAL_ZERO || (y.kind == X86_REAL_INFINITE && !sign) ||
        (y.kind == X86_REAL_ZERO && x.kind == X86_REAL_INFINITE))
        return ylog2_special(env, &y, sign, x.kind != X86_REAL_FINITE, true);
    if (x86_real_denormals(env, &y, &x))
        return y;
    if (x.kind != X86_REAL_FINITE || y.kind != X86_REAL_FINITE || !sign)
        return ylog2_special(env, &y, sign, x.kind != X86_REAL_FINITE, false);
    w = x86_wide_mul(log2_of(x86_wide_of(x)), x86_wide_of(y));
    return power ? x86_real_round(env, &x86_extended, w) : finish(env, w);
}

/* log2(1 + x), -1 < x */
static struct x86_wide log2p1_of(struct x86_wide x)
{
    if (x.exponent >= -1)
        return log2_of(x86_wide_add(x86_wide_int(1), x));
    return log2_of_quotient(x86_wide_div(x, x86_wide_add(x86_wide_int(2), x)));
}

struct x86_real x86_real_ylog2p1(struct x86_real_env *env, struct x86_real y,
                                 struct x86_real x)
{
    struct x86_real r;
    int sign = x.negative ? -1 : 1;

    env->up = false;
    if (x86_real_nans(env, &y, &x, &r))
        return r;
    if (x.negative && x.kind != X86_REAL_ZERO &&
        (x.kind == X86_REAL_INFINITE || x.exponent >= 0))
        return x86_real_invalid(env);
    if (x.kind == X86_REAL_ZERO && y.kind == X86_REAL_INFINITE)
        return x86_real_invalid(env);
    if (y.kind == X86_REAL_ZERO && x.kind == X86_REAL_INFINITE)
        return x86_real_invalid(env);
    if (x86_real_denormals(env, &y, &x))
        return y;
    if (x.kind != X86_REAL_FINITE || y.kind != X86_REAL_FINITE)
        return ylog2_special(env, &y, sign, x.kind == X86_REAL_INFINITE, false);
    return finish(env, x86_wide_mul(log2p1_of(x86_wide_of(x)), x86_wide_of(y)));
}
