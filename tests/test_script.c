/* cli/script: the operator who follows a script, at a toy machine. */
#include "cli/script.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

/* A machine that notes what is done to it, and when. */
struct toy {
    struct clock clock;
    struct script_run run;
    bool in_wait, reading;
    char log[256];
};

static void say(struct toy *t, const char *what, const char *text)
{
    size_t n = strlen(t->log);

    snprintf(t->log + n, sizeof(t->log) - n, "[%llu %s%s]",
             (unsigned long long)t->clock.now, what, text);
}

static bool in_wait(void *m)
{
    return ((struct toy *)m)->in_wait;
}

static bool reading(void *m)
{
    return ((struct toy *)m)->reading;
}

static void attention(void *m)
{
    say(m, "attention", "");
}

static void answer(void *m, const char *text)
{
    ((struct toy *)m)->reading = false;
    say(m, "answer ", text);
}

static void stop(void *m)
{
    say(m, "stop", "");
}

static struct toy toy;
static struct script *script;

static void begin(const char *text)
{
    struct script_hands hands = {in_wait, reading, attention,
                                 answer,  stop,    &toy};
    struct diag diag = {""};

    memset(&toy, 0, sizeof(toy));
    clock_init(&toy.clock);
    script = script_parse("x.script", text, &diag);
    ck_assert_msg(script != NULL, "%s", diag.text);
    ck_assert_int_eq(script_begin(&toy.run, script, &toy.clock, &hands),
                     STATUS_OK);
}

static void end(void)
{
    script_end(&toy.run);
    ck_assert_uint_eq(toy.clock.count, 0);
    script_free(script);
}

static void print(const char *text)
{
    script_printed(&toy.run, text, strlen(text));
}

START_TEST(test_attention_is_pressed_in_a_wait)
{
    begin("# the operator wakes up\n\n  attention\nstop\n");
    clock_advance(&toy.clock, 45000);
    ck_assert_str_eq(toy.log, "");
    toy.in_wait = true;
    clock_advance(&toy.clock, 100000);
    ck_assert_str_eq(toy.log, "[50000 attention][60000 stop]");
    ck_assert(script_done(&toy.run, NULL));
    end();
}
END_TEST

START_TEST(test_wait_finds_text_once)
{
    begin("wait READY\nwait READY\nstop\n");
    print("NOT YET\nREA");
    clock_advance(&toy.clock, 50000);
    print("DY, READ");
    clock_advance(&toy.clock, 50000);
    ck_assert_str_eq(toy.log, "");
    print("Y\n");
    clock_advance(&toy.clock, 50000);
    ck_assert_str_eq(toy.log, "[110000 stop]");
    end();
}
END_TEST

START_TEST(test_type_answers_reads_in_turn)
{
    begin("type SET DATE=02/01/69\ntype\ntype  two blanks kept\r\n");
    clock_advance(&toy.clock, 50000);
    for (int i = 0; i < 3; i++) {
        toy.reading = true;
        script_reading(&toy.run);
        clock_advance(&toy.clock, 50000);
    }
    ck_assert_str_eq(toy.log, "[60000 answer SET DATE=02/01/69][110000 answer ]"
                              "[160000 answer  two blanks kept]");
    ck_assert(script_done(&toy.run, NULL));
    end();
}
END_TEST

/* A guest that idles with a wait unmet has no event left to wake it. */
START_TEST(test_what_is_not_met_is_named)
{
    struct diag diag = {""};

    begin("type hello\nwait EOJ SIEVE\nstop\n");
    clock_advance(&toy.clock, 50000);
    ck_assert_uint_eq(toy.clock.next, CLOCK_NEVER);
    ck_assert(!script_done(&toy.run, &diag));
    ck_assert_str_eq(diag.text, "x.script:1: 'type hello' was not met");
    toy.reading = true;
    script_reading(&toy.run);
    clock_advance(&toy.clock, 50000);
    ck_assert(!script_done(&toy.run, &diag));
    ck_assert_str_eq(diag.text, "x.script:2: 'wait EOJ SIEVE' was not met");
    ck_assert_uint_eq(toy.clock.next, CLOCK_NEVER);
    end();
}
END_TEST

START_TEST(test_a_guest_may_print_for_ever)
{
    begin("wait needle\nwait end\nstop\n");
    for (int i = 0; i < 3000; i++)
        print("0123456789012345678901234567890123456789\n");
    print("need");
    print("le");
    clock_advance(&toy.clock, 20000);
    for (int i = 0; i < 3000; i++)
        print("0123456789012345678901234567890123456789\n");
    print("end");
    clock_advance(&toy.clock, 20000);
    ck_assert_str_eq(toy.log, "[30000 stop]");
    end();
}
END_TEST

static const struct {
    const char *text, *message;
} bad[] = {
    {"wait X\nwiat Y\n",
     "x.script:2: 'wiat' is none of attention, wait, type, stop"},
    {"wait\n", "x.script:1: wait for what?"},
    {"\nstop now\n", "x.script:2: stop takes no text, but here is 'now'"},
    {"attention 01F\n",
     "x.script:1: attention takes no text, but here is '01F'"},
};

START_TEST(test_errors_name_the_line)
{
    struct diag diag = {""};

    ck_assert_ptr_null(script_parse("x.script", bad[_i].text, &diag));
    ck_assert_str_eq(diag.text, bad[_i].message);
}
END_TEST

START_TEST(test_a_file_must_be_text)
{
    struct diag diag = {""};

    ck_assert_ptr_null(script_read("no/such/file", &diag));
    ck_assert_str_eq(diag.text, "no/such/file: No such file or directory");
    ck_assert_ptr_null(script_read("tests", &diag));
    ck_assert_ptr_nonnull(strstr(diag.text, "tests: "));
    ck_assert_ptr_null(script_read("/dev/zero", &diag));
    ck_assert_str_eq(diag.text, "/dev/zero: not a text of a sane size");
}
END_TEST

Suite *suite_script(void)
{
    Suite *s = suite_create("script");
    TCase *t = tcase_create("operator");

    tcase_add_test(t, test_attention_is_pressed_in_a_wait);
    tcase_add_test(t, test_wait_finds_text_once);
    tcase_add_test(t, test_type_answers_reads_in_turn);
    tcase_add_test(t, test_what_is_not_met_is_named);
    tcase_add_test(t, test_a_guest_may_print_for_ever);
    tcase_add_loop_test(t, test_errors_name_the_line, 0,
                        sizeof(bad) / sizeof(bad[0]));
    tcase_add_test(t, test_a_file_must_be_text);
    suite_add_tcase(s, t);
    return s;
}
