/* trapline trace: one line an exit. */
#include "cli/command.h"
#include "cli/operator_options.h"
#include "cli/pc_options.h"
#include "cli/trace_file.h"

#include <signal.h>
#include <stdlib.h>

static struct {
    const char *output, *on;
    struct pc_options pc;
    struct operator_options operator;
    uint64_t from;
    bool from_given, insns, io, json, costs;
} flags;

static const struct option_row rows[] = {
    {OPTION_TEXT, "on", "MACHINE",
     "trap (the default), or for x86 images kvm, vtx, svm", &flags.on, NULL},
#define PC_OPTION(kind, name, value, help, member, users)           \
    {OPTION_##kind,    name, value, (users)&PC_TRACE ? help : NULL, \
     &flags.pc.member, NULL},
#include "cli/pc_options.def"
#undef PC_OPTION
    {OPTION_FLAG, "insns", NULL, "show every instruction, not only exits",
     &flags.insns, NULL},
    {OPTION_HEX, "from", "ADDRESS",
     "on kvm: instructions only from this one on", &flags.from,
     &flags.from_given},
    {OPTION_FLAG, "io", NULL, "show what channels and devices do", &flags.io,
     NULL},
    {OPTION_FLAG, "json", NULL, "JSON lines", &flags.json, NULL},
    {OPTION_FLAG, "costs", NULL, "measure what each exit costs (in JSON lines)",
     &flags.costs, NULL},
    {OPTION_TEXT, "output", "FILE", "write there, not to stdout", &flags.output,
     NULL},
#define OPERATOR_OPTION(kind, name, value, help, member, given) \
    {OPTION_##kind, name, value, help, &flags.operator.member, given},
#include "cli/operator_options.def"
#undef OPERATOR_OPTION
    {.kind = OPTION_END},
};

static const struct command_usage usage = {
    .synopsis = "trace GUEST...|--kernel FILE|--bios FILE [OPTION]...",
    .about =
        "Runs guests under the monitor and prints a line for each exit:\n\n"
        "  insns    guest instructions so far (on kvm, which counts none: "
        "exits)\n"
        "  V        number of the guest's machine\n"
        "  pc       guest address of the instruction\n"
        "  mode     before>after: Supervisor or Problem state; what the guest "
        "believes\n"
        "  instruction\n"
        "           of x86 with what registers ask of it: CPUID's leaf (7.0: "
        "and ECX),\n"
        "           an MSR's number; <- what is written, -> what came of it\n"
        "  reason   why the monitor got control; SETTLED: the engine did what "
        "the bare\n"
        "           processor does, and asked nobody\n"
        "  verdict  what it decided: advance past the instruction, resume at "
        "the guest's\n"
        "           new pc, reflect the event to the guest, wait, stop, fail\n"
        "  state    the virtual PSW afterwards; of x86 mode, CS:IP and "
        "flags\n\n"
        "Lines with \"event\" are interruptions that the guest takes; with "
        "\"mem\", traps\nthat the engine settles by itself, filling its shadow "
        "tables; with |, what the\nguest prints at its console.  On a terminal "
        "the monitor's lines end\nat its edge.",
    .rows = rows,
    .more = "Examples:\n"
            "  trapline trace multi | less\n"
            "  trapline trace multi --json --output trace.jsonl",
};

static unsigned wanted_kinds(void)
{
    unsigned kinds =
        1 << TRACE_EXIT | 1 << TRACE_MEM | 1 << TRACE_EVENT | 1 << TRACE_NOTE;

    if (flags.io)
        kinds |= 1 << TRACE_IO;
    if (flags.insns || flags.from_given)
        kinds |= 1 << TRACE_INSN;
    return kinds;
}

static int trace_to(struct session_plan *plan, struct trace_file *file)
{
    struct trace trace = {.insns = flags.insns || flags.from_given,
                          .host_ns = flags.costs ? session_host_ns : NULL};
    struct session *s = calloc(1, sizeof(*s));
    struct diag diag = {""};
    int code = CODE_OURS;

    trace_attach(&trace, &file->filter);
    plan->trace = &trace;
    if (s)
        code = session_run(s, plan);
    plan->trace = NULL;
    for (unsigned i = 0; s && i < s->count; i++)
        if (s->guests[i].end == GUEST_FAILED)
            cli_say("%s: %s", s->guests[i].name, s->guests[i].why);
    free(s);
    bool to_stdout = file->file == stdout;
    if (trace_file_close(file, &diag) == STATUS_OK)
        return code;
    return to_stdout && cli_reader_has_gone()
               ? CODE_SIGNALLED + SIGPIPE
               : cli_fail(STATUS_HOST_FAILED, &diag);
}

int cmd_trace(int argc, char **argv)
{
    struct session_plan plan = {0};
    struct trace_file file;
    struct diag diag = {""};
    struct script *script;
    char *only[1];
    int code = options_parse(&usage, &argc, argv);

    if (code < 0 && flags.on) {
        plan.on_given = true;
        if (session_on_find(flags.on, &plan.on, &diag))
            code = options_complain(&usage, "%s", diag.text);
        else if (plan.on == ON_BARE)
            code = options_complain(&usage, "--on bare: it has no exits");
    }
    if (code < 0 && !flags.on && (flags.pc.kernel || flags.pc.bios)) {
        plan.on_given = true; /* the bare PC has no exits */
        plan.on = ON_VTX;
    }
    if (code < 0)
        code = pc_options_choose(&flags.pc, &usage, &plan);
    if (code < 0)
        code = pc_options_guests(&flags.pc, &usage, &plan, argc, argv, only);
    if (code < 0 && flags.from_given && (!flags.on || plan.on != ON_KVM))
        code = options_complain(&usage, "--from: with --on kvm");
    if (code < 0)
        code =
            operator_options_choose(&flags.operator, & usage, &plan, &script);
    if (code >= 0)
        return code;
    plan.stop_after = flags.operator.stop_after;
    plan.console_to_trace = true;
    plan.stepping = flags.insns || flags.from_given;
    plan.from = flags.from_given ? &flags.from : NULL;
    const char *to = flags.output ? flags.output : "-";
    enum status st = trace_file_spare(to, &plan, &diag);
    if (!st)
        st = trace_file_open(&file, to, flags.json, wanted_kinds(), &diag);
    code = st ? cli_fail(st, &diag) : trace_to(&plan, &file);
    script_free(script);
    return code;
}
