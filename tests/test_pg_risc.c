/* ARM and RISC-V: what is derived of them, and for which reason.  The claims of
 * the literature are in the descriptions; here stand the kinds of witnesses. */
#include "popek-goldberg/language/reform.h"
#include "tests/pg_isa.h"
#include "tests/pg_judged.h"

#include <check.h>
#include <string.h>

/* ---- The verdicts ---- */

static const struct {
    const char *name;
    bool t1, t2, t3, exact, hybrid, nested, direct; /* the best setting */
    bool worst[PG_THEOREMS];
} verdicts[] = {
    {"armv7-a", 0, 0, 0, 0, 0, 0, 1, {0, 0, 0}},
    {"armv7-ve", 1, 0, 1, 1, 1, 0, 1, {1, 0, 1}},
    {"aarch64-el1", 0, 0, 0, 0, 0, 0, 1, {0, 0, 0}},
    {"aarch64-nv", 1, 1, 1, 1, 1, 0, 1, {1, 0, 1}},
    {"riscv-s", 1, 1, 1, 1, 1, 1, 1, {0, 0, 0}},
    {"riscv-mu", 0, 0, 0, 0, 0, 0, 1, {0, 0, 0}},
    {"riscv-h", 1, 1, 1, 1, 1, 1, 1, {0, 0, 0}},
};

static void check_verdict(const struct pg_judged *m, int i)
{
    const struct pg_case *b = &m->j.best;

    ck_assert_int_eq(b->holds[PG_CORRECTED][PG_T1], verdicts[i].t1);
    ck_assert_int_eq(b->holds[PG_CORRECTED][PG_T2], verdicts[i].t2);
    ck_assert_int_eq(b->holds[PG_CORRECTED][PG_T3], verdicts[i].t3);
    ck_assert_int_eq(b->vm, verdicts[i].exact);
    ck_assert_int_eq(b->hybrid, verdicts[i].hybrid);
    ck_assert_int_eq(b->nested, verdicts[i].nested);
    ck_assert_int_eq(b->direct, verdicts[i].direct);
    for (unsigned t = 0; t < PG_THEOREMS; t++)
        ck_assert_int_eq(m->j.worst.holds[PG_CORRECTED][t],
                         verdicts[i].worst[t]);
    /* A system call alone breaks the letter of 1974. */
    ck_assert(!b->holds[PG_LITERAL][PG_T1]);
}

/* ---- The reasons ---- */

