/* A small guest on two machines, in lockstep: exits.S, or a text of code. */
#ifndef TESTS_X86_PAIR_H
#define TESTS_X86_PAIR_H

#include "cli/lockstep_x86.h"

/* The guest that does each thing once; NULL: the test has said that it skips,
 * because this build has none. */
const char *x86_pair_exits(void);

/* One run of this image, 2 MiB of storage; ours to free.  The second machine is
 * on `engine`, named `name`; `made` may be NULL. */
struct x86_lockstep_report *x86_pair_run(const char *image, const char *name,
                                         const struct engine_ops *engine,
                                         void (*made)(void *who, struct vm *vm),
                                         void *who);

/* Its first `limit` instructions, compared after each. */
struct x86_lockstep_report *x86_pair_step(const char *image, const char *name,
                                          const struct engine_ops *engine,
                                          uint64_t limit);

#endif
