/* Wrong ways to use the command: each is told apart by file, option or device,
 * ends with status 2, and costs nobody a file. */
#include "tests/command.h"
#include "tests/terminal.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static const char card[] = "CARD";

static void text(const char *name, const char *lines)
{
    command_file(name, lines, strlen(lines));
}

static void make_files(void)
{
    static const char *const names[] = {"a.aws", "a.core", "a.s", "a.img",
                                        "kernel.bin"};

    command_file("none.aws", "", 0);
    command_file("none.s", "", 0);
    text("soup.conf", "00A 3505 a.s ascii\n00E 1403 a.s\n");
    text("punch.conf", "00A 3505 a.s a.core ascii multifile\n"
                       "00D 2540 ./a.core punch\n");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        command_file(names[i], card, strlen(card));
}

/* ---- What it says ---- */

static const struct {
    const char *arguments, *says;
} wrong[] = {
    /* options that want each other, or another subcommand */
    {"run --kernel a.img --mem 0", "--mem 0: whole megabytes from 2M to 3G"},
    {"run --kernel a.img --mem 1M", "--mem 1M: whole megabytes"},
    {"run --kernel a.img --mem 4G", "--mem 4G: whole megabytes"},
    {"run --kernel a.img --mem 2049K", "--mem 2049K: whole megabytes"},
    {"run --kernel a.img --mem -5M", "--mem -5M: whole megabytes"},
    {"run --kernel a.img --mem 99999999999G", "--mem 99999999999G: whole"},
    {"run --kernel a.img --vendor X", "--vendor X: 12 characters"},
    {"run a.img --ipl 180", "--ipl belongs to System/370 guests"},
    {"run a.core --ipl 180", "a.core is an image of storage, and on no device"},
    {"run --kernel a.img --mem 4M --mem=8M", "--mem is given twice"},
    {"trace --kernel a.img --reboot", "--reboot: of the PC on bare only"},
    {"compare --kernel a.img --watch", "--watch belongs to `trapline run`"},
    {"compare --kernel a.img --pages", "--pages belongs to `trapline run`"},
    {"compare --kernel a.img --assist vtx", "--assist belongs to"},
    {"compare --kernel a.img --on bare", "two of bare, vtx and svm"},
    {"compare --kernel a.img --on bare,vtx,svm", "--on bare,vtx,svm: two of"},
    {"compare --kernel a.img --on bare,kvm", "KVM counts no instructions"},
    {"compare a.img --on bare,kvm", "KVM counts no instructions"},
    {"bare build --on qemu", "--on is for run"},
    {"bare build --json x", "--json is for run"},
    {"bare run --output x", "--output is for build"},
    {"bare run --plain --kernel a.img", "--plain: not with --kernel"},
    {"bare run --wrong --kernel a.img", "--wrong runs no guest"},
    {"asm a.s --output x --listing x", "--output and --listing: both to x?"},
    /* files */
    {"run none.aws", "none.aws: IPL from 180: "},
    {"run soup.conf", "soup.conf:2: 00E 1403: a.s: device 00A reads this"},
    {"run punch.conf", "00D 2540: ./a.core: device 00A reads this file"},
    {"run a.aws", "a.aws: block 1"},
    {"asm none.s", "none.s: empty"},
    {"step no.witness", "no.witness: No such file"},
    {"step toy --witness GETM --save .", "trapline: .: Is a directory"},
    /* what is read is not written over */
    {"asm a.s --output a.s", "a.s: is read, and would be written over"},
    {"asm a.s --listing ./a.s", "./a.s: is read, and would"},
    {"dis a.core --output a.core", "a.core: is read, and would"},
    {"run a.aws --trace a.aws", "a.aws: is read, and would"},
    {"trace a.img --output ./a.img", "./a.img: is read, and would"},
    {"run --kernel a.img --drive a.aws --trace a.aws", "a.aws: is read"},
    {"trace --kernel a.img --initrd a.s --output a.s", "a.s: is read"},
    {"bare build a.img --output a.img", "a.img: is read, and would"},
    {"bare run --kernel a.img --json a.img", "a.img: is read, and would"},
};

START_TEST(test_it_is_told_and_nothing_lost)
{
    make_files();
    const struct command *c =
        command_run(command_folder(), "%s", wrong[_i].arguments);

    ck_assert_msg(c->status == 2, "status %d: %s%s", c->status, c->out, c->err);
    ck_assert_msg(strstr(c->err, wrong[_i].says) != NULL, "no \"%s\" in:\n%s",
                  wrong[_i].says, c->err);
    c = command_run(command_folder(),
                    "$T --version; cat a.aws a.core a.s a.img");
    ck_assert_msg(strstr(c->out, "CARDCARDCARDCARD") != NULL, "lost: %s",
                  c->out);
    command_clean();
}
END_TEST

/* ---- --help names what a subcommand takes, and no more ---- */

static const struct {
    const char *command, *option;
    bool is_named;
} helps[] = {
    {"run", "--assist", true},       {"run", "--pages", true},
    {"trace", "--watch", true},      {"trace", "--irqchip", true},
    {"trace", "--assist", false},    {"trace", "--reboot", false},
    {"compare", "--nested", true},   {"compare", "--watch", false},
    {"compare", "--irqchip", false}, {"compare", "--hide-monitor", false},
};

