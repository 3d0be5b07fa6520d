/* SSE and SSE2: conversions (Intel SDM vol. 1, 10.4.4, 11.4.1.6). */
#include "x86vmm/machine/sse.h"

enum kind { F32, F64, I32, I64 };

struct conversion {
    uint8_t from, to; /* enum kind */
    uint8_t lanes;
    bool truncates;
    bool clears; /* the rest of an XMM result becomes 0 */
};

static unsigned bits_of(unsigned kind)
{
    return kind == F32 || kind == I32 ? 32 : 64;
}

/* A number of one kind as bits of another one. */
static uint64_t convert(struct x86_real_env *env, uint64_t v,
                        const struct conversion *c)
{
    const struct x86_format *format = c->to == F32 ? &x86_single : &x86_double;
    struct x86_real r;

    switch ((enum kind)c->from) {
    case F32:
        r = x86_real_get32(env, (uint32_t)v);
        break;
    case F64:
        r = x86_real_get64(env, v);
        break;
    case I32:
        r = x86_real_get_int((int32_t)v);
        break;
    default:
        r = x86_real_get_int((int64_t)v);
    }
    if (c->to == I32 || c->to == I64)
        return (uint64_t)x86_real_to_int(env, r, bits_of(c->to));
    r = x86_real_convert(env, format, r);
    return c->to == F32 ? x86_real_put32(r) : x86_real_put64(r);
}

static int run(struct x86_cpu *cpu, const struct x86_op *op,
               const struct conversion *c)
{
    bool mmx = op->operand[0].kind == X86_MM || op->operand[1].kind == X86_MM;
    struct x86_real_env env = x86_sse_env(cpu);
    struct x86_xmm v, r = {{0, 0}};

    TRY(x86_sse_enter(cpu));
    TRY(x86_vector_enter(cpu, op));
    TRY(x86_vector_get(cpu, op, 1, true, &v));
    if (op->operand[0].kind == X86_XMM && !c->clears)
        r = cpu->xmm[op->operand[0].reg];
    if (c->truncates)
        env.rounding = X86_CHOP;
    for (unsigned i = 0; i < c->lanes; i++)
        x86_set_lane(&r, bits_of(c->to), i,
                     convert(&env, x86_lane(&v, bits_of(c->from), i), c));
    if (mmx)
        x86_mmx_used(cpu);
    TRY(x86_sse_settle(cpu, &env));
    return x86_vector_put(cpu, op, 0, true, r);
}

#define CONVERT(name, ...)                                            \
    int op_##name(struct x86_cpu *cpu, const struct x86_op *op)       \
    {                                                                 \
        return run(cpu, op, &(const struct conversion){__VA_ARGS__}); \
    }

/* To floating point */
CONVERT(cvtpi2ps, I32, F32, 2, false, false)
CONVERT(cvtpi2pd, I32, F64, 2, false, true)
CONVERT(cvtdq2ps, I32, F32, 4, false, true)
CONVERT(cvtdq2pd, I32, F64, 2, false, true)
CONVERT(cvtps2pd, F32, F64, 2, false, true)
CONVERT(cvtpd2ps, F64, F32, 2, false, true)
CONVERT(cvtss2sd, F32, F64, 1, false, false)
CONVERT(cvtsd2ss, F64, F32, 1, false, false)

/* To integers */
CONVERT(cvtps2pi, F32, I32, 2, false, true)
CONVERT(cvttps2pi, F32, I32, 2, true, true)
CONVERT(cvtpd2pi, F64, I32, 2, false, true)
CONVERT(cvttpd2pi, F64, I32, 2, true, true)
CONVERT(cvtps2dq, F32, I32, 4, false, true)
CONVERT(cvttps2dq, F32, I32, 4, true, true)
CONVERT(cvtpd2dq, F64, I32, 2, false, true)
CONVERT(cvttpd2dq, F64, I32, 2, true, true)

/* Of a scalar and a general register: its width is the operand's. */
static int scalar(struct x86_cpu *cpu, const struct x86_op *op, unsigned from,
                  unsigned to, bool truncates)
{
    bool wide = op->operand[from < I32 ? 0 : 1].size == 8;
    struct conversion c = {(uint8_t)from, (uint8_t)to, 1, truncates, false};

    if (from >= I32)
        c.from = wide ? I64 : I32;
    else
        c.to = wide ? I64 : I32;
    return run(cpu, op, &c);
}

#define SCALAR(name, from, to, truncates)                       \
    int op_##name(struct x86_cpu *cpu, const struct x86_op *op) \
    {                                                           \
        return scalar(cpu, op, from, to, truncates);            \
    }

SCALAR(cvtsi2ss, I32, F32, false)
SCALAR(cvtsi2sd, I32, F64, false)
SCALAR(cvtss2si, F32, I32, false)
SCALAR(cvtsd2si, F64, I32, false)
SCALAR(cvttss2si, F32, I32, true)
SCALAR(cvttsd2si, F64, I32, true)
