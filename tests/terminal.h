/* A terminal with the program on it, and a test in a person's place. */
#ifndef TESTS_TERMINAL_H
#define TESTS_TERMINAL_H

#include <sys/types.h>

/* Our end of a new one, and the program's in *other; both are closed by the
 * caller.  -1: there are none here, and the test has said that it skips. */
int terminal_open(int *other);

/* Start the program on the other end, in a session of its own and in
 * command_folder(): argv[0] is its name, NULL ends them.  It does not outlive
 * the test. */
pid_t terminal_start(int other, const char *const argv[]);

/* Read on until these words come, or fail.  What has come is returned: static
 * text. */
const char *terminal_expect(int fd, const char *words);

#endif
