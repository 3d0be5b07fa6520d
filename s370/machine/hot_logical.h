/* Bits and unsigned numbers (GA22-7000, "General Instructions"). */
#ifndef S370_MACHINE_HOT_LOGICAL_H
#define S370_MACHINE_HOT_LOGICAL_H

#include "s370/machine/body.h"

#define OP_AND(a, b) ((a) & (b))
#define OP_OR(a, b)  ((a) | (b))
#define OP_XOR(a, b) ((a) ^ (b))

/* The forms with a register, a word, and an immediate byte. */
#define LOGICAL_RR(op, does)                                   \
    BODY(op)                                                   \
    {                                                          \
        cpu->gr[d->r1] = does(cpu->gr[d->r1], cpu->gr[d->r2]); \
        cpu->psw.cc = cpu->gr[d->r1] != 0;                     \
        return 0;                                              \
    }
#define LOGICAL_RX(op, does)                         \
    BODY(op)                                         \
    {                                                \
        uint32_t v;                                  \
                                                     \
        TRY(s370_load32(cpu, s370_ea2(cpu, d), &v)); \
        cpu->gr[d->r1] = does(cpu->gr[d->r1], v);    \
        cpu->psw.cc = cpu->gr[d->r1] != 0;           \
        return 0;                                    \
    }
#define LOGICAL_SI(op, does)                          \
    BODY(op)                                          \
    {                                                 \
        struct s370_span s;                           \
        uint32_t a = s370_ea1(cpu, d);                \
        uint8_t *p = s370_fast(cpu, a, 1, true);      \
                                                      \
        if (UNLIKELY(!p)) {                           \
            TRY(s370_span_open(cpu, a, 1, true, &s)); \
            p = s.part[0];                            \
        }                                             \
        *p = (uint8_t)does(*p, d->imm);               \
        cpu->psw.cc = *p != 0;                        \
        return 0;                                     \
    }

LOGICAL_RR(nr, OP_AND)
LOGICAL_RX(n, OP_AND)
LOGICAL_SI(ni, OP_AND)
LOGICAL_RR(or, OP_OR)
LOGICAL_RX(o, OP_OR)
LOGICAL_SI(oi, OP_OR)
LOGICAL_RR(xr, OP_XOR)
LOGICAL_RX(x, OP_XOR)
LOGICAL_SI(xi, OP_XOR)

BODY(clr)
{
    cpu->psw.cc = S370_CC_COMPARE(cpu->gr[d->r1], cpu->gr[d->r2]);
    return 0;
}

BODY(cl)
{
    uint32_t v;

    TRY(s370_load32(cpu, s370_ea2(cpu, d), &v));
    cpu->psw.cc = S370_CC_COMPARE(cpu->gr[d->r1], v);
    return 0;
}

BODY(cli)
{
    uint8_t v;

    TRY(s370_load8(cpu, s370_ea1(cpu, d), &v));
    cpu->psw.cc = S370_CC_COMPARE(v, d->imm);
    return 0;
}

BODY(tm)
{
    uint8_t v;

    TRY(s370_load8(cpu, s370_ea1(cpu, d), &v));
    v &= d->imm;
    cpu->psw.cc = v == 0 ? 0 : v == d->imm ? 3 : 1;
    return 0;
}

#endif
