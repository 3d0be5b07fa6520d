/* The monitor made from a description works exactly where the exact criterion
 * says so. */
#include "popek-goldberg/construct/construct_report.h"
#include "tests/command.h"
#include "tests/pg_isa.h"
#include "tests/pg_trial.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* ---- The promise, both ways ---- */

/* Is one of those that fail the criterion found out, if it is looked for? */
static bool some_failure(const struct construct_options *o)
{
    for (unsigned i = 0; i < trial.isa->encoding_count; i++)
        if (!construct_is_promised(&trial.j, o, i) && trial_diverges(o, i, 400))
            return true;
    return false;
}

/* What diverges fails the exact criterion, and there is such a thing if there
 * should be. */
static void check_promise(const struct construct_options *o, const char *what)
{
    bool promised = true;

    trial_run(o);
    ck_assert_uint_eq(trial.r.programs, o->programs);
    for (unsigned i = 0; i < trial.isa->encoding_count; i++) {
        bool meets = construct_is_promised(&trial.j, o, i);

        promised = promised && meets;
        ck_assert_msg(!meets || !trial.r.code[i].diverged,
                      "%s, %s: %s diverges and meets the exact criterion, seed "
                      "%llu",
                      trial.isa->name, what, trial.isa->encodings[i].name,
                      (unsigned long long)trial.r.first.seed);
    }
    ck_assert_uint_eq(trial.r.fetch.diverged, 0);
    ck_assert_msg(promised || trial.r.diverged || some_failure(o),
                  "%s, %s: the exact criterion fails, and no program finds out",
                  trial.isa->name, what);
}

/* Every encoding that fails the criterion is found out. */
static void check_each_failure(void)
{
    struct construct_options o = trial_one(CONSTRUCT_TRAP);

    o.steps = 1;
    for (unsigned i = 0; i < trial.isa->encoding_count; i++)
        ck_assert_msg(construct_is_promised(&trial.j, &o, i) ||
                          trial_diverges(&o, i, 400),
                      "%s: %s fails the exact criterion, and no program finds "
                      "out",
                      trial.isa->name, trial.isa->encodings[i].name);
}

/* An innocuous instruction is interpreted only where efficiency fails. */
static void check_efficiency(void)
{
    uint64_t needless = 0;

    for (unsigned i = 0; i < trial.isa->encoding_count; i++)
        if (pg_needlessly_stopped(&trial.j.best.labels[i],
                                  &trial.j.best.exact[i]))
            needless += trial.r.code[i].emulated;
    ck_assert_msg(!needless == trial.j.best.direct, "%s: %llu", trial.isa->name,
                  (unsigned long long)needless);
}

static void check_machine(void)
{
    struct construct_options o = trial_one(CONSTRUCT_TRAP);

    o.programs = trial.isa->encoding_count;
    check_promise(&o, "trap and emulate");
    check_efficiency();
    check_each_failure();
    o.technique = CONSTRUCT_HYBRID;
    check_promise(&o, "hybrid");
    o.technique = CONSTRUCT_INTERPRET;
    check_promise(&o, "interpretation");
    ck_assert_uint_eq(trial.r.code[0].direct, 0);
    o.technique = CONSTRUCT_TRAP;
    o.levels = 2;
    check_promise(&o, "twice");
}

START_TEST(test_every_machine_keeps_or_breaks_the_promise)
{
    struct isa *all[PG_MACHINES];
    unsigned n = pg_machines(all);

    ck_assert_uint_gt(n, 5);
    for (unsigned i = 0; i < n; i++) {
        trial_judge(all[i]);
        check_machine();
        trial_forget();
    }
}
END_TEST

/* Sufficient, not necessary. */
START_TEST(test_what_spoils_the_premise_may_do_no_harm)
{
    static const char *const spared[] = {"DECB", "CONDPRIV"},
                             *const guilty[] = {"GETL", "GETM", "POPF",
                                                "JRST1"};
    struct construct_options o = trial_one(CONSTRUCT_TRAP);

    trial_use("toy");
    for (unsigned i = 0; i < ARRAY_LEN(spared); i++) {
        ck_assert(pg_critical(&trial.j.best.labels[trial_encoding(spared[i])],
                              PG_CORRECTED));
        o.steps = 1;
        ck_assert(!trial_diverges(&o, trial_encoding(spared[i]), 300));
    }
    for (unsigned i = 0; i < ARRAY_LEN(guilty); i++)
        ck_assert(trial_diverges(&o, trial_encoding(guilty[i]), 300));
    trial_forget();
}
END_TEST

