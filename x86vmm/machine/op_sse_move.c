/* SSE and SSE2: moves, and MXCSR (Intel SDM vol. 1, 10.4.1, 10.4.5, 10.4.6,
 * 11.4.1, 11.4.4). */
#include "x86vmm/machine/sse.h"

/* ---- Whole registers ---- */

static int move(struct x86_cpu *cpu, const struct x86_op *op, bool aligned)
{
    struct x86_xmm v;

    TRY(x86_vector_enter(cpu, op));
    TRY(x86_vector_get(cpu, op, 1, aligned, &v));
    TRY(x86_vector_put(cpu, op, 0, aligned, v));
    if (op->operand[0].kind == X86_MM || op->operand[1].kind == X86_MM)
        x86_mmx_used(cpu);
    return 0;
}

int op_mova(struct x86_cpu *cpu, const struct x86_op *op)
{
    return move(cpu, op, true);
}

int op_movu(struct x86_cpu *cpu, const struct x86_op *op)
{
    return move(cpu, op, false);
}

/* Low 4 or 8 bytes; an XMM register's others become 0.  MOVD, MOVQ, MOVQ2DQ,
 * MOVDQ2Q, MOVNTQ. */
int op_movq(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct x86_xmm v;

    TRY(x86_vector_enter(cpu, op));
    TRY(x86_vector_get(cpu, op, 1, false, &v));
    v.q[1] = 0;
    TRY(x86_vector_put(cpu, op, 0, false, v));
    if (op->operand[0].kind == X86_MM || op->operand[1].kind == X86_MM)
        x86_mmx_used(cpu);
    return 0;
}

/* Between general registers and storage; no vector has to do with it. */
int op_movnti(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t v;

    TRY(x86_get(cpu, op, 1, &v));
    return x86_put(cpu, op, 0, v);
}

/* ---- Parts ---- */

/* A scalar: from storage the rest becomes 0, from a register it stays. */
static int scalar(struct x86_cpu *cpu, const struct x86_op *op, unsigned bits)
{
    struct x86_xmm v, to;

    TRY(x86_sse_enter(cpu));
    TRY(x86_vector_get(cpu, op, 1, false, &v));
    if (op->operand[0].kind == X86_MEM)
        return x86_write(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op),
                         bits / 8, x86_lane(&v, bits, 0));
    to = cpu->xmm[op->operand[0].reg];
    if (op->operand[1].kind == X86_MEM)
        to = (struct x86_xmm){{0, 0}};
    x86_set_lane(&to, bits, 0, x86_lane(&v, bits, 0));
    cpu->xmm[op->operand[0].reg] = to;
    return 0;
}

int op_movss(struct x86_cpu *cpu, const struct x86_op *op)
{
    return scalar(cpu, op, 32);
}

int op_movsd_scalar(struct x86_cpu *cpu, const struct x86_op *op)
{
    return scalar(cpu, op, 64);
}

/* Half `from` of operand 1 to half `to` of operand 0; storage has only one. */
static int half(struct x86_cpu *cpu, const struct x86_op *op, unsigned to,
                unsigned from)
{
    uint64_t v;

    TRY(x86_sse_enter(cpu));
    if (op->operand[1].kind == X86_MEM)
        TRY(x86_read(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op), 8, &v));
    else
        v = cpu->xmm[op->operand[1].reg].q[from];
    if (op->operand[0].kind == X86_MEM)
        return x86_write(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op), 8, v);
    cpu->xmm[op->operand[0].reg].q[to] = v;
    return 0;
}

int op_movlp(struct x86_cpu *cpu, const struct x86_op *op)
{
    return half(cpu, op, 0, 0);
}

int op_movhp(struct x86_cpu *cpu, const struct x86_op *op)
{
    return half(cpu, op, 1, 1);
}

int op_movhlps(struct x86_cpu *cpu, const struct x86_op *op)
{
    return half(cpu, op, 0, 1);
}

int op_movlhps(struct x86_cpu *cpu, const struct x86_op *op)
{
    return half(cpu, op, 1, 0);
}

/* ---- MXCSR ---- */

int op_ldmxcsr(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t v;

    TRY(x86_sse_enter(cpu));
    TRY(x86_get(cpu, op, 0, &v));
    if (v & ~(uint64_t)X86_MXCSR_BITS)
        return x86_raise_gp(cpu);
    cpu->mxcsr = (uint32_t)v;
    return 0;
}

int op_stmxcsr(struct x86_cpu *cpu, const struct x86_op *op)
{
    TRY(x86_sse_enter(cpu));
    return x86_put(cpu, op, 0, cpu->mxcsr);
}
