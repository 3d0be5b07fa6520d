/* The command as its user sees it: what it prints, what it complains of, how
 * it ends. */
#include "tests/command.h"
#include "tests/json.h"
#include "tests/terminal.h"
#include "x86vmm/machine/op.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* ---- Small guests, by hand ---- */

enum { CORE_SIZE = 0x400 };

/* One piece of storage: where, and its bytes in hexadecimal. */
struct piece {
    unsigned at;
    const char *hex;
};

static void write_core(const char *name, const struct piece *pieces, size_t n)
{
    uint8_t core[CORE_SIZE] = {0};

    for (size_t i = 0; i < n; i++) {
        unsigned at = pieces[i].at, byte;
        const char *p = pieces[i].hex;

        for (int used; sscanf(p, " %2x%n", &byte, &used) == 1; p += used)
            core[at++] = (uint8_t)byte;
    }
    command_file(name, core, sizeof(core));
}

/* At 200: write with the CCW at 300, wait until that is done, stop. */
#define PRINT_AND_STOP                                                   \
    {0x048, "00000300"}, {0x200, "9C00001F 9D00001F 47700204 82000210"}, \
    {                                                                    \
        0x210, "0002000000000FFF"                                        \
    }

/* Prints HELLO. */
static const struct piece hello[] = {
    {0x000, "0000000000000200"},
    PRINT_AND_STOP,
    {0x300, "0900031000000005"},
    {0x310, "C8C5D3D3D6"},
};

/* Reads a line, prints its first five characters. */
static const struct piece echo[] = {
    {0x000, "0000000000000200"},
    PRINT_AND_STOP,
    {0x300, "0A00031060000050 0900031020000005"},
};

/* Waits for an I/O interruption, then prints HELLO. */
static const struct piece waiter[] = {
    {0x000, "FE02000000000200"}, {0x078, "0000000000000200"}, PRINT_AND_STOP,
    {0x300, "0900031000000005"}, {0x310, "C8C5D3D3D6"},
};

static const struct piece loop[] = {
    {0x000, "0000000000000200"},
    {0x200, "47F00200"},
};

/* A program interruption whose new PSW makes the same again: invalid, with
 * ones where an EC-mode PSW has zeros. */
static const struct piece storm[] = {
    {0x000, "0000000000000200"},
    {0x068, "FF08000000000200"},
    {0x200, "0000"},
};

static void make_guests(void)
{
    write_core("hello.core", hello, ARRAY_LEN(hello));
    write_core("echo.core", echo, ARRAY_LEN(echo));
    write_core("waiter.core", waiter, ARRAY_LEN(waiter));
    write_core("loop.core", loop, ARRAY_LEN(loop));
    write_core("storm.core", storm, ARRAY_LEN(storm));
}

static void text_file(const char *name, const char *text)
{
    command_file(name, text, strlen(text));
}

static void says(const char *where, const char *text)
{
    ck_assert_msg(strstr(where, text) != NULL, "no \"%s\" in:\n%.2000s", text,
                  where);
}

static const struct command *run(const char *arguments)
{
    return command_run(command_folder(), "%s", arguments);
}

/* ---- Usage ---- */

