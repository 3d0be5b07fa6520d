/* Moving, combining, comparing and translating bytes in storage (GA22-7000,
 * "General Instructions"): the forms with two storage operands. */
#include "s370/machine/access.h"
#include "s370/machine/hot_move.h"

/* The source is opened first, for nothing may go wrong once the destination's
 * change bit is set.  Which operand's exception is reported when both have one
 * is open. */
static int open_two(struct s370_cpu *cpu, uint32_t to, uint32_t from,
                    unsigned len, struct s370_span *t, struct s370_span *f)
{
    TRY(s370_span_open(cpu, from, len, false, f));
    return s370_span_open(cpu, to, len, true, t);
}

int s370_move_slow(struct s370_cpu *cpu, uint32_t to, uint32_t from,
                   unsigned len)
{
    struct s370_span t, f;

    TRY(open_two(cpu, to, from, len, &t, &f));
    for (unsigned i = 0; i < len; i++)
        *s370_span_at(&t, i) = *s370_span_at(&f, i);
    return 0;
}

/* Each byte of the first operand becomes `does` of both. */
#define COMBINE(op, does)                                                    \
    int op_##op(struct s370_cpu *cpu, const struct s370_decoded *d)          \
    {                                                                        \
        struct s370_span t, f;                                               \
        unsigned len = d->imm + 1u;                                          \
                                                                             \
        TRY(open_two(cpu, s370_ea1(cpu, d), s370_ea2(cpu, d), len, &t, &f)); \
        for (unsigned i = 0; i < len; i++) {                                 \
            uint8_t *p = s370_span_at(&t, i), q = *s370_span_at(&f, i);      \
                                                                             \
            *p = (uint8_t)(does);                                            \
        }                                                                    \
        return 0;                                                            \
    }

COMBINE(mvn, (*p & 0xF0) | (q & 0x0F))
COMBINE(mvz, (*p & 0x0F) | (q & 0xF0))

/* Alike, and CC says whether any byte of the result is not zero. */
#define LOGICAL(op, does)                                                    \
    int op_##op(struct s370_cpu *cpu, const struct s370_decoded *d)          \
    {                                                                        \
        struct s370_span t, f;                                               \
        unsigned len = d->imm + 1u;                                          \
        uint8_t any = 0;                                                     \
                                                                             \
        TRY(open_two(cpu, s370_ea1(cpu, d), s370_ea2(cpu, d), len, &t, &f)); \
        for (unsigned i = 0; i < len; i++) {                                 \
            uint8_t *p = s370_span_at(&t, i);                                \
                                                                             \
            any |= *p = *p does * s370_span_at(&f, i);                       \
        }                                                                    \
        cpu->psw.cc = any != 0;                                              \
        return 0;                                                            \
    }

LOGICAL(nc, &)
LOGICAL(oc, |)
LOGICAL(xc, ^)

int s370_compare_slow(struct s370_cpu *cpu, uint32_t a, uint32_t b,
                      unsigned len)
{
    uint8_t p[256], q[256];
    int order;

    TRY(s370_load_bytes(cpu, a, len, p));
    TRY(s370_load_bytes(cpu, b, len, q));
    order = __builtin_memcmp(p, q, len);
    cpu->psw.cc = order == 0 ? 0 : order < 0 ? 1 : 2;
    return 0;
}
