/* Random cases against Hercules 3.13: a part of what `make oracle` runs.  See
 * tests/oracle/README.md. */
#include "tests/oracle/hercules.h"
#include "tests/oracle/session.h"
#include "tests/skip.h"

#include <check.h>

enum { CASES = 20000, SEED = 370, TEST_SECONDS = 300 };

static void run(bool alone, uint64_t cases, struct session_result *r)
{
    struct session_options o = {
        .cases = cases, .seed = SEED, .show = 5, .alone = alone, .out = stdout};
    struct diag d = {{0}};
    enum status st = oracle_run(&o, r, &d);

    ck_assert_msg(st == STATUS_OK, "%s", d.text);
}

/* s370_step is the meaning, s370_run the same faster. */
START_TEST(test_step_and_run_do_the_same)
{
    struct session_result r;

    run(true, CASES / 4, &r);
    ck_assert_uint_eq(r.step_run, 0);
    ck_assert_uint_ge(r.tally.fates[FATE_RUN], CASES / 4);
}
END_TEST

START_TEST(test_hercules_has_no_unexplained_difference)
{
    struct session_result r;
    unsigned ops = 0;

    if (!hercules_installed()) {
        skip_test("no hercules: apt-get install hercules");
        return;
    }
    run(false, CASES, &r);
    oracle_report(stdout, &r);
    for (unsigned i = 0; i < S370_OP_COUNT; i++)
        ops += r.tally.ops[i] != 0;
    ck_assert_uint_eq(r.tally.unexplained, 0);
    ck_assert_uint_ge(r.tally.fates[FATE_RUN], CASES);
    /* Explanations and refusals are few: most cases are compared whole. */
    ck_assert_uint_le(r.tally.fates[FATE_WILD], CASES / 10);
    ck_assert_uint_le(r.tally.fates[FATE_OPEN], CASES / 20);
    ck_assert_uint_ge(ops, S370_OP_COUNT - 10);
}
END_TEST

Suite *suite_s370_oracle(void)
{
    Suite *s = suite_create("s370_oracle");
    TCase *t = tcase_create("oracle");

    tcase_set_timeout(t, TEST_SECONDS);
    tcase_add_test(t, test_step_and_run_do_the_same);
    tcase_add_test(t, test_hercules_has_no_unexplained_difference);
    suite_add_tcase(s, t);
    return s;
}
