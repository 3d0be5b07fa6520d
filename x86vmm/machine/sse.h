/* Vector registers as their instructions see them: MMX, SSE, SSE2 (Intel SDM
 * vol. 1, chapters 9 to 11). */
#ifndef X86VMM_MACHINE_SSE_H
#define X86VMM_MACHINE_SSE_H

#include "x86vmm/machine/fpu.h"

/* MXCSR: flags in bits 0-5, DAZ, masks from bit 7, RC, FTZ. */
#define X86_MXCSR_BITS UINT32_C(0xFFFF)
enum { X86_MXCSR_DAZ = 0x40, X86_MXCSR_FTZ = 0x8000 };

#define X86_CR4_OSFXSR     0x200ull
#define X86_CR4_OSXMMEXCPT 0x400ull

/* May an instruction with XMM registers begin (#UD, #NM)?  With MMX registers
 * (#UD, #NM, #MF)?  With those that its operands are? */
MUST_USE int x86_sse_enter(struct x86_cpu *cpu);
MUST_USE int x86_mmx_enter(struct x86_cpu *cpu);
MUST_USE int x86_vector_enter(struct x86_cpu *cpu, const struct x86_op *op);
/* An MMX instruction has worked: TOP is 0, all registers are valid. */
void x86_mmx_used(struct x86_cpu *cpu);

/* #GP(0) if this offset is not that of a linear address of 16 n. */
MUST_USE int x86_sse_aligned(struct x86_cpu *cpu, const struct x86_op *op,
                             uint64_t offset);

/* Operand i: an XMM or MM register, a general register, or as much of memory
 * as its size says, the rest 0.  Of 16 bytes `aligned` is asked. */
MUST_USE int x86_vector_get(struct x86_cpu *cpu, const struct x86_op *op,
                            unsigned i, bool aligned, struct x86_xmm *v);
/* Into operand i, which is wholly changed. */
MUST_USE int x86_vector_put(struct x86_cpu *cpu, const struct x86_op *op,
                            unsigned i, bool aligned, struct x86_xmm v);

struct x86_real_env x86_sse_env(const struct x86_cpu *cpu);
/* The exceptions into MXCSR: #XM, or #UD without OSXMMEXCPT, if one is not
 * masked. */
MUST_USE int x86_sse_settle(struct x86_cpu *cpu,
                            const struct x86_real_env *env);

/* Lane i of `bits` bits. */
static inline uint64_t x86_lane(const struct x86_xmm *v, unsigned bits,
                                unsigned i)
{
    unsigned at = i * bits;

    return v->q[at / 64] >> at % 64 &
           (bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1);
}

static inline void x86_set_lane(struct x86_xmm *v, unsigned bits, unsigned i,
                                uint64_t lane)
{
    unsigned at = i * bits;
    uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;

    v->q[at / 64] = (v->q[at / 64] & ~(mask << at % 64)) | (lane & mask)
                                                               << at % 64;
}

#endif
