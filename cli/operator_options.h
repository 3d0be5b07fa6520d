/* The options of whoever runs guests, of run, trace and compare: rows of
 * operator_options.def, which each includes in its table, and a member of its
 * static `flags`. */
#ifndef CLI_OPERATOR_OPTIONS_H
#define CLI_OPERATOR_OPTIONS_H

#include "cli/options.h"
#include "cli/session.h"

struct operator_options {
    const char *script;
    uint64_t ipl, stop_after;
    bool ipl_given, scratch_tapes;
};

/* All but stop_after into the plan, whose kernel is known; it borrows `ipl`
 * from here, and *script, which is the caller's to free (NULL: none).  -1 to go
 * on, or the exit code after a complaint, without a script. */
int operator_options_choose(const struct operator_options *o,
                            const struct command_usage *usage,
                            struct session_plan *plan, struct script **script);

#endif
