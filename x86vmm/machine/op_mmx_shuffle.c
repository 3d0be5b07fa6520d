/* MMX and SSE2: lanes that change places: pack, unpack, shuffle, insert,
 * extract, masks (Intel SDM vol. 1, 9.4.4, 9.4.5, 10.4.4, 11.4.2). */
#include "x86vmm/machine/sse.h"

/* Lanes in operand 0's register. */
static unsigned width(const struct x86_op *op)
{
    return op->operand[0].kind == X86_MM ? 64 : 128;
}

static int get_two(struct x86_cpu *cpu, const struct x86_op *op,
                   struct x86_xmm *a, struct x86_xmm *b)
{
    TRY(x86_vector_enter(cpu, op));
    TRY(x86_vector_get(cpu, op, 1, true, b));
    return x86_vector_get(cpu, op, 0, true, a);
}

static int put(struct x86_cpu *cpu, const struct x86_op *op, struct x86_xmm v)
{
    if (op->operand[0].kind == X86_MM)
        x86_mmx_used(cpu);
    return x86_vector_put(cpu, op, 0, true, v);
}

/* ---- Unpack: lanes of both by turns ---- */

static int unpack(struct x86_cpu *cpu, const struct x86_op *op, unsigned bits,
                  bool high)
{
    unsigned n = width(op) / bits, from = high ? n / 2 : 0;
    struct x86_xmm a, b, r = {{0, 0}};

    TRY(get_two(cpu, op, &a, &b));
    for (unsigned i = 0; i < n / 2; i++) {
        x86_set_lane(&r, bits, 2 * i, x86_lane(&a, bits, from + i));
        x86_set_lane(&r, bits, 2 * i + 1, x86_lane(&b, bits, from + i));
    }
    return put(cpu, op, r);
}

#define UNPACK(name, bits, high)                                \
    int op_##name(struct x86_cpu *cpu, const struct x86_op *op) \
    {                                                           \
        return unpack(cpu, op, bits, high);                     \
    }

UNPACK(punpcklbw, 8, false)
UNPACK(punpcklwd, 16, false)
UNPACK(punpckldq, 32, false) /* and UNPCKLPS */
UNPACK(punpcklqdq, 64, false)
UNPACK(punpckhbw, 8, true)
UNPACK(punpckhwd, 16, true)
UNPACK(punpckhdq, 32, true)
UNPACK(punpckhqdq, 64, true)

/* ---- Pack: lanes of half the width, saturated ---- */

static uint64_t saturate(uint64_t lane, unsigned bits, int64_t least,
                         int64_t most)
{
    int64_t v = (int64_t)(lane << (64 - bits)) >> (64 - bits);

    return (uint64_t)(v < least ? least : v > most ? most : v);
}

static int pack(struct x86_cpu *cpu, const struct x86_op *op, unsigned bits,
                int64_t least, int64_t most)
{
    unsigned n = width(op) / bits;
    struct x86_xmm a, b, r = {{0, 0}};

    TRY(get_two(cpu, op, &a, &b));
    for (unsigned i = 0; i < n; i++) {
        x86_set_lane(&r, bits / 2, i,
                     saturate(x86_lane(&a, bits, i), bits, least, most));
        x86_set_lane(&r, bits / 2, n + i,
                     saturate(x86_lane(&b, bits, i), bits, least, most));
    }
    return put(cpu, op, r);
}

int op_packsswb(struct x86_cpu *cpu, const struct x86_op *op)
{
    return pack(cpu, op, 16, INT8_MIN, INT8_MAX);
}

int op_packssdw(struct x86_cpu *cpu, const struct x86_op *op)
{
    return pack(cpu, op, 32, INT16_MIN, INT16_MAX);
}

int op_packuswb(struct x86_cpu *cpu, const struct x86_op *op)
{
    return pack(cpu, op, 16, 0, UINT8_MAX);
}

/* ---- Shuffles by an immediate ---- */

/* Four lanes from lane `first` on are chosen from those of b; the others are
 * b's. */
static int shuffle(struct x86_cpu *cpu, const struct x86_op *op, unsigned bits,
                   unsigned first)
{
    struct x86_xmm a, b, r;

    TRY(get_two(cpu, op, &a, &b));
    r = b;
    for (unsigned i = 0; i < 4; i++)
        x86_set_lane(&r, bits, first + i,
                     x86_lane(&b, bits, first + (op->imm >> 2 * i & 3)));
    return put(cpu, op, r);
}

