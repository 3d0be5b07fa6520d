/* x87, MMX and SSE instructions on the host's processor and on ours. */
#ifndef TESTS_X86_HOST_FLOAT_H
#define TESTS_X86_HOST_FLOAT_H

#include "base/types.h"

struct float_count {
    uint64_t cases, faults, differences;
    uint64_t near, exact; /* of functions: one unit off, and not */
    unsigned rows;
};

/* `cases` of this seed, in a child process; differences are told on stderr,
 * the first `tell` of them.  `only`: NULL, or the beginning of the names of
 * the rows to be tried.  Returns NULL, or why this host cannot. */
const char *float_compare(uint64_t seed, uint64_t cases, unsigned tell,
                          const char *only, struct float_count *count);

#endif
