/* A real guest: IBM's Tape Operating System/360 compiles, links and runs a job,
 * and its listing is what it must be: on the bare machine, under the monitor,
 * and in lockstep on both.
 *
 * The images are no part of the project.  They are looked for in the folder
 * that TRAPLINE_TOS360 names, or else in ../shared/guests/tos360. */
#include "cli/pair.h"
#include "cli/vmm_s370.h"
#include "monitor/dispatcher.h"
#include "s370/dev/config.h"
#include "s370/dev/dev_console.h"
#include "s370/exit/interpreter.h"
#include "s370/machine/machine.h"
#include "tests/skip.h"

#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONSOLE = 0x01F, SYSRES = 0x0C0, TEXT_MAX = 65536 };

/* What the operator answers, a line each time the console reads; an empty line
 * starts the job. */
static const char *const answers[] = {
    "SET DATE=02/01/69,CLOCK=00/00/00",
    "ASSGN SYSRDR,X'00A'",
    "ASSGN SYSIPT,X'00A'",
    "ASSGN SYSLST,X'00B'",
    "",
};

/* The images' folder, and one of our own where the guest's files are. */
static char images[PATH_MAX], scratch[] = "/tmp/trapline-tos360-XXXXXX";

static struct dialogue {
    struct s370_channels *channels;
    unsigned answered;
    char said[TEXT_MAX];
    size_t length;
} console;

static void print(void *who, uint16_t address, const char *text, size_t len)
{
    struct dialogue *o = who;

    (void)address;
    ck_assert_uint_lt(o->length + len, TEXT_MAX);
    memcpy(o->said + o->length, text, len);
    o->length += len;
}

static void reading(void *who, uint16_t address)
{
    struct dialogue *o = who;

    if (o->answered < ARRAY_LEN(answers))
        ck_assert_int_eq(
            s370_console_type(s370_channels_find(o->channels, address),
                              answers[o->answered++]),
            STATUS_OK);
}

static void trouble(void *who, uint16_t address, const char *text)
{
    (void)who;
    ck_abort_msg("%03X: %s", address, text);
}

/* False, and the test has said that it skips: there are no images. */
static bool find_images(void)
{
    const char *named = getenv("TRAPLINE_TOS360");
    const char *folder = named ? named : "../shared/guests/tos360";
    char probe[PATH_MAX + 16];

    if (!realpath(folder, images)) {
        skip_test("no TOS/360 images in %s (%s): set TRAPLINE_TOS360", folder,
                  strerror(errno));
        return false;
    }
    snprintf(probe, sizeof(probe), "%s/sysres.aws", images);
    if (access(probe, R_OK)) {
        skip_test("no TOS/360 images: %s: %s", probe, strerror(errno));
        return false;
    }
    ck_assert_ptr_nonnull(mkdtemp(scratch));
    ck_assert_int_eq(chdir(scratch), 0);
    return true;
}

/* A file without carriage control, trailing blanks and empty lines. */
static void read_listing(const char *path, char *out)
{
    char line[512];
    FILE *f = fopen(path, "r");
    size_t used = 0;

    ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
    while (fgets(line, sizeof(line), f)) {
        char *from = line + strspn(line, "\f\r");
        size_t n = strlen(from);

        while (n && strchr(" \r\n\f", from[n - 1]))
            n--;
        if (!n)
            continue;
        ck_assert_uint_lt(used + n + 2, TEXT_MAX);
        memcpy(out + used, from, n);
        used += n;
        out[used++] = '\n';
    }
    out[used] = '\0';
    fclose(f);
}

/* The listing is the expected one, or the first line that is not. */
static void check_listing(void)
{
    static char got[TEXT_MAX], wanted[TEXT_MAX];
    char path[PATH_MAX + 32];
    const char *g = got, *w = wanted;
    unsigned line = 1;

    snprintf(path, sizeof(path), "%s/sieve.expected", images);
    read_listing(path, wanted);
    read_listing("sieve.prt", got);
    ck_assert_uint_gt(strlen(wanted), 1000);
    while (*g && *w) {
        size_t ng = strcspn(g, "\n"), nw = strcspn(w, "\n");

        ck_assert_msg(ng == nw && !memcmp(g, w, ng),
                      "line %u of the listing is\n%.*s\nand must be\n%.*s",
                      line, (int)ng, g, (int)nw, w);
        g += ng + 1;
        w += nw + 1;
        line++;
    }
    ck_assert_msg(!*g && !*w, "the listing has %s than %u lines",
                  *g ? "more" : "less", line - 1);
}

static void remove_scratch(void)
{
    static const char *const files[] = {"sieve.prt", "work1.aws", "work2.aws",
                                        "work3.aws", "work4.aws", "work5.aws"};

    for (unsigned i = 0; i < ARRAY_LEN(files); i++)
        ck_assert_msg(!unlink(files[i]), "%s: %s", files[i], strerror(errno));
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(scratch), 0);
}

