/* What guests print: what of it reaches the person (cli/consoles), and whether
 * two print the same (cli/pair).  And which guest the person reaches. */
#include "cli/consoles.h"
#include "cli/pair.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Each test runs in a process of its own: stdout is this one's to turn. */
static struct consoles cs;
static struct clock guest_clock;
static char note[128];

static uint64_t insns(const void *guest)
{
    (void)guest;
    return 7;
}

static void sit(const char *name)
{
    struct console_seat seat = {
        .name = name, .clock = &guest_clock, .insns = insns};
    struct diag diag = {""};

    ck_assert_int_eq(consoles_add(&cs, &seat, &diag), STATUS_OK);
}

static void take_note(struct trace_sink *sink, const struct trace_event *e)
{
    size_t n = strlen(note);

    (void)sink;
    snprintf(note + n, sizeof(note) - n, "%s;", e->text);
}

/* What these bytes at the last console put on stdout. */
static const char *shown(const char *bytes, size_t n)
{
    static char text[128];
    FILE *screen = tmpfile();

    ck_assert_ptr_nonnull(screen);
    ck_assert_int_ge(dup2(fileno(screen), STDOUT_FILENO), 0);
    consoles_printed(&cs, cs.count - 1, bytes, n);
    consoles_flush(&cs);
    rewind(screen);
    text[fread(text, 1, sizeof(text) - 1, screen)] = '\0';
    fclose(screen);
    return text;
}

/* A terminal would clear itself, set its title, answer with its name (also
 * by the 8-bit CSI), or sound its bell. */
static const char commands[] = "a\033[2Jb\033]0;x\007c\x9b"
                               "cd\tE\nf\x7f";
static const char seen[] = "a.[2Jb.]0;x.c.cd\tE\nf.\n";

START_TEST(test_a_guest_commands_no_terminal)
{
    consoles_init(&cs, NULL);
    sit("one");
    ck_assert_str_eq(shown(commands, sizeof(commands) - 1), seen);
}
END_TEST

START_TEST(test_nor_do_several)
{
    consoles_init(&cs, NULL);
    sit("one");
    sit("two");
    ck_assert_str_eq(shown(commands, sizeof(commands) - 1),
                     "two | a.[2Jb.]0;x.c.cd\tE\ntwo | f.\n");
}
END_TEST

START_TEST(test_nor_does_a_trace)
{
    struct trace trace = {0};
    struct trace_sink sink = {.emit = take_note};

    consoles_init(&cs, NULL);
    trace_attach(&trace, &sink);
    cs.trace = &trace;
    sit("one");
    ck_assert_str_eq(shown(commands, sizeof(commands) - 1), "");
    ck_assert_str_eq(note, "| a.[2Jb.]0;x.c.cd\tE;| f.;");
}
END_TEST

/* In pieces, the one under the monitor first. */
static const struct {
    const char *bare[3], *guest[3];
    bool same;
} prints[] = {
    {{"HELLO\n"}, {"HELLO\n"}, true}, {{"HEL", "LO\n"}, {"H", "ELLO\n"}, true},
    {{"", "A", "B"}, {"AB"}, true},   {{"HELLO\n"}, {"HELLO"}, false},
    {{"HELLO"}, {"HELLO\n"}, false},  {{"A", "C", "B"}, {"A", "B", "B"}, false},
    {{"A"}, {NULL}, false},
};

START_TEST(test_two_print_the_same)
{
    const struct session_plan plan = {0};
    struct diag diag = {""};
    struct pair *p = pair_new(&plan, &diag);

    ck_assert_msg(p != NULL, "%s", diag.text);
    for (int i = 0; i < 3; i++) {
        const char *bare = prints[_i].bare[i], *guest = prints[_i].guest[i];

        if (guest)
            p->guest.plan.heard(p->guest.plan.who, guest, strlen(guest));
        if (bare)
            p->bare.plan.heard(p->bare.plan.who, bare, strlen(bare));
    }
    struct lockstep_guest g = pair_guest(p);
    char words[LOCKSTEP_WORDS] = "";
    bool same = g.same_output(g.who, NULL, words, sizeof(words));
    pair_free(p);
    ck_assert_int_eq(same, prints[_i].same);
    ck_assert_str_eq(words, same ? "" : "what the console has printed");
}
END_TEST

