/* Many batches on all machines, and what came out. */
#ifndef TESTS_ORACLE_SESSION_H
#define TESTS_ORACLE_SESSION_H

#include "base/diag.h"
#include "tests/oracle/judge.h"

struct session_options {
    uint64_t cases; /* that both machines run: others come on top */
    uint64_t seed;
    unsigned show;        /* so many differences are shown */
    unsigned batch;       /* cases in one image; 0: as many as fit */
    bool alone;           /* without Hercules */
    FILE *out, *progress; /* may be NULL */
};

struct session_result {
    struct tally tally;
    uint64_t step_run; /* cases where s370_step and s370_run differ */
    double seconds, our_seconds, their_seconds;
};

/* STATUS_UNSUPPORTED: no Hercules on this machine.  Run in the project's root:
 * the driver is assembled from tests/oracle/driver.asm. */
MUST_USE enum status oracle_run(const struct session_options *o,
                                struct session_result *r, struct diag *d);

void oracle_report(FILE *out, const struct session_result *r);

#endif
