/* Decimal constants to fixed-point and hexadecimal floating-point numbers,
 * exactly, however many digits. */
#ifndef S370_ASM_NUMBER_H
#define S370_ASM_NUMBER_H

#include "base/types.h"

/* A decimal constant as it is written: [+-]digits[.digits][E[+-]digits]. */
struct decimal {
    bool negative;
    char digits[80]; /* without the point */
    unsigned ndigits;
    int exponent; /* value = digits * 10^exponent */
};

/* Read one at p[0..len); false with *wrong when it is none. */
MUST_USE bool number_read(const char *p, size_t len, struct decimal *d,
                          const char **wrong);

/* d * 10^exponent * 2^scale, rounded, as a two's complement number of
 * `length` bytes (1 to 8).  False: it does not fit. */
MUST_USE bool number_fixed(const struct decimal *d, int exponent, int scale,
                           unsigned length, uint8_t *out);

/* d * 10^exponent as a hexadecimal floating-point number of `length` bytes,
 * rounded (GA22-7000, "Floating-Point Number Representation"); `scale` hexa-
 * decimal digits of zeros are left in front of the fraction.  extended: of the
 * L type, whose bytes 8-15 have a characteristic of their own, 14 less.
 * False: the exponent does not fit. */
MUST_USE bool number_float(const struct decimal *d, int exponent, int scale,
                           unsigned length, bool extended, uint8_t *out);

#endif
