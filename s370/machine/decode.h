/* Decoding by format, inline: for the table's decoder and the fast driver. */
#ifndef S370_MACHINE_DECODE_H
#define S370_MACHINE_DECODE_H

#include "base/bytes.h"
#include "s370/machine/cpu.h"
#include "s370/machine/insn.h"

#define S370_INLINE static inline __attribute__((always_inline))

/* Register 0 as base or index means that there is none (GA22-7000, "Address
 * Generation"). */
S370_INLINE uint8_t s370_decode_base(unsigned field)
{
    return (uint8_t)(field ? field : S370_GR_ZERO);
}

S370_INLINE void s370_decode_second(const uint8_t *p, struct s370_decoded *d)
{
    uint16_t half = load_be16(p);

    d->b2 = s370_decode_base(half >> 12);
    d->d2 = half & 0xFFF;
}

S370_INLINE void s370_decode_first(const uint8_t *p, struct s370_decoded *d)
{
    uint16_t half = load_be16(p);

    d->b1 = s370_decode_base(half >> 12);
    d->d1 = half & 0xFFF;
}

/* Take the fields of a format from the instruction; d->op is not set. */
S370_INLINE void s370_decode_as(enum s370_format format, const uint8_t *p,
                                struct s370_decoded *d)
{
    d->r1 = p[1] >> 4;
    d->r2 = p[1] & 0xF;
    d->imm = p[1];
    d->x2 = d->b1 = d->b2 = S370_GR_ZERO;
    d->d1 = d->d2 = 0;
    switch (format) {
    case S370_FMT_RX:
    case S370_FMT_RX_M:
        d->x2 = s370_decode_base(p[1] & 0xF);
        s370_decode_second(p + 2, d);
        break;
    case S370_FMT_RS:
    case S370_FMT_RS_R1:
    case S370_FMT_RS_M:
    case S370_FMT_S:
    case S370_FMT_S_0:
        s370_decode_second(p + 2, d);
        break;
    case S370_FMT_SI:
        s370_decode_first(p + 2, d);
        break;
    case S370_FMT_SS_L:
    case S370_FMT_SS_LL:
    case S370_FMT_SS_LI:
        s370_decode_first(p + 2, d);
        s370_decode_second(p + 4, d);
        break;
    default:
        break;
    }
}

#endif