START_TEST(test_help_names_what_is_taken)
{
    char line[40];

    snprintf(line, sizeof(line), "\n  %s ", helps[_i].option);
    const struct command *c = command_run(NULL, "%s --help", helps[_i].command);

    ck_assert_int_eq(c->status, 0);
    ck_assert_int_eq(strstr(c->out, line) != NULL, helps[_i].is_named);
}
END_TEST

/* ---- Scripts, which say $T so that they are what is run ---- */

static const struct {
    const char *line, *says;
} scripts[] = {
    {"./demo --nonsense", "usage: ./demo"},
    {"./demo --built more", "usage: ./demo"},
    {"./setup", "usage: ./setup"},
    {"KERNEL=/nowhere tests/linux/initrd.sh", "KERNEL=/nowhere: no such file"},
    {"KERNEL=/dev/null tests/linux/initrd.sh", "KERNEL=/dev/null: neither a"},
    {"KERNEL=Makefile tests/linux/initrd.sh", "KERNEL=Makefile: neither a"},
};

START_TEST(test_a_script_refuses_what_it_does_not_know)
{
    const struct command *c =
        command_run(NULL, "$T --version; %s", scripts[_i].line);

    ck_assert_msg(c->status == 1 || c->status == 2, "status %d", c->status);
    ck_assert_msg(strstr(c->err, scripts[_i].says) != NULL, "%s", c->err);
}
END_TEST

/* ---- Where output cannot go ---- */

static const struct {
    const char *arguments, *says;
} full[] = {
    {"bare build --output /dev/full", "/dev/full: No space left"},
    {"$T asm a.s --listing - >/dev/full", "standard output: No space left"},
    {"$T dis a.core >/dev/full", "standard output: No space left"},
    {"$T explain --rules >/dev/full", "standard output: No space left"},
    {"ulimit -f 1; $T explain --rules >x", "standard output: File too large"},
};

START_TEST(test_a_full_disk_is_told_once)
{
    make_files();
    command_file("a.s", " END\n", 5);
    const struct command *c =
        command_run(command_folder(), "%s", full[_i].arguments);

    if (c->status == 77) /* no monitor to build an image from */
        return;
    ck_assert_msg(c->status == 125, "status %d: %s", c->status, c->err);
    const char *said = strstr(c->err, full[_i].says);
    ck_assert_msg(said && !strstr(said + 1, "trapline: "), "%s", c->err);
    command_clean();
}
END_TEST

/* ---- Ends by a signal ---- */

START_TEST(test_a_signal_leaves_the_terminal_as_it_was)
{
    static const int signals[] = {SIGTERM, SIGHUP};
    static const char *const step[] = {"trapline",  "step", "toy",
                                       "--witness", "GETM", NULL};
    struct termios before, after;
    int other, status, fd = terminal_open(&other);

    if (fd < 0)
        return;
    tcgetattr(other, &before);
    signal(SIGHUP, SIG_DFL);
    pid_t pid = terminal_start(other, step);
    terminal_expect(fd, "q quit: ");
    ck_assert_int_eq(kill(pid, signals[_i]), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 128 + signals[_i]);
    tcgetattr(other, &after);
    ck_assert_uint_eq(before.c_lflag, after.c_lflag);
    close(fd);
    close(other);
}
END_TEST

/* BC 200 at its restart PSW: it goes round for ever. */
START_TEST(test_compare_ends_by_its_signal)
{
    uint8_t core[0x204] = {[6] = 2, [0x200] = 0x47, 0xF0, 0x02, 0x00};

    command_file("loop.core", core, sizeof(core));
    const struct command *c = command_run(
        command_folder(), "$T compare loop.core & sleep 0.5; kill $!; wait $!");

    ck_assert_msg(c->status == 128 + SIGTERM, "status %d: %s%s", c->status,
                  c->out, c->err);
    command_clean();
}
END_TEST

/* ---- */

/* A guest whose name means something to the monitor is a guest for all that. */
START_TEST(test_a_guest_may_be_called_kernel)
{
    make_files();
    const struct command *c = command_run(
        command_folder(), "$F bare run kernel.bin --time 30 --stop-after 1k");

    if (c->status == 77)
        return;
    ck_assert_msg(strstr(c->out, "kernel-guest: a machine of its own") != NULL,
                  "%s%s", c->out, c->err);
    command_clean();
}
END_TEST

Suite *suite_misuse(void);
Suite *suite_misuse(void)
{
    Suite *s = suite_create("misuse");
    TCase *t = tcase_create("misuse");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_it_is_told_and_nothing_lost, 0,
                        ARRAY_LEN(wrong));
    tcase_add_loop_test(t, test_help_names_what_is_taken, 0, ARRAY_LEN(helps));
    tcase_add_loop_test(t, test_a_script_refuses_what_it_does_not_know, 0,
                        ARRAY_LEN(scripts));
    tcase_add_loop_test(t, test_a_full_disk_is_told_once, 0, ARRAY_LEN(full));
    tcase_add_loop_test(t, test_a_signal_leaves_the_terminal_as_it_was, 0, 2);
    tcase_add_test(t, test_compare_ends_by_its_signal);
    tcase_add_test(t, test_a_guest_may_be_called_kernel);
    suite_add_tcase(s, t);
    return s;
}
