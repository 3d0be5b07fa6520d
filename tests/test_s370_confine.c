/* Resource control: a hostile guest reaches nothing but its own, stops
 * neither the monitor nor the guest beside it, and is even then what it would
 * be on the bare machine. */
#include "tests/s370_hostile.h"

#include <check.h>
#include <stdlib.h>

static int scaled(int cases)
{
    const char *times = getenv("TRAPLINE_TIMES");

    return times ? cases * atoi(times) : cases;
}

START_TEST(test_confined)
{
    char words[HOSTILE_WORDS] = "";

    for (int i = 0; i < scaled(40); i++) {
        uint64_t seed = (uint64_t)(_i * 1000000 + i);
        ck_assert_msg(
            hostile_confined(seed, (enum hostile_kind)_i, 3000, words),
            "%s, seed %llu: %s", hostile_names[_i], (unsigned long long)seed,
            words);
    }
}
END_TEST

START_TEST(test_equivalent)
{
    char words[HOSTILE_WORDS] = "";

    for (int i = 0; i < scaled(40); i++) {
        uint64_t seed = (uint64_t)(_i * 1000000 + 500000 + i);
        ck_assert_msg(
            hostile_equivalent(seed, (enum hostile_kind)_i, 2000, words),
            "%s, seed %llu: %s", hostile_names[_i], (unsigned long long)seed,
            words);
    }
}
END_TEST

/* Guests that once were not what they are on the bare machine. */
static const struct {
    enum hostile_kind kind;
    uint64_t seed;
} found[] = {
    {HOSTILE_EVENTS, 20261158}, /* LPSW of an invalid PSW, and its PER event */
};

START_TEST(test_found)
{
    char words[HOSTILE_WORDS] = "";

    ck_assert_msg(
        hostile_equivalent(found[_i].seed, found[_i].kind, 2000, words),
        "%s, seed %llu: %s", hostile_names[found[_i].kind],
        (unsigned long long)found[_i].seed, words);
}
END_TEST

Suite *suite_s370_confine(void)
{
    Suite *s = suite_create("s370_confine");
    TCase *t = tcase_create("hostile");

    tcase_set_timeout(t, 600);
    tcase_add_loop_test(t, test_confined, 0, HOSTILE_KINDS);
    tcase_add_loop_test(t, test_equivalent, 0, HOSTILE_KINDS);
    tcase_add_loop_test(t, test_found, 0, sizeof(found) / sizeof(found[0]));
    suite_add_tcase(s, t);
    return s;
}
