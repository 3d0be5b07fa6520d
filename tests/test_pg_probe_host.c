/* The probe of the processor that we run on.  What it must find on every
 * x86-64 is asked of the real one; how it judges, of code made for that. */
#include "popek-goldberg/probe/probe_host.h"
#include "tests/command.h"
#include "tests/skip.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { ROWS = 256, LIMIT_MS = 60000, GP = 13, UD = 6 };

struct probe {
    struct pg_host_facts facts;
    struct pg_host_row rows[ROWS];
};

/* STATUS_UNSUPPORTED is a reason to skip, and the only one. */
static bool can(enum status st, const struct diag *d)
{
    if (st == STATUS_UNSUPPORTED)
        skip_test("%s", d->text);
    else
        ck_assert_msg(st == STATUS_OK, "%s", d->text);
    return st == STATUS_OK;
}

static bool probe(struct probe *p)
{
    struct diag d = {""};

    return can(pg_probe_host(p->rows, ROWS, &p->facts, &d), &d);
}

static const struct pg_host_row *row_of(const struct probe *p, const char *name)
{
    for (unsigned i = 0; i < p->facts.count; i++)
        if (!strcmp(p->rows[i].insn->name, name))
            return &p->rows[i];
    ck_abort_msg("no row %s", name);
    return NULL;
}

static bool one(struct pg_host_row *row, const struct pg_host_insn *insn)
{
    const struct pg_host_facts facts = {.cpuid_read = true};
    struct diag d = {""};

    return can(pg_probe_host_one(row, insn, &facts, LIMIT_MS, &d), &d);
}

static void check_trap(const struct probe *p, const char *name, unsigned vector,
                       unsigned error, int signal)
{
    const struct pg_host_row *r = row_of(p, name);

    ck_assert_msg(r->verdict == PG_HOST_TRAPS, "%s: %s", name, r->words);
    ck_assert_uint_eq(r->seen.trap_number, vector);
    ck_assert_uint_eq(r->seen.error_code, error);
    ck_assert_int_eq(r->seen.signal, signal);
    ck_assert_int_eq(r->seen.at, 0);
}

/* ---- the table ---- */

START_TEST(table_is_sound)
{
    for (size_t i = 0; i < pg_host_count(); i++) {
        const struct pg_host_insn *a = pg_host_insn_at(i);

        ck_assert(a->code.length > 0 && a->code.length <= PG_HOST_CODE_MAX);
        ck_assert(*a->source && pg_host_feature_name(a->feature));
        for (size_t k = 0; k < i; k++)
            ck_assert_str_ne(a->name, pg_host_insn_at(k)->name);
    }
    ck_assert_uint_le(pg_host_count(), ROWS);
}
END_TEST

static unsigned rows_of(const char *mnemonic)
{
    size_t n = strlen(mnemonic);
    unsigned found = 0;

    for (size_t i = 0; i < pg_host_count(); i++) {
        const struct pg_host_insn *a = pg_host_insn_at(i);
        bool same = !strncmp(a->name, mnemonic, n) && !strchr("SX", a->name[n]);
        found += !strncmp(a->source, "R&I", 3) &&
                 (same || !strcmp(a->name, mnemonic));
    }
    return found;
}

START_TEST(robin_and_irvine_are_whole)
{
    static const char *const eighteen[] = {
        "SGDT", "SIDT", "SLDT", "SMSW", "PUSHF", "POPF", "LAR", "LSL", "VERR",
        "VERW", "POP",  "PUSH", "CALL", "JMP",   "INT",  "RET", "STR", "MOV"};

    ck_assert_uint_eq(ARRAY_LEN(eighteen), 18);
    for (size_t i = 0; i < ARRAY_LEN(eighteen); i++)
        ck_assert_msg(rows_of(eighteen[i]) > 0, "no %s", eighteen[i]);
}
END_TEST

/* ---- this processor ---- */

START_TEST(privileged_ones_trap)
{
    static struct probe p;

    if (!probe(&p))
        return;
    ck_assert_uint_eq(p.facts.iopl, 0);
    check_trap(&p, "CLI", GP, 0, SIGSEGV);
    check_trap(&p, "HLT", GP, 0, SIGSEGV);
    check_trap(&p, "MOV r,CR0", GP, 0, SIGSEGV);
    check_trap(&p, "RDMSR", GP, 0, SIGSEGV);
    check_trap(&p, "IN al,dx", GP, 0, SIGSEGV);
    check_trap(&p, "UD2", UD, 0, SIGILL);
    check_trap(&p, "DIV by zero", 0, 0, SIGFPE);
    check_trap(&p, "INT 20", GP, 0x20 << 3 | 2, SIGSEGV);
    check_trap(&p, "MOV ES,inner", GP, 0x18, SIGSEGV);
}
END_TEST

