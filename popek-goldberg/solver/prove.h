/* Popek and Goldberg's definitions as questions to a solver, on the machine in
 * full width: each asks for a witness, so that "unsatisfiable" is a certificate
 * that there is none.  What a state is, and what the words mean, is as in
 * classify.h, whose exhaustion of the scaled machine is held against these. */
#ifndef POPEK_GOLDBERG_SOLVER_PROVE_H
#define POPEK_GOLDBERG_SOLVER_PROVE_H

#include "popek-goldberg/judge/classify.h"
#include "popek-goldberg/solver/solver.h"

enum pg_question {
    PG_ASK_UNPRIVILEGED, /* by reading */
    PG_ASK_SPEAKING,     /* by reading: a pair by which it is not vacuous */
    PG_ASK_CONTROL,      /* by reading and mode */
    PG_ASK_LOCATION,     /* by mode */
    PG_ASK_MODE,
    PG_ASK_ALONE, /* traps in supervisor mode only */
    PG_ASK_LEAK,  /* by mode: of any resource register */
    PG_ASK_LESS,
    PG_ASK_VM,     /* the exact criterion fails: for f, */
    PG_ASK_HYBRID, /* for f in user mode, */
    PG_ASK_NESTED, /* for f of f */
    PG_QUESTIONS
};

struct pg_query {
    enum pg_question what;
    enum pg_reading reading;
    unsigned mode;
};

/* Every question there is, readings and modes spelled out. */
enum { PG_QUERIES = 18 };
extern const struct pg_query pg_queries[PG_QUERIES];

/* Switches that are as in this setting (pg_config_value; bit i of the mask:
 * element i); the others are free. */
struct pg_setting {
    unsigned config;
    uint64_t mask;
};

/* Where it is asked.  Under a monitor the switches of its mask are set by it,
 * the others stay as they are. */
struct pg_place {
    const struct isa *isa;
    const struct isa_encoding *code;
    enum isa_scale scale;
    struct pg_setting bare, monitor;
    bool held; /* enforced resources have the monitor's value, bare */
};

/* PG_SAT: w has the states, replayed: the evaluator finds the results that the
 * solver's model has.  (Its why and component are not set.)  PG_UNSAT: there
 * is no such state.  All else, with words in d: nothing is known. */
MUST_USE enum pg_answer pg_prove(const struct pg_place *place,
                                 const struct pg_query *query,
                                 struct pg_solver *solver, struct pg_witness *w,
                                 struct diag *d);

/* What the exhausted scaled machine answers: is there a witness? */
bool pg_exhausted_says(const struct pg_labels *l, const struct pg_exact *x,
                       const struct pg_query *q);

/* "control sensitive in user mode, literally", ... */
void pg_query_name(const struct pg_query *q, char *out, size_t cap);

#endif
