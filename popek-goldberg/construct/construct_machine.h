/* A whole machine as a description has it: all of storage, in absolute words,
 * a program in it, and a trap that swaps the PSW.
 *
 * What the paper leaves open is settled here, for the bare machine, the real
 * one under a monitor, and the virtual one alike:
 * - A PSW is (mode, pc, base, bound).  It has no room in a word of two or three
 *   bits; so the paper's E[0] and E[1] stand beside storage, as `old` and
 *   `new`, and no instruction reaches them but by a trap.
 * - A trap puts the PSW into `old`, with the pc of what trapped, the number of
 *   the trap into `cause`, and loads `new`.  Nothing else changes.
 * - An instruction lies in one word of storage, beside the word's value and
 *   untouched by stores.  It is fetched through base and bound, as mem[pc] is:
 *   where that memory traps, so does the fetch. */
#ifndef POPEK_GOLDBERG_CONSTRUCT_CONSTRUCT_MACHINE_H
#define POPEK_GOLDBERG_CONSTRUCT_CONSTRUCT_MACHINE_H

#include "popek-goldberg/judge/eval.h"

struct construct_insn {
    const struct isa_encoding *code;
    uint64_t operands[ISA_OPERANDS];
};

struct construct_word {
    uint64_t value;
    bool unknown;                      /* unpredictable, and 0 */
    const struct construct_insn *insn; /* NULL: none stands here */
};

struct construct_psw {
    uint64_t v[ISA_BUILT_IN]; /* as elements: ISA_MODE, ISA_PC, ... */
    uint64_t unknown;         /* bit i: v[i] is unpredictable, and 0 */
};

struct construct_machine {
    const struct isa *isa;
    struct isa_state s; /* elements and q; the words are not in its mem */
    struct construct_word *word; /* s.q of them, borrowed */
    struct construct_psw old, new;
    unsigned cause; /* of the last trap */

    /* A fault of the hardware, for trials: where this instruction should be
     * refused in user mode, it does nothing. */
    const struct isa_encoding *no_op;
};

enum construct_ending {
    CONSTRUCT_DONE,
    CONSTRUCT_TRAPPED,
    CONSTRUCT_ANYTHING, /* unpredictable: not gone on with */
    CONSTRUCT_LOST      /* no instruction stands where pc points */
};

struct construct_step {
    enum construct_ending ending;
    unsigned trap;                     /* when trapped */
    const struct construct_insn *insn; /* NULL: the fetch trapped, or lost */
};

struct construct_psw construct_psw(const struct construct_machine *m);
void construct_load_psw(struct construct_machine *m,
                        const struct construct_psw *psw);

/* The word that mem[a] reaches with this base and bound; NULL: it traps. */
struct construct_word *construct_reach(const struct construct_machine *m,
                                       uint64_t base, uint64_t bound,
                                       uint64_t a);

/* The machine's state with the window of storage that its program sees. */
void construct_window(const struct construct_machine *m, struct isa_state *s);

/* The outcome of one instruction, apart from where it stands; *m stays as it
 * is, and r->state has the window of storage that it sees. */
void construct_execute(const struct construct_machine *m,
                       const struct construct_insn *insn, struct isa_result *r);

/* Make an outcome's state the machine's. */
void construct_commit(struct construct_machine *m, const struct isa_state *s);

/* Swap the PSW. */
void construct_trap(struct construct_machine *m, unsigned trap);

/* Fetch, execute, and commit or take the trap. */
void construct_step(struct construct_machine *m, struct construct_step *out);

#endif
