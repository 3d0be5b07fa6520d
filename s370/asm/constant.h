/* Constants of DC, DS and literals (GC33-4010, "DC Instruction"). */
#ifndef S370_ASM_CONSTANT_H
#define S370_ASM_CONSTANT_H

#include "s370/asm/expr.h"

/* One operand of a DC or DS: duplication, type, modifiers, nominal values. */
struct constant {
    uint32_t copies;
    char type;           /* upper case */
    bool has_length;     /* a length modifier was given: no alignment */
    uint32_t length;     /* of the first value: L' */
    unsigned align;      /* 1, 2, 4, 8 */
    int scale, exponent; /* modifiers */
    const char *value;   /* inside the apostrophes or parentheses; NULL: none */
    size_t value_len;
    uint32_t values_size; /* bytes of all values, once */
};

/* Read the operand at s->p; complains and returns false when it is wrong.
 * needs_value: a DC or literal. */
MUST_USE bool constant_read(struct scan *s, struct constant *c,
                            bool needs_value);

/* Bytes with all copies; below 2^32 * 2^24. */
uint64_t constant_size(const struct constant *c);

/* Make the bytes of all values once, into out[0..c->values_size), for the
 * location s->section, s->loc; address constants go into the relocation
 * dictionary.  Complains and returns false when a value is wrong. */
MUST_USE bool constant_encode(struct scan *s, const struct constant *c,
                              uint8_t *out);

/* Do the values depend on where the constant is (A, Y, S, V)? */
bool constant_is_address(const struct constant *c);

#endif