static const struct row {
    const char *machine, *name, *kinds;
} rows[] = {
    {"armv7-a", "CPS", "CNX"},
    {"armv7-a", "MRS_CPSR", "KkMXH"},
    {"armv7-a", "MSR_immediate", "CNX"},
    {"armv7-a", "MSR_register", "CNX"},
    {"armv7-a", "MSR_APSR", ""},
    {"armv7-a", "MRS_SPSR", "KcXH"},
    {"armv7-a", "MSR_SPSR", "CcXH"},
    {"armv7-a", "RFE", "CcXH"},
    {"armv7-a", "SRS", "KcXH"},
    {"armv7-a", "LDM_return", "CKcXH"},
    {"armv7-a", "LDM_user", "CcXH"},
    {"armv7-a", "STM_user", "KcXH"},
    {"armv7-a", "ADCS_PC", "CKcXH"},
    {"armv7-a", "ADDS_PC", "CKcXH"},
    {"armv7-a", "ANDS_PC", "CKcXH"},
    {"armv7-a", "BICS_PC", "CKcXH"},
    {"armv7-a", "EORS_PC", "CKcXH"},
    {"armv7-a", "MOVS_PC", "CKcXH"},
    {"armv7-a", "MVNS_PC", "CKcXH"},
    {"armv7-a", "ORRS_PC", "CKcXH"},
    {"armv7-a", "RSBS_PC", "CKcXH"},
    {"armv7-a", "RSCS_PC", "CKcXH"},
    {"armv7-a", "SBCS_PC", "CKcXH"},
    {"armv7-a", "SUBS_PC", "CKcXH"},
    {"armv7-a", "LDRT", "AX"},
    {"armv7-a", "LDRBT", "AX"},
    {"armv7-a", "LDRHT", "AX"},
    {"armv7-a", "LDRSBT", "AX"},
    {"armv7-a", "LDRSHT", "AX"},
    {"armv7-a", "STRT", "AX"},
    {"armv7-a", "STRBT", "AX"},
    {"armv7-a", "STRHT", "AX"},
    {"armv7-a", "WFI", "CcXH"},
    {"armv7-a", "WFE", "CcXH"},
    {"armv7-a", "LDR", ""},
    {"armv7-a", "LDM", ""},
    {"armv7-a", "MCR_TTBR", "PC"},
    {"armv7-a", "MRC_TTBR", "PL"},
    {"armv7-a", "MCR_SCTLR", "PC"},
    {"armv7-a", "MRC_MIDR", "PK"},
    {"armv7-a", "MRC_counter", "P"},
    {"armv7-a", "MRC_DBGDSCR", "PK"},
    {"armv7-a", "MCR_TPIDRURW", ""},
    {"armv7-a", "MRC_TPIDRURO", ""},
    {"armv7-a", "MCR_TPIDRURO", "P"},
    {"armv7-a", "SVC", ""},

    {"armv7-ve", "CPS", ""},
    {"armv7-ve", "MRS_CPSR", ""},
    {"armv7-ve", "MSR_register", ""},
    {"armv7-ve", "RFE", ""},
    {"armv7-ve", "SRS", ""},
    {"armv7-ve", "SUBS_PC", ""},
    {"armv7-ve", "LDRT", ""},
    {"armv7-ve", "MCR_TTBR", ""},
    {"armv7-ve", "MRC_MIDR", ""},
    {"armv7-ve", "WFI", "PC"},
    {"armv7-ve", "SMC", "P"},
    {"armv7-ve", "HVC", ""},
    {"armv7-ve", "MCR_VTTBR", "CMNX"},
    {"armv7-ve", "MCR_HCR", "CMNX"},
    {"armv7-ve", "MRC_HCR", "KMX"},
    {"armv7-ve", "ERET_hyp", "CX"},
    {"armv7-ve", "MRS_ELR_hyp", "KMX"},
    {"armv7-ve", "MSR_ELR_hyp", "CMNX"},
    {"armv7-ve", "MRS_mode_hyp", "MX"},

    {"aarch64-el1", "LDTR", "AX"},
    {"aarch64-el1", "STTR", "AX"},
    {"aarch64-el1", "MRS_DCZID_EL0", "kMXH"},
    {"aarch64-el1", "LDR", ""},
    {"aarch64-el1", "MRS_DAIF", "PK"},
    {"aarch64-el1", "MSR_DAIF", "PC"},
    {"aarch64-el1", "MRS_CTR_EL0", "PK"},
    {"aarch64-el1", "DC_ZVA", "P"},
    {"aarch64-el1", "DC_CVAC", "P"},
    {"aarch64-el1", "WFI", "PC"},
    {"aarch64-el1", "MRS_CNTVCT_EL0", "P"},
    {"aarch64-el1", "MRS_CurrentEL", "P"},
    {"aarch64-el1", "ERET", "PCK"},
    {"aarch64-el1", "MSR_TTBR0_EL1", "PC"},
    {"aarch64-el1", "AT", "PL"},
    {"aarch64-el1", "FADD", ""},

    {"aarch64-nv", "LDTR", ""},
    {"aarch64-nv", "MRS_DCZID_EL0", ""},
    {"aarch64-nv", "ERET", ""},
    {"aarch64-nv", "MRS_DAIF", ""},
    {"aarch64-nv", "MSR_TTBR0_EL1", ""},
    {"aarch64-nv", "WFI", "PC"},
    {"aarch64-nv", "MSR_VTTBR_EL2", "PC"},
    {"aarch64-nv", "MSR_HCR_EL2", "PC"},
    {"aarch64-nv", "MRS_HCR_EL2", "PK"},
    {"aarch64-nv", "MSR_SCTLR_EL12", "PC"},
    {"aarch64-nv", "TLBI_EL2", "P"},
    {"aarch64-nv", "ERET_EL2", "PC"},

    {"riscv-s", "LD", ""},
    {"riscv-s", "AUIPC", ""},
    {"riscv-s", "FADD", ""},
    {"riscv-s", "ECALL", ""},
    {"riscv-s", "MRET", ""},
    {"riscv-s", "CSRR_time", "P"},
    {"riscv-s", "CBO_INVAL", "P"},
    {"riscv-s", "CBO_ZERO", "P"},
    {"riscv-s", "CSRR_sstatus", "PK"},
    {"riscv-s", "CSRW_sstatus", "PC"},
    {"riscv-s", "CSRW_satp", "PC"},
    {"riscv-s", "CSRR_satp", "PL"},
    {"riscv-s", "CSRW_scounteren", "PC"},
    {"riscv-s", "SRET", "PC"},
    {"riscv-s", "SFENCE_VMA", "P"},
    {"riscv-s", "WFI", "PC"},

    {"riscv-mu", "LD", "LlXH"},
    {"riscv-mu", "SD", "LlXH"},
    {"riscv-mu", "AUIPC", "LlXH"},
    {"riscv-mu", "JAL", "LlXH"},
    {"riscv-mu", "JALR", "LlXH"},
    {"riscv-mu", "BEQ", ""},
    {"riscv-mu", "WFI", "PC"},
    {"riscv-mu", "CSRR_time", "P"},
    {"riscv-mu", "CSRW_pmpaddr", "PC"},

    {"riscv-h", "CSRR_sstatus", ""},
    {"riscv-h", "CSRW_stvec", ""},
    {"riscv-h", "CSRW_satp", "P"},
    {"riscv-h", "SFENCE_VMA", "P"},
    {"riscv-h", "SRET", "PC"},
    {"riscv-h", "WFI", "PC"},
    {"riscv-h", "CSRW_hstatus", "PC"},
    {"riscv-h", "CSRW_hgatp", "PC"},
    {"riscv-h", "CSRW_vsepc", "PC"},
    {"riscv-h", "HFENCE_VVMA", "P"},
    {"riscv-h", "HLV", "P"},
    {"riscv-h", "CSRR_time", "P"},
};

