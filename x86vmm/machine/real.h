/* Floating-point numbers without the host's: IEEE 754 in integers, so that a
 * result is the same on every host.
 *
 * An operand is unpacked from its format (single, double, double extended) to
 * a struct x86_real, results are rounded from an exact, wide form to a format
 * and packed again.  Sources: IEEE 754-2008; Intel SDM vol. 1, chapter 4.8 and
 * 4.9 (formats, exceptions), 8.5 and 11.5 (x87's and SSE's exceptions). */
#ifndef X86VMM_MACHINE_REAL_H
#define X86VMM_MACHINE_REAL_H

#include "x86vmm/machine/cpu.h"

typedef unsigned __int128 x86_u128;

/* Exceptions: bits of the x87 status word, of MXCSR, and of their masks. */
enum {
    X86_FP_IE = 0x01, /* invalid operation */
    X86_FP_DE = 0x02, /* denormal operand */
    X86_FP_ZE = 0x04, /* division by zero */
    X86_FP_OE = 0x08, /* overflow */
    X86_FP_UE = 0x10, /* underflow */
    X86_FP_PE = 0x20, /* inexact */
    X86_FP_ALL = 0x3F,
    X86_FP_BEFORE = X86_FP_IE | X86_FP_DE | X86_FP_ZE /* known from operands */
};

/* As coded in RC of the x87 control word and of MXCSR. */
enum x86_rounding { X86_NEAREST, X86_DOWN, X86_UP, X86_CHOP };

enum x86_real_kind {
    X86_REAL_ZERO,
    X86_REAL_FINITE,
    X86_REAL_INFINITE,
    X86_REAL_QNAN,
    X86_REAL_SNAN,
    X86_REAL_UNSUPPORTED /* double extended only: SDM vol. 1, table 8-3 */
};

/* A finite one is significand * 2^(exponent - 63), bit 63 set.  Of a NaN the
 * significand is the payload, left-aligned as in double extended. */
struct x86_real {
    uint8_t kind; /* enum x86_real_kind */
    bool negative, denormal;
    int32_t exponent;
    uint64_t significand;
};

/* significand * 2^(exponent - 127), bit 127 set unless it is 0; the last bit
 * stands for all that follow. */
struct x86_wide {
    bool negative;
    int32_t exponent;
    x86_u128 significand;
};

struct x86_format {
    uint8_t precision;   /* bits of the significand */
    int32_t least, most; /* exponents of normal numbers */
    int32_t wrap;        /* what x87 adds to the exponent after a trapped one */
};

extern const struct x86_format x86_single, x86_double, x86_extended;

/* How to compute, and what happened. */
struct x86_real_env {
    uint8_t rounding;  /* enum x86_rounding */
    uint8_t precision; /* of results in double extended: 24, 53, 64 */
    uint8_t masks;     /* exceptions that are masked */
    bool x87;          /* which NaN of two; wrapped results */
    bool daz, ftz;     /* MXCSR */
    uint8_t flags;     /* exceptions so far */
    bool up;           /* the last result was rounded away from 0 */
};

/* Has an exception been raised that is not masked? */
static inline bool x86_real_stops(const struct x86_real_env *env)
{
    return env->flags & ~env->masks & X86_FP_ALL;
}

/* ---- Formats ---- */

struct x86_real x86_real_get32(const struct x86_real_env *env, uint32_t bits);
struct x86_real x86_real_get64(const struct x86_real_env *env, uint64_t bits);
struct x86_real x86_real_get80(struct x86_f80 f);
struct x86_real x86_real_get_int(int64_t v);
/* Of a number that x86_real_round has made for this format. */
uint32_t x86_real_put32(struct x86_real r);
uint64_t x86_real_put64(struct x86_real r);
struct x86_f80 x86_real_put80(struct x86_real r);

