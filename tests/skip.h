/* A test that this machine cannot run says so, loudly, and is counted. */
#ifndef TESTS_SKIP_H
#define TESTS_SKIP_H

#include "base/types.h"

/* Say why, then `return` from the test: it counts as skipped, not as passed.
 * "no TOS/360 images: set TRAPLINE_TOS360". */
void skip_test(const char *fmt, ...) PRINTF(1, 2);

/* Where skip_test writes: an open file of tests/main.c's. */
void skip_to(int fd);

#endif