static const struct {
    const char *arguments;
    int status;
    const char *out, *err; /* must be in it; "" where nothing may be */
} usage[] = {
    {"", 2, "Usage: trapline COMMAND", ""},
    {"--help", 0, "doctor", ""},
    {"--version", 0, "trapline 0.", ""},
    {"rnu", 2, "", "trapline: unknown command 'rnu'; did you mean 'run'?"},
    {"xyzzy", 2, "", "trapline: unknown command 'xyzzy'"},
    {"run", 2, "", "trapline run: which guest?"},
    {"run --help", 0, "Usage: trapline run GUEST", ""},
    {"trace --help", 0, "Usage: trapline trace GUEST", ""},
    {"doctor --help", 0, "Usage: trapline doctor", ""},
    {"run hello.core --sript x", 2, "",
     "unknown option --sript; did you mean --script?"},
    {"run hello.core -x", 2, "", "unknown option -x"},
    {"run hello.core --stop-after", 2, "", "--stop-after wants N"},
    {"run hello.core --stop-after many", 2, "",
     "--stop-after many: not a number like 5000, 100k"},
    {"run hello.core --stop-after -1", 2, "", "--stop-after -1: not a number"},
    {"run hello.core --stop-after 0", 2, "", "--stop-after 0: at least 1"},
    {"run hello.core --stop-after 99999999999999999999", 2, "", "not a number"},
    {"run hello.core --ipl zz", 2, "", "--ipl zz: not a hexadecimal number"},
    {"run hello.core --quiet=1", 2, "", "--quiet takes no value"},
    {"run hello.core --on bear", 2, "", "did you mean bare?"},
    {"run nothing", 2, "", "trapline: nothing: no such file, and no sample"},
    {"run no/thing.core", 2, "", "no/thing.core: No such file"},
    {"run .", 2, "", "trapline: .: not a file"},
    {"run script.txt", 2, "", "script.txt: its name does not tell"},
    {"run hello.core hello.core --on bare", 2, "", "several need the monitor"},
    {"run empty.core", 2, "", "empty.core: empty"},
    {"run hello.core --on kvm", 77, "", ""},
    {"run hello.core --on vtx", 77, "", "on vtx"},
    {"run bad.conf", 2, "", "bad.conf:2: "},
    {"run gone.conf", 2, "", "gone.aws"},
    {"run cut.aws", 2, "", "trapline: 180 3420: cut.aws: block 1"},
    {"run two.conf", 2, "", "say --ipl ADDRESS"},
    {"run two.conf --ipl 1F", 2, "",
     "--ipl 01F: nothing can be loaded from a console"},
    {"run two.conf --ipl 1234567", 2, "", "not the address of a device"},
    {"run lack.conf", 2, "", "lack.conf:2: 180 3420: lack.aws: No such"},
    {"compare lack.conf", 2, "", "; --scratch-tapes makes missing tapes"},
    {"run hello.core --script no.script", 2, "",
     "trapline: no.script: No such file"},
    {"run hello.core --script bad.script", 2, "",
     "trapline: bad.script:1: 'press' is none of"},
    {"run hello.core --trace no/where", 2, "", "trapline: no/where: No such"},
    {"doctor x", 2, "", "takes no operand: x"},
};

START_TEST(test_usage)
{
    text_file("script.txt", "attention\n");
    text_file("bad.script", "press attention\n");
    text_file("empty.core", "");
    text_file("bad.conf", "001F 3215-C\n00C 9999 deck.txt\n");
    text_file("gone.conf", "001F 3215-C\n180 3420 gone.aws ro\n");
    text_file("lack.conf", "001F 3215-C\n180 3420 lack.aws\n");
    text_file("two.conf",
              "01F 3215-C\n00C 3505 a.txt ascii\n00D 3505 a.txt ascii\n");
    text_file("a.txt", "CARD\n");
    text_file("cut.aws", "\x10\x00\x00\x00\xa0\x00short");
    const struct command *c = run(usage[_i].arguments);

    if (usage[_i].status != 77) /* it may be there, and then refuses */
        ck_assert_msg(c->status == usage[_i].status, "status %d: %s%s",
                      c->status, c->out, c->err);
    else
        ck_assert_msg(c->status == 77 || c->status == 2, "%d", c->status);
    says(c->out, usage[_i].out);
    says(c->err, usage[_i].err);
    if (c->status)
        ck_assert_msg(*c->err || !*usage[_i].arguments, "it says nothing");
    else
        ck_assert_str_eq(c->err, "");
}
END_TEST

/* A closed stream must not become a file of the guest's: its tape would be
 * read as what a person types. */
START_TEST(test_closed_streams)
{
    const struct command *c =
        command_run(command_folder(), "$T run '%s' --quiet <&- 2>&-",
                    command_sample("calc"));

    ck_assert_int_eq(c->status, 0);
    says(c->out, "CALC");
    ck_assert_msg(!strchr(c->out, '>'), "answered: %s", c->out);
    c = run("$T run hello.core --quiet >&-");
    ck_assert_int_eq(c->status, 125);
    says(c->err, "Bad file descriptor");
}
END_TEST

