/* How fast are we, bare and under the monitor, and beside Hercules? */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include "base/diag.h"

enum {
    BENCH_STORAGE = 0x10000, /* of the guest */
    BENCH_COUNT = 0x200,     /* where FRAME.mac has its count */
    BENCH_DONE = 0xD0E       /* of the wait at the right end */
};

enum bench_machine { BENCH_BARE, BENCH_TRAP, BENCH_HERCULES, BENCH_MACHINES };

struct bench_loop {
    const char *name;
    unsigned insns, exits; /* of one turn of the loop */
    uint32_t turns;
    const char *what;
};

/* One run. */
struct bench_run {
    double seconds;        /* of CPU time */
    uint64_t insns, exits; /* counted by the machine; Hercules: not */
};

/* Assemble tests/bench/NAME.s and set its count. */
MUST_USE enum status bench_image(const struct bench_loop *loop, uint32_t turns,
                                 uint8_t image[BENCH_STORAGE], struct diag *d);

/* Run it to its end.  An error when it ends in another way. */
MUST_USE enum status bench_bare(const uint8_t *image, struct bench_run *r,
                                struct diag *d);
MUST_USE enum status bench_trap(const uint8_t *image, struct bench_run *r,
                                struct diag *d);

/* Hercules is started once for all its runs.  STATUS_UNSUPPORTED: there is
 * none. */
MUST_USE enum status bench_hercules_start(struct diag *d);
MUST_USE enum status bench_hercules(const uint8_t *image, struct bench_run *r,
                                    struct diag *d);
void bench_hercules_end(void);

/* The TOS/360 job, by the command `program` or on a Hercules of its own (which
 * counts no instructions).  STATUS_UNSUPPORTED: no images. */
MUST_USE enum status bench_tos(const char *program, enum bench_machine on,
                               struct bench_run *r, struct diag *d);

/* Seconds of CPU time that this process has used. */
double bench_now(void);

#endif