static bool in_table(const struct isa *isa, const char *name)
{
    for (size_t k = 0; k < ARRAY_LEN(rows); k++)
        if (!strcmp(rows[k].machine, isa->name) && !strcmp(rows[k].name, name))
            return true;
    return false;
}

/* Each row, and nothing critical that is no row. */
static void check_reasons(const struct pg_judged *m)
{
    char kinds[PG_JUDGED_KINDS + 1];

    for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
        if (strcmp(rows[k].machine, m->isa->name) != 0)
            continue;
        pg_judged_kinds(m, pg_judged_find(m, rows[k].name), kinds);
        ck_assert_msg(!strcmp(kinds, rows[k].kinds), "%s, %s: %s, not %s",
                      rows[k].machine, rows[k].name, kinds, rows[k].kinds);
    }
    for (unsigned i = 0; i < m->isa->encoding_count; i++)
        ck_assert_msg(!pg_critical(&m->j.best.labels[i], PG_CORRECTED) ||
                          in_table(m->isa, m->isa->encodings[i].name),
                      "%s, %s is critical", m->isa->name,
                      m->isa->encodings[i].name);
}

/* Both of one machine, as judging it is what takes the time. */
START_TEST(test_machine)
{
    struct pg_judged m = pg_judged_named(verdicts[_i].name);

    check_verdict(&m, _i);
    check_reasons(&m);
    pg_judged_free(&m);
}
END_TEST

/* UNPREDICTABLE has no bound in armv7-a, and is the guest's own in armv7-ve. */
START_TEST(test_unpredictable)
{
    struct pg_judged a = pg_judged_named("armv7-a"),
                     ve = pg_judged_named("armv7-ve");
    static const char *const names[] = {"RFE",      "SRS",      "LDM_return",
                                        "LDM_user", "STM_user", "MRS_SPSR",
                                        "MSR_SPSR", "SUBS_PC"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct pg_exact *x =
            &a.j.best.exact[pg_judged_find(&a, names[i])];

        ck_assert_int_eq(x->vm.why, PG_UNPREDICTABLE);
        ck_assert(x->breaks[PG_CONTROL].found);
        ck_assert(!ve.j.best.exact[pg_judged_find(&ve, names[i])].vm.found);
    }
    pg_judged_free(&a);
    pg_judged_free(&ve);
}
END_TEST

