/* MIPS, SPARC V9, PowerPC, Power and IA-64: what is derived of them, and why.
 * The literature's claims are in the descriptions; these are kinds of proofs.
 */
#include "tests/pg_judged.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The kinds of witnesses ---- */

/* Every encoding that is sensitive and not privileged, and some that are
 * privileged; what the outcomes of the exact criterion's witness differ in. */
static const struct row {
    const char *machine, *name, *kinds, *shows;
} rows[] = {
    {"mips", "LW", "", NULL},
    {"mips", "RDHWR_CPUNum", "PK", NULL},
    {"mips", "RDHWR_CC", "P", NULL},
    {"mips", "MFC0_Status", "PK", NULL},
    {"mips", "MTC0_Status", "PC", NULL},
    {"mips", "MTC0_Count", "PC", NULL},
    {"mips", "ERET", "PCK", NULL},
    {"mips", "TLBWI", "PC", NULL},
    {"mips", "CACHE", "P", NULL},
    {"sparc-v9", "SIR", "CMNX", "red"},
    {"sparc-v9", "LDXA_asi", "K", NULL},
    {"sparc-v9", "LDXA_restricted", "PK", NULL},
    {"sparc-v9", "LDXA_open", "", NULL},
    {"sparc-v9", "RDTICK", "P", NULL},
    {"sparc-v9", "RDPIC", "PK", NULL},
    {"sparc-v9", "WRPR_PSTATE", "PC", NULL},
    {"sparc-v9", "DONE", "PC", NULL},
    {"sparc-v9", "SAVE", "", NULL},
    {"ppc32", "mfmsr", "PK", NULL},
    {"ppc32", "mfspr_pvr", "PK", NULL},
    {"ppc32", "mfspr_bat", "PL", NULL},
    {"ppc32", "rfi", "PCK", NULL},
    {"ppc32", "mftb", "", NULL},
    {"ppc32", "mtspr_tb", "PC", NULL},
    {"ppc32", "sc", "", NULL},
    {"ppc64", "or_31", "MX", "ppr"},
    {"ppc64", "or_5", "MX", "ppr"},
    {"ppc64", "or_3", "MX", "ppr"},
    {"ppc64", "or_7", "MX", "ppr"},
    {"ppc64", "mtspr_ppr", "MX", "ppr"},
    {"ppc64", "or_2", "", NULL},
    {"ppc64", "mfspr_ppr", "", NULL},
    {"ppc64", "slbmte", "PC", NULL},
    {"ia64", "thash", "KkXH", "gr"},
    {"ia64", "ttag", "KkXH", "gr"},
    {"ia64", "cover", "CcXH", "ifs"},
    {"ia64", "mov_from_cpuid", "KkXH", "gr"},
    {"ia64", "mov_from_ar_kr", "KkXH", "gr"},
    {"ia64", "mov_from_ar_cflg", "KkXH", "gr"},
    {"ia64", "mov_from_pmd", "kMXH", "gr"},
    {"ia64", "probe", "MX", "gr"},
    {"ia64", "br_call", "MX", "ppl"},
    {"ia64", "br_ret", "CX", "mode"},
    {"ia64", "epc", "cXH", "mode"},
    {"ia64", "mov_to_ar_rsc", "MX", "rsc_pl"},
    {"ia64", "mov_to_ar_eflag", "MX", "eflag_iopl"},
    {"ia64", "fc", "", NULL},
    {"ia64", "sum", "", NULL},
    {"ia64", "mov_from_ar_itc", "P", NULL},
    {"ia64", "tpa", "PL", NULL},
    {"ia64", "rfi", "PCK", NULL},
    {"ia64-vti", "thash", "PK", NULL},
    {"ia64-vti", "cover", "PC", NULL},
    {"ia64-vti", "mov_from_cpuid", "PK", NULL},
    {"ia64-vti", "probe", "P", NULL},
    {"ia64-vti", "rfi", "PCK", NULL},
    {"ia64-vti", "tpa", "PL", NULL},
    {"ia64-vti", "vmsw_1", "PC", NULL},
    {"ia64-vti", "br_ret", "", NULL},
    {"ia64-vti", "epc", "", NULL},
    {"ia64-vti", "mov_from_ar_kr", "", NULL},
    {"ia64-vti", "mov_from_pmd", "", NULL},
};

static const char *component(const struct pg_judged *s, unsigned i)
{
    const struct pg_witness *w = &s->j.best.exact[i].vm;

    if (!w->found)
        return NULL;
    return w->component < PG_WORD ? s->isa->elements[w->component].name : "mem";
}

static void check_row(const struct pg_judged *s, const struct row *r)
{
    int i = isa_find_encoding(s->isa, r->name);
    char kinds[PG_JUDGED_KINDS + 1];

    ck_assert_msg(i >= 0, "%s has no %s", r->machine, r->name);
    pg_judged_kinds(s, (unsigned)i, kinds);
    ck_assert_msg(!strcmp(kinds, r->kinds), "%s, %s: %s, not %s", r->machine,
                  r->name, kinds, r->kinds);
    const char *shows = component(s, (unsigned)i);
    ck_assert_msg(shows == r->shows || !strcmp(shows, r->shows),
                  "%s, %s: %s differs", r->machine, r->name, shows);
}

