/* What bodies of general instructions have in common. */
#ifndef S370_MACHINE_BODY_H
#define S370_MACHINE_BODY_H

#include "s370/machine/access.h"
#include "s370/machine/decode.h"
#include "s370/machine/per.h"

/* A body that the fast driver contains; see hot.def. */
#define BODY(op)                                    \
    S370_INLINE int body_##op(struct s370_cpu *cpu, \
                              const struct s370_decoded *d)

/* The condition code of a signed result: zero, less, greater. */
static inline uint8_t s370_cc_sign(uint32_t v)
{
    return (uint8_t)(v >> 31 | (uint32_t)((int32_t)v > 0) << 1);
}

/* Of a comparison: equal, first low, first high. */
#define S370_CC_COMPARE(a, b) ((uint8_t)((a) < (b) ? 1 : (a) > (b) ? 2 : 0))

/* An even-odd pair of registers as one number; r is even. */
static inline uint64_t s370_pair(const struct s370_cpu *cpu, unsigned r)
{
    return (uint64_t)cpu->gr[r] << 32 | cpu->gr[r + 1];
}

static inline void s370_set_pair(struct s370_cpu *cpu, unsigned r, uint64_t v)
{
    cpu->gr[r] = (uint32_t)(v >> 32);
    cpu->gr[r + 1] = (uint32_t)v;
}

/* Overflow: CC 3, and an interruption if the program mask asks for it. */
static inline int s370_fixed_overflow(struct s370_cpu *cpu)
{
    cpu->psw.cc = 3;
    return cpu->psw.program_mask & S370_PM_FIXED ? S370_PGM_FIXED_OVERFLOW : 0;
}

static inline void s370_branch(struct s370_cpu *cpu, uint32_t target)
{
    cpu->psw.ia = target & S370_ADDRESS_MASK;
    if (UNLIKELY(cpu->context & S370_CONTEXT_PER))
        s370_per_branch(cpu);
}

#endif
