#include "x86vmm/machine/sse.h"

enum { CR0_EM = 4 };

/* ---- May it begin? ---- SDM vol. 3, chapters on MMX technology system
 * programming (EM, TS) and on system programming for SSE (also OSFXSR). */

int x86_sse_enter(struct x86_cpu *cpu)
{
    if (UNLIKELY((cpu->state.cr0 & CR0_EM) ||
                 !(cpu->state.cr4 & X86_CR4_OSFXSR)))
        return x86_raise(cpu, X86_EXC_UD);
    if (UNLIKELY(cpu->state.cr0 & X86_CR0_TS))
        return x86_raise(cpu, X86_EXC_NM);
    return 0;
}

int x86_mmx_enter(struct x86_cpu *cpu)
{
    if (UNLIKELY(cpu->state.cr0 & CR0_EM))
        return x86_raise(cpu, X86_EXC_UD);
    return x86_fpu_enter(cpu);
}

int x86_vector_enter(struct x86_cpu *cpu, const struct x86_op *op)
{
    for (unsigned i = 0; i < op->count; i++)
        if (op->operand[i].kind == X86_XMM)
            TRY(x86_sse_enter(cpu));
    for (unsigned i = 0; i < op->count; i++)
        if (op->operand[i].kind == X86_MM)
            TRY(x86_mmx_enter(cpu));
    return 0;
}

void x86_mmx_used(struct x86_cpu *cpu)
{
    cpu->fpu.status &= (uint16_t)~X86_FPU_TOP;
    cpu->fpu.tag = 0;
}

/* ---- Operands ---- */

int x86_sse_aligned(struct x86_cpu *cpu, const struct x86_op *op,
                    uint64_t offset)
{
    if (UNLIKELY(x86_fast_linear(cpu, (enum x86_seg)op->seg, offset) & 15))
        return x86_raise_gp(cpu);
    return 0;
}

/* 16 bytes by the short way: in one page, and in the segment by their halves
 * (end[] is for 8 bytes). */
static uint8_t *sixteen(const struct x86_cpu *cpu, enum x86_seg seg,
                        uint64_t offset, unsigned way)
{
    if (UNLIKELY(offset + 8 >= cpu->fast[seg].end[way]))
        return NULL;
    return x86_at(cpu, seg, offset, 16, way);
}

static int get_memory(struct x86_cpu *cpu, const struct x86_op *op,
                      unsigned size, bool aligned, struct x86_xmm *v)
{
    enum x86_seg seg = (enum x86_seg)op->seg;
    uint64_t offset = x86_offset(cpu, op);
    uint8_t bytes[16];
    const uint8_t *at = bytes;

    v->q[1] = 0;
    if (size < 16)
        return x86_read(cpu, seg, offset, size, &v->q[0]);
    if (aligned)
        TRY(x86_sse_aligned(cpu, op, offset));
    const uint8_t *host = sixteen(cpu, seg, offset, 0);
    if (LIKELY(host))
        at = host;
    else
        TRY(x86_read_bytes(cpu, seg, offset, 16, bytes));
    v->q[0] = load_le64(at);
    v->q[1] = load_le64(at + 8);
    return 0;
}

int x86_vector_get(struct x86_cpu *cpu, const struct x86_op *op, unsigned i,
                   bool aligned, struct x86_xmm *v)
{
    const struct x86_operand *o = &op->operand[i];

    *v = (struct x86_xmm){{0, 0}};
    switch (o->kind) {
    case X86_XMM:
        *v = cpu->xmm[o->reg];
        return 0;
    case X86_MM:
        v->q[0] = cpu->fpu.st[o->reg].significand;
        return 0;
    case X86_MEM:
        return get_memory(cpu, op, o->size, aligned, v);
    default:
        return x86_get(cpu, op, i, &v->q[0]);
    }
}

static int put_memory(struct x86_cpu *cpu, const struct x86_op *op,
                      unsigned size, bool aligned, const struct x86_xmm *v)
{
    enum x86_seg seg = (enum x86_seg)op->seg;
    uint64_t offset = x86_offset(cpu, op);
    uint8_t bytes[16], *host;

    if (size < 16)
        return x86_write(cpu, seg, offset, size, v->q[0]);
    if (aligned)
        TRY(x86_sse_aligned(cpu, op, offset));
    host = sixteen(cpu, seg, offset, 1);
    store_le64(host ? host : bytes, v->q[0]);
    store_le64((host ? host : bytes) + 8, v->q[1]);
    return host ? 0 : x86_write_bytes(cpu, seg, offset, 16, bytes);
}

int x86_vector_put(struct x86_cpu *cpu, const struct x86_op *op, unsigned i,
                   bool aligned, struct x86_xmm v)
{
    const struct x86_operand *o = &op->operand[i];

    switch (o->kind) {
    case X86_XMM:
        cpu->xmm[o->reg] = v;
        return 0;
    case X86_MM:
        cpu->fpu.st[o->reg] =
            (struct x86_f80){.significand = v.q[0], .exponent = 0xFFFF};
        return 0;
    case X86_MEM:
        return put_memory(cpu, op, o->size, aligned, &v);
    default:
        return x86_put(cpu, op, i, v.q[0]);
    }
}

/* ---- MXCSR ---- */

struct x86_real_env x86_sse_env(const struct x86_cpu *cpu)
{
    uint32_t m = cpu->mxcsr;

    return (struct x86_real_env){.rounding = m >> 13 & 3,
                                 .precision = 64,
                                 .masks = m >> 7 & X86_FP_ALL,
                                 .daz = m & X86_MXCSR_DAZ,
                                 .ftz = m & X86_MXCSR_FTZ};
}

int x86_sse_settle(struct x86_cpu *cpu, const struct x86_real_env *env)
{
    uint8_t flags = env->flags;

    if (flags & ~env->masks & X86_FP_BEFORE) /* nothing has been computed */
        flags &= X86_FP_BEFORE;
    cpu->mxcsr |= flags;
    if (LIKELY(!x86_real_stops(env)))
        return 0;
    return x86_raise(cpu, cpu->state.cr4 & X86_CR4_OSXMMEXCPT ? X86_EXC_XM
                                                              : X86_EXC_UD);
}
