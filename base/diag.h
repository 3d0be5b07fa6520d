/* A message that travels beside a status: what is wrong, and where. */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include "base/types.h"

#include <stdarg.h>

#define DIAG_SIZE 512

/* Owned by the caller of the operation that may fail.  Empty text means that
 * nothing was said.  The text carries no program name and no final newline:
 * "deck.txt:12: column 80 holds a control character". */
struct diag {
    char text[DIAG_SIZE];
};

/* Write the message and return st, so that a failure is one line:
 * `return diag_set(d, STATUS_BAD_INPUT, "%s:%u: ...", file, line);`
 * d may be NULL.  Formats: see base/format.h. */
enum status diag_set(struct diag *d, enum status st, const char *fmt, ...)
    PRINTF(3, 4);

#endif
