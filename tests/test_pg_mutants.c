/* No mistake in a monitor, or in the hardware under it, stays unseen where it
 * can matter. */
#include "popek-goldberg/construct/construct_mutation.h"
#include "tests/pg_trial.h"

#include <check.h>

static bool is_caught(enum construct_mutation m, unsigned target, bool blind,
                      unsigned tries)
{
    struct construct_options o = trial_one(CONSTRUCT_TRAP);

    o.mutation = m;
    o.target = target;
    o.blind = blind;
    if (construct_has_target(m)) {
        o.steps = 4;
        return trial_diverges(&o, target, tries);
    }
    for (; tries; tries--, o.seed++) {
        trial_run(&o);
        if (trial.r.diverged)
            return true;
    }
    return false;
}

/* A guest notices all of them, but for resources: no virtualizable machine
 * shows those. */
static void check_mutation(enum construct_mutation m, unsigned target)
{
    bool matters = construct_can_matter(&trial.j, CONSTRUCT_TRAP, m, target);
    unsigned tries = matters ? 3000 : 20;
    const char *name = construct_mutation_name(m),
               *of = construct_has_target(m) ? trial.isa->encodings[target].name
                                             : "";

    ck_assert_msg(is_caught(m, target, false, tries) == matters, "%s: %s %s %s",
                  trial.isa->name, name, of,
                  matters ? "is not caught" : "is caught, and should not be");
    if (matters && m != CONSTRUCT_RESOURCES)
        ck_assert_msg(is_caught(m, target, true, tries),
                      "%s: the guest does not notice %s %s", trial.isa->name,
                      name, of);
}

static void check_mutations(void)
{
    for (enum construct_mutation m = 1; m < CONSTRUCT_MUTATIONS; m++) {
        bool targeted = construct_has_target(m);

        for (unsigned i = 0; i < (targeted ? trial.isa->encoding_count : 1);
             i++)
            if (!targeted || !trial.isa->encodings[i].needed)
                check_mutation(m, i);
    }
}

/* Machines on which the monitor without a mistake works. */
static const char *const virtualizable[] = {
    "paper",  "m68010",  "alpha",      "ppc32",   "mips",
    "vax-vm", "riscv-s", "riscv-h",    "s360-67", "ia64-vti",
    "s370",   "z-sie",   "aarch64-nv", "armv7-ve"};

START_TEST(test_each_mistake_is_caught_where_it_matters)
{
    trial_use(virtualizable[_i]);
    ck_assert(trial.j.best.vm);
    check_mutations();
    trial_forget();
}
END_TEST

START_TEST(test_words_of_a_monitor_are_watched)
{
    struct construct_options o = trial_one(CONSTRUCT_INTERPRET);

    trial_use("paper");
    ck_assert(construct_can_matter(&trial.j, CONSTRUCT_INTERPRET,
                                   CONSTRUCT_PLACE, 0));
    ck_assert(
        !construct_can_matter(&trial.j, CONSTRUCT_TRAP, CONSTRUCT_PLACE, 0));
    o.mutation = CONSTRUCT_PLACE;
    o.blind = true;
    for (; trial.r.first.wrong != CONSTRUCT_OVERWRITE && o.seed < 100; o.seed++)
        trial_run(&o);
    ck_assert_int_eq(trial.r.first.wrong, CONSTRUCT_OVERWRITE);
    ck_assert_uint_eq(trial.r.first.level, 1);
    ck_assert_int_eq(construct_breaks(&trial.r.first), PG_CONTROL);
    trial_forget();
}
END_TEST

/* How each is noticed, on the machine of the paper. */
static const struct {
    enum construct_mutation m;
    enum construct_wrong wrong;
    unsigned component;
} signs[] = {
    {CONSTRUCT_SHIFT_K, CONSTRUCT_REAL, ISA_BASE},
    {CONSTRUCT_NO_COMPOSE, CONSTRUCT_REAL, ISA_BASE},
    {CONSTRUCT_BOUND, CONSTRUCT_REAL, ISA_BOUND},
    {CONSTRUCT_MODE, CONSTRUCT_VIRTUAL, ISA_MODE},
    {CONSTRUCT_DROP_V, CONSTRUCT_GAVE_UP, 0},
};

START_TEST(test_a_mistake_shows_where_it_is)
{
    trial_use("paper");
    ck_assert(is_caught(signs[_i].m, trial_encoding("LPSW"), false, 200));
    ck_assert_int_eq(trial.r.first.wrong, signs[_i].wrong);
    ck_assert_uint_eq(trial.r.first.component, signs[_i].component);
    trial_forget();
}
END_TEST

Suite *suite_pg_mutants(void)
{
    Suite *s = suite_create("pg_mutants");
    TCase *t = tcase_create("mistakes");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, test_each_mistake_is_caught_where_it_matters, 0,
                        ARRAY_LEN(virtualizable));
    tcase_add_test(t, test_words_of_a_monitor_are_watched);
    tcase_add_loop_test(t, test_a_mistake_shows_where_it_is, 0,
                        ARRAY_LEN(signs));
    suite_add_tcase(s, t);
    return s;
}
