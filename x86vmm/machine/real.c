/* Formats and rounding. */
#include "x86vmm/machine/wide.h"

#define TOP   (UINT64_C(1) << 63)
#define QUIET (UINT64_C(1) << 62)

const struct x86_format x86_single = {24, -126, 127, 192};
const struct x86_format x86_double = {53, -1022, 1023, 1536};
const struct x86_format x86_extended = {64, -16382, 16383, 24576};

/* ---- Unpacking ---- */

struct x86_real x86_real_zero(bool negative)
{
    return (struct x86_real){.kind = X86_REAL_ZERO, .negative = negative};
}

struct x86_real x86_real_infinity(bool negative)
{
    return (struct x86_real){
        .kind = X86_REAL_INFINITE, .negative = negative, .significand = TOP};
}

struct x86_real x86_real_indefinite(void)
{
    return (struct x86_real){
        .kind = X86_REAL_QNAN, .negative = true, .significand = TOP | QUIET};
}

struct x86_real x86_real_invalid(struct x86_real_env *env)
{
    env->flags |= X86_FP_IE;
    return x86_real_indefinite();
}

/* A significand without its leading zeros. */
static struct x86_real finite(bool negative, int32_t exponent,
                              uint64_t significand)
{
    int zeros = __builtin_clzll(significand);

    return (struct x86_real){.kind = X86_REAL_FINITE,
                             .negative = negative,
                             .exponent = exponent - zeros,
                             .significand = significand << zeros};
}

static struct x86_real special(bool negative, uint64_t fraction)
{
    if (!(fraction & ~TOP))
        return x86_real_infinity(negative);
    return (struct x86_real){.kind = fraction & QUIET ? X86_REAL_QNAN
                                                      : X86_REAL_SNAN,
                             .negative = negative,
                             .significand = fraction | TOP};
}

/* Of single or double: `fraction` is left-aligned below bit 63. */
static struct x86_real unpack(const struct x86_real_env *env,
                              const struct x86_format *format, bool negative,
                              unsigned exponent, uint64_t fraction)
{
    struct x86_real r;

    if (exponent == (unsigned)format->most * 2 + 1)
        return special(negative, fraction);
    if (exponent)
        return finite(negative, (int32_t)exponent - format->most,
                      fraction | TOP);
    if (!fraction || env->daz)
        return x86_real_zero(negative);
    r = finite(negative, format->least, fraction);
    r.denormal = true;
    return r;
}

struct x86_real x86_real_get32(const struct x86_real_env *env, uint32_t bits)
{
    return unpack(env, &x86_single, bits >> 31, bits >> 23 & 0xFF,
                  (uint64_t)(bits & 0x7FFFFF) << 40);
}

struct x86_real x86_real_get64(const struct x86_real_env *env, uint64_t bits)
{
    return unpack(env, &x86_double, bits >> 63, bits >> 52 & 0x7FF,
                  bits << 12 >> 1);
}

struct x86_real x86_real_get80(struct x86_f80 f)
{
    bool negative = f.exponent >> 15;
    int32_t exponent = f.exponent & 0x7FFF;
    struct x86_real r;

    if (!exponent) {
        if (!f.significand)
            return x86_real_zero(negative);
        r = finite(negative, x86_extended.least, f.significand);
        r.denormal = true;
        return r;
    }
    if (!(f.significand & TOP))
        return (struct x86_real){.kind = X86_REAL_UNSUPPORTED,
                                 .negative = negative};
    if (exponent == 0x7FFF)
        return special(negative, f.significand);
    return finite(negative, exponent - x86_extended.most, f.significand);
}

