/* `trapline check --solver`: proofs, and what is not one. */
#include "popek-goldberg/solver/prove.h"
#include "tests/command.h"
#include "tests/json.h"
#include "tests/skip.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { TEST_SECONDS = 100 };

static void ck_has(const char *text, const char *words)
{
    ck_assert_msg(strstr(text, words) != NULL, "\"%s\" is missing in:\n%s",
                  words, text);
}

static bool has_z3(void)
{
    struct pg_solver s;
    struct diag d;

    ck_assert_int_eq(pg_solver_init(&s, PG_SOLVER_COMMAND, 10000, 10000, &d),
                     STATUS_OK);
    bool has = pg_solver_start(&s, &d) != PG_MISSING;
    pg_solver_close(&s);
    if (!has)
        skip_test("no z3: apt-get install z3");
    return has;
}

/* Write a solver that answers this to every question; its path. */
static const char *fake(const char *at_check)
{
    static char path[128];
    char text[1024];

    snprintf(text, sizeof(text),
             "#!/bin/sh\n"
             "while read -r line; do\n"
             "    case $line in\n"
             "    *:name*) echo '(:name \"Fake\")' ;;\n"
             "    *:version*) echo '(:version \"0.1\")' ;;\n"
             "    *check-sat*) %s ;;\n"
             "    '(echo \"'*) m=${line#*\\\"}; echo \"${m%%\\\"*}\" ;;\n"
             "    esac\n"
             "done\n",
             at_check);
    command_file("solver", text, strlen(text));
    snprintf(path, sizeof(path), "%s/solver", command_folder());
    ck_assert_int_eq(chmod(path, 0755), 0);
    return path;
}

START_TEST(test_z3_proves_the_papers_machine)
{
    if (!has_z3())
        return;
    const struct command *c = command_run(NULL, "check paper --solver z3");
    ck_assert_msg(c->status == 0, "%s%s", c->out, c->err);
    ck_has(c->out, "which calls itself Z3 ");
    ck_has(c->out, "0 differ, 0 are open");
}
END_TEST

START_TEST(test_z3_proves_one_instruction_in_full_width)
{
    if (!has_z3())
        return;
    const struct command *c = command_run(
        NULL,
        "check toy --instruction GETM --solver \"" PG_SOLVER_COMMAND "\"");
    ck_assert_int_eq(c->status, 1); /* as without: a theorem fails */
    ck_has(c->out, "Of 18 questions");
    ck_has(c->out, "0 differ, 0 are open");
}
END_TEST

/* A register that the scaled machine makes too narrow to show the base. */
static const char narrow[] = "machine narrow \"scaled down too far\"\n"
                             "address 8 word 8 scaled 2 memory 5 monitor 2\n"
                             "register a : 8 scaled 1\n"
                             "instruction GETL { a <- base }\n";

START_TEST(test_the_full_width_shows_what_scaling_hides)
{
    if (!has_z3())
        return;
    command_file("narrow.isa", narrow, strlen(narrow));
    const struct command *c =
        command_run(NULL, "check %s/narrow.isa --solver z3", command_folder());
    ck_assert_int_eq(c->status, 1);
    ck_has(c->out, "GETL: not exact under f: DIFFERS: none in the scaled "
                   "machine, a witness in full width.");
}
END_TEST

/* Always-unsatisfiable would "prove" everything, but for the witnesses. */
static const struct {
    const char *does, *out;
} fakes[] = {
    {"echo unsat", "DIFFERS"},
    {"echo unknown", "OPEN, unknown"},
    {"exit 3", "OPEN, solver died"},
    {"echo maybe", "OPEN, solver garbled"},
    {"echo sat", "OPEN, solver garbled"}, /* and then it has no model */
};

START_TEST(test_what_is_not_proved_does_not_hold)
{
    const char *path = fake(fakes[_i].does);
    const struct command *c =
        command_run(NULL, "check paper --instruction LRA --solver %s", path);

    ck_assert_msg(c->status == 1, "%d: %s%s", c->status, c->out, c->err);
    ck_has(c->out, fakes[_i].out);
    ck_has(c->out, "Fake 0.1");
}
END_TEST