int op_pshufw(struct x86_cpu *cpu, const struct x86_op *op)
{
    return shuffle(cpu, op, 16, 0); /* and PSHUFLW */
}

int op_pshufhw(struct x86_cpu *cpu, const struct x86_op *op)
{
    return shuffle(cpu, op, 16, 4);
}

int op_pshufd(struct x86_cpu *cpu, const struct x86_op *op)
{
    return shuffle(cpu, op, 32, 0);
}

/* The low half from operand 0, the high half from operand 1. */
int op_shufps(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct x86_xmm a, b, r;

    TRY(get_two(cpu, op, &a, &b));
    for (unsigned i = 0; i < 4; i++)
        x86_set_lane(&r, 32, i,
                     x86_lane(i < 2 ? &a : &b, 32, op->imm >> 2 * i & 3));
    return put(cpu, op, r);
}

int op_shufpd(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct x86_xmm a, b;

    TRY(get_two(cpu, op, &a, &b));
    return put(cpu, op,
               (struct x86_xmm){{a.q[op->imm & 1], b.q[op->imm >> 1 & 1]}});
}

/* ---- One word, and masks ---- */

int op_pinsrw(struct x86_cpu *cpu, const struct x86_op *op)
{
    unsigned n = width(op) / 16;
    struct x86_xmm a, b;

    TRY(get_two(cpu, op, &a, &b));
    x86_set_lane(&a, 16, op->imm & (n - 1), b.q[0]);
    return put(cpu, op, a);
}

int op_pextrw(struct x86_cpu *cpu, const struct x86_op *op)
{
    bool mmx = op->operand[1].kind == X86_MM;
    struct x86_xmm v;

    TRY(x86_vector_enter(cpu, op));
    TRY(x86_vector_get(cpu, op, 1, true, &v));
    if (mmx)
        x86_mmx_used(cpu);
    return x86_put(cpu, op, 0, x86_lane(&v, 16, op->imm & (mmx ? 3 : 7)));
}

/* The top bits of all lanes. */
static int mask(struct x86_cpu *cpu, const struct x86_op *op, unsigned bits)
{
    bool mmx = op->operand[1].kind == X86_MM;
    struct x86_xmm v;
    uint64_t m = 0;

    TRY(x86_vector_enter(cpu, op));
    TRY(x86_vector_get(cpu, op, 1, true, &v));
    for (unsigned i = 0; i < (mmx ? 64 : 128) / bits; i++)
        m |= (x86_lane(&v, bits, i) >> (bits - 1)) << i;
    if (mmx)
        x86_mmx_used(cpu);
    return x86_put(cpu, op, 0, m);
}

int op_pmovmskb(struct x86_cpu *cpu, const struct x86_op *op)
{
    return mask(cpu, op, 8);
}

int op_movmskps(struct x86_cpu *cpu, const struct x86_op *op)
{
    return mask(cpu, op, 32);
}

int op_movmskpd(struct x86_cpu *cpu, const struct x86_op *op)
{
    return mask(cpu, op, 64);
}

/* The bytes of operand 0 that operand 1 selects, to [rDI]: all of them or, if
 * one may not be written, none. */
int op_maskmov(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t at = x86_gpr(cpu, X86_RDI, op->asize);
    uint64_t wrap = BITS_MASK(op->asize * 8);
    enum x86_seg seg = (enum x86_seg)op->seg;
    struct x86_xmm v, select;

    TRY(get_two(cpu, op, &v, &select));
    for (unsigned i = 0; i < width(op) / 8; i++)
        if (x86_lane(&select, 8, i) & 0x80)
            TRY(x86_check_write(cpu, seg, (at + i) & wrap, 1));
    for (unsigned i = 0; i < width(op) / 8; i++)
        if (x86_lane(&select, 8, i) & 0x80)
            TRY(x86_write(cpu, seg, (at + i) & wrap, 1, x86_lane(&v, 8, i)));
    if (op->operand[0].kind == X86_MM)
        x86_mmx_used(cpu);
    return 0;
}