static void check_row(const struct probe *p, const char *name,
                      enum pg_host_verdict verdict, const char *words)
{
    const struct pg_host_row *r = row_of(p, name);

    ck_assert_msg(r->verdict == verdict, "%s: %s", name, r->words);
    ck_assert_msg(!words || !strcmp(words, r->words), "%s: %s", name, r->words);
    ck_assert(!r->differs);
}

START_TEST(critical_ones_do_not)
{
    static struct probe p;

    if (!probe(&p))
        return;
    check_row(&p, "NOP", PG_HOST_EXECUTES, NULL);
    check_row(&p, "CPUID", PG_HOST_EXECUTES, NULL);
    check_row(&p, "PUSHF", PG_HOST_REVEALS, "IF=1 IOPL=0");
    check_row(&p, "POPF", PG_HOST_DOES_LESS, "kept IF=1 IOPL=0; CF loaded");
    check_row(&p, "IRETQ own", PG_HOST_DOES_LESS,
              "kept IF=1 IOPL=0; CF loaded");
    check_row(&p, "MOV r,CS", PG_HOST_REVEALS, "selector 0033: CPL 3");
    check_row(&p, "CALL far own", PG_HOST_REVEALS, "selector 0033: CPL 3");
    check_row(&p, "LAR own CS", PG_HOST_REVEALS, NULL);
    check_row(&p, "LAR inner", PG_HOST_DOES_LESS, NULL);
    check_row(&p, "RETF own", PG_HOST_EXECUTES, NULL);
    check_row(&p, "SYSCALL", PG_HOST_CALLS, NULL);
    check_row(&p, "PUSH CS", PG_HOST_ABSENT, "#UD: not in 64-bit mode");
}
END_TEST

/* Where the kernel has UMIP, none of the five shows what is real; before Linux
 * 5.10 two of them are signals.  Where it has not, nothing is made up. */
START_TEST(umip_is_told_apart)
{
    static const char *const five[] = {"SGDT", "SIDT", "SLDT", "SMSW", "STR"};
    static struct probe p;

    if (!probe(&p))
        return;
    for (size_t i = 0; i < ARRAY_LEN(five); i++) {
        const struct pg_host_row *r = row_of(&p, five[i]);
        bool shown = r->verdict == PG_HOST_REVEALS;

        ck_assert_msg(shown == !p.facts.kernel_umip, "%s: %s", five[i],
                      r->words);
        ck_assert(r->differs == p.facts.kernel_umip);
    }
}
END_TEST

START_TEST(nothing_hangs_or_is_lost)
{
    static struct probe p;

    if (!probe(&p))
        return;
    ck_assert_uint_eq(p.facts.count, pg_host_count());
    for (unsigned i = 0; i < p.facts.count; i++) {
        const struct pg_host_row *r = &p.rows[i];

        ck_assert(*r->words);
        ck_assert_msg(r->verdict != PG_HOST_CUT && r->verdict != PG_HOST_LOST,
                      "%s: %s", r->insn->name, r->words);
    }
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}
END_TEST

START_TEST(twice_is_the_same)
{
    static struct probe a, b;

    if (!probe(&a) || !probe(&b))
        return;
    for (unsigned i = 0; i < a.facts.count; i++) {
        ck_assert_str_eq(a.rows[i].words, b.rows[i].words);
        ck_assert_int_eq(a.rows[i].verdict, b.rows[i].verdict);
    }
    ck_assert_uint_eq(a.facts.features, b.facts.features);
}
END_TEST

/* ---- how it runs and judges ---- */