START_TEST(test_a_program_that_is_no_solver_is_no_proof)
{
    const struct command *c =
        command_run(NULL, "check paper --instruction LRA --solver true");

    ck_assert_msg(c->status == 1, "%d: %s%s", c->status, c->out, c->err);
    ck_has(c->out, "OPEN, all of it: solver: ended before its answer");
    ck_has(c->out, "Of 18 questions");
    ck_has(c->out, "0 differ, 18 are open");
}
END_TEST

START_TEST(test_a_missing_solver_is_no_proof)
{
    const struct command *c =
        command_run(NULL, "check paper --solver /no/such/solver");

    ck_assert_int_eq(c->status, 77);
    ck_has(c->err, "cannot start \"/no/such/solver\"");
    ck_assert_ptr_null(strstr(c->out, "questions"));
}
END_TEST

START_TEST(test_certificates_in_json)
{
    if (!has_z3())
        return;
    const struct command *c =
        command_run(NULL, "check toy --instruction GETM --json --solver z3");
    ck_assert_msg(json_valid(c->out), "%s", c->out);
    ck_has(c->out, "\"version\":\"Z3 ");
    ck_assert_int_eq(json_number(c->out, "asked"), PG_QUERIES);
    ck_has(c->out, "\"location sensitive in user mode\":\"unsat\"");
    ck_has(c->out, "\"mode sensitive\":\"witness\"");
    ck_has(c->out, "\"troubles\":[]");
    c = command_run(NULL, "check toy --instruction GETM --json");
    ck_has(c->out, "\"location sensitive in user mode\":\"exhausted\"");
}
END_TEST

/* What is not proved is never printed as a proof. */
START_TEST(test_an_open_question_in_json)
{
    const struct command *c = command_run(
        NULL, "check paper --json --solver '%s'", fake("echo unknown"));

    ck_assert_int_eq(c->status, 1);
    ck_assert_msg(json_valid(c->out), "%s", c->out);
    ck_has(c->out, "\"mode sensitive\":\"open\"");
    ck_has(c->out, "\"unsat\":0,");
    ck_has(c->out, "\"solver\":\"unknown\",\"why\":");
    command_clean();
}
END_TEST

START_TEST(test_a_witness_is_certified)
{
    if (!has_z3())
        return;
    const struct command *c =
        command_run(NULL, "check toy --witness 1 --solver z3");
    ck_has(c->out, "  [1] ");
    ck_has(c->out, "0 differ, 0 are");
}
END_TEST

START_TEST(test_an_empty_command)
{
    const struct command *c = command_run(NULL, "check paper --solver ''");

    ck_assert_int_eq(c->status, 2);
    ck_has(c->err, "an empty command");
}
END_TEST

Suite *suite_pg_certify(void)
{
    Suite *s = suite_create("pg_certify");
    TCase *t = tcase_create("check");

    tcase_set_timeout(t, TEST_SECONDS);
    tcase_add_checked_fixture(t, NULL, command_clean);
    tcase_add_test(t, test_z3_proves_the_papers_machine);
    tcase_add_test(t, test_z3_proves_one_instruction_in_full_width);
    tcase_add_test(t, test_the_full_width_shows_what_scaling_hides);
    tcase_add_loop_test(t, test_what_is_not_proved_does_not_hold, 0,
                        ARRAY_LEN(fakes));
    tcase_add_test(t, test_a_program_that_is_no_solver_is_no_proof);
    tcase_add_test(t, test_a_missing_solver_is_no_proof);
    tcase_add_test(t, test_certificates_in_json);
    tcase_add_test(t, test_an_open_question_in_json);
    tcase_add_test(t, test_a_witness_is_certified);
    tcase_add_test(t, test_an_empty_command);
    suite_add_tcase(s, t);
    return s;
}
