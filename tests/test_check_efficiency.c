/* `trapline check --efficiency`: real runs of the sample guest, accounts and
 * traces made by hand, and what is wrong with damaged ones. */
#include "cli/check_efficiency.h"
#include "cli/json_in.h"
#include "tests/command.h"
#include "tests/json.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void says(const char *text, const char *what)
{
    ck_assert_msg(strstr(text, what), "no \"%s\" in\n%s", what, text);
}

/* ---- Real runs ---- */

static const struct command *in_folder(const char *args)
{
    return command_run(command_folder(), "%s", args);
}

/* The account of a run and the trace of the same tell the same. */
START_TEST(test_real_runs_agree)
{
    static const char *const keys[] = {"instructions", "direct", "exits",
                                       "sensitive", "innocuous"};

    in_folder("$T run multi --stop-after 100k --json >r.json 2>/dev/null");
    in_folder("$T trace multi --stop-after 100k --json >t.jsonl");
    const struct command *c = in_folder("check --efficiency r.json --json");
    ck_assert_msg(c->status == 0, "%s", c->err);
    ck_assert_msg(json_valid(c->out), "%s", c->out);
    char *account = strdup(c->out);
    ck_assert_ptr_nonnull(account);
    ck_assert_int_gt(json_number(account, "sensitive"), 20);
    ck_assert_int_eq(json_number(account, "innocuous"), 0);
    c = in_folder("check --efficiency t.jsonl --json");
    ck_assert_msg(json_valid(c->out), "%s", c->out);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        ck_assert_msg(json_number(c->out, keys[i]) ==
                          json_number(account, keys[i]),
                      "%s: %s and %s", keys[i], account, c->out);
    c = in_folder("check --efficiency - <t.jsonl");
    says(c->out, "LPSW");
    says(c->out, "sensitive: had to trap");
    says(c->out, "In this run it holds");
    free(account);
    command_clean();
}
END_TEST

START_TEST(test_real_costs)
{
    in_folder(
        "$T run multi --stop-after 100k --costs --json >r.json 2>/dev/null");
    const struct command *c = in_folder("check --efficiency r.json");
    ck_assert_int_eq(c->status, 0);
    says(c->out, "an exit cost ");
    says(c->out, "% of the cost)");
    in_folder("$T trace multi --stop-after 50k --costs --json >t.jsonl");
    c = in_folder("check --efficiency t.jsonl");
    says(c->out, "the account of a run tells");
    in_folder("$T run multi --stop-after 50k --costs >a.txt 2>&1");
    says(in_folder("$T --version; cat a.txt")->out, " ns each\n");
    command_clean();
}
END_TEST

START_TEST(test_bare)
{
    in_folder(
        "$T run multi --stop-after 9k --on bare --json >r.json 2>/dev/null");
    const struct command *c = in_folder("check --efficiency r.json");
    ck_assert_int_eq(c->status, 0);
    says(c->out, "(100.000 %) executed directly");
    says(c->out, "No monitor was there.");
    command_clean();
}
END_TEST

/* ---- By hand ---- */

#define TRACE "{\"schema\":\"trapline/trace/v1\"}\n"
#define EXIT1                                                         \
    "{\"kind\":\"exit\",\"seq\":3,\"vm\":1,\"insns\":500,\"reason\":" \
    "\"SENSITIVE\",\"insn\":\"SSM\",\"cost_ns\":70,\"state\":\"BC 0 0\"}\n"
#define GUEST(name, guest) "{\"name\":\"" name "\"," guest "}"
#define RUN(on, seconds, guests)                                             \
    "{\"schema\":\"trapline/run/v1\",\"on\":\"" on "\",\"seconds\":" seconds \
    ",\"guests\":[" guests "]}\n"
#define ROWS(rows) "\"by_reason\":[" rows "],\"lost\":0"
#define SSM(n, more) \
    "{\"reason\":\"SENSITIVE\",\"insn\":\"SSM\",\"count\":" n more "}"
