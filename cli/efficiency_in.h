/* What a run says of its own efficiency: read back from the JSON lines of
 * `trapline trace --json`, or the account of `trapline run --json`. */
#ifndef CLI_EFFICIENCY_IN_H
#define CLI_EFFICIENCY_IN_H

#include "base/diag.h"

#include <stdio.h>

enum {
    EFFICIENCY_GUESTS = 17, /* numbers 0 (bare) to 16 */
    EFFICIENCY_ROWS = 192,  /* reasons and instructions of a guest */
    EFFICIENCY_NAME = 40
};

/* Exits of one reason and instruction. */
struct efficiency_row {
    char reason[16];         /* as in monitor/exit_reason.def */
    char insn[16];           /* mnemonic; "" without one */
    char raw_name[32];       /* of exits without one, or "" */
    uint64_t count, cost_ns; /* cost: of those that were measured */
    uint64_t measured;       /* exits whose cost is known */
};

struct efficiency_guest {
    bool seen;
    char name[EFFICIENCY_NAME]; /* "vm 1" where only a number is known */
    uint64_t insns;             /* completed; of a trace, up to its end */
    uint64_t interpreted;       /* of these, by the monitor */
    uint64_t interpreted_at;    /* insns at the last of them, in a trace */
    uint64_t exits;             /* all, with those that found no row */
    uint64_t lost;              /* exits that found no row */
    struct efficiency_row rows[EFFICIENCY_ROWS];
    unsigned row_count;
};

struct efficiency {
    bool is_trace;  /* and not the account at the end */
    bool s370;      /* the guests' machine; otherwise x86 */
    bool counted;   /* instructions are: not on kvm, nor in a PC's trace, which
                     * does not say where it is from */
    bool bare;      /* no monitor was there */
    double seconds; /* of the host, running; 0: not known */
    struct efficiency_guest guests[EFFICIENCY_GUESTS];
};

/* Read all of the file ("-": standard input).  STATUS_BAD_INPUT: it cannot be
 * opened or read, or d has "file:line:column: what was expected". */
MUST_USE enum status efficiency_read(const char *path, struct efficiency *out,
                                     struct diag *d);

/* The same of an open file; path is for messages. */
MUST_USE enum status efficiency_read_from(FILE *f, const char *path,
                                          struct efficiency *out,
                                          struct diag *d);

#endif
