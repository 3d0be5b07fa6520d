/* MMX and SSE2: arithmetic and logic of packed integers (Intel SDM vol. 1, 9.4
 * and 11.4.2).  An instruction's XMM form does the same to two halves as its
 * MMX form to one. */
#include "x86vmm/machine/sse.h"

static int halves(struct x86_cpu *cpu, const struct x86_op *op,
                  uint64_t (*fn)(uint64_t, uint64_t))
{
    struct x86_xmm a, b;

    TRY(x86_vector_enter(cpu, op));
    TRY(x86_vector_get(cpu, op, 1, true, &b));
    TRY(x86_vector_get(cpu, op, 0, true, &a));
    a.q[0] = fn(a.q[0], b.q[0]);
    a.q[1] = fn(a.q[1], b.q[1]);
    if (op->operand[0].kind == X86_MM)
        x86_mmx_used(cpu);
    return x86_vector_put(cpu, op, 0, true, a);
}

#define HALVES(name)                                            \
    int op_##name(struct x86_cpu *cpu, const struct x86_op *op) \
    {                                                           \
        return halves(cpu, op, name);                           \
    }

/* Each lane of `bits` bits: `result` of x and y, or of sx and sy, which are the
 * same as signed numbers. */
#define LANES(name, bits, result)                         \
    static uint64_t name(uint64_t a, uint64_t b)          \
    {                                                     \
        uint64_t r = 0;                                   \
                                                          \
        for (unsigned i = 0; i < 64; i += bits) {         \
            uint##bits##_t x = (uint##bits##_t)(a >> i);  \
            uint##bits##_t y = (uint##bits##_t)(b >> i);  \
            int##bits##_t sx = (int##bits##_t)x;          \
            int##bits##_t sy = (int##bits##_t)y;          \
                                                          \
            (void)sx;                                     \
            (void)sy;                                     \
            r |= (uint64_t)(uint##bits##_t)(result) << i; \
        }                                                 \
        return r;                                         \
    }                                                     \
    HALVES(name)

/* ---- Saturation ---- */

static int32_t clamp(int32_t v, int32_t least, int32_t most)
{
    return v < least ? least : v > most ? most : v;
}

static int32_t clamp_s8(int32_t v)
{
    return clamp(v, INT8_MIN, INT8_MAX);
}

static int32_t clamp_s16(int32_t v)
{
    return clamp(v, INT16_MIN, INT16_MAX);
}

static int32_t clamp_u8(int32_t v)
{
    return clamp(v, 0, UINT8_MAX);
}

static int32_t clamp_u16(int32_t v)
{
    return clamp(v, 0, UINT16_MAX);
}

/* ---- Addition and subtraction ---- */

LANES(paddb, 8, x + y)
LANES(paddw, 16, x + y)
LANES(paddd, 32, x + y)
LANES(psubb, 8, x - y)
LANES(psubw, 16, x - y)
LANES(psubd, 32, x - y)
LANES(paddq, 64, x + y)
LANES(psubq, 64, x - y)
LANES(paddsb, 8, clamp_s8(sx + sy))
LANES(paddsw, 16, clamp_s16(sx + sy))
LANES(paddusb, 8, clamp_u8(x + y))
LANES(paddusw, 16, clamp_u16(x + y))
LANES(psubsb, 8, clamp_s8(sx - sy))
LANES(psubsw, 16, clamp_s16(sx - sy))
LANES(psubusb, 8, clamp_u8(x - y))
LANES(psubusw, 16, clamp_u16(x - y))
LANES(pavgb, 8, (x + y + 1) >> 1)
LANES(pavgw, 16, (x + y + 1) >> 1)
LANES(pminub, 8, x < y ? x : y)
LANES(pmaxub, 8, x > y ? x : y)
LANES(pminsw, 16, sx < sy ? sx : sy)
LANES(pmaxsw, 16, sx > sy ? sx : sy)

/* ---- Comparison ---- */

LANES(pcmpeqb, 8, x == y ? -1 : 0)
LANES(pcmpeqw, 16, x == y ? -1 : 0)
LANES(pcmpeqd, 32, x == y ? -1 : 0)
LANES(pcmpgtb, 8, sx > sy ? -1 : 0)
LANES(pcmpgtw, 16, sx > sy ? -1 : 0)
LANES(pcmpgtd, 32, sx > sy ? -1 : 0)

/* ---- Multiplication ---- */

LANES(pmullw, 16, (int32_t)sx *sy)
LANES(pmulhw, 16, ((int32_t)sx * sy) >> 16)
LANES(pmulhuw, 16, (uint32_t)x *y >> 16)
LANES(pmuludq, 64, (x & 0xFFFFFFFF) * (y & 0xFFFFFFFF))

/* Two products are added; only four times 8000h overflow, and wrap. */
static uint32_t product_sum(uint32_t a, uint32_t b)
{
    uint32_t low = (uint32_t)((int32_t)(int16_t)a * (int16_t)b);
    uint32_t high =
        (uint32_t)((int32_t)(int16_t)(a >> 16) * (int16_t)(b >> 16));

    return low + high;
}

LANES(pmaddwd, 32, product_sum(x, y))

/* The sum of the eight differences. */
static uint64_t psadbw(uint64_t a, uint64_t b)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < 64; i += 8) {
        unsigned x = a >> i & 0xFF, y = b >> i & 0xFF;

        sum += x > y ? x - y : y - x;
    }
    return sum;
}

