/* The scaled states in which an instruction can tell a difference. */
#ifndef POPEK_GOLDBERG_JUDGE_SPACE_H
#define POPEK_GOLDBERG_JUDGE_SPACE_H

#include "popek-goldberg/judge/eval.h"

enum { SPACE_DIMS = ISA_ELEMENTS + ISA_CELLS + ISA_OPERANDS };

struct space {
    const struct isa *isa;
    /* Elements that are read, that are assigned; used: these, and what a trap
     * replaces. */
    uint64_t read, assigned, used;
    bool memory;
    unsigned dims;
    uint64_t *at[SPACE_DIMS]; /* where a digit of the odometer stands */
    uint64_t radix[SPACE_DIMS];
    uint64_t size; /* product of the radices, at most UINT64_MAX */
    uint64_t operands[ISA_OPERANDS];
    struct isa_state state;
};

/* What the instruction neither reads nor writes stays zero: it can make no
 * difference.  Mode and switches are the caller's.  `held`: enforced resource
 * registers have the monitor's value.  The space must not move. */
void space_open(struct space *s, const struct isa *isa,
                const struct isa_encoding *code, bool held);

/* Go on; false after the last state.  States with something in a word that
 * base and bound put out of reach are passed over. */
bool space_next(struct space *s);

/* How many values of this element are looked at. */
uint64_t space_radix(const struct isa *isa, unsigned element);

#endif
