/* Hexadecimal floating-point numbers (GA22-7000, "Floating-Point
 * Instructions", "Data Format"), held as integers: no host floating point.
 *
 * The value is fraction * 16 ** (characteristic - 64 - length): the fraction
 * is an integer of `length` hexadecimal digits. */
#ifndef S370_MACHINE_HFP_H
#define S370_MACHINE_HFP_H

#include "s370/machine/cpu.h"

/* Hexadecimal digits in the fraction. */
enum hfp_length { HFP_SHORT = 6, HFP_LONG = 14, HFP_EXTENDED = 28 };

struct hfp {
    unsigned __int128 fraction;
    int characteristic; /* 0..127 in a register; any value on the way */
    bool negative;
};

/* Floating-point registers as operands: numbers 0, 2, 4, 6, for extended ones
 * 0 and 4; anything else is a specification exception. */
bool hfp_register_valid(unsigned r, enum hfp_length length);
struct hfp hfp_get(const struct s370_cpu *cpu, unsigned r,
                   enum hfp_length length);
/* The low-order half of a register is left alone by a short result.  The
 * low-order part of an extended result has the same sign, and a
 * characteristic that is 14 less, modulo 128.  The characteristic wraps. */
void hfp_put(struct s370_cpu *cpu, unsigned r, enum hfp_length length,
             const struct hfp *v);

/* First operand from register R1, second from register or storage according
 * to the instruction's length (2: RR), both of `length`; extended ones exist
 * in registers only.  0 or a program-interruption code. */
MUST_USE int hfp_operands(struct s370_cpu *cpu, const struct s370_decoded *d,
                          enum hfp_length length, struct hfp *a, struct hfp *b);

/* Shift left until the leftmost of `digits` digits is not zero; a zero
 * fraction stays as it is. */
void hfp_normalize(struct hfp *v, unsigned digits);

/* Put a result of nonzero fraction in R1 and see whether its characteristic
 * fits: 0, or exponent overflow, or exponent underflow when the program mask
 * has it (without it the result is made a true zero). */
MUST_USE int hfp_finish(struct s370_cpu *cpu, unsigned r,
                        enum hfp_length length, struct hfp *v);
/* Zero with a plus sign and characteristic zero. */
void hfp_put_true_zero(struct s370_cpu *cpu, unsigned r,
                       enum hfp_length length);

#endif
