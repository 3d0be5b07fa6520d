#include "cli/operator_options.h"

#include "cli/command.h"

int operator_options_choose(const struct operator_options *o,
                            const struct command_usage *usage,
                            struct session_plan *plan, struct script **script)
{
    struct diag diag = {""};

    *script = NULL;
    if (plan->kernel && (o->ipl_given || o->scratch_tapes))
        return options_complain(usage, "%s belongs to System/370 guests",
                                o->ipl_given ? "--ipl" : "--scratch-tapes");
    plan->ipl = o->ipl_given ? &o->ipl : NULL;
    plan->scratch_tapes = o->scratch_tapes;
    plan->script = *script = o->script ? script_read(o->script, &diag) : NULL;
    return o->script && !*script ? cli_fail(STATUS_BAD_INPUT, &diag) : -1;
}
