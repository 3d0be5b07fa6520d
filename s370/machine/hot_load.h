/* Loading and storing registers (GA22-7000, "General Instructions"). */
#ifndef S370_MACHINE_HOT_LOAD_H
#define S370_MACHINE_HOT_LOAD_H

#include "s370/machine/body.h"

BODY(lr)
{
    cpu->gr[d->r1] = cpu->gr[d->r2];
    return 0;
}

BODY(ltr)
{
    cpu->gr[d->r1] = cpu->gr[d->r2];
    cpu->psw.cc = s370_cc_sign(cpu->gr[d->r1]);
    return 0;
}

static inline int load_complement(struct s370_cpu *cpu, unsigned r1, uint32_t v)
{
    cpu->gr[r1] = 0 - v;
    if (UNLIKELY(v == 0x80000000))
        return s370_fixed_overflow(cpu);
    cpu->psw.cc = s370_cc_sign(0 - v);
    return 0;
}

BODY(lcr)
{
    return load_complement(cpu, d->r1, cpu->gr[d->r2]);
}

BODY(lpr)
{
    uint32_t v = cpu->gr[d->r2];

    if (v >> 31)
        return load_complement(cpu, d->r1, v);
    cpu->gr[d->r1] = v;
    cpu->psw.cc = s370_cc_sign(v);
    return 0;
}

BODY(lnr)
{
    uint32_t v = cpu->gr[d->r2];

    cpu->gr[d->r1] = v >> 31 ? v : 0 - v;
    cpu->psw.cc = v != 0;
    return 0;
}

BODY(la)
{
    cpu->gr[d->r1] = s370_ea2(cpu, d);
    return 0;
}

BODY(l)
{
    uint32_t v;

    TRY(s370_load32(cpu, s370_ea2(cpu, d), &v));
    cpu->gr[d->r1] = v;
    return 0;
}

BODY(lh)
{
    uint16_t v;

    TRY(s370_load16(cpu, s370_ea2(cpu, d), &v));
    cpu->gr[d->r1] = (uint32_t)(int32_t)(int16_t)v;
    return 0;
}

BODY(ic)
{
    uint8_t v;

    TRY(s370_load8(cpu, s370_ea2(cpu, d), &v));
    cpu->gr[d->r1] = (cpu->gr[d->r1] & 0xFFFFFF00) | v;
    return 0;
}

BODY(st)
{
    return s370_store32(cpu, s370_ea2(cpu, d), cpu->gr[d->r1]);
}

BODY(sth)
{
    return s370_store16(cpu, s370_ea2(cpu, d), (uint16_t)cpu->gr[d->r1]);
}

BODY(stc)
{
    return s370_store8(cpu, s370_ea2(cpu, d), (uint8_t)cpu->gr[d->r1]);
}

/* R1 ... R3, register 0 following 15. */
static inline unsigned multiple_count(const struct s370_decoded *d)
{
    return (unsigned)((d->r2 - d->r1) & 15) + 1;
}

BODY(lm)
{
    uint32_t a = s370_ea2(cpu, d);
    unsigned n = multiple_count(d);
    uint8_t bytes[64];
    const uint8_t *p = s370_fast(cpu, a, 4 * n, false);

    if (UNLIKELY(!p)) {
        TRY(s370_load_bytes(cpu, a, 4 * n, bytes));
        p = bytes;
    }
    for (unsigned i = 0; i < n; i++)
        cpu->gr[(d->r1 + i) & 15] = load_be32(p + 4 * i);
    return 0;
}

BODY(stm)
{
    uint32_t a = s370_ea2(cpu, d);
    unsigned n = multiple_count(d);
    uint8_t bytes[64];
    uint8_t *p = s370_fast(cpu, a, 4 * n, true), *to = p ? p : bytes;

    for (unsigned i = 0; i < n; i++)
        store_be32(to + 4 * i, cpu->gr[(d->r1 + i) & 15]);
    return LIKELY(p) ? 0 : s370_store_bytes(cpu, a, 4 * n, bytes);
}

/* The bytes of R1 that a mask selects, left-aligned in *v; how many. */
static inline unsigned masked_bytes(uint32_t word, unsigned mask, uint32_t *v)
{
    unsigned n = 0;

    *v = 0;
    for (unsigned i = 0; i < 4; i++)
        if (mask & (8 >> i))
            *v |= (word >> (24 - 8 * i) & 0xFF) << (24 - 8 * n++);
    return n;
}

/* As many bytes as the mask selects, left-aligned.  With no mask bit one byte
 * is checked and nothing is taken (GA22-7000, "Insert Characters under
 * Mask"; we do the same for COMPARE and STORE). */
static inline int load_masked(struct s370_cpu *cpu, uint32_t a, unsigned mask,
                              uint32_t *v)
{
    unsigned n = (unsigned)__builtin_popcount(mask);
    uint8_t bytes[4] = {0};

    TRY(s370_load_bytes(cpu, a, n ? n : 1, bytes));
    *v = n ? load_be32(bytes) : 0;
    return 0;
}

BODY(icm)
{
    unsigned mask = d->r2, n = 0;
    uint32_t v, a = s370_ea2(cpu, d), word = cpu->gr[d->r1];

    if (LIKELY(mask == 15))
        TRY(s370_load32(cpu, a, &v));
    else
        TRY(load_masked(cpu, a, mask, &v));
    for (unsigned i = 0; i < 4; i++)
        if (mask & (8 >> i)) {
            unsigned shift = 24 - 8 * i;

            word &= ~(0xFFu << shift);
            word |= (v >> (24 - 8 * n++) & 0xFF) << shift;
        }
    cpu->gr[d->r1] = word;
    cpu->psw.cc = s370_cc_sign(v);
    return 0;
}

BODY(stcm)
{
    uint32_t v, a = s370_ea2(cpu, d);
    unsigned n = masked_bytes(cpu->gr[d->r1], d->r2, &v);
    uint8_t bytes[4];

    if (n == 4)
        return s370_store32(cpu, a, v);
    if (n == 0)
        return s370_check_store(cpu, a, 1);
    store_be32(bytes, v);
    return s370_store_bytes(cpu, a, n, bytes);
}

BODY(clm)
{
    uint32_t v, w;

    (void)masked_bytes(cpu->gr[d->r1], d->r2, &v);
    TRY(load_masked(cpu, s370_ea2(cpu, d), d->r2, &w));
    cpu->psw.cc = S370_CC_COMPARE(v, w);
    return 0;
}

#endif
