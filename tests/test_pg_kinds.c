/* Kinds of state - clocks, resources that a monitor holds, duplicates - and
 * where the monitor lies: what each does to the labels, by exhaustion and by
 * the solver's proof. */
#include "popek-goldberg/language/reform.h"
#include "popek-goldberg/solver/certify.h"
#include "tests/pg_isa.h"
#include "tests/skip.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char text[] =
    "machine kinds address 8 word 8 scaled 1 memory 2 monitor 2\n"
    "register r : 8 scaled 3\n"
    "clock tod : 8 scaled 2\n"
    "resource iopl : 2 enforced\n"
    "resource free : 2\n"
    "duplicate own : 2\n"
    "trap priv : privileged\n"
    "trap segment : memory\n"
    "instruction STCK { r <- tod }\n"
    "instruction SCK  { tod <- r }\n"
    "instruction SCKP { when mode = user: trap priv tod <- r }\n"
    "instruction CLI  { when mode = user and iopl != 3: trap priv free <- 0 }\n"
    "instruction CLF  { when mode = user and free != 3: trap priv free <- 0 }\n"
    "instruction POPF { when mode = supervisor: iopl <- r }\n"
    "instruction PUSHF { r <- iopl }\n"
    "instruction MINE { own <- own + 1 r <- own }\n"
    "instruction AUIPC { r <- base }\n"
    "instruction UP { base <- base + 1 }\n"
    "instruction IN { when bound != 0: { base <- base + 1 bound <- bound - 1 "
    "} }\n"
    "instruction LOW { when mode = user: trap segment r <- 1 }\n";

struct fixture {
    struct isa *isa;
    struct pg_judgement j;
};

static void setup(struct fixture *f, bool high)
{
    struct diag d;

    ck_assert_msg(isa_parse("kinds", text, strlen(text), &f->isa, &d) ==
                      STATUS_OK,
                  "%s", d.text);
    f->isa->high_core = high;
    ck_assert_int_eq(pg_judge(f->isa, &f->j, &d), STATUS_OK);
}

static void teardown(struct fixture *f)
{
    pg_judgement_free(&f->j);
    isa_free(f->isa);
}

static const struct pg_labels *labels(const struct fixture *f,
                                      const struct pg_case *c, const char *name)
{
    int i = isa_find_encoding(f->isa, name);

    ck_assert_int_ge(i, 0);
    return &c->labels[i];
}

static bool critical(const struct fixture *f, const char *name)
{
    return pg_critical(labels(f, &f->j.best, name), PG_CORRECTED);
}

static const struct pg_exact *exact(const struct fixture *f, const char *name)
{
    return &f->j.best.exact[isa_find_encoding(f->isa, name)];
}

START_TEST(test_time_may_be_read_and_not_set)
{
    struct fixture f;

    setup(&f, false);
    ck_assert(!pg_sensitive(labels(&f, &f.j.best, "STCK"), PG_CORRECTED));
    ck_assert(!exact(&f, "STCK")->vm.found);
    ck_assert(critical(&f, "SCK"));
    ck_assert(exact(&f, "SCK")->breaks[PG_CONTROL].found);
    ck_assert(exact(&f, "SCK")->breaks[PG_EQUIVALENCE].found);
    ck_assert(labels(&f, &f.j.best, "SCKP")->privileged[PG_CORRECTED]);
    ck_assert(!exact(&f, "SCKP")->vm.found);
    teardown(&f);
}
END_TEST

START_TEST(test_a_held_resource_has_the_monitors_value)
{
    struct fixture f;

    setup(&f, false);
    ck_assert(f.j.enforced);
    ck_assert(labels(&f, &f.j.best, "CLI")->privileged[PG_CORRECTED]);
    ck_assert(!labels(&f, &f.j.worst, "CLI")->privileged[PG_CORRECTED]);
    ck_assert(!exact(&f, "CLI")->vm.found);
    ck_assert(critical(&f, "CLF"));
    ck_assert(!exact(&f, "CLF")->vm.found);
    ck_assert(critical(&f, "POPF"));
    /* Held or not, another value would show. */
    ck_assert(labels(&f, &f.j.best, "PUSHF")->leak[ISA_USER].found);
    teardown(&f);
}
END_TEST

START_TEST(test_a_duplicate_is_the_programs_own)
{
    struct fixture f;

    setup(&f, false);
    ck_assert(!pg_sensitive(labels(&f, &f.j.best, "MINE"), PG_CORRECTED));
    ck_assert(!exact(&f, "MINE")->vm.found);
    teardown(&f);
}
END_TEST

