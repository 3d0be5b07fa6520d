/* Cases on the host's processor and on ours, compared. */
#ifndef TESTS_X86_HOST_COMPARE_H
#define TESTS_X86_HOST_COMPARE_H

#include "base/types.h"

struct host_count {
    uint64_t cases, faults, left_out, differences;
    uint64_t by_id[1024]; /* cases by enum x86_op_id of the last instruction */
};

/* `cases` of this seed, in a child process; differences are told on stderr,
 * the first `tell` of them.  Returns NULL, or why this host cannot.  A child
 * that dies is a difference. */
const char *host_compare(uint64_t seed, uint64_t cases, unsigned tell,
                         struct host_count *count);

#endif
