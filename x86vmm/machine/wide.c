#include "x86vmm/machine/wide.h"

struct x86_wide x86_wide_normal(bool negative, int32_t exponent, x86_u128 v)
{
    uint64_t high = (uint64_t)(v >> 64);
    int zeros;

    if (!v)
        return (struct x86_wide){.negative = negative};
    zeros = high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)v);
    return (struct x86_wide){negative, exponent - zeros, v << zeros};
}

struct x86_wide x86_wide_int(int64_t v)
{
    uint64_t magnitude = v < 0 ? -(uint64_t)v : (uint64_t)v;

    return x86_wide_normal(v < 0, 127, magnitude);
}

x86_u128 x86_shift_jam(x86_u128 v, int32_t n)
{
    if (n <= 0)
        return v;
    if (n >= 128)
        return v != 0;
    return v >> n | ((v << (128 - n)) != 0);
}

/* Both are moved right by one, to have room for a carry. */
struct x86_wide x86_wide_add(struct x86_wide a, struct x86_wide b)
{
    x86_u128 x, y;

    if (!a.significand || !b.significand)
        return a.significand ? a : b;
    if (a.exponent < b.exponent) {
        struct x86_wide t = a;

        a = b;
        b = t;
    }
    x = x86_shift_jam(a.significand, 1);
    y = x86_shift_jam(b.significand, a.exponent - b.exponent + 1);
    if (a.negative == b.negative)
        return x86_wide_normal(a.negative, a.exponent + 1, x + y);
    if (x >= y)
        return x86_wide_normal(a.negative, a.exponent + 1, x - y);
    return x86_wide_normal(b.negative, a.exponent + 1, y - x);
}

struct x86_wide x86_wide_sub(struct x86_wide a, struct x86_wide b)
{
    b.negative = !b.negative;
    return x86_wide_add(a, b);
}

struct x86_wide x86_wide_mul(struct x86_wide a, struct x86_wide b)
{
    uint64_t ah = (uint64_t)(a.significand >> 64), al = (uint64_t)a.significand;
    uint64_t bh = (uint64_t)(b.significand >> 64), bl = (uint64_t)b.significand;
    x86_u128 low = (x86_u128)al * bl, m1 = (x86_u128)ah * bl;
    x86_u128 m2 = (x86_u128)al * bh, high = (x86_u128)ah * bh;
    x86_u128 middle = (low >> 64) + (uint64_t)m1 + (uint64_t)m2;

    high += (m1 >> 64) + (m2 >> 64) + (middle >> 64);
    high |= (uint64_t)middle || (uint64_t)low;
    return x86_wide_normal(a.negative != b.negative,
                           a.exponent + b.exponent + 1, high);
}

/* Long division; the rest may need a 129th bit, which is `carry`. */
struct x86_wide x86_wide_div(struct x86_wide a, struct x86_wide b)
{
    x86_u128 rest = a.significand, d = b.significand, q = 0;
    bool carry = false;

    for (unsigned i = 0; i < 128; i++) {
        q <<= 1;
        if (carry || rest >= d) {
            rest -= d;
            q |= 1;
        }
        carry = rest >> 127;
        rest <<= 1;
    }
    q |= rest != 0 || carry;
    return x86_wide_normal(a.negative != b.negative, a.exponent - b.exponent,
                           q);
}

struct x86_wide x86_wide_div_int(struct x86_wide a, uint32_t d)
{
    x86_u128 q = a.significand / d;

    return x86_wide_normal(a.negative, a.exponent,
                           q | (a.significand % d != 0));
}