static void read_config(struct s370_config *config)
{
    char path[PATH_MAX + 16];
    struct diag d = {{0}};

    snprintf(path, sizeof(path), "%s/tos360.conf", images);
    ck_assert_msg(s370_config_read(path, config, &d) == STATUS_OK, "%s",
                  d.text);
}

static void attach(const struct s370_config *config, struct s370_channels *ch)
{
    struct s370_console_host host = {print, reading, &console, trouble};
    struct diag d = {{0}};

    console.channels = ch;
    ck_assert_msg(s370_config_attach(config, ch, &host,
                                     S370_CONFIG_CREATE_TAPES, &d) == STATUS_OK,
                  "%s", d.text);
}

/* What the console has said, once the job is over. */
static void check_console(void)
{
    static const char *const words[] = {
        "0I10A GIVE IPL CONTROL STATEMENTS", "0I20I IPL COMPLETE",
        "1C00A  READY FOR COMMUNICATIONS.", "// JOB SIEVE", "EOJ SIEVE"};
    const char *at = console.said;

    ck_assert_uint_eq(console.answered, ARRAY_LEN(answers));
    for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
        at = strstr(at, words[i]);
        ck_assert_msg(at != NULL, "no %s on the console:\n%s", words[i],
                      console.said);
    }
}

START_TEST(test_bare)
{
    struct s370_config config;
    struct diag d = {{0}};
    uint64_t ran;

    if (!find_images())
        return;
    read_config(&config);
    struct s370_machine *m = s370_machine_new(config.main_size, NULL);
    ck_assert_ptr_nonnull(m);
    attach(&config, m->channels);
    ck_assert_msg(s370_machine_ipl(m, SYSRES, &d) == STATUS_OK, "%s", d.text);

    /* It waits until the operator asks for attention. */
    ck_assert_int_eq(s370_machine_run(m, 1000000, &ran), S370_STOP_IDLE);
    ck_assert_str_eq(console.said, "");
    ck_assert_int_eq(
        s370_console_attention(s370_channels_find(m->channels, CONSOLE)),
        STATUS_OK);
    /* It answers, runs the job, and waits for the next one. */
    ck_assert_int_eq(s370_machine_run(m, 100000000, &ran), S370_STOP_IDLE);
    ck_assert_uint_gt(ran, 1000000);
    check_console();
    s370_machine_free(m);
    s370_config_free(&config);
    check_listing();
    remove_scratch();
}
END_TEST

/* ---- Under the monitor ---- */

static void go_on(struct s370_vmm *vmm)
{
    static const volatile bool never = false;
    size_t count;
    struct vm **vms = s370_vmm_vms(vmm, &count);

    ck_assert_int_eq(vmm_run(vms, count, &never), TURN_IDLE);
}

static uint64_t exits_of(const struct trace_ledger *l, const char *insn)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < l->count; i++)
        if (l->rows[i].insn && !strcmp(l->rows[i].insn, insn))
            n += l->rows[i].count;
    return n;
}

/* The traps that such a job is known to make: four privileged instructions and
 * SVC, and a small share of all instructions. */
static void check_exits(const struct trace_ledger *l, const struct vcpu *v)
{
    static const char *const insns[] = {"LPSW", "SIO", "SSM", "TIO", "SVC"};

    for (unsigned i = 0; i < ARRAY_LEN(insns); i++) {
        uint64_t n = exits_of(l, insns[i]);
        printf("  %-5s %8llu exits\n", insns[i], (unsigned long long)n);
        ck_assert_msg(n > 50, "only %llu exits by %s", (unsigned long long)n,
                      insns[i]);
    }
    ck_assert_uint_gt(v->insns, 1000000);
    ck_assert_uint_lt(v->intervened * 50, v->insns);
}

START_TEST(test_under_the_monitor)
{
    struct trace trace = {0};
    struct trace_ledger ledger;
    struct s370_config config;
    struct diag d = {{0}};

    if (!find_images())
        return;
    read_config(&config);
    trace_ledger_init(&ledger);
    trace_attach(&trace, &ledger.sink);
    struct s370_vmm *vmm = s370_vmm_new(0, &trace, &d);
    ck_assert_msg(vmm != NULL, "%s", d.text);
    struct vm *vm = s370_vmm_add(vmm, "tos360", config.main_size, &d);
    ck_assert_msg(vm != NULL, "%s", d.text);
    attach(&config, s370_vm_channels(vm));
    ck_assert_msg(s370_vm_ipl(vm, SYSRES, &d) == STATUS_OK, "%s", d.text);
    go_on(vmm);
    ck_assert_str_eq(console.said, "");
    ck_assert_int_eq(s370_console_attention(
                         s370_channels_find(s370_vm_channels(vm), CONSOLE)),
                     STATUS_OK);
    go_on(vmm);
    check_console();
    check_exits(&ledger, &vm->vcpu);
    s370_vmm_free(vmm);
    s370_config_free(&config);
    check_listing();
    remove_scratch();
}
END_TEST

