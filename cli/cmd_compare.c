/* trapline compare: a guest bare and under the monitor, in lockstep. */
#include "cli/command.h"
#include "cli/lockstep.h"
#include "cli/options.h"
#include "cli/pair.h"

#include <signal.h>

static struct {
    const char *script;
    uint64_t ipl, stop_after, sample;
    bool ipl_given, scratch_tapes;
} flags;

static const struct option_row rows[] = {
    {OPTION_HEX, "ipl", "ADDRESS", "the device to load from, as 0C0",
     &flags.ipl, &flags.ipl_given},
    {OPTION_TEXT, "script", "FILE", "an operator, as for `trapline run`",
     &flags.script, NULL},
    {OPTION_NUMBER, "stop-after", "N",
     "compare the first N instructions (100k, 5M ...)", &flags.stop_after,
     NULL},
    {OPTION_NUMBER, "sample", "N",
     "compare at least every N instructions; 1: every one", &flags.sample,
     NULL},
    {OPTION_FLAG, "scratch-tapes", NULL,
     "make the tapes that are named and missing", &flags.scratch_tapes, NULL},
    {.kind = OPTION_END},
};

static const struct command_usage usage = {
    .synopsis = "compare GUEST [OPTION]...",
    .about =
        "Runs the same System/370 guest on the bare machine and under the "
        "monitor and\ncompares all that the guest can see: PSW, registers, "
        "timers, storage and its\nkeys, at every exit and a sample of the "
        "instructions between; at the end also\nwhat consoles, printers, "
        "punches and tapes have got.  The first difference is\nshown with "
        "both states side by side and the instruction at fault; then the "
        "exit\nstatus is 1.",
    .rows = rows,
    .more =
        "Files that devices write are not touched: each machine gets copies "
        "of its own,\nwhich are thrown away.  A call to the monitor "
        "(DIAGNOSE) is a difference by\ndesign.\n\nExamples:\n"
        "  trapline compare multi\n"
        "  trapline compare tos360.conf --ipl 0C0 --script job.script "
        "--scratch-tapes",
};

static volatile bool interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = true;
}

static int exit_code(const struct lockstep_report *r, const struct pair *p)
{
    if (!r->same || p->output_differs[0] || p->unmet.text[0])
        return CODE_NEGATIVE;
    if (r->end == LOCKSTEP_GAVE_UP)
        return CODE_SKIPPED;
    return flags.stop_after && r->end == LOCKSTEP_BUDGET ? CODE_LIMIT
                                                         : CODE_DONE;
}

static int report(const struct lockstep_report *r, const struct pair *p)
{
    lockstep_print(stdout, r);
    if (r->same && p->output_differs[0])
        printf("difference in %s\n", p->output_differs);
    if (r->same && p->unmet.text[0])
        cli_say("%s", p->unmet.text);
    return cli_finish_stdout(exit_code(r, p));
}

static int compare(const struct session_plan *plan)
{
    struct lockstep_options o = {.limit = flags.stop_after,
                                 .sample = flags.sample,
                                 .interrupted = &interrupted};
    struct lockstep_report r;
    struct diag diag = {""};
    struct pair *p = pair_new(plan, &diag);

    if (!p)
        return cli_fail(STATUS_HOST_FAILED, &diag);
    struct lockstep_guest g = pair_guest(p);
    enum status st = lockstep_run(&g, &o, &r, &diag);
    int code = st ? cli_fail(st, &diag) : report(&r, p);
    pair_free(p);
    return code;
}

int cmd_compare(int argc, char **argv)
{
    struct session_plan plan = {0};
    struct diag diag = {""};
    struct script *script = NULL;
    int code = options_parse(&usage, &argc, argv);

    if (code < 0 && argc != 2)
        code = options_complain(&usage, "one guest, please");
    if (code >= 0)
        return code;
    if (flags.script) {
        script = script_read(flags.script, &diag);
        if (!script)
            return cli_fail(STATUS_BAD_INPUT, &diag);
    }
    plan.guests = argv + 1;
    plan.count = 1;
    plan.ipl = flags.ipl_given ? &flags.ipl : NULL;
    plan.script = script;
    plan.scratch_tapes = flags.scratch_tapes;
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    code = compare(&plan);
    script_free(script);
    return code;
}
