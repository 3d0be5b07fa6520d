/* A strict reader of one JSON value (RFC 8259), for what this command wrote.
 *
 * The caller asks for what it expects; the first thing that is otherwise goes
 * into the diag as "file:line:column: what was expected", every later answer is
 * false, and `failed` is set.  Nothing is allocated. */
#ifndef CLI_JSON_IN_H
#define CLI_JSON_IN_H

#include "base/diag.h"

enum { JSON_IN_DEPTH = 16, JSON_IN_NAME = 48 };

struct json_in {
    const char *begin, *at, *end; /* the text of one line; borrowed */
    const char *file;             /* for messages; borrowed */
    unsigned long line;
    struct diag *diag;
    char closers[JSON_IN_DEPTH]; /* of the open objects and arrays */
    unsigned depth;
    bool fresh; /* nothing was read since the last bracket opened */
    bool failed;
};

void json_in_open(struct json_in *j, const char *file, unsigned long line,
                  const char *text, size_t len, struct diag *d);

/* Complain at the current place; always false. */
bool json_in_fault(struct json_in *j, const char *fmt, ...) PRINTF(2, 3);

/* The opening '{' or '[' of a value. */
bool json_in_enter(struct json_in *j, char bracket);

/* Is there one more member or item?  Otherwise the closing bracket is passed.
 * With a fault: false. */
bool json_in_more(struct json_in *j);

/* The name of a member and its colon; longer ones are cut. */
bool json_in_key(struct json_in *j, char key[JSON_IN_NAME]);

/* A string into out, cut to size - 1 bytes; a character of more than 7 bits,
 * as "\u00e9" or in UTF-8, becomes '?'. */
bool json_in_text(struct json_in *j, char *out, size_t size);

/* A whole number from 0 to 2^64 - 1. */
bool json_in_count(struct json_in *j, uint64_t *n);

/* Any number that is not negative, with or without a fraction. */
bool json_in_decimal(struct json_in *j, double *x);

/* Any value. */
bool json_in_skip(struct json_in *j);

/* Nothing but white space is left. */
bool json_in_finish(struct json_in *j);

#endif
