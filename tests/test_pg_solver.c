/* The solver's process: whatever it does, only a plain answer is an answer. */
#include "popek-goldberg/solver/solver.h"
#include "tests/command.h"
#include "tests/skip.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { QUICK_MS = 400, PATIENT_MS = 120000 };

static struct pg_solver s;
static struct diag d;

static void begin(void)
{
    memset(&s, 0, sizeof(s));
    d.text[0] = '\0';
}

static void end(void)
{
    pg_solver_close(&s);
    command_clean();
}

/* A solver that keeps to the forms but for what it does at (check-sat). */
static const char well_behaved[] =
    "#!/bin/sh\n"
    "while read -r line; do\n"
    "    case $line in\n"
    "    *:name*) echo '(:name \"Fake\")' ;;\n"
    "    *:version*) echo '(:version \"0.1\")' ;;\n"
    "    *check-sat*) %s ;;\n"
    "    *get-value*) %s ;;\n"
    "    '(echo \"'*) m=${line#*\\\"}; echo \"${m%%%%\\\"*}\" ;;\n"
    "    esac\n"
    "done\n";

/* Its path: the command that starts it. */
static const char *script(const char *text)
{
    static char path[256];

    command_file("solver", text, strlen(text));
    snprintf(path, sizeof(path), "%s/solver", command_folder());
    ck_assert_int_eq(chmod(path, 0755), 0);
    return path;
}

static const char *fake(const char *at_check, const char *at_value)
{
    char text[2048];

    snprintf(text, sizeof(text), well_behaved, at_check, at_value);
    return script(text);
}

static void use(const char *command, unsigned query_ms, unsigned total_ms)
{
    enum status st = pg_solver_init(&s, command, query_ms, total_ms, &d);

    ck_assert_msg(st == STATUS_OK, "%s", d.text);
}

static void ask_for(enum pg_answer wanted)
{
    enum pg_answer got = pg_solver_ask(&s, "(assert true)", &d);

    ck_assert_msg(got == wanted, "%s, not %s: %s", pg_answer_name(got),
                  pg_answer_name(wanted), d.text);
}

static void ck_says(const char *words)
{
    ck_assert_msg(strstr(d.text, words) != NULL, "\"%s\" lacks \"%s\"", d.text,
                  words);
}

/* Only one that never answers is waited for; the others have all the time that
 * a busy host may need. */
static unsigned patience(enum pg_answer answer)
{
    return answer == PG_TIMEOUT ? QUICK_MS : PATIENT_MS;
}

/* ---- Fakes ---- */

/* What it does at (check-sat), and what that is worth. */
static const struct {
    const char *does;
    enum pg_answer answer;
    const char *says;
} manners[] = {
    {"echo sat", PG_SAT, ""},
    {"echo unsat", PG_UNSAT, ""},
    {"printf 'unsat\\r\\n'", PG_UNSAT, ""},
    {"echo unknown", PG_UNKNOWN, "unknown"},
    {"sleep 0.1; echo unsat", PG_UNSAT, ""},
    {"sleep 100; echo unsat", PG_TIMEOUT, "within its time"},
    {"exec >/dev/null; sleep 100", PG_DIED, "closed its pipe"},
    {"exit 3", PG_DIED, "exit status 3"},
    {"kill -SEGV $$", PG_DIED, "signal 11"},
    {"echo unsat; exit 0", PG_DIED, "exit status 0"},
    {"printf unsat; kill -9 $$", PG_DIED, "signal 9"},
    {":", PG_GARBLED, "nothing said"},
    {"echo success; echo unsat", PG_GARBLED, "success"},
    {"echo unsatisfiable", PG_GARBLED, "unsatisfiable"},
    {"echo unsat; echo sat", PG_GARBLED, "unsat"},
    {"echo '(error \"line 1: no such function\")'; echo unsat", PG_GARBLED,
     "no such function"},
    {"printf 'un\\000sat\\n'", PG_GARBLED, "zeros"},
    {"printf '\\001\\377\\n'", PG_GARBLED, "??"},
    {"yes unsat", PG_GARBLED, "more than anybody asked"},
};

START_TEST(test_only_a_plain_answer_is_one)
{
    use(fake(manners[_i].does, ":"), PATIENT_MS, 2 * PATIENT_MS);
    ck_assert_int_eq(pg_solver_start(&s, &d), PG_SAT);
    s.query_ms = patience(manners[_i].answer);
    ask_for(manners[_i].answer);
    ck_says(manners[_i].says);
    ck_assert_uint_eq(s.answers[manners[_i].answer], 1);
    ck_assert_str_eq(s.version, "Fake 0.1");
    /* The next question starts anew, and what came late is not its answer. */
    ask_for(manners[_i].answer);
    ck_assert_uint_eq(s.answers[manners[_i].answer], 2);
}
END_TEST

