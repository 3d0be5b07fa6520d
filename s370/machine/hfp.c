/* What the floating-point instructions have in common. */
#include "s370/machine/hfp.h"
#include "base/bits.h"
#include "s370/machine/access.h"

#include <assert.h>

#define SIGN          UINT64_C(0x8000000000000000)
#define FRACTION_LONG UINT64_C(0x00FFFFFFFFFFFFFF)

/* Sign, characteristic, and the 56 bits of a fraction. */
static uint64_t word_of(bool negative, int characteristic, uint64_t fraction)
{
    return (negative ? SIGN : 0) | ((uint64_t)(characteristic & 0x7F) << 56) |
           fraction;
}

static struct hfp from_long(uint64_t word)
{
    return (struct hfp){.fraction = word & FRACTION_LONG,
                        .characteristic = (int)ibm64(word, 1, 7),
                        .negative = word & SIGN};
}

static struct hfp from_short(uint32_t word)
{
    struct hfp v = from_long((uint64_t)word << 32);

    v.fraction >>= 32;
    return v;
}

/* The sign and characteristic of the low-order part are ignored. */
static struct hfp from_extended(uint64_t high, uint64_t low)
{
    struct hfp v = from_long(high);

    v.fraction = v.fraction << 56 | (low & FRACTION_LONG);
    return v;
}

bool hfp_register_valid(unsigned r, enum hfp_length length)
{
    return length == HFP_EXTENDED ? r == 0 || r == 4 : r < 8 && r % 2 == 0;
}

struct hfp hfp_get(const struct s370_cpu *cpu, unsigned r,
                   enum hfp_length length)
{
    const uint64_t *f = &cpu->fpr[r / 2];

    assert(hfp_register_valid(r, length));
    switch (length) {
    case HFP_SHORT:
        return from_short((uint32_t)(f[0] >> 32));
    case HFP_LONG:
        return from_long(f[0]);
    default:
        return from_extended(f[0], f[1]);
    }
}

void hfp_put(struct s370_cpu *cpu, unsigned r, enum hfp_length length,
             const struct hfp *v)
{
    uint64_t *f = &cpu->fpr[r / 2];
    uint64_t low = (uint64_t)v->fraction & FRACTION_LONG;

    assert(hfp_register_valid(r, length));
    switch (length) {
    case HFP_SHORT:
        f[0] = word_of(v->negative, v->characteristic, low << 32) |
               (f[0] & 0xFFFFFFFF);
        break;
    case HFP_LONG:
        f[0] = word_of(v->negative, v->characteristic, low);
        break;
    case HFP_EXTENDED:
        f[0] = word_of(v->negative, v->characteristic,
                       (uint64_t)(v->fraction >> 56));
        f[1] = word_of(v->negative, v->characteristic - 14, low);
        break;
    }
}

void hfp_put_true_zero(struct s370_cpu *cpu, unsigned r, enum hfp_length length)
{
    uint64_t *f = &cpu->fpr[r / 2];

    f[0] = length == HFP_SHORT ? f[0] & 0xFFFFFFFF : 0;
    if (length == HFP_EXTENDED)
        f[1] = 0;
}

static int operand2(struct s370_cpu *cpu, const struct s370_decoded *d,
                    enum hfp_length length, struct hfp *b)
{
    uint32_t word;
    uint64_t doubleword;

    if (d->len == 2) {
        *b = hfp_get(cpu, d->r2, length);
    } else if (length == HFP_SHORT) {
        TRY(s370_load32(cpu, s370_ea2(cpu, d), &word));
        *b = from_short(word);
    } else {
        TRY(s370_load64(cpu, s370_ea2(cpu, d), &doubleword));
        *b = from_long(doubleword);
    }
    return 0;
}

int hfp_operands(struct s370_cpu *cpu, const struct s370_decoded *d,
                 enum hfp_length length, struct hfp *a, struct hfp *b)
{
    if (!hfp_register_valid(d->r1, length) ||
        (d->len == 2 && !hfp_register_valid(d->r2, length)))
        return S370_PGM_SPECIFICATION;
    *a = hfp_get(cpu, d->r1, length);
    return operand2(cpu, d, length, b);
}

void hfp_normalize(struct hfp *v, unsigned digits)
{
    if (v->fraction == 0)
        return;
    while (v->fraction >> (4 * (digits - 1)) == 0) {
        v->fraction <<= 4;
        v->characteristic--;
    }
}

/* "Exponent-Overflow Exception", "Exponent-Underflow Exception": the result
 * given with the interruption has a characteristic that is 128 too small or
 * too large, which is what wrapping leaves in seven bits. */
int hfp_finish(struct s370_cpu *cpu, unsigned r, enum hfp_length length,
               struct hfp *v)
{
    bool underflow = v->characteristic < 0;

    if (underflow && !(cpu->psw.program_mask & S370_PM_UNDERFLOW)) {
        hfp_put_true_zero(cpu, r, length);
        return 0;
    }
    hfp_put(cpu, r, length, v);
    return underflow                  ? S370_PGM_EXPONENT_UNDERFLOW
           : v->characteristic > 0x7F ? S370_PGM_EXPONENT_OVERFLOW
                                      : 0;
}