/* ---- Running ---- */

static const char *const machines[] = {"bare", "trap"};

START_TEST(test_a_guest_prints_and_ends)
{
    const struct command *c =
        command_run(command_folder(), "run hello.core --on %s", machines[_i]);

    ck_assert_int_eq(c->status, 0);
    ck_assert_str_eq(c->out, "HELLO\n");
    says(c->err, "disabled wait, PSW 00020000 00000FFF");
    says(c->err, machines[_i]);
    says(c->err, " instructions");
}
END_TEST

START_TEST(test_a_pipe_answers_reads)
{
    const struct command *c =
        command_run(command_folder(),
                    "printf 'abcdefg\\nmore\\n' | $T run echo.core --quiet "
                    "--on %s",
                    machines[_i]);

    ck_assert_int_eq(c->status, 0);
    ck_assert_str_eq(c->out, "> abcdefg\nABCDE\n");
    ck_assert_str_eq(c->err, "");
}
END_TEST

START_TEST(test_nobody_answers)
{
    const struct command *c =
        command_run(command_folder(), "run echo.core --stop-after 50k --on %s",
                    machines[_i]);

    ck_assert_int_eq(c->status, 124); /* it tests the device for ever */
}
END_TEST

START_TEST(test_a_script_drives_the_console)
{
    text_file("x.script", "attention\nwait HELLO\n");
    const struct command *c =
        command_run(command_folder(),
                    "run waiter.core --script x.script --on %s", machines[_i]);
    ck_assert_int_eq(c->status, 0);
    ck_assert_str_eq(c->out, "HELLO\n");

    text_file("y.script", "type one\nstop\n");
    c = command_run(command_folder(),
                    "run echo.core --script y.script --quiet --on %s",
                    machines[_i]);
    ck_assert_int_eq(c->status, 0);
    ck_assert_ptr_eq(strstr(c->out, "> one\nONE"), c->out);
}
END_TEST

START_TEST(test_a_wait_that_is_not_met_is_status_1)
{
    text_file("x.script", "attention\n# here\nwait GOODBYE\nstop\n");
    const struct command *c = command_run(
        command_folder(), "run waiter.core --script x.script --quiet --on %s",
        machines[_i]);

    ck_assert_int_eq(c->status, 1);
    ck_assert_str_eq(c->err,
                     "trapline: x.script:3: 'wait GOODBYE' was not met\n");
}
END_TEST

START_TEST(test_a_limit_is_status_124)
{
    const struct command *c = command_run(
        command_folder(), "run loop.core --stop-after 12345 --json --on %s",
        machines[_i]);

    ck_assert_int_eq(c->status, 124);
    ck_assert_int_eq(json_number(c->out, "instructions"), 12345);
    ck_assert_int_eq(json_number(c->out, "code"), 124);
}
END_TEST

START_TEST(test_a_storm_is_status_1)
{
    const struct command *c =
        command_run(command_folder(), "run storm.core --on %s", machines[_i]);

    ck_assert_int_eq(c->status, 1);
    says(c->err, "they lead to each other");
}
END_TEST

START_TEST(test_idle_is_an_end)
{
    const struct command *c =
        command_run(command_folder(), "run waiter.core --on %s", machines[_i]);

    ck_assert_int_eq(c->status, 0);
    says(c->err, "waits for an interruption that will not come");
}
END_TEST

/* The samples' printers write into the current folder: that is said, and two
 * of them do not write into each other's paper. */
START_TEST(test_paper_is_found)
{
    char sample[1024];

    snprintf(sample, sizeof(sample), "%s", command_sample("multi"));
    const struct command *c =
        command_run(command_folder(), "run '%s' '%s'", sample, sample);
    ck_assert_msg(c->status == 0, "%s", c->err);
    says(c->err, "  wrote multi.prt\n");
    says(c->err, "  wrote multi2.multi.prt\n");
    c = run("$T --version; cat multi2.multi.prt");
    says(c->out, "VANDAL    CANCELLED");
}
END_TEST