#define SUMS(insns, direct, interpreted, exits)     \
    "\"instructions\":" insns ",\"direct\":" direct \
    ",\"interpreted\":" interpreted ",\"exits\":" exits ","

#define ONE(insn, reason) \
    "{\"reason\":\"" reason "\",\"insn\":\"" insn "\",\"count\":1}"

static const struct {
    const char *text;
    int status;
    const char *says[5];
} files[] = {
    /* 10 exits of 2000 ns; of 21 us 1 us is left, for 990 instructions: an exit
     * is worth 1980 of them, and 1 + 0.01 x 1980 is 20.8. */
    {RUN("trap", "0.000021",
         GUEST("g", SUMS("1000", "990", "10", "10")
                        ROWS(SSM("10", ",\"cost_ns\":20000")))),
     0,
     {"as much as 1980.0 instructions of 1.01 ns: 20.800",
      "100 instructions 2.000, 1,000 11.000, 10,000 101.000;\n    2 with one "
      "as costly as 100\n",
      "20000 ns (100.0 % of the cost)", "SSM               10   10.0000"}},
    /* An innocuous instruction has no business there; ZZ is none. */
    {RUN("trap", "1",
         GUEST("a", SUMS("9", "8", "1", "1") ROWS(ONE("L", "SENSITIVE"))) "," GUEST(
             "b",
             SUMS("9", "8", "1", "1") ROWS(ONE(
                 "ZZ", "SENSITIVE"))) "," GUEST("c",
                                                SUMS("9", "9", "0", "1")
                                                    ROWS(ONE("SVC", "TRAP")))),
     1,
     {"In this run it fails: 1 exits were for such instructions.",
      "1 for such that the description has not", "innocuous: did not have to",
      "the guest's own exception", "costs were not measured"}},
    /* What is done in the guest's place did not run directly; of an
     * instruction that exits twice once. */
    {TRACE EXIT1 "{\"kind\":\"exit\",\"seq\":4,\"vm\":1,\"insns\":600,"
                 "\"reason\":\"IO\"}\n"
                 "{\"kind\":\"exit\",\"seq\":5,\"vm\":1,\"insns\":600,"
                 "\"reason\":\"IO\"}\n"
                 "{\"kind\":\"exit\",\"seq\":6,\"vm\":1,\"insns\":601,"
                 "\"reason\":\"TIMER\"}\n",
     0,
     {"vm 1: 601 instructions up to the last event, 599 of them"}},
    {RUN("vtx", "1",
         GUEST("a", SUMS("100", "99", "1", "1") ROWS(ONE("OUT", "IO")))),
     0,
     {"a: 100 instructions, 99 of them (99.000 %) executed directly",
      "as derived from x86-64", "sensitive: had to trap"}},
    {TRACE EXIT1,
     0,
     {"vm 1: 500 instructions up to the last event, 499 of them (99.800 %)",
      "1 exits for instructions that had to trap, 0", "an exit cost 70 ns;"}},
    /* kvm counts no instructions, and its guests are no System/370.  Waiting
     * takes nothing from anybody: privileged, and innocuous. */
    {RUN("kvm", "1",
         GUEST("a", SUMS("0", "0", "0", "1") ROWS(ONE("OUT", "IO"))) "," GUEST(
             "b", SUMS("0", "0", "0", "2") ROWS(
                      ONE("HLT", "HALT") ","
                                         "{\"reason\":\"MMIO\",\"count\":1}"))),
     0,
     {"counts no instructions", "as derived from x86-64",
      "privileged, not sensitive",
      "1 for such that are privileged and innocuous",
      "1 exits for instructions that had to trap"}},
};

