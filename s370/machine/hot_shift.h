/* Shifts (GA22-7000, "General Instructions").  The amount is the low 6 bits
 * of the second-operand address. */
#ifndef S370_MACHINE_HOT_SHIFT_H
#define S370_MACHINE_HOT_SHIFT_H

#include "s370/machine/body.h"

static inline unsigned amount(const struct s370_cpu *cpu,
                              const struct s370_decoded *d)
{
    return s370_ea2(cpu, d) & 63;
}

BODY(srl)
{
    cpu->gr[d->r1] = (uint32_t)((uint64_t)cpu->gr[d->r1] >> amount(cpu, d));
    return 0;
}

BODY(sll)
{
    cpu->gr[d->r1] = (uint32_t)((uint64_t)cpu->gr[d->r1] << amount(cpu, d));
    return 0;
}

BODY(srdl)
{
    if (d->r1 & 1)
        return S370_PGM_SPECIFICATION;
    s370_set_pair(cpu, d->r1, s370_pair(cpu, d->r1) >> amount(cpu, d));
    return 0;
}

BODY(sldl)
{
    if (d->r1 & 1)
        return S370_PGM_SPECIFICATION;
    s370_set_pair(cpu, d->r1, s370_pair(cpu, d->r1) << amount(cpu, d));
    return 0;
}

/* Right, with copies of the sign from the left; v is not wider than 64 bits
 * and its sign is its bit 0. */
static inline uint64_t shift_signed(uint64_t v, unsigned n)
{
    uint64_t sign = v >> 63 ? ~UINT64_C(0) : 0;

    return v >> n | (n ? sign << (64 - n) : 0);
}

/* Left, the sign staying; true when a bit unlike it was lost. */
static inline bool shift_kept(uint64_t *v, unsigned n)
{
    uint64_t sign = *v & (UINT64_C(1) << 63), shifted = *v << n;
    bool lost;

    shifted = (shifted & ~(UINT64_C(1) << 63)) | sign;
    lost = shift_signed(shifted, n) != *v;
    *v = shifted;
    return lost;
}

static inline uint8_t cc_long(uint64_t v)
{
    return v >> 63 ? 1 : v ? 2 : 0;
}

BODY(sra)
{
    uint64_t v = (uint64_t)cpu->gr[d->r1] << 32;

    cpu->gr[d->r1] = (uint32_t)(shift_signed(v, amount(cpu, d)) >> 32);
    cpu->psw.cc = s370_cc_sign(cpu->gr[d->r1]);
    return 0;
}

BODY(sla)
{
    uint64_t v = (uint64_t)cpu->gr[d->r1] << 32;
    bool lost = shift_kept(&v, amount(cpu, d));

    cpu->gr[d->r1] = (uint32_t)(v >> 32);
    if (UNLIKELY(lost))
        return s370_fixed_overflow(cpu);
    cpu->psw.cc = s370_cc_sign(cpu->gr[d->r1]);
    return 0;
}

BODY(srda)
{
    uint64_t v;

    if (d->r1 & 1)
        return S370_PGM_SPECIFICATION;
    v = shift_signed(s370_pair(cpu, d->r1), amount(cpu, d));
    s370_set_pair(cpu, d->r1, v);
    cpu->psw.cc = cc_long(v);
    return 0;
}

BODY(slda)
{
    uint64_t v;

    if (d->r1 & 1)
        return S370_PGM_SPECIFICATION;
    v = s370_pair(cpu, d->r1);
    bool lost = shift_kept(&v, amount(cpu, d));
    s370_set_pair(cpu, d->r1, v);
    if (UNLIKELY(lost))
        return s370_fixed_overflow(cpu);
    cpu->psw.cc = cc_long(v);
    return 0;
}

#endif
