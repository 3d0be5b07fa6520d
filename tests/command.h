/* Runs the built command as a user would, and keeps what it says. */
#ifndef TESTS_COMMAND_H
#define TESTS_COMMAND_H

#include "base/types.h"

#include <sys/types.h>

struct command {
    int status;      /* exit status; 1000 + signal if one ended it */
    char *out, *err; /* stdout, stderr: gone with the next run */
};

/* "trapline " + arguments, through the shell in `folder` (NULL: here), with no
 * input unless the arguments redirect it.  Where they say $T, that is the
 * program, and nothing is put before them; $F is the one without sanitizers,
 * for much work whose parts other tests do with them.  The result is one static
 * struct. */
const struct command *command_run(const char *folder, const char *fmt, ...)
    PRINTF(2, 3);

/* A new folder for this test; removed by command_clean, or at its end. */
const char *command_folder(void);
void command_clean(void);

/* Absolute path of the program that is tested. */
const char *command_program(void);

/* Absolute path of a sample guest's configuration. */
const char *command_sample(const char *name);

/* Write a file into command_folder(). */
void command_file(const char *name, const void *bytes, size_t size);

/* A command line, the status it must end with, and words that it must say on
 * either stream. */
struct command_case {
    const char *args;
    int status;
    const char *says;
};

/* Run it from the root folder and assert both. */
void command_expect(const struct command_case *expected);

#endif
