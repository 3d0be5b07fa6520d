/* A random program, and the state that it begins in. */
#ifndef POPEK_GOLDBERG_CONSTRUCT_CONSTRUCT_PROGRAM_H
#define POPEK_GOLDBERG_CONSTRUCT_CONSTRUCT_PROGRAM_H

#include "popek-goldberg/construct/construct_machine.h"

struct construct_program {
    uint64_t seed;
    struct isa_state start;   /* of a bare machine of isa->cells words, the
                               * words in mem, whatever base is */
    struct construct_psw new; /* where its traps land: supervisor mode and
                               * all of storage */
    struct construct_insn insns[ISA_CELLS]; /* one for each word */
};

/* The same seed makes the same program.  Numbers are small ones, those that
 * the description has, their neighbours, high ones, and any.  The instruction
 * at pc is the encoding whose turn it is among successive seeds: seed modulo
 * their number. What only a monitor has (`needed`) stands in no program but one
 * in which there may be a `monitor`. */
void construct_program(const struct isa *isa, uint64_t seed, bool monitor,
                       struct construct_program *out);

#endif