START_TEST(endless_loop_is_cut)
{
    const struct pg_host_insn loop = {
        .name = "JMP self", .source = "", .code = {{0xEB, 0xFE}, .length = 2}};
    const struct pg_host_facts facts = {0};
    struct pg_host_row row;
    struct diag d = {""};

    if (!can(pg_probe_host_one(&row, &loop, &facts, 100, &d), &d))
        return;
    ck_assert_int_eq(row.verdict, PG_HOST_CUT);
    ck_assert(row.differs);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

/* mov eax,60; syscall: exit.  The process goes and leaves no record. */
START_TEST(silent_end_is_lost)
{
    const struct pg_host_insn leave = {
        .name = "exit",
        .source = "",
        .code = {{0xB8, 60, 0, 0, 0, 0x0F, 0x05}, .length = 7}};
    struct pg_host_row row;

    if (!one(&row, &leave))
        return;
    ck_assert_int_eq(row.verdict, PG_HOST_LOST);
    ck_assert(row.differs);
}
END_TEST

/* xor esp,esp; push rax: the handler does not stand on that stack. */
START_TEST(lost_stack_is_survived)
{
    const struct pg_host_insn push = {
        .name = "", .source = "", .code = {{0x31, 0xE4, 0x50}, .length = 3}};
    struct pg_host_row row;

    if (!one(&row, &push))
        return;
    ck_assert_int_eq(row.verdict, PG_HOST_TRAPS);
    ck_assert_int_eq(row.seen.signal, SIGSEGV);
    ck_assert_int_eq(row.seen.at, 2);
}
END_TEST

/* mov qword [rbx+2],imm32 (sign-extended): what a kernel would store for SGDT,
 * and what it would not. */
START_TEST(made_up_table_is_known)
{
    struct pg_host_insn store = {
        .name = "SGDT",
        .source = "",
        .code = {{0x48, 0xC7, 0x43, 2, 0, 0, 0xFE, 0xFF}, .length = 8},
        .look = PG_LOOK_UMIP_TABLE,
        .claim = PG_CLAIM_CRITICAL};
    struct pg_host_row row;

    if (!one(&row, &store))
        return;
    ck_assert_int_eq(row.verdict, PG_HOST_EMULATED);
    ck_assert(row.differs);
    store.code.bytes[6] = 0xFD;
    ck_assert(one(&row, &store));
    ck_assert_int_eq(row.verdict, PG_HOST_REVEALS);
    ck_assert(!row.differs);
}
END_TEST

/* mov eax,imm32 is no STR that a kernel made up, whatever SGDT says. */
START_TEST(real_word_is_shown)
{
    const struct pg_host_insn load = {.name = "STR",
                                      .source = "",
                                      .code = {{0xB8, 0x48}, .length = 5},
                                      .look = PG_LOOK_UMIP_WORD,
                                      .claim = PG_CLAIM_CRITICAL};
    struct pg_host_row row;

    if (!one(&row, &load))
        return;
    ck_assert_int_eq(row.verdict, PG_HOST_REVEALS);
    ck_assert_str_eq(row.words, "00000048");
}
END_TEST

/* #UD means "not there" only when CPUID says so. */
START_TEST(cpuid_explains_undefined)
{
    const struct pg_host_insn ud2 = {.name = "UD2",
                                     .source = "",
                                     .code = {{0x0F, 0x0B}, .length = 2},
                                     .claim = PG_CLAIM_PRIVILEGED,
                                     .feature = PG_FEATURE_SMX};
    struct pg_host_facts facts = {.cpuid_read = true};
    struct pg_host_row row;
    struct diag d = {""};

    if (!can(pg_probe_host_one(&row, &ud2, &facts, LIMIT_MS, &d), &d))
        return;
    ck_assert_int_eq(row.verdict, PG_HOST_ABSENT);
    ck_assert_str_eq(row.words, "#UD: CPUID shows no SMX");
    facts.features = 1u << PG_FEATURE_SMX;
    ck_assert_int_eq(pg_probe_host_one(&row, &ud2, &facts, LIMIT_MS, &d), 0);
    ck_assert_int_eq(row.verdict, PG_HOST_TRAPS);
    facts = (struct pg_host_facts){.cpuid_read = false};
    ck_assert_int_eq(pg_probe_host_one(&row, &ud2, &facts, LIMIT_MS, &d), 0);
    ck_assert_int_eq(row.verdict, PG_HOST_TRAPS);
}
END_TEST

/* A process to which somebody granted the ports runs none of their rows. */
START_TEST(granted_ports_are_left_alone)
{
    const struct pg_host_facts facts = {.cpuid_read = true, .iopl = 3};
    struct diag d = {""};
    unsigned left_alone = 0;

    for (size_t i = 0; i < pg_host_count(); i++) {
        struct pg_host_row row;
        const struct pg_host_insn *insn = pg_host_insn_at(i);

        if (insn->claim != PG_CLAIM_IOPL)
            continue;
        ck_assert_int_eq(pg_probe_host_one(&row, insn, &facts, LIMIT_MS, &d),
                         STATUS_OK);
        ck_assert_int_eq(row.verdict, PG_HOST_NOT_RUN);
        ck_assert(!row.differs);
        left_alone++;
    }
    ck_assert_uint_eq(left_alone, 8);
}
END_TEST

START_TEST(room_is_asked_for)
{
    struct pg_host_row row;
    struct pg_host_facts facts;
    struct diag d = {""};

    ck_assert_int_eq(pg_probe_host(&row, 1, &facts, &d), STATUS_BAD_INPUT);
    ck_assert(strstr(d.text, "room for 1 rows"));
}
END_TEST

/* ---- the report ---- */

struct text {
    char all[4096];
    unsigned lines;
};

static void collect(void *context, const char *line)
{
    struct text *t = context;
    size_t n = strlen(t->all);

    snprintf(t->all + n, sizeof(t->all) - n, "%s\n", line);
    t->lines++;
}

START_TEST(report_shows_the_difference)
{
    static const struct pg_host_insn insns[] = {
        {"HLT", "SDM", {{0xF4}, .length = 1}, .claim = PG_CLAIM_PRIVILEGED},
        {"STR",
         "R&I 3C",
         {{0x0F, 0, 0xC8}, .length = 3},
         .claim = PG_CLAIM_CRITICAL}};
    const struct pg_host_row rows[] = {
        {.insn = &insns[0], .verdict = PG_HOST_TRAPS, .words = "#GP(0)"},
        {.insn = &insns[1],
         .verdict = PG_HOST_EMULATED,
         .differs = true,
         .words = "00000040"}};
    const struct pg_host_facts facts = {.cpuid_read = true,
                                        .features = 1u << PG_FEATURE_UMIP,
                                        .kernel_umip = true,
                                        .count = 2,
                                        .differences = 1};
    struct text t = {"", 0};

    pg_host_report(rows, &facts, NULL, collect, &t);
    ck_assert(strstr(t.all, "\n  HLT            F4             privileged   SDM"
                            "      traps: #GP(0)\n"));
    ck_assert(strstr(t.all, "\n* STR            0F00C8         critical     "
                            "R&I 3C   emulated by the kernel: 00000040\n"));
    ck_assert(strstr(t.all, "\n1 of 2 rows differ from their claim:\n"
                            "* STR: R&I 3C says critical"));
    ck_assert(strstr(t.all, "UMIP: CPUID has it, /proc/cpuinfo lists it."));
}
END_TEST

/* ---- the command ---- */

START_TEST(command_prints_the_table)
{
    static struct probe p;
    bool able = probe(&p);
    const struct command *c = command_run(NULL, "$F check --host");

    if (!able) {
        ck_assert_int_eq(c->status, 77);
        ck_assert(strstr(c->err, "x86-64"));
        return;
    }
    ck_assert_int_eq(c->status, p.facts.differences != 0);
    ck_assert_str_eq(c->err, "");
    for (unsigned i = 0; i < p.facts.count; i++)
        ck_assert_msg(strstr(c->out, p.rows[i].words) != NULL, "no %s: %s",
                      p.rows[i].insn->name, p.rows[i].words);
}
END_TEST

START_TEST(command_takes_nothing_else)
{
    ck_assert_int_eq(command_run(NULL, "check --host --json")->status, 2);
    ck_assert_int_eq(command_run(NULL, "check --host toy")->status, 2);
}
END_TEST

Suite *suite_pg_probe_host(void)
{
    Suite *s = suite_create("pg_probe_host");
    TCase *table = tcase_create("table"), *host = tcase_create("host"),
          *judging = tcase_create("judging"), *report = tcase_create("report"),
          *command = tcase_create("command");

    tcase_add_test(table, table_is_sound);
    tcase_add_test(table, robin_and_irvine_are_whole);
    tcase_set_timeout(host, 120);
    tcase_add_test(host, privileged_ones_trap);
    tcase_add_test(host, critical_ones_do_not);
    tcase_add_test(host, umip_is_told_apart);
    tcase_add_test(host, nothing_hangs_or_is_lost);
    tcase_add_test(host, twice_is_the_same);
    tcase_set_timeout(judging, 60);
    tcase_add_test(judging, endless_loop_is_cut);
    tcase_add_test(judging, silent_end_is_lost);
    tcase_add_test(judging, lost_stack_is_survived);
    tcase_add_test(judging, made_up_table_is_known);
    tcase_add_test(judging, real_word_is_shown);
    tcase_add_test(judging, cpuid_explains_undefined);
    tcase_add_test(judging, granted_ports_are_left_alone);
    tcase_add_test(judging, room_is_asked_for);
    tcase_add_test(report, report_shows_the_difference);
    tcase_set_timeout(command, 120);
    tcase_add_test(command, command_prints_the_table);
    tcase_add_test(command, command_takes_nothing_else);
    suite_add_tcase(s, table);
    suite_add_tcase(s, host);
    suite_add_tcase(s, judging);
    suite_add_tcase(s, report);
    suite_add_tcase(s, command);
    return s;
}