/* A bound may shrink untold; the monitor reads it back. */
START_TEST(test_a_bound_that_shrinks_is_read_back)
{
    struct construct_options o = trial_one(CONSTRUCT_TRAP);
    unsigned decb;

    trial_describe("machine m memory 4 trap p : privileged\n"
                   "instruction DECB { when bound > 0: bound <- bound - 1 }\n"
                   "instruction SETB (n : 16 scaled 2) {\n"
                   "  when mode = user: trap p  bound <- n }\n"
                   "instruction JUMP (a : 16 scaled 2) { pc <- a }");
    decb = trial_encoding("DECB");
    ck_assert(pg_critical(&trial.j.best.labels[decb], PG_CORRECTED));
    o.programs = 200;
    for (o.levels = 1; o.levels <= 3; o.levels++) {
        trial_run(&o);
        ck_assert_uint_eq(trial.r.diverged, 0);
        ck_assert_uint_gt(trial.r.code[decb].direct, 50);
        ck_assert_uint_eq(trial.r.code[decb].emulated, 0);
    }
    trial_forget();
}
END_TEST

/* ---- Theorem 2 ---- */

/* A trap of the inner guest lands in the outer monitor, is reflected to the
 * inner one, whose last act, the load of a PSW, traps again; and so on. */
START_TEST(test_each_level_doubles_the_interventions)
{
    struct construct_options o = trial_one(CONSTRUCT_TRAP);

    trial_use("paper");
    o.programs = 50;
    for (o.levels = 1; o.levels <= CONSTRUCT_LEVELS; o.levels++) {
        trial_run(&o);
        ck_assert_uint_eq(trial.r.diverged, 0);
        ck_assert_uint_gt(trial.r.interventions[o.levels - 1], 0);
        for (unsigned i = 1; i < o.levels; i++)
            ck_assert_uint_eq(trial.r.interventions[i - 1],
                              2 * trial.r.interventions[i]);
    }
    trial_forget();
}
END_TEST

/* ---- Machines of our own ---- */

/* Both machines agree all the time, and yet the monitor has lost something. */
static const struct {
    const char *text;
    enum construct_wrong wrong;
    const char *component;
} seized[] = {
    {"machine m memory 3 trap p : privileged\n"
     "instruction GROW { bound <- bound + 1 }",
     CONSTRUCT_UNTOLD, "bound"},
    {"machine m memory 3 trap p : privileged clock tod : 8\n"
     "instruction SETC (n : 8) { tod <- n }",
     CONSTRUCT_UNTOLD, "tod"},
    {"machine m memory 3 trap p : privileged\n"
     "instruction FREE { base <- 0 }",
     CONSTRUCT_VIRTUAL, "base"},
    {"machine m memory 3 trap p : privileged\n"
     "instruction FLIP { mode <- supervisor }",
     CONSTRUCT_VIRTUAL, "mode"},
    {"machine m memory 3 trap p : privileged resource ie : 1 monitor 1\n"
     "instruction CLI { ie <- 0 }",
     CONSTRUCT_VIRTUAL, "ie"},
};

START_TEST(test_what_is_taken_untold_is_noticed)
{
    struct construct_options o = trial_one(CONSTRUCT_TRAP);

    trial_describe(seized[_i].text);
    ck_assert(!trial.j.best.vm);
    ck_assert(trial_diverges(&o, 0, 50));
    ck_assert_int_eq(trial.r.first.wrong, seized[_i].wrong);
    ck_assert_str_eq(trial.isa->elements[trial.r.first.component].name,
                     seized[_i].component);
    trial_forget();
}
END_TEST

START_TEST(test_unpredictable_may_do_anything)
{
    struct construct_options o = trial_one(CONSTRUCT_TRAP);

    trial_describe("machine m memory 3 trap p : privileged\n"
                   "instruction ODD { when mode = user: unpredictable }");
    ck_assert(trial_diverges(&o, 0, 20));
    ck_assert_int_eq(trial.r.first.wrong, CONSTRUCT_GAVE_UP);
    ck_assert_ptr_nonnull(strstr(trial.r.first.text.text, "may do anything"));
    ck_assert_int_eq(construct_breaks(&trial.r.first), PG_CONTROL);
    o.technique = CONSTRUCT_INTERPRET;
    o.programs = 40;
    trial_run(&o);
    ck_assert_uint_eq(trial.r.diverged, 0);
    ck_assert_uint_gt(trial.r.unfinished, 0);
    trial_forget();
}
END_TEST

