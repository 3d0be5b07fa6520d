/* Packed decimal numbers (GA22-7000, "Decimal Instructions", "Data Format").
 *
 * A field of 1 to 16 bytes holds 1 to 31 digits and a sign; the magnitude is
 * below 10 ** 31 and so fits an integer of 128 bits. */
#ifndef S370_MACHINE_DECIMAL_H
#define S370_MACHINE_DECIMAL_H

#include "base/types.h"

enum { DECIMAL_BYTES_MAX = 16, DECIMAL_DIGITS_MAX = 31 };

struct decimal {
    unsigned __int128 magnitude;
    bool negative; /* a zero may be negative */
};

/* Digits that a packed field of so many bytes (1..16) has. */
static inline unsigned decimal_digits(unsigned bytes)
{
    return 2 * bytes - 1;
}

/* 10 ** n, n 0..32. */
unsigned __int128 decimal_power(unsigned n);

/* Take a number from a packed field.  False: a digit or the sign code is
 * invalid (a data exception). */
MUST_USE bool decimal_unpack(const uint8_t *field, unsigned bytes,
                             struct decimal *v);

/* Put the low-order digits of a number in a packed field, with the preferred
 * sign codes C and D.  Digits that find no room are dropped. */
void decimal_pack(const struct decimal *v, uint8_t *field, unsigned bytes);

#endif
