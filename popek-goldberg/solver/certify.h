/* A judgement, held against a solver: every label that was not found needs a
 * certificate on the machine in full width, every one found a witness there. */
#ifndef POPEK_GOLDBERG_SOLVER_CERTIFY_H
#define POPEK_GOLDBERG_SOLVER_CERTIFY_H

#include "popek-goldberg/judge/decide.h"
#include "popek-goldberg/solver/prove.h"

#include <stdio.h>

enum pg_proved {
    PG_NOT_ASKED,
    PG_CERTIFIED,    /* unsatisfiable, and the exhaustion agrees */
    PG_REPLAYED,     /* a witness, replayed, and the exhaustion agrees */
    PG_CONTRADICTED, /* the full machine is not as the scaled one */
    PG_LEFT_OPEN,    /* no answer: nothing is certified */
    PG_PROVED
};

/* What came of one question about one encoding. */
struct pg_certificate {
    enum pg_proved proved;
    enum pg_answer answer;
    struct pg_witness
        *witness; /* contradicted by one, in full width; or NULL */
    char *why;    /* left open: in words; or NULL */
};

struct pg_certificates {
    struct pg_certificate (*of)[PG_QUERIES]; /* by encoding, as pg_queries */
    unsigned encodings;
    unsigned count[PG_PROVED];
    unsigned asked; /* all but those not asked */
    char command[PG_COMMAND_MAX];
    char version[96]; /* as the solver calls itself; "" where it does not */
    char trouble[DIAG_SIZE]; /* why it answers nothing at all; or "" */
};

/* Ask about each encoding or mnemonic of this name (NULL: all), for the best
 * setting of the judgement.  Freed by pg_certificates_free. */
MUST_USE enum status pg_certify(const struct pg_judgement *j,
                                struct pg_solver *solver,
                                const char *instruction,
                                struct pg_certificates *out, struct diag *d);
void pg_certificates_free(struct pg_certificates *c);

/* Each difference, each question left open, and the sum, in words. */
void pg_certify_report(FILE *to, const struct pg_judgement *j,
                       const struct pg_certificates *c);

/* "certified", "witness", ... */
const char *pg_proved_name(enum pg_proved s);

#endif
