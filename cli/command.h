/* What a subcommand is to main.c, and the words they all share. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "base/diag.h"

#include <stdio.h>

#define TRAPLINE_VERSION "0.1"

/* How every subcommand ends; a script may rely on it. */
enum exit_code {
    CODE_DONE = 0,
    CODE_NEGATIVE = 1,   /* a divergence, a failed check, a wait not met */
    CODE_USAGE = 2,      /* a wrong flag, a wrong or missing file */
    CODE_SKIPPED = 77,   /* this machine lacks what it takes; said loudly */
    CODE_LIMIT = 124,    /* an instruction limit was reached */
    CODE_OURS = 125,     /* a fault of ours, or of the host */
    CODE_SIGNALLED = 128 /* + SIGPIPE: nobody reads stdout any more */
};

/* cmd_NAME(argc, argv): argv[0] is NAME; returns an exit_code. */
#define COMMAND(name, title) int cmd_##name(int argc, char **argv);
#include "cli/commands.def"
#undef COMMAND

/* How the user has called the command, for commands that they may paste: main
 * says it first of all. */
void cli_called(const char *as);
const char *cli_program(void);

/* "--name value", the value quoted where a shell wants that; `space` first. */
void cli_write_option(FILE *to, const char *space, const char *name,
                      const char *value);

/* Columns of the terminal on stdout; a file is as wide as need be: INT_MAX. */
int cli_columns(void);

/* The words and a newline on stdout, where this many columns of the line are
 * taken: on a terminal it is broken between words, which stand under each
 * other. */
void cli_print_hanging(int column, const char *words);

/* "trapline: " and the message and a newline, on stderr. */
void cli_say(const char *fmt, ...) PRINTF(1, 2);

/* The same for a failed operation; returns the exit code that its status
 * stands for: bad input 2, unsupported 77, the rest 125. */
int cli_fail(enum status st, const struct diag *d);

/* The word of the list that `wrong` is probably meant to be, or NULL.  The
 * list ends with NULL. */
const char *cli_did_you_mean(const char *wrong, const char *const *words);

/* From here on a closed pipe is an error of the write, and ends nothing by
 * itself. */
void cli_watch_pipes(void);

/* Was stdout a pipe that nobody reads any more?  That is no news to anybody. */
bool cli_reader_has_gone(void);

/* Flush stdout; a full disk becomes CODE_OURS, with a message, and a pipe whose
 * reader has gone ends quietly as SIGPIPE would.  Otherwise `code`. */
int cli_finish_stdout(int code);

#endif
