/* trapline run --kernel: the bare PC as a user has it. */
#include "base/bytes.h"
#include "tests/command.h"
#include "tests/terminal.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* Boot sectors in machine code; their last two bytes are the mark. */
static const uint8_t hello[] = {
    0xBA, 0xF8, 0x03, 0xBE, 0x0C, 0x7C, 0xB9, 9,   0, /* rep outsb */
    0xF3, 0x6E, 0xF4, 'H',  'E',  'L',  'L',  'O', '\r', '\n', '>', ' '};
static const uint8_t crash[] = {0x0F, 0x01, 0x1E, 0x10, 0x7C, 0xCC};
static const uint8_t loop[] = {0xEB, 0xFE};
static const uint8_t restart[] = {0xB0, 0xFE, 0xE6, 0x64, 0xF4};
/* Each key comes back, plus one; q ends it. */
static const uint8_t echo[] = {
    0xBA, 0xF8, 0x03, 0xB0, '!',  0xEE,             /* "!" */
    0xBA, 0xFD, 0x03, 0xEC, 0xA8, 0x01,             /* LSR: is there one? */
    0x74, 0xF8,                                     /* no */
    0xBA, 0xF8, 0x03, 0xEC, 0x3C, 'q',  0x74, 0x05, /* 'q': */
    0xFE, 0xC0, 0xEE, 0xEB, 0xEB, 0xE7, 0xF4};
static const uint8_t five[] = {0xB0, 5, 0xE6, 0xF4};
/* How many times it was begun, kept by the clock's battery; the third is the
 * last. */
static const uint8_t counter[] = {
    0xB0, 0x50, 0xE6, 0x70, 0xE4, 0x71, 0x40, 0x88, 0xC3, /* bl = [50h] + 1 */
    0xB0, 0x50, 0xE6, 0x70, 0x88, 0xD8, 0xE6, 0x71,       /* [50h] = bl */
    0x04, '0',  0xBA, 0xF8, 0x03, 0xEE,                   /* its digit */
    0x80, 0xFB, 3,    0x74, 0x06,                         /* 3? */
    0xBA, 0xF9, 0x0C, 0xB0, 6,    0xEE,                   /* CF9h: reset */
    0xB0, 0,    0xE6, 0xF4};
/* The first sector of the disk, its first word, through the exit port. */
static const uint8_t disk[] = {
    0xBA, 0xF2, 0x01, 0xB0, 1,    0xEE, /* one sector */
    0xBA, 0xF3, 0x01, 0xB0, 0,    0xEE,
    0xBA, 0xF6, 0x01, 0xB0, 0xE0, 0xEE, /* LBA 0 */
    0xBA, 0xF7, 0x01, 0xB0, 0x20, 0xEE, /* READ SECTORS */
    0xEC, 0xA8, 0x08, 0x74, 0xFB,       /* until DRQ */
    0xBA, 0xF0, 0x01, 0xED, 0xE7, 0xF4};

static void sector(const char *name, const uint8_t *code, size_t n)
{
    uint8_t bytes[512] = {0};

    ck_assert_uint_le(n, 510);
    memcpy(bytes, code, n);
    bytes[510] = 0x55;
    bytes[511] = 0xAA;
    command_file(name, bytes, sizeof(bytes));
}

/* A disk of 1 MiB that boots; at 512 stands this word, and what makes it a
 * Multiboot header. */
static void whole_disk(const char *name, uint32_t magic)
{
    static uint8_t bytes[1 << 20];

    bytes[510] = 0x55;
    bytes[511] = 0xAA;
    store_le32(bytes + 512, magic);
    store_le32(bytes + 520, -magic);
    command_file(name, bytes, sizeof(bytes));
}

static void set_up(void)
{
    sector("hello", hello, sizeof(hello));
    sector("crash.img", crash, sizeof(crash));
    sector("loop", loop, sizeof(loop));
    sector("restart", restart, sizeof(restart));
    sector("echo", echo, sizeof(echo));
    sector("five", five, sizeof(five));
    sector("counter", counter, sizeof(counter));
    sector("disk", disk, sizeof(disk));
    command_file("empty", "", 0);
    command_file("cut", "\177ELF", 4);
    command_file("odd", "x", 1);
    command_file("stop", "wait !\nstop\n", 12);
    whole_disk("whole", 0);
    whole_disk("grub", 0x1BADB002); /* which has a kernel in it */
    sector("echo.img", echo, sizeof(echo));
    command_file("bad.rom", hello, sizeof(hello));
}

static void tear_down(void)
{
    command_clean();
}