/* Near the end of the numbers there is no room for k more. */
START_TEST(test_a_base_of_64_bits)
{
    struct construct_options o = trial_one(CONSTRUCT_TRAP);

    trial_describe("machine m address 64 word 64 scaled 1 memory 3\n"
                   "register r : 64 scaled 2 trap p : privileged\n"
                   "instruction SETB (n : 64 scaled 3, b : 64 scaled 3) {\n"
                   "  when mode = user: trap p  base <- n  bound <- b }\n"
                   "instruction GET (a : 64 scaled 2) { r <- mem[a] }\n"
                   "instruction PUT (a : 64 scaled 2) { mem[a] <- r }");
    ck_assert(trial.j.best.vm);
    o.programs = 600;
    for (o.levels = 1; o.levels <= 3; o.levels++) {
        trial_run(&o);
        ck_assert_uint_eq(trial.r.diverged, 0);
        ck_assert_uint_gt(trial.r.code[0].asked, 50);
    }
    trial_forget();
}
END_TEST

START_TEST(test_so_many_monitors_need_an_address)
{
    struct construct_options o = trial_one(CONSTRUCT_TRAP);
    struct diag d = {""};

    trial_describe("machine m memory 3 address 3 trap p : privileged\n"
                   "instruction A { when mode = user: trap p }");
    o.levels = 2; /* 3 words and twice 2 */
    trial_run(&o);
    ck_assert_uint_eq(trial.r.diverged, 0);
    o.levels = 3;
    ck_assert_int_eq(construct_run(&trial.j, &o, &trial.r, &d),
                     STATUS_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(d.text, "too narrow for 3 monitors"));
    trial_forget();
}
END_TEST

/* Registers that user mode has of its own, and clocks, f carries. */
START_TEST(test_duplicates_and_clocks_are_the_guests)
{
    struct construct_options o = trial_one(CONSTRUCT_TRAP);

    trial_describe("machine m memory 3 trap p : privileged\n"
                   "clock tod : 16 scaled 2 duplicate cr : 16 scaled 2\n"
                   "register r : 16 scaled 2\n"
                   "instruction SETC { when mode = user: trap p  tod <- r }\n"
                   "instruction GETC { r <- tod }\n"
                   "instruction MOVE { cr <- r }\n"
                   "instruction BACK { r <- cr }");
    ck_assert(trial.j.best.vm);
    o.programs = 200;
    for (o.levels = 1; o.levels <= 2; o.levels++) {
        trial_run(&o);
        ck_assert_uint_eq(trial.r.diverged, 0);
        ck_assert_uint_gt(trial.r.code[0].emulated, 20);
    }
    trial_forget();
}
END_TEST

/* ---- The machine ---- */

START_TEST(test_a_trap_swaps_the_psw)
{
    struct construct_word words[3] = {{.value = 7}};
    struct construct_machine m = {.word = words};
    struct construct_step step;
    struct construct_insn store;

    trial_use("paper");
    store = (struct construct_insn){
        &trial.isa->encodings[trial_encoding("STORE")], {2}};
    m.isa = trial.isa;
    m.s.q = 3;
    m.s.v[ISA_MODE] = ISA_USER;
    m.s.v[ISA_BASE] = 1;
    m.s.v[ISA_BOUND] = 2;
    m.s.v[ISA_BUILT_IN] = 9;
    m.new = (struct construct_psw){.v = {ISA_SUPERVISOR, 2, 0, 3}};
    words[1].insn = &store;
    construct_step(&m, &step); /* mem[2] is beyond the bound */
    ck_assert_int_eq(step.ending, CONSTRUCT_TRAPPED);
    ck_assert_ptr_eq(step.insn, &store);
    ck_assert_uint_eq(m.old.v[ISA_MODE], ISA_USER);
    ck_assert_uint_eq(m.old.v[ISA_PC], 0);
    ck_assert_uint_eq(m.old.v[ISA_BASE], 1);
    ck_assert_uint_eq(m.s.v[ISA_PC], 2);
    ck_assert_uint_eq(m.s.v[ISA_BOUND], 3);
    construct_step(&m, &step);
    ck_assert_int_eq(step.ending, CONSTRUCT_LOST);
    m.s.v[ISA_PC] = 3;
    construct_step(&m, &step); /* the fetch traps */
    ck_assert_int_eq(step.ending, CONSTRUCT_TRAPPED);
    ck_assert_ptr_null(step.insn);
    m.s.v[ISA_PC] = 1;
    construct_step(&m, &step);
    ck_assert_int_eq(step.ending, CONSTRUCT_DONE);
    ck_assert_uint_eq(words[2].value, 9);
    ck_assert_uint_eq(words[0].value, 7);
    trial_forget();
}
END_TEST

/* ---- A witness, again, and the command ---- */