/* What both have printed is kept by nobody. */
START_TEST(test_printing_for_ever_fills_nothing)
{
    const struct session_plan plan = {0};
    struct diag diag = {""};
    struct pair *p = pair_new(&plan, &diag);
    size_t room;

    ck_assert_msg(p != NULL, "%s", diag.text);
    for (int i = 0; i < 100000; i++) {
        p->guest.plan.heard(p->guest.plan.who, "ROUND AND ROUND\n", 16);
        p->bare.plan.heard(p->bare.plan.who, "ROUND AND ROUND\n", 16);
    }
    room = p->guest.text.room + p->bare.text.room;
    pair_free(p);
    ck_assert_uint_lt(room, 1 << 20);
}
END_TEST

/* ---- A person before several consoles ---- */

static char took[128]; /* "name:line;" for each answer */

static bool reads(void *name)
{
    return strcmp(name, "deaf") != 0;
}

static void take(void *name, const char *line)
{
    size_t n = strlen(took);

    snprintf(took + n, sizeof(took) - n, "%s:%s;", (const char *)name, line);
}

static void request(void *name)
{
    take(name, "!");
}

static void sit_down(char *name)
{
    struct console_seat seat = {.name = name,
                                .clock = &guest_clock,
                                .insns = insns,
                                .hands = {.machine = name,
                                          .reading = reads,
                                          .attention = request,
                                          .answer = take}};
    struct diag diag = {""};

    ck_assert_int_eq(consoles_add(&cs, &seat, &diag), STATUS_OK);
}

/* Typed one after the other; and what came of it. */
static const struct {
    const char *lines[4], *took;
} typings[] = {
    {{"a\n"}, "one:a;"},
    {{"@two b\n", "c\n"}, "two:b;two:c;"},
    {{"@two\n", "c\n"}, "two:c;"},
    {{"@two\n@one a\n"}, "one:a;"},
    {{"@nobody x\n", "a\n"}, "one:a;"},
    {{"@deaf x\n"}, ""},
    {{"@deaf\n", "\n"}, "deaf:!;"},
    {{"@deaf\n", "typed ahead\n"}, ""},
    {{"@deaf\n", "@two b\n", "c\n"}, "two:b;two:c;"},
};

START_TEST(test_a_line_goes_where_it_says)
{
    static char names[][8] = {"one", "two", "deaf"};
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_ge(dup2(ends[0], STDIN_FILENO), 0);
    consoles_init(&cs, NULL);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        sit_down(names[i]);
    cs.source = CONSOLES_TERMINAL;
    for (unsigned i = 0; i < 4 && typings[_i].lines[i]; i++) {
        const char *line = typings[_i].lines[i];

        ck_assert_int_eq(write(ends[1], line, strlen(line)), strlen(line));
        ck_assert(consoles_look(&cs, 0));
    }
    ck_assert_str_eq(took, typings[_i].took);
}
END_TEST

Suite *suite_consoles(void)
{
    Suite *s = suite_create("consoles");
    TCase *t = tcase_create("print");

    tcase_add_test(t, test_a_guest_commands_no_terminal);
    tcase_add_test(t, test_nor_do_several);
    tcase_add_test(t, test_nor_does_a_trace);
    tcase_add_loop_test(t, test_two_print_the_same, 0,
                        sizeof(prints) / sizeof(prints[0]));
    tcase_add_test(t, test_printing_for_ever_fills_nothing);
    tcase_add_loop_test(t, test_a_line_goes_where_it_says, 0,
                        ARRAY_LEN(typings));
    suite_add_tcase(s, t);
    return s;
}
