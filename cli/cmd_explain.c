/* trapline explain: why a VM entry, or a VMRUN, fails. */
#include "base/format.h"
#include "cli/command.h"
#include "cli/file.h"
#include "cli/options.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/machine/op.h"
#include "x86vmm/svm/dump.h"
#include "x86vmm/svm/vmrun_check.h"
#include "x86vmm/vtx/dump.h"
#include "x86vmm/vtx/entry_check.h"

#include <stdio.h>

enum { FAILURES_MAX = 512, SENTENCE_SIZE = 512 };

static struct {
    bool rules, svm;
} given;

static const struct option_row rows[] = {
    {OPTION_FLAG, "rules", NULL, "list all rules instead", &given.rules, NULL},
    {OPTION_FLAG, "svm", NULL, "of AMD-V: FILE is a VMCB", &given.svm, NULL},
    {.kind = OPTION_END},
};

static const struct command_usage usage = {
    "explain FILE",
    "Holds a VMCS against every rule of VM entry (Intel SDM vol. 3, \"VM "
    "Entries\"),\nand says which are broken, in the order in which a processor "
    "asks; likewise the\nregisters that QEMU prints when KVM fails an entry, "
    "the log of KVM (parameter\ndump_invalid_vmcs) or Xen, and a VMCB of AMD-V "
    "against the consistency checks of\nVMRUN (AMD APM vol. 2, 15.5.1).  - is "
    "standard input.  Exit status 1: the entry\nwould fail.",
    rows,
    "FILE has lines `NAME = VALUE`, with the names of Intel's fields as "
    "--rules\nshows them (GUEST_CR0 = 0x80000021); # begins a comment.  "
    "`like = long` (or\nreal, v86, protected, pae) as the first line begins "
    "from a VMCS that can be\nentered; without it what is not given is 0.\n\n"
    "Example: printf 'like = long\\nGUEST_CR4 = 0x2000\\n' | trapline explain "
    "-",
};

static void print_rule(const char *section, const char *name,
                       const char *fields, const char *words)
{
    char text[SENTENCE_SIZE];

    format(text, sizeof(text), "%s should %s", fields, words);
    cli_print_hanging(printf("%-9s %-27s ", section, name), text);
}

static void print_failure(const char *name, const char *sentence)
{
    cli_print_hanging(printf("  %s: ", name), sentence);
}

/* ---- Of AMD-V ---- */

static int print_svm_rules(void)
{
    for (size_t i = 0; i < vmrun_checks.count; i++) {
        const struct vmrun_check *c = &vmrun_checks.rows[i];

        print_rule(c->section, c->name, vmcb_fields[c->field].name, c->words);
    }
    printf("%zu rules\n", vmrun_checks.count);
    return cli_finish_stdout(CODE_DONE);
}

static int explain_vmcb(const struct vmcb_dump *dump)
{
    static struct vmrun_failure failures[FAILURES_MAX];
    const struct vmrun r = {.vmcb = &dump->vmcb,
                            .efer = X86_EFER_OWN | SVM_EFER_SVME,
                            .cr4 = X86_CR4_OWN,
                            .host_paging = dump->host_paging};
    size_t n = vmrun_check_all(&r, failures, FAILURES_MAX);
    char sentence[SENTENCE_SIZE];

    if (n)
        puts("#VMEXIT with EXITCODE -1: VMEXIT_INVALID");
    for (size_t i = 0; i < n && i < FAILURES_MAX; i++) {
        vmrun_failure_words(&failures[i], sentence, sizeof(sentence));
        print_failure(failures[i].check->name, sentence);
    }
    if (n)
        printf("%zu of %zu rules broken\n", n, vmrun_checks.count);
    else
        printf("No rule of %zu is broken: this VMCB would be entered\n",
               vmrun_checks.count);
    return n ? CODE_NEGATIVE : CODE_DONE;
}