START_TEST(test_a_seed_replays)
{
    struct construct_options o = trial_one(CONSTRUCT_TRAP);
    struct construct_divergence first;

    trial_use("toy");
    o.programs = 300;
    trial_run(&o);
    first = trial.r.first;
    o.seed = first.seed;
    o.programs = 1;
    trial_run(&o);
    ck_assert_uint_eq(trial.r.diverged, 1);
    ck_assert_uint_eq(trial.r.first.step, first.step);
    ck_assert_uint_eq(trial.r.first.component, first.component);
    ck_assert_uint_eq(trial.r.first.want.v, first.want.v);
    ck_assert_uint_eq(trial.r.first.got.v, first.got.v);
    trial_forget();
}
END_TEST

static const struct command_case commands[] = {
    {"check paper --construct --programs 50", 0, "Lock-step HOLDS"},
    {"check toy --construct --programs 200", 1, "does no harm: DECB CONDPRIV"},
    {"check toy --construct --seed 1 --programs 200", 1, "D never heard of it"},
    {"check tutorial --construct --hybrid --programs 50", 0, "Theorem 3"},
    {"check toy --construct --interpret --programs 50", 0, "has no efficiency"},
    {"check paper --construct --level 3 --programs 20", 0,
     "of monitor 2 costs 2.00 of monitor 1"},
    {"check paper --construct --mutate shift-k --programs 50", 1,
     "in f of the bare machine and"},
    {"check paper --construct --mutate drop-v --instruction LRA --programs 90",
     1, "no interpreter for LRA"},
    {"check paper --construct --mutate unmoved-store --interpret", 1,
     "unmoved-store: v_i stores where"},
    {"check paper --construct --mutate drop-v --instruction ADD", 2,
     "nothing named ADD that it could spoil"},
    {"check paper --construct --mutate shift", 2, "did you mean shift-k"},
    {"check paper --construct --mutate share-resources", 2,
     "nothing that it could spoil"},
    {"check paper --construct --level 9", 2, "1 to 4 monitors"},
    {"check paper --construct --level 2 --hybrid", 2, "--level goes with"},
    {"check paper --construct --programs 0", 2, "--programs"},
    {"check paper --construct --instruction ADD", 2, "--mutate is about"},
    {"check paper --construct --json", 2, "--json"},
    {"check --construct --mutate shift-k", 2, "one machine is wanted"},
    {"check paper toy --construct", 2, "one machine is wanted"},
    {"check paper --seed 3", 2, "--seed goes with --construct"},
};

/* A row of the table of all machines. */
START_TEST(test_a_row_counts_what_was_found)
{
    struct construct_options o = trial_one(CONSTRUCT_TRAP);
    char *text = NULL;
    size_t size;

    trial_use("toy");
    o.programs = 300;
    trial_run(&o);
    ck_assert(construct_is_as_promised(&trial.j, &o, &trial.r));
    FILE *f = open_memstream(&text, &size);
    construct_report_row(f, &trial.j, &o, &trial.r);
    trial.r.diverged = 0;
    ck_assert(!construct_is_as_promised(&trial.j, &o, &trial.r));
    construct_report_row(f, &trial.j, &o, &trial.r);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_ptr_nonnull(strstr(text, "toy"));
    ck_assert_ptr_nonnull(strstr(text, "diverges   4 of 4"));
    ck_assert_ptr_nonnull(strstr(text, "NOT AS PROMISED"));
    free(text);
    trial_forget();
}
END_TEST

START_TEST(test_command)
{
    command_expect(&commands[_i]);
}
END_TEST

Suite *suite_pg_construct(void)
{
    Suite *s = suite_create("pg_construct");
    TCase *t = tcase_create("lock-step");

    tcase_set_timeout(t, 120);
    tcase_add_test(t, test_every_machine_keeps_or_breaks_the_promise);
    tcase_add_test(t, test_what_spoils_the_premise_may_do_no_harm);
    tcase_add_test(t, test_a_bound_that_shrinks_is_read_back);
    tcase_add_test(t, test_each_level_doubles_the_interventions);
    tcase_add_loop_test(t, test_what_is_taken_untold_is_noticed, 0,
                        ARRAY_LEN(seized));
    tcase_add_test(t, test_unpredictable_may_do_anything);
    tcase_add_test(t, test_a_base_of_64_bits);
    tcase_add_test(t, test_so_many_monitors_need_an_address);
    tcase_add_test(t, test_duplicates_and_clocks_are_the_guests);
    tcase_add_test(t, test_a_trap_swaps_the_psw);
    tcase_add_test(t, test_a_seed_replays);
    tcase_add_test(t, test_a_row_counts_what_was_found);
    tcase_add_loop_test(t, test_command, 0, ARRAY_LEN(commands));
    suite_add_tcase(s, t);
    return s;
}
