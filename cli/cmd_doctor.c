/* trapline doctor: what this machine can do, in words. */
#include "cli/command.h"
#include "cli/options.h"
#include "cli/vmm_s370.h"
#include "cli/vmm_x86.h"
#include "s370/engine/engine_trap.h"
#include "x86vmm/engine/engine_kvm.h"
#include "x86vmm/engine/engine_svm.h"
#include "x86vmm/engine/engine_vtx.h"
#include "x86vmm/engine/kvm_probe.h"
#include "x86vmm/machine/op.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct option_row rows[] = {{.kind = OPTION_END}};

static const struct command_usage usage = {
    .synopsis = "doctor",
    .about = "Says which engines can run guests on this machine and, where one "
             "cannot,\nwhat is missing; and which other programs the tests "
             "would find.",
    .rows = rows,
};

/* Programs that some of the tests use beside us. */
static const struct {
    const char *program, *package, *what_for;
} helpers[] = {
    {"hercules", "hercules", "the oracle for instruction tests and bench"},
    {"qemu-system-x86_64", "qemu-system-x86",
     "gives the tests a /dev/kvm; a PC with AMD-V for `bare run`"},
    {"bochs", "bochs and bochs-term", "a PC with VT-x for `bare run`"},
    {"s390x-linux-gnu-as", "binutils-s390x-linux-gnu",
     "a second opinion on the assembler"},
};

/* Is there an executable of this name in PATH? */
static bool in_path(const char *program)
{
    const char *path = getenv("PATH");
    char file[512];

    while (path && *path) {
        size_t n = strcspn(path, ":");

        snprintf(file, sizeof(file), "%.*s/%s", (int)n, path, program);
        if (access(file, X_OK) == 0)
            return true;
        path += n + (path[n] == ':');
    }
    return false;
}

static void print_row(const char *name, const char *state, const char *words)
{
    cli_print_hanging(printf("  %-20s %-8s ", name, state), words);
}

static void print_engines(const struct kvm_probe *kvm)
{
    static const char *const states[] = {
        [KVM_ABSENT] = "no", [KVM_PARTIAL] = "partly", [KVM_WHOLE] = "yes"};
    struct diag diag = {""};
    bool trap = engine_trap.probe(&diag) == STATUS_OK;
    bool modelled = x86_op_decode_available();

    puts("What can run guests here");
    print_row("--on bare", "yes", "the bare System/370, in software");
    print_row("  an x86 PC", modelled ? "works" : "fails",
              modelled ? "a processor and devices in software: run --kernel"
                       : X86_NO_DECODER);
    print_row("--on trap", trap ? "yes" : "no",
              trap ? engine_trap.title : diag.text);
    print_row("--on kvm", states[kvm->verdict],
              kvm->verdict == KVM_ABSENT ? kvm->why
              : kvm->verdict == KVM_PARTIAL
                  ? "on Linux /dev/kvm; an image that "
                    "wants what fails: --on vtx"
                  : engine_kvm.title);
    for (unsigned i = 0; i < kvm->count; i++) {
        const struct kvm_probe_row *r = &kvm->rows[i];
        char name[32];

        snprintf(name, sizeof(name), "  %s", r->name);
        print_row(name, r->works ? "works" : "fails",
                  r->works ? r->title : r->why_not);
    }
    print_row("--on vtx", modelled ? "yes" : "no",
              modelled ? engine_vtx.title : X86_NO_DECODER);
    print_row("--on svm", modelled ? "yes" : "no",
              modelled ? engine_svm.title : X86_NO_DECODER);
}

static void print_helpers(void)
{
    char words[160];

    puts("\nPrograms that the tests use");
    for (size_t i = 0; i < ARRAY_LEN(helpers); i++) {
        bool found = in_path(helpers[i].program);

        snprintf(words, sizeof(words), found ? "%s" : "%s (package %s)",
                 helpers[i].what_for, helpers[i].package);
        print_row(helpers[i].program, found ? "found" : "missing", words);
    }
}

static void print_terminal(void)
{
    const char *term = getenv("TERM");

    puts("\nTerminal");
    print_row("stdin", isatty(STDIN_FILENO) ? "yes" : "no",
              isatty(STDIN_FILENO)
                  ? "you can type to a guest's console"
                  : "not a terminal: its lines answer the guest's reads");
    print_row("TERM", term ? term : "-",
              "the console needs nothing of it: it prints and reads lines");
}

int cmd_doctor(int argc, char **argv)
{
    static struct kvm_probe kvm;
    int code = options_parse(&usage, &argc, argv);

    if (code >= 0)
        return code;
    if (argc > 1)
        return options_complain(&usage, "takes no operand: %s", argv[1]);
    kvm_probe_run(&kvm);
    print_engines(&kvm);
    print_helpers();
    print_terminal();
    return cli_finish_stdout(CODE_DONE);
}