static const struct {
    const char *args;
    int status;
    const char *out, *err;
} runs[] = {
    {"run --kernel hello", 0, "HELLO\n> ", "HLT with interrupts off at 7c0c"},
    {"run --kernel crash.img", 1, "", "cannot go on: triple fault at "},
    {"run crash.img --on bare", 1, "", "cannot go on: triple fault at "},
    {"run --kernel loop --stop-after 1M", 124, "", "1,000,000 instructions"},
    {"run --kernel loop --stop-after 3M --json", 124,
     "\"instructions\":3000000", ""},
    {"run --kernel restart", 0, "", "reset through the keyboard controller"},
    {"run --kernel disk --drive hello --stop-after 9M", 1, "",
     "code 63674"}, /* BA F8 */
    {"run --kernel disk --drive odd", 2, "", "odd: offset 1: a disk has whole"},
    {"run --kernel disk --drive no/disk", 2, "", "no/disk: No such file"},
    {"run --kernel none", 2, "", "trapline: none: No such file"},
    {"run --kernel empty", 2, "", "empty: empty"},
    {"run --kernel cut", 2, "", "cut: offset 0: the file ends within"},
    {"run --kernel whole", 2, "",
     "whole: 1048576 bytes have no place at 7c00: "
     "a whole disk wants firmware"},
    {"run --kernel grub", 2, "", "grub: offset 0: neither an ELF nor"},
    {"run --kernel hello --initrd none", 2, "", "none: No such file"},
    {"run --kernel hello --mem 1M", 2, "", "whole megabytes from 2M"},
    {"run --kernel hello --pages --on vtx", 2, "", "--pages: with --on kvm"},
    {"run --kernel hello --irqchip kernel", 2, "", "kernel with --on kvm"},
    {"run --kernel hello --irqchip mine --on kvm", 2, "", "--irqchip mine: "},
    {"trace --kernel hello --from 7c00", 2, "", "--from: with --on kvm"},
    {"run --kernel hello --mem 64", 2, "", "--mem 64: whole megabytes"},
    {"run --kernel hello --mem 99999999999G", 2, "", "whole megabytes"},
    {"run --kernel hello --on trap", 2, "", "runs System/370 guests"},
    {"run --kernel hello --hide-monitor", 2, "", "on bare there is none"},
    {"run --kernel hello --assist sev", 2, "", "--assist sev: vtx or svm"},
    {"run --kernel hello --on vtx --assist svm", 2, "", "for the PC on bare"},
    {"run --kernel hello --assist svm", 0, "HELLO\n> ", "at 7c0c"},
    {"run --kernel hello --on vtx", 0, "HELLO\n> ",
     "HLT with interrupts off at 7c0c"},
    {"run --kernel crash.img --on vtx", 1, "", "triple fault at "},
    {"run --kernel loop --on vtx --stop-after 3M --json", 124,
     "\"instructions\":3000000", ""},
    {"run --kernel restart --on vtx", 0, "", "through the keyboard"},
    {"run --kernel disk --drive hello --on vtx", 1, "", "code 63674"},
    {"run --kernel five", 1, "", "has ended: through its exit port, code 5"},
    {"run --kernel five --on vtx", 1, "", "exit port, code 5"},
    {"run --kernel five --json", 1, "\"code\":1", ""},
    {"run --kernel counter --reboot --stop-after 9M", 0, "123", "code 0"},
    {"run --kernel counter --stop-after 9M", 0, "1", "through port CF9h"},
    {"run --kernel crash.img --reboot --stop-after 100", 124, "", "limit"},
    {"run --kernel counter --reboot --on vtx", 2, "", "on bare only"},
    {"run hello.img --floppy a", 2, "", "--floppy belongs to --kernel"},
    {"run --kernel hello --floppy odd", 2, "", "odd: offset 1: a disk has"},
    {"run --kernel hello --floppy hello", 2, "",
     "hello: no floppy disk has 1 sectors"},
    {"trace --kernel hello", 0, "OUTS", ""},
    {"trace --kernel hello --insns", 0, "mov si, 0x7c0c ", ""},
    {"run --kernel restart --trace t && cat t", 0, "keyboard 64 <- fe",
     "through the keyboard"},
    {"run --kernel crash.img --trace t; cat t", 0, "#BP  ", ""},
    {"run crash.img", 1, "", "triple fault"},
    {"trace --kernel crash.img --on svm --watch", 1, "EXCP_BP", ""},
    {"run --kernel hello --watch", 2, "", "with --on vtx or svm"},
    {"trace --kernel hello --ipl 0C0", 2, "", "belongs to System/370"},
    {"compare crash.img", 0, "no difference", "as with --kernel "},
    {"compare --kernel hello --scratch-tapes", 2, "", "System/370 guests"},
    {"trace --kernel hello --on bare", 2, "", "it has no exits"},
    {"trace hello.img --mem 64M", 2, "", "--mem belongs to --kernel"},
    {"run --kernel hello hello", 2, "", "a guest beside --kernel"},
    {"run --kernel hello --bios hello", 2, "", "which of them?"},
    {"run --initrd hello x.core", 2, "", "--initrd belongs to --kernel"},
    {"run --initrd hello", 2, "", "--initrd belongs to --kernel"},
    {"run hello.img --mem 64M", 2, "", "--mem belongs to --kernel or --bios"},
    {"run hello.img --drive a", 2, "", "--drive belongs to --kernel"},
    {"run --kernel hello --ipl 0C0", 2, "", "--ipl belongs to System/370"},
    {"run --kernel disk --drive empty", 2, "", "empty: an empty disk"},
    {"run --kernel crash.img", 1, "", "(it was taken for a boot sector)"},
    {"run hello", 2, "", "a kernel is run by --kernel"},
    {"run --bios bad.rom", 2, "", "whole pages of 4 KiB"},
    {"run --kernel hello --drive a --drive b --drive c", 2, "", "two are all"},
    {"run --kernel echo < keys", 1, "!bcd", "through its exit port"},
    {"compare --kernel echo --script stop", 0, "no difference", ""},
};

