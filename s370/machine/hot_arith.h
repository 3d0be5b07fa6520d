/* Fixed-point arithmetic (GA22-7000, "General Instructions"). */
#ifndef S370_MACHINE_HOT_ARITH_H
#define S370_MACHINE_HOT_ARITH_H

#include "s370/machine/body.h"

static inline int add(struct s370_cpu *cpu, unsigned r1, uint32_t v)
{
    int32_t sum;
    bool over = __builtin_add_overflow((int32_t)cpu->gr[r1], (int32_t)v, &sum);

    cpu->gr[r1] = (uint32_t)sum;
    if (UNLIKELY(over))
        return s370_fixed_overflow(cpu);
    cpu->psw.cc = s370_cc_sign((uint32_t)sum);
    return 0;
}

static inline int subtract(struct s370_cpu *cpu, unsigned r1, uint32_t v)
{
    int32_t diff;
    bool over = __builtin_sub_overflow((int32_t)cpu->gr[r1], (int32_t)v, &diff);

    cpu->gr[r1] = (uint32_t)diff;
    if (UNLIKELY(over))
        return s370_fixed_overflow(cpu);
    cpu->psw.cc = s370_cc_sign((uint32_t)diff);
    return 0;
}

/* CC bit 0: carry; bit 1: result not zero. */
static inline int add_logical(struct s370_cpu *cpu, unsigned r1, uint32_t v)
{
    uint32_t sum = cpu->gr[r1] + v;

    cpu->psw.cc = (uint8_t)((sum < v ? 2 : 0) | (sum != 0));
    cpu->gr[r1] = sum;
    return 0;
}

/* As the first operand plus the complement of the second plus one: CC 0 cannot
 * happen. */
static inline int subtract_logical(struct s370_cpu *cpu, unsigned r1,
                                   uint32_t v)
{
    uint32_t diff = cpu->gr[r1] - v;

    cpu->psw.cc = (uint8_t)((cpu->gr[r1] >= v ? 2 : 0) | (diff != 0));
    cpu->gr[r1] = diff;
    return 0;
}

static inline int multiply(struct s370_cpu *cpu, unsigned r1, uint32_t v)
{
    if (r1 & 1)
        return S370_PGM_SPECIFICATION;
    s370_set_pair(cpu, r1,
                  (uint64_t)((int64_t)(int32_t)cpu->gr[r1 + 1] * (int32_t)v));
    return 0;
}

static inline int divide(struct s370_cpu *cpu, unsigned r1, uint32_t v)
{
    int64_t dividend = (int64_t)s370_pair(cpu, r1);
    int32_t divisor = (int32_t)v;

    if (divisor == 0 || (divisor == -1 && dividend == INT64_MIN))
        return S370_PGM_FIXED_DIVIDE;
    int64_t quotient = dividend / divisor;
    if (quotient != (int32_t)quotient)
        return S370_PGM_FIXED_DIVIDE;
    cpu->gr[r1] = (uint32_t)(dividend % divisor);
    cpu->gr[r1 + 1] = (uint32_t)quotient;
    return 0;
}

static inline int compare(struct s370_cpu *cpu, unsigned r1, uint32_t v)
{
    cpu->psw.cc = S370_CC_COMPARE((int32_t)cpu->gr[r1], (int32_t)v);
    return 0;
}

/* A halfword operand is extended with its sign. */
static inline int load_half(struct s370_cpu *cpu, const struct s370_decoded *d,
                            uint32_t *v)
{
    uint16_t half;

    TRY(s370_load16(cpu, s370_ea2(cpu, d), &half));
    *v = (uint32_t)(int32_t)(int16_t)half;
    return 0;
}

/* The three forms of second operand: register, word, halfword. */
#define ARITH_RR(op, does)                       \
    BODY(op)                                     \
    {                                            \
        return does(cpu, d->r1, cpu->gr[d->r2]); \
    }
#define ARITH_RX(op, does)                           \
    BODY(op)                                         \
    {                                                \
        uint32_t v;                                  \
                                                     \
        TRY(s370_load32(cpu, s370_ea2(cpu, d), &v)); \
        return does(cpu, d->r1, v);                  \
    }
#define ARITH_HALF(op, does)        \
    BODY(op)                        \
    {                               \
        uint32_t v;                 \
                                    \
        TRY(load_half(cpu, d, &v)); \
        return does(cpu, d->r1, v); \
    }

ARITH_RR(ar, add)
ARITH_RX(a, add)
ARITH_HALF(ah, add)
ARITH_RR(sr, subtract)
ARITH_RX(s, subtract)
ARITH_HALF(sh, subtract)
ARITH_RR(alr, add_logical)
ARITH_RX(al, add_logical)
ARITH_RR(slr, subtract_logical)
ARITH_RX(sl, subtract_logical)
ARITH_RR(cr, compare)
ARITH_RX(c, compare)
ARITH_HALF(ch, compare)
ARITH_RR(mr, multiply)

/* R1 is checked before storage is looked at. */
BODY(m)
{
    uint32_t v;

    if (d->r1 & 1)
        return S370_PGM_SPECIFICATION;
    TRY(s370_load32(cpu, s370_ea2(cpu, d), &v));
    return multiply(cpu, d->r1, v);
}

BODY(mh)
{
    uint32_t v;

    TRY(load_half(cpu, d, &v));
    cpu->gr[d->r1] *= v;
    return 0;
}

BODY(dr)
{
    if (d->r1 & 1)
        return S370_PGM_SPECIFICATION;
    return divide(cpu, d->r1, cpu->gr[d->r2]);
}

BODY(d)
{
    uint32_t v;

    if (d->r1 & 1)
        return S370_PGM_SPECIFICATION;
    TRY(s370_load32(cpu, s370_ea2(cpu, d), &v));
    return divide(cpu, d->r1, v);
}

#endif
