/* The transcendental functions of x87, in integers: series with significands
 * of 128 bits, rounded once to 64 as the rounding control says.  The error is
 * that of the last rounding and 2^-100 or so of it, but that arguments of the
 * trigonometric ones are reduced by a pi of 66 bits, as x87 does (Intel SDM
 * vol. 1, 8.3.8 "Approximation of Pi"). */
#ifndef X86VMM_MACHINE_REAL_FUNCTION_H
#define X86VMM_MACHINE_REAL_FUNCTION_H

#include "x86vmm/machine/real.h"

/* sin and cos; tan is their quotient.  False: |x| >= 2^63. */
bool x86_real_sin(struct x86_real_env *env, struct x86_real x,
                  struct x86_real *sine);
bool x86_real_cos(struct x86_real_env *env, struct x86_real x,
                  struct x86_real *cosine);
bool x86_real_tan(struct x86_real_env *env, struct x86_real x,
                  struct x86_real *tangent);
/* The angle of the point (x, y). */
struct x86_real x86_real_atan(struct x86_real_env *env, struct x86_real y,
                              struct x86_real x);
/* 2^x - 1 for -1 <= x <= 1; others, for which the manual leaves the result
 * open, come back as they are. */
struct x86_real x86_real_exp2m1(struct x86_real_env *env, struct x86_real x);
/* y * log2(x), y * log2(x + 1) */
struct x86_real x86_real_ylog2(struct x86_real_env *env, struct x86_real y,
                               struct x86_real x);
struct x86_real x86_real_ylog2p1(struct x86_real_env *env, struct x86_real y,
                                 struct x86_real x);

#endif
