#include "s370/asm/number.h"

#include "s370/asm/text.h"

#include <string.h>

enum {
    LIMBS = 72, /* of 32 bits: 80 digits * 10^110 shifted by 1000 bits */
    EXPONENT_MAX = 110,
    SCALE_MAX = 200,
    FRACTION_MAX = 112 /* bits of an extended fraction */
};

/* A natural number, least significant limb first. */
struct big {
    uint32_t limb[LIMBS];
};

static void big_mul_add(struct big *b, uint32_t factor, uint32_t add)
{
    uint64_t carry = add;

    for (unsigned i = 0; i < LIMBS; i++) {
        carry += (uint64_t)b->limb[i] * factor;
        b->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static void big_shift_left(struct big *b, unsigned bits)
{
    unsigned whole = bits / 32, part = bits % 32;

    for (unsigned i = LIMBS; i--;) {
        uint32_t high = i >= whole ? b->limb[i - whole] : 0;
        uint32_t low = i > whole ? b->limb[i - whole - 1] : 0;

        b->limb[i] = part ? high << part | low >> (32 - part) : high;
    }
}

static unsigned big_bits(const struct big *b)
{
    for (unsigned i = LIMBS; i--;)
        if (b->limb[i])
            return i * 32 + 32 - (unsigned)__builtin_clz(b->limb[i]);
    return 0;
}

static int big_compare(const struct big *a, const struct big *b)
{
    for (unsigned i = LIMBS; i--;)
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

static void big_subtract(struct big *a, const struct big *b)
{
    uint64_t borrow = 0;

    for (unsigned i = 0; i < LIMBS; i++) {
        uint64_t d = (uint64_t)a->limb[i] - b->limb[i] - borrow;

        a->limb[i] = (uint32_t)d;
        borrow = d >> 63;
    }
}

/* *q = n / d rounded to nearest, halves up; bit by bit, which is plenty. */
static void big_divide(struct big *n, const struct big *d, struct big *q)
{
    int shift = (int)big_bits(n) - (int)big_bits(d);
    struct big twice;

    memset(q, 0, sizeof(*q));
    for (; shift >= 0; shift--) {
        struct big part = *d;

        big_shift_left(&part, (unsigned)shift);
        if (big_compare(n, &part) < 0)
            continue;
        big_subtract(n, &part);
        q->limb[shift / 32] |= 1u << shift % 32;
    }
    twice = *n;
    big_shift_left(&twice, 1);
    if (big_compare(&twice, d) >= 0)
        big_mul_add(q, 1, 1);
}

/* The number as a quotient of natural numbers. */
static void to_ratio(const struct decimal *d, int exponent, struct big *n,
                     struct big *den)
{
    struct big *grow = exponent < 0 ? den : n;

    memset(n, 0, sizeof(*n));
    memset(den, 0, sizeof(*den));
    den->limb[0] = 1;
    for (unsigned i = 0; i < d->ndigits; i++)
        big_mul_add(n, 10, (uint32_t)(d->digits[i] - '0'));
    for (int i = exponent < 0 ? -exponent : exponent; i; i--)
        big_mul_add(grow, 10, 0);
}

static bool read_exponent(const char *p, const char *end, int *exponent)
{
    bool negative = p < end && *p == '-';
    int n = 0;

    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (p == end)
        return false;
    for (; p < end; p++) {
        if (!asm_is_digit(*p) || n > EXPONENT_MAX)
            return false;
        n = n * 10 + (*p - '0');
    }
    *exponent += negative ? -n : n;
    return true;
}

bool number_read(const char *p, size_t len, struct decimal *d,
                 const char **wrong)
{
    const char *end = p + len;
    bool point = false, any = false;

    memset(d, 0, sizeof(*d));
    d->negative = len && *p == '-';
    if (len && (*p == '-' || *p == '+'))
        p++;
    *wrong = "a decimal number is expected";
    for (; p < end && (asm_is_digit(*p) || (*p == '.' && !point)); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        any = true;
        d->exponent -= point;
        if (!d->ndigits && *p == '0')
            continue;
        if (d->ndigits == sizeof(d->digits)) {
            *wrong = "the number has more than 80 digits";
            return false;
        }
        d->digits[d->ndigits++] = *p;
    }
    if (!any)
        return false;
    if (p == end)
        return true;
    *wrong = "the exponent is wrong";
    return asm_upper(*p) == 'E' && read_exponent(p + 1, end, &d->exponent);
}

static void store(const struct big *b, unsigned length, uint8_t *out)
{
    for (unsigned byte = 0; byte < length; byte++)
        out[length - 1 - byte] = (uint8_t)(b->limb[byte / 4] >> byte % 4 * 8);
}

static bool in_range(int n, int limit)
{
    return n >= -limit && n <= limit;
}

bool number_fixed(const struct decimal *d, int exponent, int scale,
                  unsigned length, uint8_t *out)
{
    struct big n, den, q;

    exponent += d->exponent;
    if (!in_range(exponent, EXPONENT_MAX) || !in_range(scale, SCALE_MAX))
        return false;
    to_ratio(d, exponent, &n, &den);
    big_shift_left(scale < 0 ? &den : &n,
                   (unsigned)(scale < 0 ? -scale : scale));
    big_divide(&n, &den, &q);
    unsigned bits = big_bits(&q);
    store(&q, length, out);
    bool lowest = d->negative && bits == length * 8 && out[0] == 0x80;
    if (d->negative) { /* complement */
        unsigned carry = 1;

        for (unsigned i = length; i--;) {
            carry += (uint8_t)~out[i];
            out[i] = (uint8_t)carry;
            carry >>= 8;
        }
        for (unsigned i = 1; lowest && i < length; i++)
            lowest = !out[i];
    }
    return bits < length * 8 || lowest;
}

/* v = n/den > 0: find the x for which 1/16 <= v / 16^x < 1. */
static int hex_exponent(const struct big *n, const struct big *den)
{
    int bits = (int)big_bits(n) - (int)big_bits(den);
    int x = (bits + (bits < 0 ? -3 : 0)) / 4; /* floor */

    for (;; x++) { /* at most two rounds: v < 16^x ? */
        struct big left = *n, right = *den;

        big_shift_left(x < 0 ? &left : &right, (unsigned)(x < 0 ? -x : x) * 4);
        if (big_compare(&left, &right) < 0)
            return x;
    }
}

/* *q = v / 16^x * 2^bits, rounded. */
static void fraction(const struct big *n, const struct big *den, int x,
                     unsigned bits, struct big *q)
{
    struct big left = *n, right = *den;

    big_shift_left(&left, bits);
    big_shift_left(x < 0 ? &left : &right, (unsigned)(x < 0 ? -x : x) * 4);
    big_divide(&left, &right, q);
}

/* An extended number: the second doubleword has its own characteristic, and
 * the lower 14 digits of the fraction. */
static void split_extended(uint8_t *out, unsigned length)
{
    memmove(out + 9, out + 8, length - 9);
    out[8] = (uint8_t)((out[0] & 0x80) | ((out[0] - 14) & 0x7F));
}

bool number_float(const struct decimal *d, int exponent, int scale,
                  unsigned length, bool extended, uint8_t *out)
{
    bool pair = extended && length > 8;
    unsigned bits = 8 * (length - 1) - (pair ? 8 : 0);
    struct big n, den, q;
    uint8_t digits[1 + FRACTION_MAX / 8 + 1] = {0};

    memset(out, 0, length);
    exponent += d->exponent;
    if (!in_range(exponent, EXPONENT_MAX) || scale < 0 || scale > 14)
        return false;
    to_ratio(d, exponent, &n, &den);
    if (!big_bits(&n)) /* true zero */
        return true;
    int x = hex_exponent(&n, &den) + scale;
    fraction(&n, &den, x, bits, &q);
    if (big_bits(&q) > bits) /* rounded up to 1 */
        fraction(&n, &den, ++x, bits, &q);
    if (x < -64 || x > 63)
        return false;
    store(&q, bits / 8, digits);
    out[0] = (uint8_t)((d->negative ? 0x80 : 0) | (x + 64));
    memcpy(out + 1, digits, bits / 8);
    if (pair)
        split_extended(out, length);
    return true;
}
