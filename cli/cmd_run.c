/* trapline run: a guest with its console on the terminal. */
#include "cli/command.h"
#include "cli/operator_options.h"
#include "cli/pc_options.h"
#include "cli/summary.h"
#include "cli/trace_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    const char *on, *trace;
    struct pc_options pc;
    struct operator_options operator;
    bool json, quiet, costs;
} flags;

static const struct option_row rows[] = {
    {OPTION_TEXT, "on", "MACHINE",
     "bare, trap (the default); for x86 images kvm, vtx, svm", &flags.on, NULL},
#define PC_OPTION(kind, name, value, help, member, users)         \
    {OPTION_##kind,    name, value, (users)&PC_RUN ? help : NULL, \
     &flags.pc.member, NULL},
#include "cli/pc_options.def"
#undef PC_OPTION
#define OPERATOR_OPTION(kind, name, value, help, member, given) \
    {OPTION_##kind, name, value, help, &flags.operator.member, given},
#include "cli/operator_options.def"
#undef OPERATOR_OPTION
    {OPTION_TEXT, "trace", "FILE",
     "write every event; JSON lines if FILE ends in .jsonl", &flags.trace,
     NULL},
    {OPTION_FLAG, "json", NULL,
     "the account as JSON on stdout, the console on stderr", &flags.json, NULL},
    {OPTION_FLAG, "costs", NULL, "measure what each exit costs, in host time",
     &flags.costs, NULL},
    {OPTION_FLAG, "quiet", NULL, "no account at the end", &flags.quiet, NULL},
    {.kind = OPTION_END},
};

static const struct command_usage usage = {
    .synopsis = "run GUEST...|--kernel FILE|--bios FILE [OPTION]...",
    .about =
        "Runs a guest with its console on this terminal.  GUEST is a Hercules "
        "style\nconfiguration (.conf), a tape to IPL (.aws), a core image "
        "(.core), a flat x86\nimage (.img, .bin), or the name of a sample "
        "guest.  Several guests share one\nmachine under the monitor, each "
        "with its share of time and storage.",
    .rows = rows,
    .more =
        "Console: text and Enter answers the guest's read (\"> \"); Enter "
        "alone is the\nattention (request) key when it does not read; Ctrl-C "
        "ends the run with an\naccount.  With several guests \"@NAME text\" "
        "turns to another console.\nA PC has the terminal as its serial "
        "port, each key as it is; Ctrl-] ends\nthe run.  A Linux kernel "
        "without "
        "--append gets a command line that suits it.\n\nScript, a line each: "
        "attention; wait "
        "TEXT, until the console has printed it;\ntype TEXT; stop.  A wait "
        "that is not met ends the run with status 1.\n\nExamples:\n"
        "  trapline run multi\n"
        "  trapline run tos360.conf --ipl 0C0 --scratch-tapes\n"
        "  trapline run guest.conf --on bare --stop-after 10M\n"
        "  trapline run --kernel /boot/vmlinuz --initrd initrd.gz\n"
        "  trapline run --kernel /boot/vmlinuz --initrd initrd.gz --on vtx",
};

static int choose_machine(struct session_plan *plan)
{
    struct diag diag = {""};

    if (!flags.on)
        return -1;
    plan->on_given = true;
    return session_on_find(flags.on, &plan->on, &diag)
               ? options_complain(&usage, "%s", diag.text)
               : -1;
}

static void greet(void)
{
    if (!flags.operator.script && !flags.quiet && isatty(STDIN_FILENO) &&
        isatty(STDERR_FILENO))
        fputs(flags.pc.kernel || flags.pc.bios
                  ? "The terminal is the guest's serial port; Ctrl-] ends.\n"
                  : "Console: Enter alone is the attention key, \"> \" asks "
                    "for a line, Ctrl-C ends.\n",
              stderr);
}

static void print_account(const struct summary *m, const struct session *s,
                          int code)
{
    if (!s->ops) /* it never came to a machine */
        return;
    if (flags.json)
        summary_print_json(m, s, code, stdout);
    else if (!flags.quiet && code != CODE_USAGE && code != CODE_SKIPPED)
        summary_print(m, s, stderr);
}

static int run(struct session_plan *plan, struct trace *trace)
{
    struct session *s = calloc(1, sizeof(*s));
    struct summary *m = calloc(1, sizeof(*m));
    int code = CODE_OURS;

    if (s && m) {
        summary_init(m);
        trace_attach(trace, &m->sink);
        plan->trace = trace;
        greet();
        code = session_run(s, plan);
        fflush(stdout);
        print_account(m, s, code);
    } else {
        cli_say("no memory");
    }
    free(m);
    free(s);
    return code;
}

static int run_traced(struct session_plan *plan)
{
    enum { EVERYTHING = (1 << TRACE_KIND_COUNT) - 1 };
    struct trace trace = {.host_ns = flags.costs ? session_host_ns : NULL};
    struct trace_file file = {0};
    struct diag diag = {""};

    if (flags.trace) {
        enum status st = trace_file_spare(flags.trace, plan, &diag);
        if (!st)
            st = trace_file_open(&file, flags.trace, false, EVERYTHING, &diag);
        if (st)
            return cli_fail(st, &diag);
        trace_attach(&trace, &file.filter);
    }
    int code = run(plan, &trace);
    if (trace_file_close(&file, &diag))
        return cli_fail(STATUS_HOST_FAILED, &diag);
    return code;
}

int cmd_run(int argc, char **argv)
{
    struct session_plan plan = {0};
    struct script *script;
    char *only[1];
    int code = options_parse(&usage, &argc, argv);

    if (code < 0)
        code = choose_machine(&plan);
    if (code < 0)
        code = pc_options_choose(&flags.pc, &usage, &plan);
    if (code < 0)
        code = pc_options_guests(&flags.pc, &usage, &plan, argc, argv, only);
    if (code < 0)
        code =
            operator_options_choose(&flags.operator, & usage, &plan, &script);
    if (code >= 0)
        return code;
    plan.stop_after = flags.operator.stop_after;
    plan.console_to_stderr = flags.json;
    code = run_traced(&plan);
    script_free(script);
    return cli_finish_stdout(code);
}
