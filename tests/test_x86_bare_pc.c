/* trapline bare run --kernel: a whole PC under the monitor on bare metal, its
 * line, its resets. */
#include "base/types.h"
#include "tests/command.h"
#include "tests/skip.h"
#include "tests/terminal.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* Boot sectors in machine code; their last two bytes are the mark.  Each key
 * comes back, plus one; q ends it. */
static const uint8_t echo[] = {
    0xBA, 0xF8, 0x03, 0xB0, '!',  0xEE,             /* "!" */
    0xBA, 0xFD, 0x03, 0xEC, 0xA8, 0x01,             /* LSR: is there one? */
    0x74, 0xF8,                                     /* no */
    0xBA, 0xF8, 0x03, 0xEC, 0x3C, 'q',  0x74, 0x05, /* 'q': */
    0xFE, 0xC0, 0xEE, 0xEB, 0xEB, 0xE7, 0xF4};
/* How many times it was begun, kept by the clock's battery; with a register of
 * the processor's, which a reset clears.  The third is the last. */
static const uint8_t counter[] = {
    0xB0, 0x50, 0xE6, 0x70, 0xE4, 0x71, 0x40, 0x88, 0xC3, /* bl = [50h] + 1 */
    0xB0, 0x50, 0xE6, 0x70, 0x88, 0xD8, 0xE6, 0x71,       /* [50h] = bl */
    0x04, '0',  0xBA, 0xF8, 0x03, 0xEE,                   /* its digit */
    0x66, 0xB9, 0x81, 0x00, 0x00, 0xC0,                   /* STAR */
    0x0F, 0x32, 0x04, 'a',  0xBA, 0xF8, 0x03, 0xEE,       /* 'a': it is 0 */
    0xB0, 1,    0x0F, 0x30,                               /* not any more */
    0x80, 0xFB, 3,    0x74, 0x06,                         /* 3? */
    0xBA, 0xF9, 0x0C, 0xB0, 6,    0xEE,                   /* CF9h: reset */
    0xB0, 0,    0xE6, 0xF4};

static void sector(const char *name, const uint8_t *code, size_t n)
{
    uint8_t bytes[512] = {0};

    ck_assert_uint_le(n, 510);
    memcpy(bytes, code, n);
    bytes[510] = 0x55;
    bytes[511] = 0xAA;
    command_file(name, bytes, sizeof(bytes));
}

static void set_up(void)
{
    sector("echo", echo, sizeof(echo));
    sector("counter", counter, sizeof(counter));
    command_file("keys", "abcq\n", 5);
}

static bool built(void)
{
    char path[512];
    const char *program = command_program(), *slash = strrchr(program, '/');

    snprintf(path, sizeof(path), "%.*s/x86vmm/bare/monitor.img",
             (int)(slash - program), program);
    if (!access(path, R_OK))
        return true;
    skip_test("this build has no monitor for bare metal (no x86 compiler)");
    return false;
}

static const struct {
    const char *args;
    int status;
    const char *out, *err;
} runs[] = {
    {"--kernel echo < keys", 1, "!bcd", "ended with code 1"},
    {"--kernel echo --cpu svm < keys", 1, "!bcd", "ended with code 1"},
    {"--kernel counter", 0, "1a", "ended well"},
    {"--kernel counter", 0, "has ended: reset through port CF9h", ""},
    {"--kernel counter --reboot", 0, "3a", "ended well"},
    {"--kernel counter --reboot --cpu svm", 0, "3a", "ended well"},
    {"--kernel counter --reboot", 0, "it begins anew", ""},
    {"--kernel echo --time 1", 124, "", "its limit (--time)"},
    {"hello-real --reboot", 2, "", "go with --kernel"},
};

START_TEST(runs_end_as_they_should)
{
    if (!built())
        return;
    const struct command *c =
        command_run(command_folder(), "bare run %s", runs[_i].args);

    ck_assert_msg(c->status == runs[_i].status, "status %d: %s%s", c->status,
                  c->out, c->err);
    ck_assert_msg(strstr(c->out, runs[_i].out), "'%s'", c->out);
    ck_assert_msg(strstr(c->err, runs[_i].err), "'%s'", c->err);
}
END_TEST

static const char *const at_terminal[] = {"trapline", "bare", "run",
                                          "--kernel", "echo", NULL};

/* The program has ended; its status.  Its terminal is as it was. */
static int wait_for(pid_t pid, int other, const struct termios *before)
{
    struct termios after;
    int status;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    tcgetattr(other, &after);
    ck_assert_uint_eq(before->c_lflag, after.c_lflag);
    ck_assert_uint_eq(before->c_iflag, after.c_iflag);
    return WEXITSTATUS(status);
}

START_TEST(terminal_is_the_serial_port)
{
    static const char *const last[] = {"q", "\x1d"};
    static const char *const words[] = {"ended with code 1", "left after"};
    struct termios before, raw;
    int other, fd;

    if (!built() || (fd = terminal_open(&other)) < 0)
        return;
    tcgetattr(other, &before);
    pid_t pid = terminal_start(other, at_terminal);
    terminal_expect(fd, "!");
    tcgetattr(other, &raw);
    ck_assert(!(raw.c_lflag & (ICANON | ECHO | ISIG)));
    ck_assert_int_eq(write(fd, "a\x03", 2), 2); /* Ctrl-C is the guest's */
    terminal_expect(fd, "b\x04");
    ck_assert_int_eq(write(fd, last[_i], 1), 1);
    terminal_expect(fd, words[_i]);
    ck_assert_int_eq(wait_for(pid, other, &before), _i ? 0 : 1); /* 'q' */
    close(fd);
    close(other);
}
END_TEST

START_TEST(signals_leave_the_terminal_as_it_was)
{
    static const int signals[] = {SIGTERM, SIGHUP, SIGINT};
    struct termios before;
    int other, fd;

    if (!built() || (fd = terminal_open(&other)) < 0)
        return;
    tcgetattr(other, &before);
    signal(SIGHUP, SIG_DFL);
    pid_t pid = terminal_start(other, at_terminal);
    terminal_expect(fd, "!");
    ck_assert_int_eq(kill(pid, signals[_i]), 0);
    terminal_expect(fd, "interrupted after");
    ck_assert_int_eq(wait_for(pid, other, &before),
                     signals[_i] == SIGINT ? 0 : 128 + signals[_i]);
    close(fd);
    close(other);
}
END_TEST

Suite *suite_x86_bare_pc(void)
{
    Suite *s = suite_create("x86_bare_pc");
    TCase *t = tcase_create("pc");

    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, set_up, command_clean);
    tcase_add_loop_test(t, runs_end_as_they_should, 0, ARRAY_LEN(runs));
    tcase_add_loop_test(t, terminal_is_the_serial_port, 0, 2);
    tcase_add_loop_test(t, signals_leave_the_terminal_as_it_was, 0, 3);
    suite_add_tcase(s, t);
    return s;
}