START_TEST(test_several_guests_say_who_speaks)
{
    const struct command *c = run("run hello.core loop.core hello.core "
                                  "--stop-after 50k --json");

    ck_assert_int_eq(c->status, 124);
    ck_assert_str_eq(c->err, "hello  | HELLO\nhello2 | HELLO\n");
    ck_assert_int_eq(json_lines(c->out), 1);
    says(c->out, "\"name\":\"hello2\",\"end\":\"ended\"");
    says(c->out, "\"name\":\"loop\",\"end\":\"limit\"");
}
END_TEST

/* ---- Traces ---- */

START_TEST(test_trace_is_golden)
{
    const struct command *c = run("trace hello.core");
    static const char golden[] =
        "  insns V pc     mode instruction         reason    verdict virtual "
        "state\n";

    ck_assert_int_eq(c->status, 0);
    ck_assert_ptr_eq(strstr(c->out, golden), c->out);
    says(c->out, "      1 1 000200 S>S SIO   X'01F'         SENSITIVE "
                 "advance BC 00000000 00000204\n");
    says(c->out, " 1 | HELLO\n");
    says(c->out, " S>S LPSW  X'210'         SENSITIVE wait    "
                 "BC 00020000 00000fff\n");
}
END_TEST

START_TEST(test_trace_of_instructions)
{
    const struct command *c = run("trace loop.core --insns --stop-after 5");
    const char *p = c->out;
    int branches = 0;

    while ((p = strstr(p, "B     X'200'")))
        branches++, p++;
    ck_assert_msg(branches >= 4, "%.2000s", c->out);
}
END_TEST

static const char *const traced[] = {
    "trace hello.core --json",
    "trace hello.core --json --io --insns",
    "trace hello.core --output t.jsonl; cat t.jsonl",
    "run hello.core --trace t.jsonl --quiet >/dev/null; cat t.jsonl",
    "run hello.core --on bare --trace t.jsonl --quiet >/dev/null; cat t.jsonl",
};

START_TEST(test_json_lines_are_json)
{
    const struct command *c = run(traced[_i]);
    int lines = json_lines(c->out);

    ck_assert_msg(lines >= 2 || strstr(traced[_i], "bare"), "%d:\n%.2000s",
                  lines, c->out);
    if (lines)
        ck_assert_ptr_eq(strstr(c->out, "{\"schema\":\"trapline/trace/v1\"}"),
                         c->out);
}
END_TEST

static const char *const full[] = {
    "run hello.core --quiet >/dev/full",
    "run hello.core --quiet --trace /dev/full",
    "trace hello.core >/dev/full",
    "trace loop.core >/dev/full",
    "trace loop.core --output /dev/full",
    "run loop.core --trace /dev/full",
    "trace hello.core --json >/dev/full",
    "trace hello.core --output /dev/full",
    "--help >/dev/full",
    "run --help >/dev/full",
    "doctor >/dev/full",
    "{ ln -sf /dev/full multi.prt; $T run multi --quiet; }",
};

START_TEST(test_a_full_disk_is_said)
{
    const struct command *c = run(full[_i]);

    ck_assert_int_eq(c->status, 125);
    says(c->err, "No space left on device");
}
END_TEST

/* Who has seen enough closes the pipe: the end, with no word about it. */
START_TEST(test_a_closed_pipe_ends_it_quietly)
{
    const struct command *c =
        run("{ $T trace loop.core --insns; echo $? >&2; } | head -n 1");

    says(c->out, "insns V pc");
    ck_assert_str_eq(c->err, "141\n"); /* 128 + SIGPIPE */
    c = run("{ $T --help; echo $? >&2; } | exec 0<&-");
    ck_assert_int_eq(strcmp(c->err, "141\n") && strcmp(c->err, "0\n"), 0);
}
END_TEST

START_TEST(test_doctor_knows_the_engines)
{
    const struct command *c = run("doctor");

    ck_assert_int_eq(c->status, 0);
    says(c->out, "--on bare            yes");
    says(c->out, "--on trap            yes");
    says(c->out, x86_op_decode_available() ? "--on vtx             yes"
                                           : X86_NO_DECODER);
    says(c->out, "--on kvm");
    says(c->out, "s390x-linux-gnu-as");
}
END_TEST