/* One that is not even a solver; `answer` is to the first question. */
static const struct {
    const char *text;
    enum pg_answer answer;
} strangers[] = {
    {"#!/bin/sh\nexit 1\n", PG_DIED},
    {"#!/bin/sh\nsleep 100\n", PG_TIMEOUT},
    {"#!/bin/sh\ncat\n", PG_TIMEOUT},
    {"#!/bin/sh\nyes\n", PG_GARBLED},
    {"#!/bin/sh\ncat >/dev/null\n", PG_TIMEOUT},
    {"#!/bin/sh\nexec <&-; sleep 100\n", PG_TIMEOUT}, /* before we write ... */
    {"#!/bin/sh\nsleep 0.1; exec <&-; sleep 100\n", PG_TIMEOUT}, /* and after */
    {"#!/bin/sh\nexec <&-; sleep 0.1; exit 1\n", PG_DIED},
    {"#!/no/such/interpreter\n", PG_MISSING},
};

START_TEST(test_a_stranger_never_answers)
{
    use(script(strangers[_i].text), patience(strangers[_i].answer), PATIENT_MS);
    ask_for(strangers[_i].answer);
    ck_assert_str_eq(s.version, "");
}
END_TEST

START_TEST(test_a_missing_solver_is_said_to_be_missing)
{
    use("/no/such/solver -in", QUICK_MS, PATIENT_MS);
    ask_for(PG_MISSING);
    ck_says("/no/such/solver -in");
    ck_says("No such file");
    ask_for(PG_MISSING);
    ck_assert_uint_eq(s.answers[PG_MISSING], 2);
    ck_assert_uint_eq(s.spent_ms, 0);
}
END_TEST

START_TEST(test_a_command_is_needed)
{
    char text[PG_COMMAND_MAX + 1];

    memset(text, 'z', PG_COMMAND_MAX);
    text[PG_COMMAND_MAX] = '\0';
    ck_assert_int_eq(pg_solver_init(&s, " ", 1, 1, &d), STATUS_BAD_INPUT);
    ck_assert_int_eq(pg_solver_init(&s, text, 1, 1, &d), STATUS_BAD_INPUT);
}
END_TEST

START_TEST(test_the_total_is_kept)
{
    use(fake("sleep 100", ":"), 300, 700);
    for (unsigned i = 0; i < 50; i++)
        ask_for(PG_TIMEOUT);
    ck_says("all queries");
    ck_assert_uint_eq(s.answers[PG_TIMEOUT], 50);
}
END_TEST

/* Nothing of a solver is left behind, what it had started included. */
START_TEST(test_a_hanging_solver_is_gone)
{
    char does[256];

    snprintf(does, sizeof(does), "sleep 100 & echo $! >%s/pid; wait",
             command_folder());
    use(fake(does, ":"), QUICK_MS, PATIENT_MS);
    ask_for(PG_TIMEOUT);
    ck_assert_int_eq(s.pid, 0);
    const struct command *c = command_run(
        command_folder(), ": $T; for i in $(seq 600); do"
                          " case $(cut -d' ' -f3 /proc/$(cat pid)/stat) in"
                          " ''|Z) echo gone; break;; esac; sleep 0.1; done");
    ck_assert_str_eq(c->out, "gone\n");
}
END_TEST

/* More than a pipe holds, to one that does not read while it talks. */
START_TEST(test_a_long_script_meets_a_long_reply)
{
    size_t size = 4 * 1024 * 1024;
    char *text = malloc(size);

    ck_assert_ptr_nonnull(text);
    memset(text, '\n', size);
    text[size - 1] = '\0';
    use(fake("i=0; while [ $i -lt 9000 ]; do echo unsat; i=$((i+1)); done",
             ":"),
        PATIENT_MS, PATIENT_MS);
    ck_assert_int_eq(pg_solver_ask(&s, text, &d), PG_GARBLED);
    free(text);
}
END_TEST

/* Writing to it is no SIGPIPE of ours. */
START_TEST(test_a_solver_that_stops_reading)
{
    size_t size = 4 * 1024 * 1024;
    char *text = malloc(size);

    ck_assert_ptr_nonnull(text);
    memset(text, '\n', size);
    text[size - 1] = '\0';
    use(fake("echo sat", ":"), PATIENT_MS, PATIENT_MS);
    ask_for(PG_SAT);
    ck_assert_int_eq(kill(s.pid, SIGKILL), 0);
    ck_assert_int_eq(pg_solver_ask(&s, text, &d), PG_DIED);
    ck_says("signal 9");
    free(text);
    ask_for(PG_SAT);
}
END_TEST

/* ---- Values ---- */

static const struct {
    const char *reply;
    uint64_t values[2];
    bool good;
} models[] = {
    {"((a #x0f) (b true))", {15, 1}, true},
    {"((a #b101)\n  (b false))", {5, 0}, true},
    {"((a (_ bv7 32)) ((select m #x1) #xffffffffffffffff))",
     {7, UINT64_MAX},
     true},
    {"((|a )| #x1) ((f (g x)) #b0))", {1, 0}, true},
    {"((a #x0f))", {0}, false},
    {"((a #x0f) (b #x0f) (c #x0f))", {0}, false},
    {"((a #x1ffffffffffffffff) (b true))", {0}, false},
    {"((a # ) (b true))", {0}, false},
    {"((a #x -1) (b true))", {0}, false},
    {"((a (_ bv 32)) (b true))", {0}, false},
    {"((a 3) (b true))", {0}, false},
    {"(error \"no model\")", {0}, false},
    {"((a ((((((", {0}, false},
    {"))))", {0}, false},
    {"((|", {0}, false},
};