static bool in_table(const struct pg_judged *s, const char *name)
{
    for (size_t k = 0; k < ARRAY_LEN(rows); k++)
        if (!strcmp(rows[k].machine, s->isa->name) &&
            !strcmp(rows[k].name, name))
            return true;
    return false;
}

/* Nothing beyond the table is accused. */
static void check_others(const struct pg_judged *s)
{
    for (unsigned i = 0; i < s->isa->encoding_count; i++)
        ck_assert_msg(!pg_critical(&s->j.best.labels[i], PG_CORRECTED) ||
                          in_table(s, s->isa->encodings[i].name),
                      "%s, %s is critical", s->isa->name,
                      s->isa->encodings[i].name);
}

/* ---- Lists: what is critical is in them, or is beyond and says why ---- */

static bool listed(const struct isa_list *l, const char *mnemonic)
{
    for (unsigned k = 0; k < l->count; k++)
        if (!strcmp(l->names[k], mnemonic))
            return true;
    for (unsigned k = 0; k < l->beyond_count; k++)
        if (!strcmp(l->beyond[k].name, mnemonic))
            return *l->beyond[k].why != '\0';
    return false;
}

static bool mnemonic_critical(const struct pg_judged *s, const char *mnemonic)
{
    for (unsigned i = 0; i < s->isa->encoding_count; i++)
        if (!strcmp(s->isa->encodings[i].mnemonic, mnemonic) &&
            pg_critical(&s->j.best.labels[i], PG_CORRECTED))
            return true;
    return false;
}

static void check_list(const struct pg_judged *s, const struct isa_list *l)
{
    for (unsigned i = 0; i < s->isa->encoding_count; i++)
        ck_assert_msg(!pg_critical(&s->j.best.labels[i], PG_CORRECTED) ||
                          listed(l, s->isa->encodings[i].mnemonic),
                      "%s, %s is in no list", s->isa->name,
                      s->isa->encodings[i].name);
    /* Flushing a cache alone is on the list and not derived. */
    for (unsigned k = 0; k < l->count; k++)
        ck_assert_msg(mnemonic_critical(s, l->names[k]) !=
                          !strcmp(l->names[k], "fc"),
                      "%s: %s", s->isa->name, l->names[k]);
    for (unsigned k = 0; k < l->beyond_count; k++)
        ck_assert_msg(mnemonic_critical(s, l->beyond[k].name), "%s: %s",
                      s->isa->name, l->beyond[k].name);
}

/* ---- Verdicts ---- */

static const struct {
    const char *name;
    bool t1, t2, t3, vm, hybrid, nested;
} verdicts[] = {
    {"mips", 1, 1, 1, 1, 1, 1},  {"sparc-v9", 0, 0, 1, 0, 1, 0},
    {"ppc32", 1, 1, 1, 1, 1, 1}, {"ppc64", 0, 0, 1, 0, 1, 0},
    {"ia64", 0, 0, 0, 0, 0, 0},  {"ia64-vti", 1, 1, 1, 1, 1, 1},
};

static void check_verdict(const struct pg_judged *s, int i)
{
    const struct pg_case *best = &s->j.best;
    const bool *holds = best->holds[PG_CORRECTED];

    ck_assert_int_eq(holds[PG_T1], verdicts[i].t1);
    ck_assert_int_eq(holds[PG_T2], verdicts[i].t2);
    ck_assert_int_eq(holds[PG_T3], verdicts[i].t3);
    ck_assert_int_eq(best->vm, verdicts[i].vm);
    ck_assert_int_eq(best->hybrid, verdicts[i].hybrid);
    ck_assert_int_eq(best->nested, verdicts[i].nested);
    /* A system call alone breaks the letter of 1974. */
    ck_assert(!best->holds[PG_LITERAL][PG_T1]);
}

/* All of it of one machine, since judging is what takes the time. */
START_TEST(test_machine)
{
    struct pg_judged s = pg_judged_named(verdicts[_i].name);

    check_verdict(&s, _i);
    for (size_t k = 0; k < ARRAY_LEN(rows); k++)
        if (!strcmp(rows[k].machine, s.isa->name))
            check_row(&s, &rows[k]);
    check_others(&s);
    for (unsigned k = 0; k < s.isa->list_count; k++)
        check_list(&s, &s.isa->lists[k]);
    ck_assert_uint_gt(s.isa->leaves_out_count, 0);
    pg_judged_free(&s);
}
END_TEST

Suite *suite_pg_others(void)
{
    Suite *s = suite_create("pg_others");
    TCase *t = tcase_create("others");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_machine, 0, (int)ARRAY_LEN(verdicts));
    suite_add_tcase(s, t);
    return s;
}
