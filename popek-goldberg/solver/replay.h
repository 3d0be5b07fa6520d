/* A solver's model, turned back into states and run by the evaluator. */
#ifndef POPEK_GOLDBERG_SOLVER_REPLAY_H
#define POPEK_GOLDBERG_SOLVER_REPLAY_H

#include "popek-goldberg/judge/classify.h"
#include "popek-goldberg/solver/smt.h"
#include "popek-goldberg/solver/solver.h"

/* After PG_SAT: read two states and what the model says that they become, and
 * execute them.  PG_SAT: the evaluator agrees, and w has all of it.  Otherwise
 * PG_GARBLED, with words: the model is not believed. */
MUST_USE enum pg_answer pg_replay(const struct smt_world *world,
                                  const struct smt_state s[2],
                                  const struct smt_result r[2],
                                  struct pg_solver *solver,
                                  struct pg_witness *w, struct diag *d);

#endif
