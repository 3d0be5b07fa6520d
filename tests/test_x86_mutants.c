/* A monitor broken on purpose is found, and what is wrong is named: where, what
 * and at which instruction. */
#include "tests/x86_mutants.h"
#include "tests/x86_pair.h"

#include <check.h>
#include <stdlib.h>

START_TEST(mutant_is_found_and_named)
{
    const struct x86_mutant *m = &x86_mutants[_i];
    const char *image = x86_pair_exits();

    if (!image)
        return;
    struct x86_lockstep_report *r =
        x86_pair_run(image, m->svm ? "svm" : "vtx", x86_mutant_engine(m),
                     x86_mutant_made, (void *)(uintptr_t)m);
    ck_assert_msg(!r->same, "%s: survived", m->name);
    ck_assert_msg(x86_mutant_named(m, r), "%s: %s, %s%s", m->name, r->what,
                  r->exact ? "at " : "somewhere", r->insn);
    printf("%-46s %s: %s\n", m->name, r->insn, r->what);
    free(r);
}
END_TEST

Suite *suite_x86_mutants(void)
{
    Suite *s = suite_create("x86_mutants");
    TCase *t = tcase_create("mutants");
    int count = 0;

    while (!x86_mutants[count].debian) /* tests/linux/compare.sh has those */
        count++;

    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, mutant_is_found_and_named, 0, count);
    suite_add_tcase(s, t);
    return s;
}