/* ---- In lockstep ---- */

static const char operator_does[] = "attention\n"
                                    "wait GIVE IPL CONTROL STATEMENTS\n"
                                    "type SET DATE=02/01/69,CLOCK=00/00/00\n"
                                    "wait READY FOR COMMUNICATIONS\n"
                                    "type ASSGN SYSRDR,X'00A'\n"
                                    "type ASSGN SYSIPT,X'00A'\n"
                                    "type ASSGN SYSLST,X'00B'\n"
                                    "type\n"
                                    "wait EOJ SIEVE\n"
                                    "stop\n";

/* The whole run, or until an interpreter that is broken shows. */
static struct lockstep_report compare(enum s370_op op, interpreter_fn mutant)
{
    char config[PATH_MAX + 16], *guests[] = {config};
    const uint64_t ipl = SYSRES;
    const struct lockstep_options o = {0};
    struct lockstep_report r;
    struct diag d = {{0}};

    snprintf(config, sizeof(config), "%s/tos360.conf", images);
    struct script *script = script_parse("operator", operator_does, &d);
    ck_assert_msg(script != NULL, "%s", d.text);
    const struct session_plan plan = {.guests = guests,
                                      .count = 1,
                                      .ipl = &ipl,
                                      .script = script,
                                      .scratch_tapes = true};
    struct pair *p = pair_new(&plan, &d);
    ck_assert_msg(p != NULL, "%s", d.text);
    p->mutant = mutant;
    p->mutant_op = op;
    struct lockstep_guest g = pair_guest(p);
    ck_assert_msg(lockstep_run(&g, &o, &r, &d) == STATUS_OK, "%s", d.text);
    if (!mutant) {
        ck_assert_str_eq(p->output_differs, "");
        ck_assert_str_eq(p->unmet.text, "");
    }
    pair_free(p);
    script_free(script);
    return r;
}

START_TEST(test_no_difference)
{
    if (!find_images())
        return;
    struct lockstep_report r = compare(S370_OP_INVALID, NULL);
    lockstep_print(r.same ? stdout : stderr, &r);
    ck_assert_msg(r.same, "%s differs after %s", r.what, r.insn);
    ck_assert_uint_gt(r.insns, 1000000);
    ck_assert_int_eq(r.end, LOCKSTEP_STOPPED);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(scratch), 0);
}
END_TEST

/* LPSW that takes no condition code; it matters to whoever was interrupted. */
static enum verdict lpsw_keeps_cc(struct vcpu *v, struct vm_exit *x)
{
    uint8_t cc = s370_vcpu(v)->psw.cc;
    enum verdict verdict = vm_lpsw(v, x);

    s370_vcpu(v)->psw.cc = cc;
    return verdict;
}

/* SSM that lets no external interruption in. */
static enum verdict ssm_drops_external_bit(struct vcpu *v, struct vm_exit *x)
{
    enum verdict verdict = vm_ssm(v, x);

    s370_vcpu(v)->psw.system_mask &= (uint8_t)~S370_MASK_EXTERNAL;
    return verdict;
}

/* TIO to a device that is never busy. */
static enum verdict tio_is_available(struct vcpu *v, struct vm_exit *x)
{
    enum verdict verdict = vm_tio(v, x);

    s370_vcpu(v)->psw.cc = 0;
    return verdict;
}

static const struct {
    enum s370_op op;
    interpreter_fn fn;
} mutants[] = {{S370_OP_LPSW, lpsw_keeps_cc},
               {S370_OP_SSM, ssm_drops_external_bit},
               {S370_OP_TIO, tio_is_available}};

START_TEST(test_mutant)
{
    if (!find_images())
        return;
    struct lockstep_report r = compare(mutants[_i].op, mutants[_i].fn);
    ck_assert_msg(!r.same, "mutant %d was not found", _i);
    ck_assert_msg(r.exact && r.op == mutants[_i].op, "mutant %d: %s in %s", _i,
                  r.what, r.insn);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(scratch), 0);
}
END_TEST

Suite *suite_tos360(void)
{
    Suite *s = suite_create("tos360");
    TCase *c = tcase_create("tos360");

    tcase_set_timeout(c, 120);
    tcase_add_test(c, test_bare);
    tcase_add_test(c, test_under_the_monitor);
    tcase_add_test(c, test_no_difference);
    tcase_add_loop_test(c, test_mutant, 0, ARRAY_LEN(mutants));
    suite_add_tcase(s, c);
    return s;
}
