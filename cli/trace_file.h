/* A trace into a file or onto stdout, as text or JSON lines. */
#ifndef CLI_TRACE_FILE_H
#define CLI_TRACE_FILE_H

#include "base/diag.h"
#include "base/trace.h"
#include "cli/session.h"

#include <stdio.h>

struct trace_file {
    struct trace_sink filter; /* first: what the trace sees */
    unsigned kinds;           /* bit per enum trace_kind that passes */
    union {
        struct trace_text text;
        struct trace_jsonl jsonl;
    };
    struct trace_sink *to; /* one of them */
    const char *name;      /* for messages; borrowed */
    FILE *file;
    bool jsonl_wanted;
};

/* STATUS_BAD_INPUT when the run reads this file, which would be lost. */
MUST_USE enum status trace_file_spare(const char *path,
                                      const struct session_plan *plan,
                                      struct diag *diag);

/* Open `path` ("-": stdout); JSON lines if asked for or if the name ends in
 * .jsonl.  kinds: a bit for each kind of event that is wanted. */
MUST_USE enum status trace_file_open(struct trace_file *t, const char *path,
                                     bool jsonl, unsigned kinds,
                                     struct diag *diag);

/* Flush and close.  STATUS_HOST_FAILED when any of it was not written. */
MUST_USE enum status trace_file_close(struct trace_file *t, struct diag *diag);

#endif