/* The bare kernel faults, the deprivileged one does not: not control, not what
 * is loaded, and nothing that a user program could tell. */
START_TEST(test_load_as_user_would)
{
    struct pg_judged m = pg_judged_named("aarch64-el1");
    unsigned i = pg_judged_find(&m, "LDTR");
    const struct pg_witness *w = &m.j.best.labels[i].alone;
    const struct pg_exact *x = &m.j.best.exact[i];

    ck_assert_int_eq(w->r[0].ending, ISA_TRAPPED);
    ck_assert_int_eq(w->r[1].ending, ISA_DONE);
    ck_assert_str_eq(m.isa->traps[w->r[0].trap].name, "permission");
    ck_assert_int_eq(x->vm.why, PG_REAL_TRAPS);
    ck_assert(x->breaks[PG_EQUIVALENCE].found && !x->breaks[PG_CONTROL].found);
    pg_judged_free(&m);
}
END_TEST

/* ---- What would help ---- */

/* Three encodings away from Theorem 1. */
START_TEST(test_almost)
{
    static const char *const names[] = {"LDTR", "STTR", "MRS_DCZID_EL0"};
    struct pg_judged m = {.isa = pg_machine_named("aarch64-el1")};
    int trap = isa_privileged_trap(m.isa);

    ck_assert_int_ge(trap, 0);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        ck_assert(
            isa_intercept(m.isa, pg_judged_find(&m, names[i]), (unsigned)trap));
    pg_judged_judge(&m);
    for (unsigned t = 0; t < PG_THEOREMS; t++)
        ck_assert(m.j.best.holds[PG_CORRECTED][t]);
    ck_assert(m.j.best.vm && m.j.best.hybrid);
    pg_judged_free(&m);
}
END_TEST

/* The monitor and its guest at disjoint addresses, as Miralis has it. */
START_TEST(test_high_core)
{
    struct pg_judged m = {.isa = pg_machine_named("riscv-mu")};

    m.isa->high_core = true;
    pg_judged_judge(&m);
    for (unsigned t = 0; t < PG_THEOREMS; t++)
        ck_assert(m.j.best.holds[PG_CORRECTED][t]);
    ck_assert(m.j.best.vm && m.j.best.hybrid && m.j.best.nested);
    /* It is not all: a guest that may wait stops the monitor. */
    ck_assert(!m.j.worst.holds[PG_CORRECTED][PG_T1]);
    pg_judged_free(&m);
}
END_TEST

/* NV traps what EL2 alone has, and makes CurrentEL say what it should. */
START_TEST(test_nested)
{
    struct pg_judged m = pg_judged_named("aarch64-nv");
    unsigned needed = 0;

    for (unsigned i = 0; i < m.isa->encoding_count; i++) {
        const struct isa_encoding *c = &m.isa->encodings[i];
        bool tells = !strcmp(c->name, "MRS_CurrentEL_EL2");

        needed += c->needed;
        ck_assert_int_eq(pg_critical(&m.j.worst.labels[i], PG_CORRECTED),
                         c->needed);
        ck_assert(!pg_critical(&m.j.best.labels[i], PG_CORRECTED));
        ck_assert_int_eq(m.j.best.exact[i].nested.found, tells);
    }
    ck_assert_uint_eq(needed, 7);
    pg_judged_free(&m);
}
END_TEST

/* What S-mode must close before U-mode is a safe place for its guest. */
START_TEST(test_worst_settings)
{
    static const struct {
        const char *machine, *critical;
    } open[] = {{"riscv-s", "CBO_INVAL "},
                {"riscv-h", "SRET WFI "},
                {"riscv-mu", "LD SD AUIPC JAL JALR WFI "}};

    for (size_t k = 0; k < ARRAY_LEN(open); k++) {
        struct pg_judged m = pg_judged_named(open[k].machine);
        char names[256] = "";

        for (unsigned i = 0; i < m.isa->encoding_count; i++)
            if (pg_critical(&m.j.worst.labels[i], PG_CORRECTED)) {
                strcat(names, m.isa->encodings[i].name);
                strcat(names, " ");
            }
        ck_assert_str_eq(names, open[k].critical);
        pg_judged_free(&m);
    }
}
END_TEST

/* ---- The literature's lists of ARMv7-A ---- */