struct x86_real x86_real_get_int(int64_t v)
{
    if (!v)
        return x86_real_zero(false);
    return finite(v < 0, 63, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

/* ---- Packing ---- */

/* Biased exponent and significand with its integer bit at bit 63. */
static unsigned pack(const struct x86_format *format, const struct x86_real *r,
                     uint64_t *significand)
{
    unsigned top = (unsigned)format->most * 2 + 1;
    int32_t below = format->least - r->exponent;

    *significand = r->significand;
    if (r->kind == X86_REAL_ZERO)
        *significand = 0;
    if (r->kind != X86_REAL_FINITE)
        return r->kind == X86_REAL_ZERO ? 0 : top;
    if (below > 0)
        *significand = below > 63 ? 0 : *significand >> below;
    return below > 0 ? 0 : (unsigned)(r->exponent + format->most);
}

uint32_t x86_real_put32(struct x86_real r)
{
    uint64_t s;
    unsigned exponent = pack(&x86_single, &r, &s);

    return (uint32_t)r.negative << 31 | exponent << 23 |
           (uint32_t)(s << 1 >> 41);
}

uint64_t x86_real_put64(struct x86_real r)
{
    uint64_t s;
    unsigned exponent = pack(&x86_double, &r, &s);

    return (uint64_t)r.negative << 63 | (uint64_t)exponent << 52 | s << 1 >> 12;
}

struct x86_f80 x86_real_put80(struct x86_real r)
{
    struct x86_f80 f;

    f.exponent = (uint16_t)(pack(&x86_extended, &r, &f.significand) |
                            (unsigned)r.negative << 15);
    return f;
}

/* ---- Rounding ---- */

struct x86_wide x86_wide_of(struct x86_real r)
{
    if (r.kind == X86_REAL_ZERO)
        return (struct x86_wide){.negative = r.negative};
    return (struct x86_wide){.negative = r.negative,
                             .exponent = r.exponent,
                             .significand = (x86_u128)r.significand << 64};
}

struct cut {
    x86_u128 significand;
    bool inexact, up;
    bool carry; /* it became 2^128 and is 2^127 */
};

/* The first `bits` of 128, rounded. */
static struct cut cut(const struct x86_real_env *env, bool negative, x86_u128 v,
                      unsigned bits)
{
    x86_u128 unit = (x86_u128)1 << (128 - bits), rest = v & (unit - 1);
    struct cut c = {.significand = v - rest, .inexact = rest != 0};

    switch ((enum x86_rounding)env->rounding) {
    case X86_NEAREST:
        c.up = rest > unit / 2 || (rest == unit / 2 && (v & unit));
        break;
    case X86_DOWN:
        c.up = rest && negative;
        break;
    case X86_UP:
        c.up = rest && !negative;
        break;
    case X86_CHOP:
        break;
    }
    if (c.up) {
        c.significand += unit;
        c.carry = !c.significand;
        if (c.carry)
            c.significand = (x86_u128)1 << 127;
    }
    return c;
}

/* A rounded significand as a number. */
static struct x86_real number(struct x86_real_env *env, bool negative,
                              int32_t exponent, const struct cut *c)
{
    env->up = c->up;
    env->flags |= c->inexact ? X86_FP_PE : 0;
    if (!c->significand)
        return x86_real_zero(negative);
    return finite(negative, exponent, (uint64_t)(c->significand >> 64));
}

/* SDM vol. 1, table 4-10. */
static struct x86_real overflow(struct x86_real_env *env,
                                const struct x86_format *format, bool negative,
                                unsigned bits)
{
    bool to_max = env->rounding == X86_CHOP ||
                  (env->rounding == X86_DOWN && !negative) ||
                  (env->rounding == X86_UP && negative);

    env->flags |= X86_FP_OE | X86_FP_PE;
    env->up = !to_max;
    if (!to_max)
        return x86_real_infinity(negative);
    return finite(negative, format->most, ~UINT64_C(0) << (64 - bits));
}

/* Too small for a normal number even when rounded. */
static struct x86_real underflow(struct x86_real_env *env,
                                 const struct x86_format *format,
                                 struct x86_wide w, unsigned bits)
{
    struct cut c;

    if (env->ftz) {
        env->flags |= X86_FP_UE | X86_FP_PE;
        env->up = false;
        return x86_real_zero(w.negative);
    }
    c = cut(env, w.negative,
            x86_shift_jam(w.significand, format->least - w.exponent), bits);
    env->flags |= c.inexact ? X86_FP_UE : 0;
    return number(env, w.negative, format->least, &c);
}

/* What a trapped overflow or underflow leaves in an x87 register: the exponent
 * is brought into range (SDM vol. 1, 8.5.4, 8.5.5). */
static struct x86_real wrapped(struct x86_real_env *env,
                               const struct x86_format *format,
                               struct x86_wide w, int32_t exponent,
                               const struct cut *c, unsigned flag)
{
    struct x86_real r;

    env->flags |= flag;
    r = number(env, w.negative,
               exponent + (flag == X86_FP_OE ? -format->wrap : format->wrap),
               c);
    if (!env->x87 ||
        (r.exponent >= format->least && r.exponent <= format->most))
        return r;
    env->flags |= X86_FP_PE; /* FSCALE, further off than that */
    env->up = flag == X86_FP_OE;
    return env->up ? x86_real_infinity(w.negative) : x86_real_zero(w.negative);
}

struct x86_real x86_real_round(struct x86_real_env *env,
                               const struct x86_format *format,
                               struct x86_wide w)
{
    unsigned bits =
        format == &x86_extended ? env->precision : format->precision;
    struct cut c;
    int32_t exponent;

    env->up = false;
    if (!w.significand)
        return x86_real_zero(w.negative);
    c = cut(env, w.negative, w.significand, bits);
    exponent = w.exponent + c.carry;
    if (exponent > format->most) {
        if (env->masks & X86_FP_OE)
            return overflow(env, format, w.negative, bits);
        return wrapped(env, format, w, exponent, &c, X86_FP_OE);
    }
    if (exponent < format->least) {
        if (env->masks & X86_FP_UE)
            return underflow(env, format, w, bits);
        return wrapped(env, format, w, exponent, &c, X86_FP_UE);
    }
    return number(env, w.negative, exponent, &c);
}

struct x86_real x86_real_convert(struct x86_real_env *env,
                                 const struct x86_format *format,
                                 struct x86_real r)
{
    struct x86_real result;

    env->up = false;
    if (x86_real_nan(env, &r, &result))
        return result;
    if (x86_real_denormals(env, &r, &r))
        return r;
    if (r.kind != X86_REAL_FINITE)
        return r;
    return x86_real_round(env, format, x86_wide_of(r));
}
