/* A judgement, held against a solver: every label that was not found needs a
 * certificate on the machine in full width, every one found a witness there. */
#ifndef POPEK_GOLDBERG_CERTIFY_H
#define POPEK_GOLDBERG_CERTIFY_H

#include "popek-goldberg/decide.h"
#include "popek-goldberg/prove.h"

#include <stdio.h>

struct pg_certificates {
    unsigned asked;
    unsigned certificates; /* unsatisfiable, and the exhaustion agrees */
    unsigned witnesses;    /* replayed, and the exhaustion agrees */
    unsigned differ;       /* the full machine is not as the scaled one */
    unsigned open;         /* no answer: nothing is certified */
};

/* Ask about each encoding or mnemonic of this name (NULL: all), for the best
 * setting of the judgement, and write in words to `to` what came of it: each
 * difference, each question left open, and the sum. */
void pg_certify(FILE *to, const struct pg_judgement *j,
                struct pg_solver *solver, const char *instruction,
                struct pg_certificates *out);

#endif
