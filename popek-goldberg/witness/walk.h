/* A witness, walked through one step at a time: its two states side by side,
 * each action of the instruction in both, and the outcomes up to the first
 * component that differs. */
#ifndef POPEK_GOLDBERG_WITNESS_WALK_H
#define POPEK_GOLDBERG_WITNESS_WALK_H

#include "popek-goldberg/report/report.h"

enum { PG_WALK_STEPS = ISA_ACTIONS + 8 };

/* Texts of several lines, each with its newline. */
struct pg_walk {
    char *steps[PG_WALK_STEPS];
    unsigned count;
};

/* Walk through a witness of the scaled machine.  *out is for pg_walk_free,
 * whatever is returned; STATUS_NO_MEMORY is possible. */
MUST_USE enum status pg_walk_row(const struct isa *isa,
                                 const struct pg_row *row, struct pg_walk *out);
void pg_walk_free(struct pg_walk *w);

/* To write a step: a stream, and afterwards its text is the next one. */
MUST_USE enum status pg_walk_begin(FILE **step, char **text, size_t *size);
MUST_USE enum status pg_walk_end(struct pg_walk *w, FILE *step, char **text);

#endif
