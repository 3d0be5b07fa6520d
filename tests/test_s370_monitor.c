/* The monitor's interpreters against the bare machine: the same random guest
 * on both, in lockstep. */
#include "s370/exit/interpreter.h"
#include "tests/s370_random.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static int scaled(int cases)
{
    const char *times = getenv("TRAPLINE_TIMES");

    return times ? cases * atoi(times) : cases;
}

/* Run one random guest; a difference is printed whole. */
static uint64_t run_case(uint64_t seed, const struct random_mix *mix,
                         uint64_t limit)
{
    struct random r = random_seed(seed);
    struct s370_image im;
    struct lockstep_report report;
    struct lockstep_options o = {.limit = limit, .sample = 1 + seed % 3 * 20};
    struct diag d;

    random_guest(&r, mix, &im);
    struct lockstep_guest g = s370_image_guest(&im);
    ck_assert_int_eq(lockstep_run(&g, &o, &report, &d), STATUS_OK);
    if (!report.same) {
        fprintf(stderr, "seed %llu:\n", (unsigned long long)seed);
        lockstep_print(stderr, &report);
    }
    s370_image_fini(&im);
    ck_assert_msg(report.same, "seed %llu: %s differs after %s at %06X",
                  (unsigned long long)seed, report.what, report.insn,
                  report.pc);
    return report.insns;
}

START_TEST(test_every_interpreter)
{
    const struct insn_desc *d = &s370_insns.rows[_i];
    struct random_mix mix = {.privileged = 50, .only = _i};
    uint64_t insns = 0;

    if (d->privilege != PRIV_P)
        return;
    for (int i = 0; i < scaled(20); i++)
        insns += run_case((uint64_t)(_i * 100000 + i), &mix, 400);
    ck_assert_msg(insns > 500, "%s: only %llu instructions ran", d->name,
                  (unsigned long long)insns);
}
END_TEST

START_TEST(test_mixtures)
{
    struct random_mix mix = {.privileged = (unsigned)_i * 20, .only = -1};

    for (int i = 0; i < scaled(60); i++)
        run_case((uint64_t)(9000000 + _i * 100000 + i), &mix, 2000);
}
END_TEST

START_TEST(test_program_events)
{
    struct random_mix mix = {.privileged = 40, .only = -1, .per = true};

    for (int i = 0; i < scaled(100); i++)
        run_case((uint64_t)(20000000 + i), &mix, 600);
}
END_TEST

/* Guests that translate: by shadow tables under the monitor. */
START_TEST(test_translation)
{
    struct random_mix mix = {
        .privileged = 30, .only = -1, .translation = true, .per = _i};

    for (int i = 0; i < scaled(100); i++)
        run_case((uint64_t)(40000000 + _i * 100000 + i), &mix, 1000);
}
END_TEST

START_TEST(test_random_bytes)
{
    struct random_mix mix = {.only = -1, .wild = true};

    for (int i = 0; i < scaled(100); i++)
        run_case((uint64_t)(30000000 + i), &mix, 600);
}
END_TEST

START_TEST(test_every_privileged_row_has_an_interpreter)
{
    for (unsigned i = 0; i < S370_OP_COUNT; i++) {
        const struct insn_desc *d = &s370_insns.rows[i];
        bool needed = d->privilege != PRIV_U;

        ck_assert_msg(!needed || s370_interpreters[i], "%s has none", d->name);
        ck_assert_msg(needed || !s370_interpreters[i],
                      "%s never leaves the problem state", d->name);
    }
}
END_TEST

Suite *suite_s370_monitor(void)
{
    Suite *s = suite_create("s370_monitor");
    TCase *t = tcase_create("lockstep");

    tcase_set_timeout(t, 600);
    tcase_add_loop_test(t, test_every_interpreter, 0, S370_OP_COUNT);
    tcase_add_loop_test(t, test_mixtures, 0, 5);
    tcase_add_test(t, test_program_events);
    tcase_add_loop_test(t, test_translation, 0, 2);
    tcase_add_test(t, test_random_bytes);
    tcase_add_test(t, test_every_privileged_row_has_an_interpreter);
    suite_add_tcase(s, t);
    return s;
}
