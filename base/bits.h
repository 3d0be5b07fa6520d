/* Bit fields in the numbering of the manual at hand.
 *
 * IBM numbers bits from the left, bit 0 the most significant; Intel and AMD
 * from the right.  A field is written as the manual writes it: PSW bits 8-11
 * are ibm64(psw, 8, 11). */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include "base/types.h"

#define BITS_MASK(width) \
    ((width) >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << (width)) - 1)

/* Bits first..last of a word of 32 or 64 bits, first <= last. */
static inline uint32_t ibm32(uint32_t word, unsigned first, unsigned last)
{
    return (uint32_t)(word >> (31 - last) & BITS_MASK(last - first + 1));
}

static inline uint64_t ibm64(uint64_t word, unsigned first, unsigned last)
{
    return word >> (63 - last) & BITS_MASK(last - first + 1);
}

/* The field's value, placed; values too wide are cut. */
static inline uint32_t ibm32_put(unsigned first, unsigned last, uint32_t v)
{
    return (uint32_t)((v & BITS_MASK(last - first + 1)) << (31 - last));
}

static inline uint64_t ibm64_put(unsigned first, unsigned last, uint64_t v)
{
    return (v & BITS_MASK(last - first + 1)) << (63 - last);
}

/* Bits high..low in Intel's numbering, high >= low. */
static inline uint64_t intel64(uint64_t word, unsigned high, unsigned low)
{
    return word >> low & BITS_MASK(high - low + 1);
}

#endif
