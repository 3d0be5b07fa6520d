/* IA-32, with UMIP, with VT-x, with AMD-V, and x86-64: what is derived of them.
 * Robin and Irvine's eighteen, what each repair of the hardware leaves of them,
 * and whether the rows of host_insn.def claim the same. */
#include "popek-goldberg/language/reform.h"
#include "popek-goldberg/probe/agree_host.h"
#include "tests/pg_isa.h"
#include "tests/pg_judged.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

enum { SET_SIZE = 1024 };

static bool critical(const struct pg_judged *s, unsigned i)
{
    return pg_critical(&s->j.best.labels[i], PG_CORRECTED);
}

/* ---- Sets of names, in the order of the description ---- */

static void put(char set[SET_SIZE], const char *name)
{
    size_t n = strlen(set);

    ck_assert_uint_lt(n + strlen(name) + 1, SET_SIZE);
    snprintf(set + n, SET_SIZE - n, "%s%s", n ? " " : "", name);
}

static bool within(const char *set, const char *name)
{
    size_t n = strlen(name);

    for (const char *at = set; (at = strstr(at, name)); at += n)
        if ((at == set || at[-1] == ' ') && (!at[n] || at[n] == ' '))
            return true;
    return false;
}

static void critical_encodings(const struct pg_judged *s, char set[SET_SIZE])
{
    *set = '\0';
    for (unsigned i = 0; i < s->isa->encoding_count; i++)
        if (critical(s, i))
            put(set, s->isa->encodings[i].name);
}

static void inexact_encodings(const struct pg_judged *s, char set[SET_SIZE])
{
    *set = '\0';
    for (unsigned i = 0; i < s->isa->encoding_count; i++)
        if (s->j.best.exact[i].vm.found)
            put(set, s->isa->encodings[i].name);
}

/* ---- IA-32 ---- */

static const char *const eighteen[] = {
    "SGDT", "SIDT", "SLDT", "SMSW", "PUSHF", "POPF", "LAR", "LSL", "VERR",
    "VERW", "POP",  "PUSH", "CALL", "JMP",   "INT",  "RET", "STR", "MOV"};

static bool is_of_the_eighteen(const char *mnemonic)
{
    for (unsigned i = 0; i < ARRAY_LEN(eighteen); i++)
        if (!strcmp(eighteen[i], mnemonic))
            return true;
    return false;
}

/* Whoever is accused, is so with witnesses: it does not trap where it should,
 * it is sensitive in one way at least, and a property breaks. */
static void check_witnesses(const struct pg_judged *s)
{
    for (unsigned i = 0; i < s->isa->encoding_count; i++) {
        const struct pg_labels *l = &s->j.best.labels[i];
        const struct pg_exact *x = &s->j.best.exact[i];
        const char *name = s->isa->encodings[i].name;

        if (!critical(s, i)) {
            ck_assert_msg(!x->vm.found, "%s: harm unseen", name);
            continue;
        }
        ck_assert_msg(l->unprivileged[PG_CORRECTED].found, "%s", name);
        ck_assert_msg(x->vm.found, "%s does no harm", name);
        ck_assert(x->breaks[PG_EQUIVALENCE].found ||
                  x->breaks[PG_CONTROL].found);
    }
}

static void check_the_eighteen(const struct pg_judged *s)
{
    char beyond[SET_SIZE] = "";

    ck_assert_uint_eq(ARRAY_LEN(eighteen), 18);
    for (unsigned i = 0; i < ARRAY_LEN(eighteen); i++)
        ck_assert_msg(pg_of_mnemonic(&s->j, eighteen[i]) == ISA_SAYS_CRITICAL,
                      "%s is not critical", eighteen[i]);
    for (unsigned i = 0; i < s->isa->encoding_count; i++) {
        const char *mnemonic = s->isa->encodings[i].mnemonic;

        if (critical(s, i) && !is_of_the_eighteen(mnemonic) &&
            !within(beyond, mnemonic))
            put(beyond, mnemonic);
    }
    ck_assert_str_eq(beyond, "XGETBV RDPID CPUID LDS LSS IRET");
    check_witnesses(s);
    ck_assert_uint_eq(s->isa->lists[0].count, 18);
    for (unsigned t = 0; t < PG_THEOREMS; t++)
        ck_assert(!s->j.best.holds[PG_CORRECTED][t]);
}

/* By which witness each of a few is accused, and that the plain forms of the
 * same mnemonics are not. */
