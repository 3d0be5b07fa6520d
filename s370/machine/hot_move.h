/* Moving and comparing bytes in storage (GA22-7000, "General Instructions"). */
#ifndef S370_MACHINE_HOT_MOVE_H
#define S370_MACHINE_HOT_MOVE_H

#include "s370/machine/body.h"

/* Operands of two spans and up to 256 bytes, byte by byte from the left, which
 * is what the manual says about overlapping ones. */
int s370_move_slow(struct s370_cpu *cpu, uint32_t to, uint32_t from,
                   unsigned len);
int s370_compare_slow(struct s370_cpu *cpu, uint32_t a, uint32_t b,
                      unsigned len);

/* As byte by byte: eight at a time when no byte that is read was written less
 * than eight bytes before; and the usual way to fill a field, from the byte to
 * its left. */
static inline void move_bytes(uint8_t *to, const uint8_t *from, unsigned len)
{
    uintptr_t ahead = (uintptr_t)to - (uintptr_t)from;
    unsigned i = 0;

    if (ahead == 1) {
        __builtin_memset(to, *from, len);
        return;
    }
    if (ahead >= 8)
        for (; i + 8 <= len; i += 8)
            __builtin_memcpy(to + i, from + i, 8);
    for (; i < len; i++)
        to[i] = from[i];
}

BODY(mvi)
{
    return s370_store8(cpu, s370_ea1(cpu, d), d->imm);
}

BODY(mvc)
{
    uint32_t a = s370_ea1(cpu, d), b = s370_ea2(cpu, d);
    unsigned len = d->imm + 1u;
    uint8_t *to = s370_fast(cpu, a, len, true);
    const uint8_t *from = s370_fast(cpu, b, len, false);

    if (UNLIKELY(!to || !from))
        return s370_move_slow(cpu, a, b, len);
    move_bytes(to, from, len);
    return 0;
}

/* Eight bytes compare like the number they are, big-endian. */
BODY(clc)
{
    uint32_t a = s370_ea1(cpu, d), b = s370_ea2(cpu, d);
    unsigned len = d->imm + 1u, i = 0;
    const uint8_t *p = s370_fast(cpu, a, len, false);
    const uint8_t *q = s370_fast(cpu, b, len, false);

    if (UNLIKELY(!p || !q))
        return s370_compare_slow(cpu, a, b, len);
    while (i + 8 <= len && load_be64(p + i) == load_be64(q + i))
        i += 8;
    while (i < len && p[i] == q[i])
        i++;
    cpu->psw.cc = i == len ? 0 : p[i] < q[i] ? 1 : 2;
    return 0;
}

#endif
