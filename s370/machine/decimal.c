/* Packed decimal fields to integers and back. */
#include "s370/machine/decimal.h"

#include <assert.h>

enum {
    SIGN_PLUS = 0xC, /* preferred; A, E and F are plus too */
    SIGN_MINUS = 0xD,
    SIGN_MINUS_ALTERNATE = 0xB,
    LIMB_DIGITS = 16 /* as many as fit 64 bits with room to divide */
};

#define LIMB UINT64_C(10000000000000000)

unsigned __int128 decimal_power(unsigned n)
{
    unsigned __int128 p = 1;

    assert(n <= DECIMAL_DIGITS_MAX + 1);
    while (n--)
        p *= 10;
    return p;
}

bool decimal_unpack(const uint8_t *field, unsigned bytes, struct decimal *v)
{
    unsigned digits = decimal_digits(bytes);
    unsigned __int128 sum = 0;

    assert(bytes >= 1 && bytes <= DECIMAL_BYTES_MAX);
    for (unsigned i = 0; i < digits; i++) {
        unsigned digit = i % 2 ? field[i / 2] & 0xF : field[i / 2] >> 4;

        if (digit > 9)
            return false;
        sum = sum * 10 + digit;
    }
    unsigned sign = field[bytes - 1] & 0xF;
    v->magnitude = sum;
    v->negative = sign == SIGN_MINUS || sign == SIGN_MINUS_ALTERNATE;
    return sign > 9;
}

void decimal_pack(const struct decimal *v, uint8_t *field, unsigned bytes)
{
    unsigned digits = decimal_digits(bytes);
    unsigned __int128 rest = v->magnitude;
    uint64_t limb = 0;

    assert(bytes >= 1 && bytes <= DECIMAL_BYTES_MAX);
    field[bytes - 1] = v->negative ? SIGN_MINUS : SIGN_PLUS;
    for (unsigned i = 0; i < digits; i++) { /* from the right */
        unsigned at = digits - 1 - i;

        if (i % LIMB_DIGITS == 0) {
            limb = (uint64_t)(rest % LIMB);
            rest /= LIMB;
        }
        if (at % 2)
            field[at / 2] = (uint8_t)(limb % 10);
        else
            field[at / 2] |= (uint8_t)(limb % 10 << 4);
        limb /= 10;
    }
}