START_TEST(runs_end_as_they_should)
{
    command_file("keys", "abcq\n", 5);
    const struct command *c =
        command_run(command_folder(), "%s", runs[_i].args);

    ck_assert_msg(c->status == runs[_i].status, "status %d: %s%s", c->status,
                  c->out, c->err);
    ck_assert_msg(strstr(c->out, runs[_i].out), "'%s'", c->out);
    ck_assert_msg(strstr(c->err, runs[_i].err), "'%s'", c->err);
}
END_TEST

/* ---- At a terminal ---- */

static pid_t start(int other, const char *kernel)
{
    const char *const argv[] = {"trapline", "run", "--kernel", kernel, NULL};

    return terminal_start(other, argv);
}

START_TEST(terminal_is_the_serial_port)
{
    static const char *const last[] = {"q", "\x1d"};
    struct termios before, raw, after;
    int other, status, fd = terminal_open(&other);

    if (fd < 0)
        return;
    tcgetattr(other, &before);
    setenv("TERM", _i ? "dumb" : "xterm", 1);
    pid_t pid = start(other, "echo");
    terminal_expect(fd, "!");
    tcgetattr(other, &raw);
    ck_assert(!(raw.c_lflag & (ICANON | ECHO | ISIG)));
    ck_assert_int_eq(write(fd, "a\x03", 2), 2); /* Ctrl-C is the guest's */
    terminal_expect(fd, "b\x04");
    ck_assert_int_eq(write(fd, last[_i], 1), 1);
    const char *end = terminal_expect(fd, "of guest time");
    ck_assert_int_eq(strstr(end, "\033[?25h") != NULL, !_i); /* seen again */
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), _i ? 0 : 1); /* its code is 'q' */
    tcgetattr(other, &after);
    ck_assert_uint_eq(before.c_lflag, after.c_lflag);
    ck_assert_uint_eq(before.c_iflag, after.c_iflag);
    close(fd);
    close(other);
}
END_TEST

/* A guest that spins, and signals; a terminal that goes, though nobody is to be
 * told of it. */
START_TEST(nothing_outlives_its_terminal)
{
    static const int signals[] = {SIGTERM, SIGHUP, SIGINT, 0, 0};
    static const char *const image[] = {"trapline", "run", "echo.img",
                                        "--on",     "vtx", NULL};
    struct termios before, after;
    int other, status, fd = terminal_open(&other);

    if (fd < 0)
        return;
    tcgetattr(other, &before);
    signal(SIGHUP, signals[_i] ? SIG_DFL : SIG_IGN);
    /* it asks for keys, and never waits */
    pid_t pid = _i == 4 ? terminal_start(other, image) : start(other, "echo");
    terminal_expect(fd, "!");
    if (signals[_i]) {
        ck_assert_int_eq(kill(pid, signals[_i]), 0);
        terminal_expect(fd, "of guest time");
    } else {
        close(fd);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    if (!signals[_i])
        return;
    /* Ctrl-C is a wish of the person's, the others are not. */
    ck_assert_int_eq(WEXITSTATUS(status),
                     signals[_i] == SIGINT ? 0 : 128 + signals[_i]);
    tcgetattr(other, &after);
    ck_assert_uint_eq(before.c_lflag, after.c_lflag);
    close(fd);
    close(other);
}
END_TEST

Suite *suite_x86_run(void)
{
    Suite *s = suite_create("x86_run");
    TCase *t = tcase_create("x86_run");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, runs_end_as_they_should, 0, ARRAY_LEN(runs));
    tcase_add_loop_test(t, terminal_is_the_serial_port, 0, 2);
    tcase_add_loop_test(t, nothing_outlives_its_terminal, 0, 5);
    suite_add_tcase(s, t);
    return s;
}
