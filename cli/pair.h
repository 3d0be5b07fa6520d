/* Two sessions of the same guest for a lockstep run: one on the bare machine,
 * one under the monitor, each with its own copies of what devices write. */
#ifndef CLI_PAIR_H
#define CLI_PAIR_H

#include "cli/lockstep.h"
#include "cli/overheard.h"
#include "cli/session.h"

struct pair_side {
    struct session_plan plan;
    struct session session;
    struct overheard text;
    char folder[64];
};

struct pair {
    struct pair_side bare, guest;
    char folder[48]; /* of the temporary files */

    /* Known when a run is over and its machines are gone: */
    char output_differs[LOCKSTEP_WORDS]; /* "printer 00B"; or "" */
    struct diag unmet; /* the script's line that was not reached; or "" */
    /* An interpreter to replace under the monitor (a test); NULL: none. */
    interpreter_fn mutant;
    enum s370_op mutant_op;
};

/* The plan says which guest and how; what it says of machines, consoles and
 * outputs is ours.  Borrowed.  NULL: no temporary folder; *diag. */
struct pair *pair_new(const struct session_plan *plan, struct diag *diag);
void pair_free(struct pair *p);

/* The makers of the lockstep run. */
struct lockstep_guest pair_guest(struct pair *p);

#endif
