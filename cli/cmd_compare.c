/* trapline compare: a guest bare and under the monitor, in lockstep. */
#include "cli/command.h"
#include "cli/guest_file.h"
#include "cli/lockstep.h"
#include "cli/lockstep_x86.h"
#include "cli/operator_options.h"
#include "cli/pair.h"
#include "cli/pc_options.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static struct {
    const char *on;
    struct pc_options pc;
    struct operator_options operator;
    uint64_t sample;
} flags;

static const struct option_row rows[] = {
    {OPTION_TEXT, "on", "A,B",
     "the two machines of a PC: bare, vtx (the default), svm", &flags.on, NULL},
#define PC_OPTION(kind, name, value, help, member, users)             \
    {OPTION_##kind,    name, value, (users)&PC_COMPARE ? help : NULL, \
     &flags.pc.member, NULL},
#include "cli/pc_options.def"
#undef PC_OPTION
#define OPERATOR_OPTION(kind, name, value, help, member, given) \
    {OPTION_##kind, name, value, help, &flags.operator.member, given},
#include "cli/operator_options.def"
#undef OPERATOR_OPTION
    {OPTION_NUMBER, "sample", "N",
     "compare at least every N instructions; 1: every one", &flags.sample,
     NULL},
    {.kind = OPTION_END},
};

static const struct command_usage usage = {
    .synopsis = "compare GUEST|--kernel FILE|--bios FILE [OPTION]...",
    .about =
        "Runs the same guest on the bare machine and under the monitor, or "
        "under two, and\ncompares all that the guest can see: registers, "
        "timers, storage, time, at every\nexit and a sample of the "
        "instructions between; also what it prints and writes.\nThe first "
        "difference is shown with both states side by side and the "
        "instruction\nat fault; then the exit status is 1.",
    .rows = rows,
    .more =
        "Files that devices write are not touched: each machine has copies "
        "of its own,\nwhich are thrown away.  A call to the monitor is a "
        "difference by design; a PC's\nguest does not see that there is one. "
        " To find an instruction the guest is run\nagain from its start, as "
        "the same input gives the same run.  An x86 image needs\n"
        "no --kernel.\n\nExamples:\n"
        "  trapline compare multi\n"
        "  trapline compare tos360.conf --ipl 0C0 --script job.script "
        "--scratch-tapes\n"
        "  trapline compare --kernel /boot/vmlinuz --initrd initrd.gz\n"
        "  trapline compare pc-tour --on vtx,svm --sample 1\n"
        "  trapline compare --nested --kernel trapline.img",
};

static volatile bool interrupted;

static volatile sig_atomic_t killed; /* by this signal, no key; or 0 */

static void on_signal(int number)
{
    if (number != SIGINT)
        killed = number;
    interrupted = true;
}

static int exit_code(const struct lockstep_report *r, const struct pair *p)
{
    if (!r->same || p->output_differs[0] || p->unmet.text[0])
        return CODE_NEGATIVE;
    if (r->end == LOCKSTEP_GAVE_UP)
        return CODE_SKIPPED;
    return flags.operator.stop_after && r->end == LOCKSTEP_BUDGET ? CODE_LIMIT
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
    struct lockstep_options o = {.limit = flags.operator.stop_after,
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

/* ---- A PC ---- */

/* The options that the guest was given, to be typed again; ours to free. */
static char *guest_options(void)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);

    if (!to)
        return NULL;
    pc_options_write(to, &flags.pc, PC_COMPARE);
    if (flags.operator.script)
        cli_write_option(to, " ", "script", flags.operator.script);
    if (fclose(to) == 0)
        return text;
    free(text);
    return NULL;
}

static int report_pc(const struct x86_lockstep_report *r)
{
    char *guest = guest_options();

    x86_lockstep_print(stdout, r, cli_program(), guest ? guest : "GUEST");
    free(guest);
    if (r->same && r->unmet.text[0])
        cli_say("%s", r->unmet.text);
    return cli_finish_stdout(
        !r->same || r->unmet.text[0] ? CODE_NEGATIVE
        : flags.operator.stop_after && r->end == X86_LOCKSTEP_CUT ? CODE_LIMIT
                                                                  : CODE_DONE);
}

static int compare_pc(const struct session_plan *plan,
                      const enum session_on on[2])
{
    struct x86_lockstep_plan with = {.pc = plan,
                                     .limit = flags.operator.stop_after,
                                     .sample = flags.sample,
                                     .interrupted = &interrupted};
    struct x86_lockstep_report *r = malloc(sizeof(*r));
    struct diag diag = {""};
    int code = CODE_OURS;

    for (unsigned i = 0; i < 2; i++)
        with.side[i] = (struct x86_lockstep_side){session_on_names[on[i]],
                                                  session_engine(on[i])};
    if (r) {
        enum status st = x86_lockstep_run(&with, r, &diag);
        code = st ? cli_fail(st, &diag) : report_pc(r);
    }
    free(r);
    return code;
}

/* --on A,B: the second one is under a monitor.  -1 to go on. */
static int choose_machines(const struct session_plan *plan,
                           enum session_on on[2])
{
    const char *text = flags.on ? flags.on : "bare,vtx";
    const char *comma = strchr(text, ',');
    struct diag diag = {""};
    char first[16];

    if (plan->nested && flags.on && strcmp(flags.on, "bare,vtx") != 0)
        return options_complain(&usage, "--nested: with --on bare,vtx");
    if (flags.on && !plan->kernel)
        return options_complain(&usage, "--on belongs to --kernel or --bios");
    snprintf(first, sizeof(first), "%.*s", comma ? (int)(comma - text) : 0,
             text);
    if (!comma || session_on_find(first, &on[0], &diag) ||
        session_on_find(comma + 1, &on[1], &diag))
        return options_complain(&usage,
                                "--on %s: two of bare, vtx and svm, as "
                                "bare,vtx",
                                text);
    if (on[1] == ON_BARE) {
        on[1] = on[0];
        on[0] = ON_BARE;
    }
    for (unsigned i = 0; i < 2; i++)
        if (on[i] == ON_TRAP || on[i] == ON_KVM)
            return options_complain(&usage, "--on %s: %s", text,
                                    on[i] == ON_KVM
                                        ? "KVM counts no instructions"
                                        : "trap runs System/370 guests");
    return on[1] != ON_BARE
               ? -1
               : options_complain(&usage, "--on %s: one with a monitor, please",
                                  text);
}

/* An x86 image is a PC's: --kernel may be left out. */
static void take_image(int *argc, char **argv)
{
    static struct guest_file image;
    struct diag diag = {""};

    if (*argc != 2 || flags.pc.kernel || flags.pc.bios ||
        guest_file_find(argv[1], &image, &diag) || image.kind != GUEST_X86)
        return;
    cli_say("%s: on a PC, as with --kernel %s", argv[1], image.path);
    flags.pc.kernel = image.path;
    *argc = 1;
}

/* ---- */

int cmd_compare(int argc, char **argv)
{
    enum session_on on[2] = {ON_BARE, ON_BARE};
    struct session_plan plan = {0};
    struct script *script;
    char *only[1];
    int code = options_parse(&usage, &argc, argv);

    const char *astray = pc_options_astray(&flags.pc, PC_COMPARE);
    if (code < 0)
        take_image(&argc, argv);
    if (code < 0 && astray)
        code = options_complain(&usage, "%s belongs to `trapline run`", astray);
    plan.on_given = flags.pc.nested; /* whose place the second one takes */
    plan.on = ON_VTX;
    if (code < 0)
        code = pc_options_choose(&flags.pc, &usage, &plan);
    plan.on_given = false;
    if (code < 0)
        code = pc_options_guests(&flags.pc, &usage, &plan, argc, argv, only);
    if (code < 0 && plan.count != 1)
        code = options_complain(&usage, "one guest, please");
    if (code < 0)
        code = choose_machines(&plan, on);
    if (code < 0)
        code =
            operator_options_choose(&flags.operator, & usage, &plan, &script);
    if (code >= 0)
        return code;
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    code = plan.kernel ? compare_pc(&plan, on) : compare(&plan);
    script_free(script);
    return killed && code != CODE_NEGATIVE ? CODE_SIGNALLED + killed : code;
}
