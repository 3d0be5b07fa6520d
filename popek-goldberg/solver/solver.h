/* A solver is another process, spoken to in SMT-LIB 2 through pipes (The
 * SMT-LIB Standard, version 2.6, "Scripts").
 *
 * Nothing that it does is trusted but a plain `sat` or `unsat` to a script of
 * which it refused no line: one that is missing, hangs, dies, floods or talks
 * of other things gets an answer of its own below, and none of those may ever
 * be read as "holds". */
#ifndef POPEK_GOLDBERG_SOLVER_SOLVER_H
#define POPEK_GOLDBERG_SOLVER_SOLVER_H

#include "base/diag.h"
#include "base/types.h"

#include <sys/types.h>

#define PG_SOLVER_COMMAND "z3 -in -smt2"

enum {
    PG_QUERY_MS = 10000,
    PG_TOTAL_MS = 110000,
    PG_REPLY_MAX = 256 * 1024, /* of bytes; who says more is flooding */
    PG_COMMAND_MAX = 512,
};

enum pg_answer {
    PG_UNSAT,
    PG_SAT,
    PG_UNKNOWN, /* it said `unknown` */
    PG_TIMEOUT, /* the query's limit or the total was reached */
    PG_DIED,    /* it ended, by itself or by a signal, before its answer */
    PG_GARBLED, /* it refused a line, or said what no solver says */
    PG_MISSING, /* there is no such program, or the host cannot start it */
    PG_ANSWER_COUNT
};

/* "unsatisfiable", "satisfiable", "unknown", "timeout", ... */
const char *pg_answer_name(enum pg_answer a);

/* Owned by the caller; pg_solver_close ends the process. */
struct pg_solver {
    char command[PG_COMMAND_MAX];
    unsigned query_ms, total_ms;
    char version[96]; /* "Z3 4.8.12" as it calls itself; "" before it started */
    unsigned answers[PG_ANSWER_COUNT]; /* how many of each were given */
    uint64_t spent_ms;                 /* of the total, waiting for it */
    bool missing;                      /* not to be tried again */

    pid_t pid; /* 0: not running */
    int to, from;
    unsigned marks; /* numbers the ends of what was asked */
    char *reply;    /* PG_REPLY_MAX + 1 bytes, with a 0 at the end */
    size_t reply_len;
};

/* The command is split at blanks; its first word is looked for in $PATH.  It
 * must read a script from its standard input and answer line by line.
 * STATUS_BAD_INPUT for an empty or too long command. */
MUST_USE enum status pg_solver_init(struct pg_solver *s, const char *command,
                                    unsigned query_ms, unsigned total_ms,
                                    struct diag *d);

/* Start the process when it is not running and learn its name and version.
 * PG_SAT when it talks; otherwise why not, in words in d. */
MUST_USE enum pg_answer pg_solver_start(struct pg_solver *s, struct diag *d);

/* One whole script (set-logic, declarations, assertions, no check-sat): it is
 * told to forget all before.  d says in words what is not SAT or UNSAT. */
MUST_USE enum pg_answer pg_solver_ask(struct pg_solver *s, const char *script,
                                      struct diag *d);

/* After PG_SAT: the values that its model gives to `count` terms of at most 64
 * bits (or Bool), parted by blanks.  PG_SAT when all were given. */
MUST_USE enum pg_answer pg_solver_values(struct pg_solver *s, const char *terms,
                                         uint64_t *values, size_t count,
                                         struct diag *d);

void pg_solver_close(struct pg_solver *s);

#endif