static void check_reasons(const struct pg_judged *s)
{
    static const char *const plain[] = {
        "MOV_imm",   "MOV_load", "MOV_store", "MOV_from_DS", "PUSH_r",
        "PUSH_DS",   "POP_r",    "JMP_near",  "CALL_near",   "RET_near",
        "INT_inner", "SYSENTER", "ADD",       "DIV",         "BOUND",
        "ARPL",      "UD2",      "Jcc",       "NOP"};

    for (unsigned i = 0; i < ARRAY_LEN(plain); i++) {
        const struct pg_labels *l = pg_judged_labels(s, plain[i]);

        ck_assert_msg(!pg_sensitive(l, PG_CORRECTED), "%s is accused",
                      plain[i]);
        ck_assert_msg(!l->privileged[PG_CORRECTED], "%s", plain[i]);
    }
    ck_assert(pg_judged_labels(s, "SGDT")->leak[ISA_USER].found);
    ck_assert(pg_judged_labels(s, "PUSHF")->leak[ISA_USER].found);
    ck_assert(pg_judged_labels(s, "POPF")->less.found);
    ck_assert(
        !pg_judged_labels(s, "POPF")->control[PG_CORRECTED][ISA_USER].found);
    ck_assert(pg_judged_labels(s, "VERR")->mode.found);
    ck_assert(pg_judged_labels(s, "MOV_from_CS")->mode.found);
    ck_assert(pg_judged_labels(s, "PUSH_CS")->mode.found);
    ck_assert(
        pg_judged_labels(s, "POP_DS")->control[PG_CORRECTED][ISA_USER].found);
    ck_assert(pg_judged_labels(s, "POP_SS")->alone.found);
    ck_assert(pg_judged_labels(s, "CALL_far")->mode.found);
    ck_assert(pg_judged_labels(s, "INT_here")->mode.found);
    const struct pg_witness *gate =
        &pg_judged_labels(s, "CALL_gate")->control[PG_CORRECTED][ISA_USER];
    ck_assert(gate->found && gate->component == ISA_MODE);
    const struct pg_witness *ret =
        &s->j.best.exact[isa_find_encoding(s->isa, "RET_far")].vm;
    ck_assert(ret->why == PG_HIDDEN && ret->component == ISA_MODE);
}

/* CLI and its kin are privileged because a monitor holds a field, and only so.
 */
static void check_what_is_held(const struct pg_judged *s)
{
    static const char *const held[] = {"CLI",   "STI",    "IN",   "OUT",
                                       "RDTSC", "RDTSCP", "RDPMC"};

    for (unsigned i = 0; i < ARRAY_LEN(held); i++) {
        int at = isa_find_encoding(s->isa, held[i]);

        ck_assert_int_ge(at, 0);
        ck_assert_msg(s->j.best.labels[at].privileged[PG_CORRECTED], "%s",
                      held[i]);
        ck_assert_msg(!s->j.worst.labels[at].privileged[PG_CORRECTED], "%s",
                      held[i]);
    }
    /* Time may be read: without CR4.TSD, RDTSC is innocuous. */
    ck_assert(!pg_critical(
        &s->j.worst.labels[isa_find_encoding(s->isa, "RDTSC")], PG_CORRECTED));
    ck_assert(pg_critical(
        &s->j.worst.labels[isa_find_encoding(s->isa, "RDTSCP")], PG_CORRECTED));
}

START_TEST(test_ia32)
{
    struct pg_judged s = pg_judged_named("ia32");

    check_the_eighteen(&s);
    check_reasons(&s);
    check_what_is_held(&s);
    pg_judged_free(&s);
}
END_TEST

/* ---- UMIP ---- */

static void subtract(const char *from, const char *set, char out[SET_SIZE])
{
    char words[SET_SIZE];

    *out = '\0';
    snprintf(words, sizeof(words), "%s", from);
    for (char *w = strtok(words, " "); w; w = strtok(NULL, " "))
        if (!within(set, w))
            put(out, w);
}

static void make_repair(struct pg_judged *s, const char *name)
{
    int trap = isa_privileged_trap(s->isa);

    ck_assert_int_ge(trap, 0);
    for (unsigned i = 0; i < s->isa->repair_count; i++) {
        const struct isa_repair *r = &s->isa->repairs[i];

        if (strcmp(r->name, name) != 0)
            continue;
        for (unsigned k = 0; k < r->count; k++)
            ck_assert(isa_intercept(s->isa, r->encodings[k], (unsigned)trap));
        return;
    }
    ck_abort_msg("%s has no repair %s", s->isa->name, name);
}

START_TEST(test_umip_removes_five)
{
    struct pg_judged plain = pg_judged_named("ia32"), umip;
    struct pg_judged repaired = {.isa = isa_clone(plain.isa)};
    char before[SET_SIZE], after[SET_SIZE], gone[SET_SIZE];

    umip = pg_judged_named("ia32-umip");
    critical_encodings(&plain, before);
    critical_encodings(&umip, after);
    subtract(before, after, gone);
    ck_assert_str_eq(gone, "SGDT SIDT SLDT STR SMSW");
    subtract(after, before, gone);
    ck_assert_str_eq(gone, "");
    check_witnesses(&umip);
    /* The repair that ia32 offers is the same machine. */
    ck_assert_ptr_nonnull(repaired.isa);
    make_repair(&repaired, "umip");
    pg_judged_judge(&repaired);
    critical_encodings(&repaired, gone);
    ck_assert_str_eq(gone, after);
    pg_judged_free(&plain);
    pg_judged_free(&umip);
    pg_judged_free(&repaired);
}
END_TEST