static const struct {
    const char *text, *says;
} damaged[] = {
    {"", "e:1: empty; expected what"},
    {"\n", "e:1:2: expected '{', but the line ends here"},
    {"hello\n", "e:1:1: expected '{', found 'h'"},
    {"{}\n", "e:1:3: expected \"schema\""},
    {"{\"a\":1}\n", "expected \"schema\", found \"a\""},
    {"{\"schema\":\"trapline/trace/v9\"}\n", "trapline/trace/v9"},
    {"{\"schema\":\"trapline/trace/v1\"}", "the file ends within this line"},
    {TRACE, "e:1: the trace ends before its first event"},
    {TRACE "{\"kind\":\"exit\",\"seq\":3,\"vm\":1,\"ins",
     "e:2:35: the file ends within this line"},
    {TRACE "{\"kind\":\"exit\"\n", "e:2:16: expected ',' or '}'"},
    {TRACE "{\"kind\":\"quit\",\"seq\":1,\"vm\":1,\"insns\":0}\n",
     "no event is of the kind 'quit'"},
    {TRACE "{\"seq\":1}\n", "an event without \"kind\""},
    {TRACE "{\"kind\":\"io\",\"seq\":1,\"vm\":1}\n",
     "an event without \"insns\""},
    {TRACE "{\"kind\":\"exit\",\"seq\":1,\"vm\":1,\"insns\":0}\n",
     "an exit without \"reason\""},
    {TRACE "{\"kind\":\"io\",\"seq\":1,\"vm\":99,\"insns\":0}\n",
     "no more than 16 machines"},
    {TRACE EXIT1 EXIT1, "e:3:"},
    {TRACE EXIT1 EXIT1, "event 3 comes after event 3"},
    {TRACE EXIT1 "{\"kind\":\"io\",\"seq\":4,\"vm\":1,\"insns\":499}\n",
     "had completed 500 instructions before, and 499 now"},
    {TRACE "{\"kind\":\"io\",\"seq\":-1}\n", "expected a whole number"},
    {TRACE "{\"kind\":\"io\",\"seq\":99999999999999999999}\n",
     "more than 64 bits"},
    {TRACE "{\"kind\":\"io\",\"text\":\"\\u00\"}\n", "four hexadecimal digits"},
    {TRACE "{\"kind\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}\n",
     "expected a string"},
    {TRACE "{\"x\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}\n",
     "nested deeper than 16 levels"},
    {RUN("trap", "1", GUEST("g", SUMS("9", "9", "1", "1") ROWS(SSM("1", "")))),
     "do not add up to instructions"},
    {RUN("trap", "1", GUEST("g", SUMS("9", "8", "1", "2") ROWS(SSM("1", "")))),
     "do not add up to exits"},
    {RUN("trap", "1",
         GUEST("g", SUMS("9", "8", "1", "1") ROWS("{\"count\":1}"))),
     "exits without \"reason\""},
    {RUN("trap", "x", GUEST("g", SUMS("9", "8", "1", "1") ROWS(""))), "e:1:"},
    {"{\"schema\":\"trapline/run/v1\",\"on\":\"trap\",\"guests\":[]}\n",
     "a run without guests"},
    {"{\"schema\":\"trapline/run/v1\",\"on\":\"trap\"}\n",
     "the account of a run has"},
    {RUN("bare", "1", GUEST("g", SUMS("9", "9", "0", "0") ROWS(""))) "{}\n",
     "e:2:1: the account of a run is one line"},
};

START_TEST(test_file)
{
    command_file("e", files[_i].text, strlen(files[_i].text));
    const struct command *c = in_folder("check --efficiency e");

    ck_assert_msg(c->status == files[_i].status, "%s%s", c->out, c->err);
    for (size_t i = 0; i < ARRAY_LEN(files[_i].says); i++)
        if (files[_i].says[i])
            says(c->out, files[_i].says[i]);
    command_clean();
}
END_TEST

