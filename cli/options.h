/* GNU long options, from one table a subcommand: the same rows are parsed and
 * printed by --help. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "base/types.h"

enum option_kind {
    OPTION_FLAG,   /* --quiet: *(bool *)into = true */
    OPTION_TEXT,   /* --trace FILE: *(const char **)into, borrowed from argv */
    OPTION_TEXTS,  /* --drive FILE, twice at most: (const char **)into[2] */
    OPTION_NUMBER, /* --stop-after N: *(uint64_t *)into; decimal, with k, M, G
                    * after it, or hexadecimal with 0x before it */
    OPTION_HEX,    /* --ipl 0C0: *(uint64_t *)into; always hexadecimal */
    OPTION_END = -1
};

struct option_row {
    enum option_kind kind;
    const char *name;  /* without the dashes */
    const char *value; /* what --help calls the value; NULL for a flag */
    const char *help;  /* one line; NULL: another subcommand's, which is taken
                        * to say so, and that --help leaves out */
    void *into;
    bool *given; /* set when it was there; may be NULL */
};

struct command_usage {
    const char *synopsis; /* "run CONFIG|GUEST... [OPTION]..." */
    const char *about;    /* what it does, lines of at most 78 columns */
    const struct option_row *rows; /* ended by OPTION_END */
    const char *more; /* examples and the like, after the options; or NULL */
};

/* Take the options out of argv, in any order, until "--"; what remains are
 * operands, moved to argv[1..*argc - 1].  An option that has a value is given
 * once, or complained about.  Returns -1 to go on, or the exit
 * code to end with: 0 after --help, CODE_USAGE after a complaint. */
int options_parse(const struct command_usage *u, int *argc, char **argv);

/* "trapline run: ..." complaint, a pointer to --help; returns CODE_USAGE. */
int options_complain(const struct command_usage *u, const char *fmt, ...)
    PRINTF(2, 3);

/* The whole of text as a number in this base (10 takes k, M, G and 0x). */
bool options_number(const char *text, unsigned base, uint64_t *value);

#endif