/* ---- VT-x and AMD-V ---- */

/* By the premise and by the exact criterion, for one and for two monitors, only
 * those are left whose register is neither duplicated nor guarded. */
static void check_assisted(const struct pg_judged *s)
{
    static const char *const rest = "XGETBV RDPID FNSTENV";
    char set[SET_SIZE];

    ck_assert(s->isa->assisted);
    critical_encodings(s, set);
    ck_assert_str_eq(set, rest);
    inexact_encodings(s, set);
    ck_assert_str_eq(set, rest);
    for (unsigned i = 0; i < s->isa->encoding_count; i++)
        ck_assert_msg(s->j.best.exact[i].nested.found ==
                          within(rest, s->isa->encodings[i].name),
                      "%s, nested", s->isa->encodings[i].name);
    for (unsigned i = 0; i < ARRAY_LEN(eighteen); i++)
        ck_assert_msg(pg_of_mnemonic(&s->j, eighteen[i]) != ISA_SAYS_CRITICAL,
                      "%s is left", eighteen[i]);
    check_witnesses(s);
}

static void check_privileged(const struct pg_judged *s,
                             const char *const *names, unsigned count,
                             bool privileged)
{
    for (unsigned i = 0; i < count; i++)
        ck_assert_msg(pg_judged_labels(s, names[i])->privileged[PG_CORRECTED] ==
                          privileged,
                      "%s: %s", s->isa->name, names[i]);
}

START_TEST(test_vtx)
{
    static const char *const exit[] = {
        "CPUID",  "INVD",     "XSETBV",    "VMPTRLD",  "VMPTRST",
        "VMREAD", "VMLAUNCH", "CALL_task", "JMP_task", "VMCALL"};
    static const char *const stay[] = {"PUSHF", "POPF", "IRET",      "SGDT",
                                       "SMSW",  "LAR",  "MOV_to_SS", "CLI"};
    struct pg_judged s = pg_judged_named("ia32-vtx");

    check_assisted(&s);
    check_privileged(&s, exit, ARRAY_LEN(exit), true);
    check_privileged(&s, stay, ARRAY_LEN(stay), false);
    pg_judged_free(&s);
}
END_TEST

START_TEST(test_svm)
{
    static const char *const exit[] = {"PUSHF", "POPF", "IRET", "INT_here",
                                       "SGDT",  "SIDT", "SLDT", "STR",
                                       "VMRUN", "CLGI", "CPUID"};
    static const char *const stay[] = {"SMSW", "LAR", "VERR", "MOV_to_SS",
                                       "CALL_gate"};
    struct pg_judged s = pg_judged_named("ia32-svm");

    check_assisted(&s);
    check_privileged(&s, exit, ARRAY_LEN(exit), true);
    check_privileged(&s, stay, ARRAY_LEN(stay), false);
    pg_judged_free(&s);
}
END_TEST

/* A register that VT-x did duplicate or guard would leave none. */
START_TEST(test_vtx_with_the_rest_duplicated)
{
    struct pg_judged s = {.isa = pg_machine_named("ia32-vtx")};
    static const char *const rest[] = {"xcr0", "tsc_aux", "fcs_fds"};

    for (unsigned i = 0; i < ARRAY_LEN(rest); i++) {
        int at = isa_find_element(s.isa, rest[i], strlen(rest[i]));

        ck_assert_int_ge(at, 0);
        ck_assert(isa_duplicate(s.isa, (unsigned)at, NULL));
    }
    pg_judged_judge(&s);
    for (unsigned t = 0; t < PG_THEOREMS; t++)
        ck_assert(s.j.best.holds[PG_CORRECTED][t]);
    ck_assert(s.j.best.vm && s.j.best.hybrid && s.j.best.nested);
    pg_judged_free(&s);
}
END_TEST

/* ---- x86-64 ---- */

