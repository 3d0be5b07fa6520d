/* One instruction, executed on one state of a described machine. */
#ifndef POPEK_GOLDBERG_JUDGE_EVAL_H
#define POPEK_GOLDBERG_JUDGE_EVAL_H

#include "popek-goldberg/language/isa.h"

/* mem[i] is the word that mem[i] of the program reaches: base + i.  What lies
 * outside the window is out of every instruction's reach, hence not here. */
struct isa_state {
    uint64_t v[ISA_ELEMENTS];
    uint64_t mem[ISA_CELLS];
    uint64_t unknown;     /* bit i: v[i] is unpredictable, and 0 */
    unsigned unknown_mem; /* the same of mem */
    unsigned q;           /* words of storage of the whole machine */
};

enum isa_ending {
    ISA_DONE,
    ISA_TRAPPED, /* nothing changed; the trap swaps the PSW, and is not here */
    ISA_ANYTHING /* unpredictable: it need not trap */
};

struct isa_result {
    enum isa_ending ending;
    unsigned trap;          /* of the machine's, when trapped */
    struct isa_state state; /* when trapped or anything: as before */
};

/* `operands` has the values of the encoding's operands. */
void isa_step(const struct isa *isa, const struct isa_encoding *code,
              enum isa_scale scale, const uint64_t *operands,
              const struct isa_state *in, struct isa_result *out);

/* The value of one expression in this state; false: it takes a memory trap. */
bool isa_value(const struct isa *isa, enum isa_scale scale,
               const uint64_t *operands, const struct isa_state *in,
               const struct isa_expr *e, uint64_t *value);

#endif
