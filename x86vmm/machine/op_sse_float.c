/* SSE and SSE2: arithmetic and comparison of single and double (Intel SDM
 * vol. 1, 10.4.1 to 10.4.3, 11.4.1; exceptions: 11.5 and appendix E). */
#include "x86vmm/machine/sse.h"

enum { CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, OF = 0x800 };

static struct x86_real get_lane(const struct x86_real_env *env, unsigned bits,
                                const struct x86_xmm *v, unsigned i)
{
    uint64_t lane = x86_lane(v, bits, i);

    return bits == 32 ? x86_real_get32(env, (uint32_t)lane)
                      : x86_real_get64(env, lane);
}

static void set_lane(struct x86_xmm *v, unsigned bits, unsigned i,
                     struct x86_real r)
{
    x86_set_lane(v, bits, i,
                 bits == 32 ? x86_real_put32(r) : x86_real_put64(r));
}

static const struct x86_format *format_of(unsigned bits)
{
    return bits == 32 ? &x86_single : &x86_double;
}

static int get_two(struct x86_cpu *cpu, const struct x86_op *op,
                   struct x86_xmm *a, struct x86_xmm *b)
{
    TRY(x86_sse_enter(cpu));
    TRY(x86_vector_get(cpu, op, 1, true, b));
    *a = cpu->xmm[op->operand[0].reg];
    return 0;
}

/* ---- Arithmetic ---- `lanes` of them; the rest of operand 0 stays */

static int arith(struct x86_cpu *cpu, const struct x86_op *op, x86_real_fn fn,
                 unsigned bits, unsigned lanes)
{
    struct x86_real_env env = x86_sse_env(cpu);
    struct x86_xmm a, b, r;

    TRY(get_two(cpu, op, &a, &b));
    r = a;
    for (unsigned i = 0; i < lanes; i++)
        set_lane(&r, bits, i,
                 fn(&env, format_of(bits), get_lane(&env, bits, &a, i),
                    get_lane(&env, bits, &b, i)));
    TRY(x86_sse_settle(cpu, &env));
    cpu->xmm[op->operand[0].reg] = r;
    return 0;
}

static struct x86_real root(struct x86_real_env *env,
                            const struct x86_format *format, struct x86_real a,
                            struct x86_real b)
{
    (void)a;
    return x86_real_sqrt(env, format, b);
}

/* Either is the second operand if one is a NaN or both are 0 (SDM vol. 2,
 * MINPS). */
static struct x86_real lesser(struct x86_real_env *env,
                              const struct x86_format *format,
                              struct x86_real a, struct x86_real b)
{
    (void)format;
    return x86_real_compare(env, a, b, false) == X86_LESS ? a : b;
}

static struct x86_real greater(struct x86_real_env *env,
                               const struct x86_format *format,
                               struct x86_real a, struct x86_real b)
{
    (void)format;
    return x86_real_compare(env, a, b, false) == X86_GREATER ? a : b;
}

#define ARITH(name, fn)                                             \
    int op_##name##ps(struct x86_cpu *cpu, const struct x86_op *op) \
    {                                                               \
        return arith(cpu, op, fn, 32, 4);                           \
    }                                                               \
    int op_##name##pd(struct x86_cpu *cpu, const struct x86_op *op) \
    {                                                               \
        return arith(cpu, op, fn, 64, 2);                           \
    }                                                               \
    int op_##name##ss(struct x86_cpu *cpu, const struct x86_op *op) \
    {                                                               \
        return arith(cpu, op, fn, 32, 1);                           \
    }                                                               \
    int op_##name##sd(struct x86_cpu *cpu, const struct x86_op *op) \
    {                                                               \
        return arith(cpu, op, fn, 64, 1);                           \
    }

ARITH(add, x86_real_add)
ARITH(sub, x86_real_sub)
ARITH(mul, x86_real_mul)
ARITH(div, x86_real_div)
ARITH(sqrt, root)
ARITH(min, lesser)
ARITH(max, greater)

/* ---- Approximations ---- 1/x and 1/sqrt(x), which every processor rounds in
 * its own way (relative error up to 1.5 * 2^-12): here, correctly to 14 bits.
 * No exceptions; denormal numbers are 0 (SDM vol. 2, RCPPS, RSQRTPS). */

static struct x86_real approximate(struct x86_real x, bool of_root)
{
    static const struct x86_format rough = {14, -126, 127, 0};
    struct x86_real_env env = {
        .precision = 64, .masks = X86_FP_ALL, .daz = true, .ftz = true};

    if (of_root)
        x = x86_real_sqrt(&env, &x86_extended, x);
    return x86_real_div(&env, &rough, x86_real_get_int(1), x);
}

