/* Arithmetic with significands of 128 bits, for functions whose results are
 * rounded to 64 afterwards.  Each operation errs by a few units of the last
 * place at most. */
#ifndef X86VMM_MACHINE_WIDE_H
#define X86VMM_MACHINE_WIDE_H

#include "x86vmm/machine/real.h"

static inline struct x86_wide x86_wide_make(int32_t exponent, uint64_t high,
                                            uint64_t low)
{
    return (struct x86_wide){.exponent = exponent,
                             .significand = (x86_u128)high << 64 | low};
}

/* v * 2^(exponent - 127) with its leading zeros taken away. */
struct x86_wide x86_wide_normal(bool negative, int32_t exponent, x86_u128 v);
struct x86_wide x86_wide_int(int64_t v);
/* Right by n places; what falls off is jammed into the last bit. */
x86_u128 x86_shift_jam(x86_u128 v, int32_t n);

struct x86_wide x86_wide_add(struct x86_wide a, struct x86_wide b);
struct x86_wide x86_wide_sub(struct x86_wide a, struct x86_wide b);
struct x86_wide x86_wide_mul(struct x86_wide a, struct x86_wide b);
struct x86_wide x86_wide_div(struct x86_wide a, struct x86_wide b);
struct x86_wide x86_wide_div_int(struct x86_wide a, uint32_t d);

#endif