static bool is_critical(const struct pg_judged *m, const char *name)
{
    int i = isa_find_encoding(m->isa, name);

    return i >= 0 ? pg_critical(&m->j.best.labels[i], PG_CORRECTED)
                  : pg_of_mnemonic(&m->j, name) == ISA_SAYS_CRITICAL;
}

START_TEST(test_lists)
{
    struct pg_judged m = pg_judged_named("armv7-a");
    static const unsigned counts[] = {18, 24}, beyond[] = {14, 6};

    ck_assert_uint_eq(m.isa->list_count, ARRAY_LEN(counts));
    for (unsigned k = 0; k < m.isa->list_count; k++) {
        const struct isa_list *l = &m.isa->lists[k];

        ck_assert_uint_eq(l->count, counts[k]);
        ck_assert_uint_eq(l->beyond_count, beyond[k]);
        for (unsigned i = 0; i < l->count; i++)
            ck_assert_msg(is_critical(&m, l->names[i]), "%s", l->names[i]);
        for (unsigned i = 0; i < l->beyond_count; i++)
            ck_assert_msg(is_critical(&m, l->beyond[i].name), "%s",
                          l->beyond[i].name);
    }
    pg_judged_free(&m);
}
END_TEST

/* ---- What only a monitor has ---- */

static const char below[] = "machine below\n"
                            "resource r : 1\n"
                            "register g : 1\n"
                            "instruction ADD { g <- g + 1 }\n"
                            "instruction GET1 of GET { g <- r }\n"
                            "instruction GET2 of GET { g <- mode }\n";

static enum status parse(const char *more, struct isa **isa, struct diag *d)
{
    char text[512];

    strcpy(text, below);
    strcat(text, more);
    return isa_parse("below", text, strlen(text), isa, d);
}

static void check_needs(const char *more, bool t1, bool t2)
{
    struct pg_judged m;
    struct diag d = {""};

    ck_assert_msg(parse(more, &m.isa, &d) == STATUS_OK, "%s", d.text);
    struct isa *clone = isa_clone(m.isa);
    isa_free(m.isa); /* what is looked at is the copy alone */
    m.isa = clone;
    ck_assert(clone != NULL);
    pg_judged_judge(&m);
    ck_assert_int_eq(m.j.best.holds[PG_CORRECTED][PG_T1], t1);
    ck_assert_int_eq(m.j.best.holds[PG_CORRECTED][PG_T2], t2);
    ck_assert_int_eq(m.j.best.vm, t1);
    ck_assert_int_eq(m.j.best.nested, t2);
    ck_assert_int_eq(m.isa->needs != NULL, *more != '\0');
    pg_judged_free(&m);
}

START_TEST(test_needs)
{
    check_needs("", false, false);
    check_needs("needs { GET1 } \"why\"\n", false, false);
    check_needs("needs { GET1 GET2 } \"why\"\n", true, false);
    check_needs("needs { GET } \"why\"\n", true, false);
}
END_TEST

START_TEST(test_needs_faults)
{
    static const char *const faults[][2] = {
        {"needs GET1", "below:7:7: expected '{'"},
        {"needs { GETT }", "did you mean 'GET1'"},
        {"needs { GET1 GET2 }", "text"},
        {"needs { GET1 } \"a\" needs { GET2 } \"b\"", "said already"}};

    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        struct isa *isa = NULL;
        struct diag d = {""};

        ck_assert_int_eq(parse(faults[i][0], &isa, &d), STATUS_BAD_INPUT);
        ck_assert_msg(strstr(d.text, faults[i][1]) != NULL, "%s", d.text);
        isa_free(isa);
    }
}
END_TEST

Suite *suite_pg_risc(void)
{
    Suite *s = suite_create("pg_risc");
    TCase *t = tcase_create("risc");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_machine, 0, ARRAY_LEN(verdicts));
    tcase_add_test(t, test_unpredictable);
    tcase_add_test(t, test_load_as_user_would);
    tcase_add_test(t, test_almost);
    tcase_add_test(t, test_high_core);
    tcase_add_test(t, test_nested);
    tcase_add_test(t, test_worst_settings);
    tcase_add_test(t, test_lists);
    tcase_add_test(t, test_needs);
    tcase_add_test(t, test_needs_faults);
    suite_add_tcase(s, t);
    return s;
}