static int reciprocal(struct x86_cpu *cpu, const struct x86_op *op,
                      unsigned lanes, bool of_root)
{
    const struct x86_real_env env = {.daz = true};
    struct x86_xmm a, b;

    TRY(get_two(cpu, op, &a, &b));
    for (unsigned i = 0; i < lanes; i++)
        set_lane(&a, 32, i, approximate(get_lane(&env, 32, &b, i), of_root));
    cpu->xmm[op->operand[0].reg] = a;
    return 0;
}

int op_rcpps(struct x86_cpu *cpu, const struct x86_op *op)
{
    return reciprocal(cpu, op, 4, false);
}

int op_rcpss(struct x86_cpu *cpu, const struct x86_op *op)
{
    return reciprocal(cpu, op, 1, false);
}

int op_rsqrtps(struct x86_cpu *cpu, const struct x86_op *op)
{
    return reciprocal(cpu, op, 4, true);
}

int op_rsqrtss(struct x86_cpu *cpu, const struct x86_op *op)
{
    return reciprocal(cpu, op, 1, true);
}

/* ---- Comparison ---- */

/* Predicates 0 to 7: EQ LT LE UNORD, and these negated. */
static bool holds(struct x86_real_env *env, struct x86_real a,
                  struct x86_real b, unsigned predicate)
{
    unsigned kind = predicate & 3;
    enum x86_order order = x86_real_compare(env, a, b, kind == 0 || kind == 3);
    bool yes = kind == 0   ? order == X86_EQUAL
               : kind == 1 ? order == X86_LESS
               : kind == 2 ? order == X86_LESS || order == X86_EQUAL
                           : order == X86_UNORDERED;

    return yes != (predicate >> 2 & 1);
}

static int compare(struct x86_cpu *cpu, const struct x86_op *op, unsigned bits,
                   unsigned lanes)
{
    struct x86_real_env env = x86_sse_env(cpu);
    struct x86_xmm a, b, r;

    TRY(get_two(cpu, op, &a, &b));
    r = a;
    for (unsigned i = 0; i < lanes; i++)
        x86_set_lane(&r, bits, i,
                     holds(&env, get_lane(&env, bits, &a, i),
                           get_lane(&env, bits, &b, i), op->imm & 7)
                         ? UINT64_MAX
                         : 0);
    TRY(x86_sse_settle(cpu, &env));
    cpu->xmm[op->operand[0].reg] = r;
    return 0;
}

int op_cmpps(struct x86_cpu *cpu, const struct x86_op *op)
{
    return compare(cpu, op, 32, 4);
}

int op_cmppd(struct x86_cpu *cpu, const struct x86_op *op)
{
    return compare(cpu, op, 64, 2);
}

int op_cmpss(struct x86_cpu *cpu, const struct x86_op *op)
{
    return compare(cpu, op, 32, 1);
}

int op_cmpsd_scalar(struct x86_cpu *cpu, const struct x86_op *op)
{
    return compare(cpu, op, 64, 1);
}

/* COMISS, UCOMISS, and of doubles: into RFLAGS. */
static int to_flags(struct x86_cpu *cpu, const struct x86_op *op, unsigned bits,
                    bool quiet)
{
    static const uint8_t flags[] = {[X86_LESS] = CF,
                                    [X86_EQUAL] = ZF,
                                    [X86_GREATER] = 0,
                                    [X86_UNORDERED] = CF | PF | ZF};
    const uint64_t all = CF | PF | AF | ZF | SF | OF;
    struct x86_real_env env = x86_sse_env(cpu);
    enum x86_order order;
    struct x86_xmm a, b;

    TRY(get_two(cpu, op, &a, &b));
    order = x86_real_compare(&env, get_lane(&env, bits, &a, 0),
                             get_lane(&env, bits, &b, 0), quiet);
    TRY(x86_sse_settle(cpu, &env));
    x86_flags_set(cpu, (x86_flags_get(cpu) & ~all) | flags[order]);
    return 0;
}

int op_comiss(struct x86_cpu *cpu, const struct x86_op *op)
{
    return to_flags(cpu, op, 32, false);
}

int op_comisd(struct x86_cpu *cpu, const struct x86_op *op)
{
    return to_flags(cpu, op, 64, false);
}

int op_ucomiss(struct x86_cpu *cpu, const struct x86_op *op)
{
    return to_flags(cpu, op, 32, true);
}

int op_ucomisd(struct x86_cpu *cpu, const struct x86_op *op)
{
    return to_flags(cpu, op, 64, true);
}