START_TEST(test_high_core_moves_no_program)
{
    struct fixture f;

    setup(&f, false);
    ck_assert(critical(&f, "AUIPC"));
    ck_assert(exact(&f, "AUIPC")->vm.found);
    teardown(&f);
    setup(&f, true);
    ck_assert(!critical(&f, "AUIPC"));
    ck_assert(!exact(&f, "AUIPC")->vm.found);
    ck_assert(!exact(&f, "AUIPC")->nested.found);
    teardown(&f);
}
END_TEST

/* Each instruction is small enough, all of them together are not. */
START_TEST(test_too_much_to_go_through)
{
    static const char head[] = "machine m address 8 word 8 memory 2\n"
                               "register a, b, c : 8 scaled 6\n";
    char big[16384];
    size_t n = (size_t)snprintf(big, sizeof(big), "%s", head);
    struct pg_judgement j;
    struct isa *isa;
    struct diag d;

    for (unsigned i = 0; i < 60; i++) {
        n += (size_t)snprintf(big + n, sizeof(big) - n, "instruction I%u {", i);
        for (unsigned k = 0; k < 8; k++)
            n += (size_t)snprintf(big + n, sizeof(big) - n, "a<-a+b+c ");
        n += (size_t)snprintf(big + n, sizeof(big) - n, "}\n");
        ck_assert_uint_lt(n, sizeof(big));
    }
    ck_assert_msg(isa_parse("m", big, n, &isa, &d) == STATUS_OK, "%s", d.text);
    ck_assert_int_eq(pg_judge(isa, &j, &d), STATUS_BAD_INPUT);
    ck_assert_msg(strstr(d.text, "all instructions together have too many"),
                  "%s", d.text);
    isa_free(isa);
}
END_TEST

/* The words above a window are another's, even where f would say so too. */
START_TEST(test_a_window_may_shrink_and_not_move_up)
{
    struct fixture f;

    setup(&f, false);
    ck_assert(exact(&f, "UP")->breaks[PG_CONTROL].found);
    ck_assert_int_eq(exact(&f, "UP")->breaks[PG_CONTROL].why, PG_SEIZED);
    ck_assert_uint_eq(exact(&f, "UP")->breaks[PG_CONTROL].component, ISA_BASE);
    ck_assert(!exact(&f, "IN")->vm.found);
    teardown(&f);
}
END_TEST

START_TEST(test_what_is_stopped_needlessly)
{
    struct fixture f;
    const struct pg_witness *w;

    setup(&f, false);
    ck_assert(!f.j.best.direct);
    for (unsigned i = 0; i < f.isa->encoding_count; i++)
        ck_assert_int_eq(
            pg_needlessly_stopped(&f.j.best.labels[i], &f.j.best.exact[i]),
            !strcmp(f.isa->encodings[i].name, "LOW"));
    w = &exact(&f, "LOW")->stopped;
    ck_assert_int_eq(w->r[0].ending, ISA_DONE);
    ck_assert_int_eq(w->r[1].ending, ISA_TRAPPED);
    teardown(&f);
}
END_TEST

START_TEST(test_the_solver_finds_the_same)
{
    struct pg_certificates c = {0};
    struct pg_solver s;
    struct fixture f;
    struct diag d = {""};

    setup(&f, _i);
    ck_assert_int_eq(
        pg_solver_init(&s, PG_SOLVER_COMMAND, PG_QUERY_MS, PG_TOTAL_MS, &d),
        STATUS_OK);
    if (pg_solver_start(&s, &d) == PG_MISSING) {
        skip_test("pg_kinds: %s", d.text);
    } else {
        ck_assert_int_eq(pg_certify(&f.j, &s, NULL, &c, &d), STATUS_OK);
        ck_assert_uint_gt(c.asked, 100);
        if (c.count[PG_CONTRADICTED])
            pg_certify_report(stdout, &f.j, &c);
        ck_assert_uint_eq(c.count[PG_CONTRADICTED], 0);
        ck_assert_uint_eq(c.count[PG_LEFT_OPEN], 0);
        pg_certificates_free(&c);
    }
    pg_solver_close(&s);
    teardown(&f);
}
END_TEST

Suite *suite_pg_kinds(void)
{
    Suite *s = suite_create("pg_kinds");
    TCase *t = tcase_create("kinds");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_time_may_be_read_and_not_set);
    tcase_add_test(t, test_a_held_resource_has_the_monitors_value);
    tcase_add_test(t, test_a_duplicate_is_the_programs_own);
    tcase_add_test(t, test_high_core_moves_no_program);
    tcase_add_test(t, test_too_much_to_go_through);
    tcase_add_test(t, test_a_window_may_shrink_and_not_move_up);
    tcase_add_test(t, test_what_is_stopped_needlessly);
    tcase_add_loop_test(t, test_the_solver_finds_the_same, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