START_TEST(test_values_are_read_or_refused)
{
    char says[256];
    uint64_t v[2] = {0};

    snprintf(says, sizeof(says), "printf '%%s\\n' '%s'", models[_i].reply);
    use(fake("echo sat", says), PATIENT_MS, PATIENT_MS);
    ask_for(PG_SAT);
    enum pg_answer a = pg_solver_values(&s, "a b", v, 2, &d);
    ck_assert_int_eq(a, models[_i].good ? PG_SAT : PG_GARBLED);
    for (unsigned i = 0; models[_i].good && i < 2; i++)
        ck_assert_uint_eq(v[i], models[_i].values[i]);
}
END_TEST

START_TEST(test_a_dead_solver_has_no_values)
{
    uint64_t v;

    use(fake("echo sat", "exit 4"), PATIENT_MS, PATIENT_MS);
    ck_assert_int_eq(pg_solver_values(&s, "a", &v, 1, &d), PG_DIED);
    ask_for(PG_SAT);
    ck_assert_int_eq(pg_solver_values(&s, "a", &v, 1, &d), PG_DIED);
    ck_says("exit status 4");
}
END_TEST

/* ---- Z3 itself ---- */

static bool has_z3(void)
{
    use(PG_SOLVER_COMMAND, PATIENT_MS, PATIENT_MS);
    if (pg_solver_start(&s, &d) != PG_MISSING)
        return true;
    skip_test("no z3: apt-get install z3");
    return false;
}

static const struct {
    const char *script;
    enum pg_answer answer;
} scripts[] = {
    {"(set-logic QF_BV)(declare-const x (_ BitVec 8))"
     "(assert (= (bvadd x #x01) #x00))",
     PG_SAT},
    {"(set-logic QF_BV)(declare-const x (_ BitVec 64))"
     "(assert (bvult x #x0000000000000000))",
     PG_UNSAT},
    {"(set-logic QF_BV)(assert (= x y))", PG_GARBLED},
    {"(assert false", PG_GARBLED}, /* swallows (check-sat) and the mark */
    {"(check-sat)", PG_GARBLED},
    {"(exit)", PG_DIED},
};

START_TEST(test_z3_answers)
{
    if (!has_z3())
        return;
    ck_assert_int_eq(strncmp(s.version, "Z3 ", 3), 0);
    s.query_ms = _i == 3 ? QUICK_MS : PATIENT_MS;
    enum pg_answer a = pg_solver_ask(&s, scripts[_i].script, &d);
    /* An open parenthesis: a reader that waits for more is right too. */
    if (_i == 3)
        ck_assert(a == PG_GARBLED || a == PG_TIMEOUT);
    else
        ck_assert_msg(a == scripts[_i].answer, "%s: %s", pg_answer_name(a),
                      d.text);
    ask_for(PG_SAT); /* nothing of it is left */
}
END_TEST

START_TEST(test_z3_gives_a_model)
{
    uint64_t v[2];

    if (!has_z3())
        return;
    ck_assert_int_eq(pg_solver_ask(&s,
                                   "(set-logic QF_BV)"
                                   "(declare-const x (_ BitVec 64))"
                                   "(assert (= (bvadd x #x0000000000000001)"
                                   "           #x0000000000000000))",
                                   &d),
                     PG_SAT);
    ck_assert_int_eq(pg_solver_values(&s, "x (= x x)", v, 2, &d), PG_SAT);
    ck_assert_uint_eq(v[0], UINT64_MAX);
    ck_assert_uint_eq(v[1], 1);
}
END_TEST

Suite *suite_pg_solver(void)
{
    Suite *suite = suite_create("pg_solver");
    TCase *t = tcase_create("process");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_loop_test(t, test_only_a_plain_answer_is_one, 0,
                        ARRAY_LEN(manners));
    tcase_add_loop_test(t, test_a_stranger_never_answers, 0,
                        ARRAY_LEN(strangers));
    tcase_add_test(t, test_a_missing_solver_is_said_to_be_missing);
    tcase_add_test(t, test_a_command_is_needed);
    tcase_add_test(t, test_the_total_is_kept);
    tcase_add_test(t, test_a_hanging_solver_is_gone);
    tcase_add_test(t, test_a_long_script_meets_a_long_reply);
    tcase_add_test(t, test_a_solver_that_stops_reading);
    tcase_add_loop_test(t, test_values_are_read_or_refused, 0,
                        ARRAY_LEN(models));
    tcase_add_test(t, test_a_dead_solver_has_no_values);
    tcase_add_loop_test(t, test_z3_answers, 0, ARRAY_LEN(scripts));
    tcase_add_test(t, test_z3_gives_a_model);
    suite_add_tcase(suite, t);
    return suite;
}