static int read_vmcb(const char *name, const struct s370_buffer *text)
{
    const char *bytes = text->bytes ? (const char *)text->bytes : "";
    struct vmcb_dump dump;
    struct diag d = {""};
    enum status st = vmcb_dump_read(name, bytes, text->len, &dump, &d);

    return st ? cli_fail(st, &d) : explain_vmcb(&dump);
}

/* ---- Rules ---- */

static void write_fields(const struct entry_check *c, char *out, size_t cap)
{
    uint32_t each = c->each ? c->each : 1;
    size_t n = 0;

    for (unsigned i = 0; each >> i; i++)
        if (each >> i & 1)
            n += format(out + n, cap - n, "%s%s", i ? " " : "",
                        vmcs_fields[c->field + i].name);
}

static int print_rules(void)
{
    char fields[SENTENCE_SIZE];

    for (size_t i = 0; i < entry_checks.count; i++) {
        const struct entry_check *c = &entry_checks.rows[i];

        write_fields(c, fields, sizeof(fields));
        print_rule(c->section, c->name, fields, c->words);
    }
    printf("%zu rules\n", entry_checks.count);
    return cli_finish_stdout(CODE_DONE);
}

/* ---- One VMCS ---- */

/* How the processor would say it. */
static void print_heading(const struct entry_failure *f)
{
    enum entry_stage stage = f->check->stage;
    unsigned number = entry_stage_number(stage);

    if (entry_stage_fails_instruction(stage))
        printf("VMfailValid %u: %s\n", number, vmx_error_words(number));
    else
        printf("Exit reason %u (0x%X), qualification %llu: %s\n", number,
               number | VMX_EXIT_ENTRY_FAILED,
               (unsigned long long)entry_qualification(f),
               vmx_exit_of(number)->words);
}

static void print_failures(const struct entry_failure *f, size_t n)
{
    char sentence[SENTENCE_SIZE];

    for (size_t i = 0; i < n; i++) {
        if (!i || f[i].check->stage != f[i - 1].check->stage)
            print_heading(&f[i]);
        entry_failure_words(&f[i], sentence, sizeof(sentence));
        print_failure(f[i].check->name, sentence);
    }
}

static int explain(const struct vmcs_dump *dump)
{
    static struct entry_failure failures[FAILURES_MAX];
    struct entry e = vmcs_dump_entry(dump);
    size_t n = entry_check_all(&e, failures, FAILURES_MAX);

    print_failures(failures, n < FAILURES_MAX ? n : FAILURES_MAX);
    if (n)
        printf("%zu of %zu rules broken%s\n", n, entry_checks.count,
               entry_stage_fails_instruction(failures[0].check->stage)
                   ? "; a processor stops at the first kind"
                   : "");
    else
        printf("No rule of %zu is broken: this VMCS would be entered%s\n",
               entry_checks.count,
               dump->elsewhere ? ", as far as this tells" : "");
    return n ? CODE_NEGATIVE : CODE_DONE;
}

static int read_vmcs(const char *name, const struct s370_buffer *text)
{
    const char *bytes = text->bytes ? (const char *)text->bytes : "";
    struct vmcs_dump dump;
    struct diag d = {""};
    enum status st = vmcs_dump_read(name, bytes, text->len, &dump, &d);

    return st ? cli_fail(st, &d) : explain(&dump);
}

static bool is_vmcb(const struct s370_buffer *text)
{
    return given.svm ||
           (text->bytes && vmcb_dump_is((const char *)text->bytes, text->len));
}

int cmd_explain(int argc, char **argv)
{
    struct s370_buffer text = {0};
    struct diag d = {""};
    enum status st;

    int code = options_parse(&usage, &argc, argv);
    if (code >= 0)
        return code;
    if (given.rules && argc == 1)
        return given.svm ? print_svm_rules() : print_rules();
    if (argc != 2 || given.rules)
        return options_complain(&usage, "one file is wanted");
    st = file_read(argv[1], &text, &d);
    code = st               ? cli_fail(st, &d)
           : is_vmcb(&text) ? read_vmcb(argv[1], &text)
                            : read_vmcs(argv[1], &text);
    s370_buffer_free(&text);
    return cli_finish_stdout(code);
}