/* ---- A person: Ctrl-C, a terminal ---- */

static pid_t start(int other, const char *guest, const char *on)
{
    const char *const argv[] = {"trapline", "run", guest, "--on", on, NULL};

    return terminal_start(other, argv);
}

START_TEST(test_a_terminal_is_a_console)
{
    struct termios before, after;
    int other, status, fd = terminal_open(&other);

    if (fd < 0)
        return;
    tcgetattr(other, &before);
    pid_t pid = start(other, "waiter.core", machines[_i]);
    terminal_expect(fd, "Ctrl-C ends");
    ck_assert_int_eq(write(fd, "\n", 1), 1); /* the attention key */
    terminal_expect(fd, "HELLO");
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);

    pid = start(other, "echo.core", machines[_i]);
    terminal_expect(fd, "> "); /* the prompt of a read */
    ck_assert_int_eq(write(fd, "typed\n", 6), 6);
    terminal_expect(fd, "TYPED");
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    tcgetattr(other, &after);
    ck_assert_mem_eq(&before.c_lflag, &after.c_lflag, sizeof(before.c_lflag));
    close(fd);
    close(other);
}
END_TEST

START_TEST(test_ctrl_c_gives_the_account)
{
    int other, status, fd = terminal_open(&other);

    if (fd < 0)
        return;
    pid_t pid = start(other, "loop.core", machines[_i]);
    terminal_expect(fd, "Ctrl-C ends");
    usleep(100000);
    ck_assert_int_eq(kill(pid, SIGINT), 0);
    const char *got = terminal_expect(fd, " instructions");
    says(got, "Interrupted.");
    says(got, "stopped from outside");
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(fd);
    close(other);
}
END_TEST

static void add_runs(TCase *t)
{
    const int n = ARRAY_LEN(machines);

    tcase_add_loop_test(t, test_a_guest_prints_and_ends, 0, n);
    tcase_add_loop_test(t, test_a_pipe_answers_reads, 0, n);
    tcase_add_loop_test(t, test_nobody_answers, 0, n);
    tcase_add_loop_test(t, test_a_script_drives_the_console, 0, n);
    tcase_add_loop_test(t, test_a_wait_that_is_not_met_is_status_1, 0, n);
    tcase_add_loop_test(t, test_a_limit_is_status_124, 0, n);
    tcase_add_loop_test(t, test_a_storm_is_status_1, 0, n);
    tcase_add_loop_test(t, test_idle_is_an_end, 0, n);
    tcase_add_loop_test(t, test_a_terminal_is_a_console, 0, n);
    tcase_add_loop_test(t, test_ctrl_c_gives_the_account, 0, n);
    tcase_add_test(t, test_paper_is_found);
    tcase_add_test(t, test_several_guests_say_who_speaks);
}

static void add_traces(TCase *t)
{
    tcase_add_test(t, test_trace_is_golden);
    tcase_add_test(t, test_trace_of_instructions);
    tcase_add_loop_test(t, test_json_lines_are_json, 0, ARRAY_LEN(traced));
    tcase_add_loop_test(t, test_a_full_disk_is_said, 0, ARRAY_LEN(full));
    tcase_add_test(t, test_a_closed_pipe_ends_it_quietly);
}

Suite *suite_cli(void)
{
    Suite *s = suite_create("cli");
    TCase *u = tcase_create("usage"), *r = tcase_create("run"),
          *t = tcase_create("trace");

    tcase_add_loop_test(u, test_usage, 0, ARRAY_LEN(usage));
    tcase_add_test(u, test_closed_streams);
    tcase_add_test(u, test_doctor_knows_the_engines);
    add_runs(r);
    add_traces(t);
    TCase *const all[] = {u, r, t};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        tcase_add_checked_fixture(all[i], make_guests, command_clean);
        tcase_set_timeout(all[i], 30);
        suite_add_tcase(s, all[i]);
    }
    return s;
}
