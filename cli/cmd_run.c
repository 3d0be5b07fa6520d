/* trapline run: a guest with its console on the terminal. */
#include "cli/command.h"
#include "cli/options.h"
#include "cli/summary.h"
#include "cli/trace_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    const char *on, *trace, *script;
    const char *kernel, *initrd, *append, *drives[2], *bios, *mem, *vendor;
    uint64_t ipl, stop_after;
    bool apic, ipl_given, scratch_tapes, json, quiet, costs;
} flags;

static const struct option_row rows[] = {
    {OPTION_TEXT, "on", "MACHINE",
     "bare, trap (the default), kvm or vtx (for x86 images)", &flags.on, NULL},
    {OPTION_TEXT, "kernel", "FILE",
     "a kernel for the bare PC: bzImage, ELF or flat", &flags.kernel, NULL},
    {OPTION_TEXT, "initrd", "FILE", "its initial RAM disk, or first module",
     &flags.initrd, NULL},
    {OPTION_TEXT, "append", "TEXT", "its command line", &flags.append, NULL},
    {OPTION_TEXTS, "drive", "FILE",
     "a disk of the PC, a raw image; two at most", flags.drives, NULL},
    {OPTION_TEXT, "mem", "SIZE", "the PC's storage, 2M to 3G (256M)",
     &flags.mem, NULL},
    {OPTION_TEXT, "bios", "FILE", "firmware to start instead of a kernel",
     &flags.bios, NULL},
    {OPTION_FLAG, "apic", NULL, "the PC has APICs and a MultiProcessor table",
     &flags.apic, NULL},
    {OPTION_TEXT, "vendor", "NAME",
     "the PC's processor says it is of NAME: GenuineIntel", &flags.vendor,
     NULL},
    {OPTION_HEX, "ipl", "ADDRESS", "the device to load from, as 0C0",
     &flags.ipl, &flags.ipl_given},
    {OPTION_TEXT, "script", "FILE",
     "an operator for the first guest's console (see below)", &flags.script,
     NULL},
    {OPTION_NUMBER, "stop-after", "N",
     "end each guest after N instructions (100k, 5M ...)", &flags.stop_after,
     NULL},
    {OPTION_TEXT, "trace", "FILE",
     "write every event; JSON lines if FILE ends in .jsonl", &flags.trace,
     NULL},
    {OPTION_FLAG, "scratch-tapes", NULL,
     "make the tapes that are named and missing", &flags.scratch_tapes, NULL},
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
        "turns to another console.\nOn the bare PC the terminal is its serial "
        "port, each key as it is; Ctrl-] ends\nthe run.  A Linux kernel "
        "without "
        "--append gets a command line that suits it.\n\nScript, a line each: "
        "attention; wait "
        "TEXT, until the console has printed it;\ntype TEXT; stop.  A wait "
        "that is not met ends the run with status 1.\n\nExamples:\n"
        "  trapline run multi\n"
        "  trapline run tos360.conf --ipl 0C0 --scratch-tapes\n"
        "  trapline run guest.conf --on bare --stop-after 10M\n"
        "  trapline run --kernel /boot/vmlinuz --initrd initrd.gz",
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

/* 256M, 1G: powers of 1024. */
static bool parse_size(const char *text, uint64_t *bytes)
{
    static const char units[] = "KMG";
    size_t digits = strspn(text, "0123456789");
    const char *unit = text[digits] ? strchr(units, text[digits]) : NULL;
    char number[24];

    if (!digits || digits >= sizeof(number) || !unit || text[digits + 1])
        return false;
    snprintf(number, sizeof(number), "%.*s", (int)digits, text);
    return options_number(number, 10, bytes) &&
           !__builtin_mul_overflow(
               *bytes, UINT64_C(1024) << 10 * (unsigned)(unit - units), bytes);
}

/* An option of the other machine's; NULL: none. */
static const char *foreign(bool pc)
{
    if (pc)
        return flags.ipl_given       ? "--ipl"
               : flags.scratch_tapes ? "--scratch-tapes"
                                     : NULL;
    return flags.drives[0] ? "--drive"
           : flags.mem     ? "--mem"
           : flags.apic    ? "--apic"
           : flags.vendor  ? "--vendor"
                           : NULL;
}

/* What only the bare PC has; -1 to go on. */
static int choose_pc(struct session_plan *plan)
{
    bool pc = flags.kernel || flags.bios;

    plan->kernel = pc;
    plan->initrd = flags.initrd;
    plan->append = flags.append;
    plan->drives[0] = flags.drives[0];
    plan->drives[1] = flags.drives[1];
    plan->bios = flags.bios;
    plan->apic = flags.apic;
    plan->vendor = flags.vendor;
    if (flags.kernel && flags.bios)
        return options_complain(&usage, "--kernel and --bios: which of them?");
    if (!flags.kernel && (flags.initrd || flags.append))
        return options_complain(&usage, "%s belongs to --kernel",
                                flags.initrd ? "--initrd" : "--append");
    const char *other = foreign(pc);
    if (other)
        return options_complain(&usage, "%s belongs to %s", other,
                                pc ? "System/370 guests"
                                   : "--kernel or --bios");
    if (pc && plan->on_given && plan->on != ON_BARE)
        return options_complain(&usage, "--kernel and --bios: on bare only");
    if (flags.mem && !parse_size(flags.mem, &plan->mem))
        return options_complain(&usage, "--mem %s: a size as 256M or 1G",
                                flags.mem);
    return -1;
}

/* The operands, or the kernel or firmware in place of one. */
static int choose_guests(struct session_plan *plan, int argc, char **argv)
{
    static char *only[1];

    only[0] = (char *)(uintptr_t)(flags.kernel ? flags.kernel : flags.bios);
    if (only[0] && argc > 1)
        return options_complain(&usage, "%s: a guest beside --%s", argv[1],
                                flags.kernel ? "kernel" : "bios");
    if (!only[0] && argc < 2)
        return options_complain(&usage, "which guest?");
    plan->guests = only[0] ? only : argv + 1;
    plan->count = only[0] ? 1 : (unsigned)argc - 1;
    return -1;
}

static void greet(void)
{
    if (!flags.script && !flags.quiet && isatty(STDIN_FILENO) &&
        isatty(STDERR_FILENO))
        fputs(flags.kernel || flags.bios
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
        enum status st =
            trace_file_open(&file, flags.trace, false, EVERYTHING, &diag);
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
    struct diag diag = {""};
    struct script *script = NULL;
    int code = options_parse(&usage, &argc, argv);

    if (code < 0)
        code = choose_machine(&plan);
    if (code < 0)
        code = choose_pc(&plan);
    if (code < 0)
        code = choose_guests(&plan, argc, argv);
    if (code >= 0)
        return code;
    if (flags.script) {
        script = script_read(flags.script, &diag);
        if (!script)
            return cli_fail(STATUS_BAD_INPUT, &diag);
    }
    plan.ipl = flags.ipl_given ? &flags.ipl : NULL;
    plan.stop_after = flags.stop_after;
    plan.script = script;
    plan.scratch_tapes = flags.scratch_tapes;
    plan.console_to_stderr = flags.json;
    code = run_traced(&plan);
    script_free(script);
    return cli_finish_stdout(code);
}