START_TEST(test_64_bit_mode)
{
    static const char *const privileged[] = {
        "SWAPGS", "SYSRET", "XSETBV", "MOV_to_CR8", "XSAVES", "CLAC", "WRMSR"};
    struct pg_judged s = pg_judged_named("x86-64");
    char beyond[SET_SIZE] = "";

    for (unsigned i = 0; i < ARRAY_LEN(eighteen); i++)
        ck_assert_msg((pg_of_mnemonic(&s.j, eighteen[i]) ==
                       ISA_SAYS_CRITICAL) == !!strcmp(eighteen[i], "PUSH"),
                      "%s", eighteen[i]);
    for (unsigned i = 0; i < s.isa->encoding_count; i++) {
        const char *mnemonic = s.isa->encodings[i].mnemonic;

        if (critical(&s, i) && !is_of_the_eighteen(mnemonic))
            put(beyond, mnemonic);
    }
    ck_assert_str_eq(beyond, "XGETBV RDPID CPUID LSS IRET LGS RDSSP");
    ck_assert_int_lt(isa_find_encoding(s.isa, "PUSH_CS"), 0);
    check_privileged(&s, privileged, ARRAY_LEN(privileged), true);
    check_witnesses(&s);
    for (unsigned t = 0; t < PG_THEOREMS; t++)
        ck_assert(!s.j.best.holds[PG_CORRECTED][t]);
    pg_judged_free(&s);
}
END_TEST

/* ---- The rows of the host's probe ---- */

enum { ROWS = 256 };

struct table {
    struct pg_host_row rows[ROWS];
    struct pg_host_answer answers[ROWS];
    unsigned count;
};

/* As on a processor of which nothing was seen. */
static void make_table(struct table *t)
{
    ck_assert_uint_le(pg_host_count(), ROWS);
    for (size_t i = 0; i < pg_host_count(); i++)
        t->rows[t->count++] = (struct pg_host_row){.insn = pg_host_insn_at(i),
                                                   .verdict = PG_HOST_ABSENT};
}

static unsigned find_row(const struct table *t, const char *name)
{
    for (unsigned i = 0; i < t->count; i++)
        if (!strcmp(t->rows[i].insn->name, name))
            return i;
    ck_abort_msg("no row %s", name);
    return 0;
}

/* A claim of the literature is what is derived, or a footnote says why not; and
 * a footnote is only where it is not. */
static void check_claims(const struct table *t)
{
    unsigned explained = 0;

    for (unsigned i = 0; i < t->count; i++) {
        ck_assert_msg(t->answers[i].agrees || t->answers[i].why,
                      "%s is claimed to be %s, derived: %s",
                      t->rows[i].insn->name,
                      pg_host_claim_name(t->rows[i].insn->claim),
                      pg_host_class_name(t->answers[i].derived));
        explained += !t->answers[i].agrees;
    }
    ck_assert_uint_eq(pg_host_unexplained(t->answers, t->count), 0);
    ck_assert_uint_eq(explained, pg_host_footnotes());
}

/* Seeing what must not be is told; what a repair foresees is not. */
static void check_seen(const struct pg_judged *s, struct table *t)
{
    static const struct {
        const char *row;
        enum pg_host_verdict verdict;
        bool agrees;
    } cases[] = {
        {"HLT", PG_HOST_TRAPS, true},
        {"HLT", PG_HOST_EXECUTES, false},
        {"CLI", PG_HOST_EXECUTES, true},
        {"PUSHF", PG_HOST_REVEALS, true},
        {"PUSHF", PG_HOST_TRAPS, false},
        {"SGDT", PG_HOST_EMULATED, true},
        {"LAR own CS", PG_HOST_EMULATED, false},
        {"MOV ES,inner", PG_HOST_TRAPS, true},
        {"MOV ES,own", PG_HOST_TRAPS, false},
        {"SYSCALL", PG_HOST_CALLS, true},
        {"SYSCALL", PG_HOST_EXECUTES, false},
        {"NOP", PG_HOST_TRAPS, false},
        {"NOP", PG_HOST_CUT, false},
    };

    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        unsigned at = find_row(t, cases[i].row);

        t->rows[at].verdict = cases[i].verdict;
        pg_host_agree(&s->j, &t->rows[at], 1, &t->answers[at]);
        ck_assert_msg(t->answers[at].agrees == cases[i].agrees, "%s, %s",
                      cases[i].row, pg_host_verdict_name(cases[i].verdict));
    }
}

START_TEST(test_rows_of_the_host)
{
    static struct table t;
    struct pg_judged s = pg_judged_named("x86-64");

    make_table(&t);
    pg_host_agree(&s.j, t.rows, t.count, t.answers);
    check_claims(&t);
    check_seen(&s, &t);
    pg_judged_free(&s);
}
END_TEST

Suite *suite_pg_x86(void)
{
    Suite *s = suite_create("pg_x86");
    TCase *t = tcase_create("x86");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_ia32);
    tcase_add_test(t, test_umip_removes_five);
    tcase_add_test(t, test_vtx);
    tcase_add_test(t, test_svm);
    tcase_add_test(t, test_vtx_with_the_rest_duplicated);
    tcase_add_test(t, test_64_bit_mode);
    tcase_add_test(t, test_rows_of_the_host);
    suite_add_tcase(s, t);
    return s;
}
