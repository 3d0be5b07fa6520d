/* The machines of DEC and Motorola: which mnemonics are critical, what of the
 * theorems holds, and that it is for the reason that their texts give. */
#include "popek-goldberg/report/report.h"
#include "tests/pg_judged.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct pg_judged built_in(const char *name)
{
    char text[128];

    snprintf(text, sizeof(text), "machine m like %s", name);
    return pg_judged_text("m", text);
}

/* Encodings that are critical, each with a blank behind it. */
static const char *critical(const struct pg_judged *m, enum pg_reading r)
{
    static char names[1024];
    size_t n = 0;

    *names = '\0';
    for (unsigned i = 0; i < m->isa->encoding_count; i++)
        if (pg_critical(&m->j.best.labels[i], r))
            n += (size_t)snprintf(names + n, sizeof(names) - n, "%s ",
                                  m->isa->encodings[i].name);
    return names;
}

static const struct pg_exact *exact(const struct pg_judged *m, const char *name)
{
    int i = isa_find_encoding(m->isa, name);

    ck_assert_msg(i >= 0, "there is no %s", name);
    return &m->j.best.exact[i];
}

/* ---- Verdicts ---- */

static const struct {
    const char *name, *critical;
    bool t1, t3, vm;
} machines[] = {
    {"pdp10-ka10", "JRST1 JRSTF PUSHJ JSP JSR ", false, true, false},
    {"pdp10-ki10", "JRSTF PUSHJ JSP JSR MAP ", false, false, false},
    {"pdp11-45", "RESET SPL WAIT RTI RTT MFPI MTPI MFPD MTPD MFPI_SP MTPI_SP ",
     false, false, false},
    {"vax", "MOVPSL REI PROBER PROBEW ", false, true, false},
    {"vax-vm", "", true, true, true},
    {"alpha", "", true, true, true},
    {"m68000", "MOVE_from_SR ", false, false, false},
    {"m68010", "", true, true, true},
};

START_TEST(test_verdict)
{
    struct pg_judged m = built_in(machines[_i].name);

    ck_assert_str_eq(critical(&m, PG_CORRECTED), machines[_i].critical);
    ck_assert_int_eq(m.j.best.holds[PG_CORRECTED][PG_T1], machines[_i].t1);
    ck_assert_int_eq(m.j.best.holds[PG_CORRECTED][PG_T2], machines[_i].t1);
    ck_assert_int_eq(m.j.best.holds[PG_CORRECTED][PG_T3], machines[_i].t3);
    ck_assert_int_eq(m.j.best.vm, machines[_i].vm);
    pg_judged_free(&m);
}
END_TEST

/* ---- A change, and what becomes of the verdict ---- */

static const struct {
    const char *text, *critical;
    bool t3;
} changes[] = {
    /* JRST 1 alone would spoil it, and so would JRSTF. */
    {"machine m like pdp10-ka10 without JRSTF, PUSHJ, JSP, JSR", "JRST1 ",
     true},
    {"machine m like pdp10-ka10 without JRST1, PUSHJ, JSP, JSR", "JRSTF ",
     true},
    /* Without MAP the KI10 is as the KA10. */
    {"machine m like pdp10-ki10 without MAP", "JRSTF PUSHJ JSP JSR ", true},
    /* The processor is no resource: WAIT is innocuous. */
    {"machine m like pdp11-45 instruction WAIT { }",
     "RESET SPL RTI RTT MFPI MTPI MFPD MTPD MFPI_SP MTPI_SP ", false},
    /* What UCLA changed in the hardware. */
    {"machine m like pdp11-45 intercept halt_4 { RESET SPL WAIT RTI RTT MFPI "
     "MTPI MFPD MTPD MFPI_SP MTPI_SP }",
     "", true},
    {"machine m like vax intercept privilege { MOVPSL REI PROBER PROBEW }", "",
     true},
    {"machine m like m68000 intercept privilege { MOVE_from_SR }", "", true},
    /* As it was before the 68010. */
    {"machine m like m68010 instruction MOVE_from_SR { d0 <- mode }",
     "MOVE_from_SR ", true},
};

START_TEST(test_change)
{
    struct pg_judged m = pg_judged_text("m", changes[_i].text);

    ck_assert_msg(!strcmp(critical(&m, PG_CORRECTED), changes[_i].critical),
                  "%s: %s", changes[_i].text, critical(&m, PG_CORRECTED));
    ck_assert_int_eq(m.j.best.holds[PG_CORRECTED][PG_T3], changes[_i].t3);
    pg_judged_free(&m);
}
END_TEST

/* ---- Reasons ---- */