START_TEST(test_damaged_files)
{
    static struct efficiency e;
    struct diag d = {""};
    char path[256];

    for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
        command_file("e", damaged[i].text, strlen(damaged[i].text));
        snprintf(path, sizeof(path), "%s/e", command_folder());
        enum status st = efficiency_read(path, &e, &d);
        ck_assert_msg(st == STATUS_BAD_INPUT &&
                          strstr(d.text, damaged[i].says) &&
                          strstr(d.text, "/e:"),
                      "%s\nno \"%s\" but %d, %s", damaged[i].text,
                      damaged[i].says, (int)st, d.text);
    }
    command_clean();
}
END_TEST

START_TEST(test_no_file)
{
    const struct command *c = in_folder("check --efficiency none.json");

    ck_assert_int_eq(c->status, 2);
    says(c->err, "none.json: ");
    c = in_folder("check --efficiency .");
    ck_assert_int_eq(c->status, 2);
    c = in_folder("check paper --efficiency none.json");
    ck_assert_int_eq(c->status, 2);
    command_clean();
}
END_TEST

/* ---- The reader, beside the tests' own ---- */

static bool accepts(const char *text)
{
    struct json_in j;
    struct diag d = {""};

    json_in_open(&j, "t", 1, text, strlen(text), &d);
    bool good = json_in_skip(&j) && json_in_finish(&j);
    if (good != !*d.text) /* an assertion that holds takes its time as well */
        ck_abort_msg("%s: %s", text, d.text);
    return good;
}

static const char *const values[] = {
    "0",
    "1.5e+7",
    "-3",
    "01",
    "1.",
    "1e",
    "-",
    "{}",
    "[]",
    "[1,]",
    "[,1]",
    "[1 2]",
    "{\"a\":[{},[],\"\\u0041\\n\"],\"b\":null}",
    "{\"a\"}",
    "{\"a\":}",
    "{a:1}",
    "tru",
    "true",
    "\"\\x\"",
    "\"a",
    "\"\\u12\"",
    "[[1]",
    "[1]]",
    " [ 1 , 2 ] ",
    "\"\t\"",
    "",
    "{\"a\":1,}",
    "1 1",
    "[\"\\\"\"]",
};

START_TEST(test_reader)
{
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        ck_assert_msg(accepts(values[i]) == json_valid(values[i]), "%s",
                      values[i]);
}
END_TEST

/* A real line with one to three bytes changed: both readers agree. */
START_TEST(test_damaged_lines)
{
    static const char bytes[] = "{}[]\",:\\u0123456789-+.eEtn \x01\x7f";
    const char *line = "{\"kind\":\"exit\",\"seq\":3,\"a\":[1,-2.5e3,{}],"
                       "\"b\":\"\\u0041\\n\",\"c\":[true,null]}";
    unsigned good = 0, bad = 0;
    char text[128];

    srand(1974);
    for (unsigned i = 0; i < 30000; i++) {
        size_t n = strlen(line);

        memcpy(text, line, n + 1);
        for (int k = 1 + rand() % 3; k; k--)
            text[(size_t)rand() % n] =
                bytes[(size_t)rand() % (sizeof(bytes) - 1)];
        bool taken = accepts(text);
        if (taken != json_valid(text))
            ck_abort_msg("%s", text);
        good += taken;
        bad += !taken;
    }
    ck_assert_uint_gt(good, 300);
    ck_assert_uint_gt(bad, 1000);
}
END_TEST

Suite *suite_check_efficiency(void)
{
    Suite *s = suite_create("check_efficiency");
    TCase *t = tcase_create("efficiency");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_real_runs_agree);
    tcase_add_test(t, test_real_costs);
    tcase_add_test(t, test_bare);
    tcase_add_loop_test(t, test_file, 0, (int)ARRAY_LEN(files));
    tcase_add_test(t, test_damaged_files);
    tcase_add_test(t, test_no_file);
    tcase_add_test(t, test_reader);
    tcase_add_test(t, test_damaged_lines);
    suite_add_tcase(s, t);
    return s;
}
