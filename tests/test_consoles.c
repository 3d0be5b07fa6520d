/* cli/consoles: what of a guest's text reaches the person. */
#include "cli/consoles.h"

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

Suite *suite_consoles(void)
{
    Suite *s = suite_create("consoles");
    TCase *t = tcase_create("print");

    tcase_add_test(t, test_a_guest_commands_no_terminal);
    tcase_add_test(t, test_nor_do_several);
    tcase_add_test(t, test_nor_does_a_trace);
    suite_add_tcase(s, t);
    return s;
}
