/* Pieces of work, each in a process of its own, several at once.
 *
 * A process that ends badly takes nobody with it: what it wrote so far is kept,
 * and how it ended is said. */
#ifndef CLI_PARALLEL_H
#define CLI_PARALLEL_H

#include "base/diag.h"

/* How a piece ended. */
struct parallel_result {
    char *out, *err; /* what it wrote to stdout and stderr, ended by 0 */
    size_t out_len, err_len; /* without that 0 */
    int status;              /* of exit; -1 when a signal ended it */
    int signal;              /* which, or 0 */
};

struct parallel_plan {
    unsigned count;        /* pieces, numbered from 0 */
    unsigned processes;    /* at once; 0: one for each processor we may use */
    const unsigned *order; /* in which they are begun; NULL: by number */

    /* In a process of its own, its stdout and stderr caught; the result is its
     * exit status. */
    int (*work)(unsigned piece, void *context);

    /* Here, for all pieces in the order of their numbers, each as soon as it
     * and those before it have ended. */
    void (*done)(unsigned piece, const struct parallel_result *r,
                 void *context);

    /* Here, whenever a piece begins or ends; may be NULL.  running[i] is true
     * of those that are under way. */
    void (*tick)(unsigned ended, const bool *running, void *context);

    void *context;
};

/* STATUS_HOST_FAILED, with words, when a process or a pipe cannot be had; then
 * none of ours is left running. */
MUST_USE enum status parallel_run(const struct parallel_plan *plan,
                                  struct diag *d);

/* How many processors we may use; at least 1. */
unsigned parallel_processors(void);

#endif