START_TEST(test_pdp10)
{
    struct pg_judged m = built_in("pdp10-ka10");

    /* The paper: control sensitive in supervisor mode, and not in user mode. */
    ck_assert(pg_judged_labels(&m, "JRST1")->control[PG_CORRECTED][0].found);
    ck_assert(!pg_judged_labels(&m, "JRST1")->control[PG_CORRECTED][1].found);
    ck_assert(pg_judged_labels(&m, "DATAO_APR")->privileged[PG_CORRECTED]);
    ck_assert(pg_judged_labels(&m, "JSR")->mode.found);
    /* With User In-Out granted, HALT is executed. */
    int halt = isa_find_encoding(m.isa, "JRST4");
    ck_assert(!m.j.worst.labels[halt].privileged[PG_CORRECTED]);
    pg_judged_free(&m);
    m = built_in("pdp10-ki10");
    ck_assert(!pg_sensitive(pg_judged_labels(&m, "PORTAL"), PG_CORRECTED));
    ck_assert(pg_judged_labels(&m, "MAP")->location[ISA_USER].found);
    pg_judged_free(&m);
}
END_TEST

START_TEST(test_pdp11)
{
    static const char *const does_less[] = {"RESET", "SPL", "RTI", "RTT"};
    struct pg_judged m = built_in("pdp11-45");

    for (unsigned i = 0; i < ARRAY_LEN(does_less); i++) {
        ck_assert(pg_judged_labels(&m, does_less[i])->less.found);
        ck_assert(!pg_user_sensitive(pg_judged_labels(&m, does_less[i]),
                                     PG_CORRECTED));
    }
    ck_assert(pg_judged_labels(&m, "HALT")->privileged[PG_CORRECTED]);
    ck_assert(pg_judged_labels(&m, "MFPI")->mode.found);
    ck_assert(exact(&m, "MFPI")->vm.found);
    /* Unless the monitor keeps the previous mode at user, RTI sets it. */
    int rti = isa_find_encoding(m.isa, "RTI");
    ck_assert(pg_user_sensitive(&m.j.worst.labels[rti], PG_CORRECTED));
    pg_judged_free(&m);
}
END_TEST

START_TEST(test_vax)
{
    static const char *const user_is_fine[] = {"MOVPSL", "REI", "PROBER"};
    struct pg_judged m = built_in("vax");

    for (unsigned i = 0; i < ARRAY_LEN(user_is_fine); i++)
        ck_assert(!exact(&m, user_is_fine[i])->hybrid.found);
    ck_assert(pg_judged_labels(&m, "REI")->control[PG_CORRECTED][0].found);
    ck_assert(!pg_sensitive(pg_judged_labels(&m, "CHMK"), PG_CORRECTED));
    pg_judged_free(&m);
    /* Each is merged, or traps. */
    m = built_in("vax-vm");
    ck_assert(!pg_sensitive(pg_judged_labels(&m, "MOVPSL"), PG_CORRECTED));
    ck_assert(!pg_sensitive(pg_judged_labels(&m, "PROBER"), PG_CORRECTED));
    ck_assert(pg_judged_labels(&m, "REI")->privileged[PG_CORRECTED]);
    ck_assert(pg_judged_labels(&m, "MTPR_IPL")->privileged[PG_CORRECTED]);
    pg_judged_free(&m);
}
END_TEST

/* By the letter of 1974 R is base and bound, so the mode alone is sensitive. */
START_TEST(test_m68000_by_the_letter)
{
    struct pg_judged m = built_in("m68000");

    const struct pg_labels *l = pg_judged_labels(&m, "MOVE_from_SR");
    ck_assert(pg_critical(l, PG_LITERAL) && !pg_user_sensitive(l, PG_LITERAL));
    ck_assert(l->leak[ISA_USER].found);
    ck_assert(exact(&m, "MOVE_from_SR")->hybrid.found);
    pg_judged_free(&m);
}
END_TEST

START_TEST(test_alpha)
{
    struct pg_judged m = built_in("alpha");

    /* Time is excused. */
    ck_assert(!pg_sensitive(pg_judged_labels(&m, "RPCC"), PG_CORRECTED));
    ck_assert(!pg_sensitive(pg_judged_labels(&m, "CALL_PAL"), PG_CORRECTED));
    ck_assert(pg_judged_labels(&m, "HW_LD")->location[ISA_SUPERVISOR].found);
    ck_assert(pg_judged_labels(&m, "HW_REI")->privileged[PG_CORRECTED]);
    pg_judged_free(&m);
}
END_TEST

Suite *suite_pg_dec(void)
{
    Suite *s = suite_create("pg_dec");
    TCase *t = tcase_create("dec");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_verdict, 0, (int)ARRAY_LEN(machines));
    tcase_add_loop_test(t, test_change, 0, (int)ARRAY_LEN(changes));
    tcase_add_test(t, test_pdp10);
    tcase_add_test(t, test_pdp11);
    tcase_add_test(t, test_vax);
    tcase_add_test(t, test_m68000_by_the_letter);
    tcase_add_test(t, test_alpha);
    suite_add_tcase(s, t);
    return s;
}