struct x86_real x86_real_zero(bool negative);
struct x86_real x86_real_infinity(bool negative);
/* The default NaN, "real indefinite"; the same with IE raised. */
struct x86_real x86_real_indefinite(void);
struct x86_real x86_real_invalid(struct x86_real_env *env);

static inline bool x86_real_is_nan(const struct x86_real *r)
{
    return r->kind == X86_REAL_QNAN || r->kind == X86_REAL_SNAN;
}

/* ---- Rounding ---- */

struct x86_wide x86_wide_of(struct x86_real r);
struct x86_real x86_real_round(struct x86_real_env *env,
                               const struct x86_format *format,
                               struct x86_wide w);
/* A number of another format in this one: FST, CVTxx2xx. */
struct x86_real x86_real_convert(struct x86_real_env *env,
                                 const struct x86_format *format,
                                 struct x86_real r);

/* ---- Arithmetic ---- the result for `format`, flags in env.  When
 * x86_real_stops for one of X86_FP_BEFORE there is no result. */

typedef struct x86_real (*x86_real_fn)(struct x86_real_env *env,
                                       const struct x86_format *format,
                                       struct x86_real a, struct x86_real b);

struct x86_real x86_real_add(struct x86_real_env *env,
                             const struct x86_format *format, struct x86_real a,
                             struct x86_real b);
struct x86_real x86_real_sub(struct x86_real_env *env,
                             const struct x86_format *format, struct x86_real a,
                             struct x86_real b);
struct x86_real x86_real_mul(struct x86_real_env *env,
                             const struct x86_format *format, struct x86_real a,
                             struct x86_real b);
struct x86_real x86_real_div(struct x86_real_env *env,
                             const struct x86_format *format, struct x86_real a,
                             struct x86_real b);
struct x86_real x86_real_sqrt(struct x86_real_env *env,
                              const struct x86_format *format,
                              struct x86_real a);

enum x86_order { X86_LESS, X86_EQUAL, X86_GREATER, X86_UNORDERED };

/* quiet: a QNaN is not invalid. */
enum x86_order x86_real_compare(struct x86_real_env *env, struct x86_real a,
                                struct x86_real b, bool quiet);

/* ---- Operands that are no numbers ---- for functions of two and of one: true
 * if *result is decided by a NaN or an unsupported one. */
bool x86_real_nans(struct x86_real_env *env, const struct x86_real *a,
                   const struct x86_real *b, struct x86_real *result);
bool x86_real_nan(struct x86_real_env *env, const struct x86_real *a,
                  struct x86_real *result);
/* Raise DE if one of them is denormal; true: it is not masked. */
bool x86_real_denormals(struct x86_real_env *env, const struct x86_real *a,
                        const struct x86_real *b);

/* ---- Integers ---- real_integer.c */

/* Rounded to an integer of 16, 32 or 64 bits.  Out of range: IE, and the most
 * negative one. */
int64_t x86_real_to_int(struct x86_real_env *env, struct x86_real r,
                        unsigned bits);
/* To an integral value in its own format. */
struct x86_real x86_real_integral(struct x86_real_env *env, struct x86_real r);
/* Packed decimal, 10 bytes (SDM vol. 1, 4.7). */
void x86_real_to_bcd(struct x86_real_env *env, struct x86_real r,
                     uint8_t bcd[10]);
struct x86_real x86_real_from_bcd(const uint8_t bcd[10]);

/* A partial remainder (FPREM; FPREM1 if `nearest`).  *quotient has its three
 * low bits, or says that the reduction is not complete, or that there is no
 * quotient. */
enum { X86_PARTIAL = -1, X86_NO_QUOTIENT = -2 };
struct x86_real x86_real_rem(struct x86_real_env *env, struct x86_real a,
                             struct x86_real b, bool nearest, int *quotient);
/* a * 2^trunc(b) */
struct x86_real x86_real_scale(struct x86_real_env *env, struct x86_real a,
                               struct x86_real b);

#endif