HALVES(psadbw)

/* ---- Logic ---- also ANDPS, ORPD and the like, which are the same */

LANES(pand, 64, x &y)
LANES(pandn, 64, ~x &y)
LANES(por, 64, x | y)
LANES(pxor, 64, x ^ y)

/* ---- Shifts ---- by an immediate, or by the low half of the other operand */

static uint64_t shift_lane(uint64_t v, unsigned bits, uint64_t count, int way)
{
    if (way == 'a') {
        unsigned up = 64 - bits;

        return (uint64_t)((int64_t)(v << up) >> up >>
                          (count < bits ? count : bits - 1));
    }
    if (count >= bits)
        return 0;
    return way == 'l' ? v << count : v >> count;
}

static int shift(struct x86_cpu *cpu, const struct x86_op *op, unsigned bits,
                 int way)
{
    struct x86_xmm v, by = {{op->imm & 0xFF, 0}};

    TRY(x86_vector_enter(cpu, op));
    if (op->operand[1].kind != X86_IMM)
        TRY(x86_vector_get(cpu, op, 1, true, &by));
    TRY(x86_vector_get(cpu, op, 0, true, &v));
    for (unsigned i = 0; i < 128 / bits; i++)
        x86_set_lane(&v, bits, i,
                     shift_lane(x86_lane(&v, bits, i), bits, by.q[0], way));
    if (op->operand[0].kind == X86_MM)
        x86_mmx_used(cpu);
    return x86_vector_put(cpu, op, 0, true, v);
}

#define SHIFT(name, bits, way)                                  \
    int op_##name(struct x86_cpu *cpu, const struct x86_op *op) \
    {                                                           \
        return shift(cpu, op, bits, way);                       \
    }

SHIFT(psllw, 16, 'l')
SHIFT(pslld, 32, 'l')
SHIFT(psllq, 64, 'l')
SHIFT(psrlw, 16, 'r')
SHIFT(psrld, 32, 'r')
SHIFT(psrlq, 64, 'r')
SHIFT(psraw, 16, 'a')
SHIFT(psrad, 32, 'a')

/* By bytes, the whole register. */
static int shift_bytes(struct x86_cpu *cpu, const struct x86_op *op, bool left)
{
    unsigned bits = (op->imm & 0xFF) > 15 ? 128 : (op->imm & 0xFF) * 8;
    struct x86_xmm *x = &cpu->xmm[op->operand[0].reg];
    x86_u128 v = (x86_u128)x->q[1] << 64 | x->q[0];

    TRY(x86_sse_enter(cpu));
    if (bits == 128)
        v = 0;
    else
        v = left ? v << bits : v >> bits;
    *x = (struct x86_xmm){{(uint64_t)v, (uint64_t)(v >> 64)}};
    return 0;
}

int op_pslldq(struct x86_cpu *cpu, const struct x86_op *op)
{
    return shift_bytes(cpu, op, true);
}

int op_psrldq(struct x86_cpu *cpu, const struct x86_op *op)
{
    return shift_bytes(cpu, op, false);
}

int op_emms(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    TRY(x86_mmx_enter(cpu));
    x86_mmx_used(cpu);
    cpu->fpu.tag = 0xFFFF;
    return 0;
}
