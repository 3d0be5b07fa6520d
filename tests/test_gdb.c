/* cli/gdb.c: the modelled PC, with a debugger that speaks the remote protocol,
 * and with one that does not. */
#include "base/bytes.h"
#include "tests/command.h"
#include "tests/skip.h"
#include "tests/terminal.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RIP = 16 * 8 * 2, RIP_DIGITS = 16 };

static int fd, terminal, other;
static pid_t pid;
static uint64_t entry; /* of the monitor */

static bool built(void)
{
    char path[512];
    const char *program = command_program(), *slash = strrchr(program, '/');
    uint8_t head[64];

    snprintf(path, sizeof(path), "%.*s/x86vmm/bare/monitor.elf",
             (int)(slash - program), program);
    FILE *f = fopen(path, "rb");
    if (!f) {
        skip_test("this build has no monitor for bare metal");
        return false;
    }
    ck_assert_uint_eq(fread(head, 1, sizeof(head), f), sizeof(head));
    fclose(f);
    entry = load_le64(head + 24); /* e_entry */
    return true;
}

/* Run it, and come to it as gdb does. */
static bool attach(void)
{
    static const char *const argv[] = {"trapline", "bare",       "run",
                                       "--debug",  "hello-real", NULL};
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    if (!built() || (terminal = terminal_open(&other)) < 0)
        return false;
    pid = terminal_start(other, argv);
    const char *said = strstr(terminal_expect(terminal, "'\r"), "remote :");
    ck_assert_ptr_nonnull(said);
    at.sin_port = htons((uint16_t)atoi(said + 8));
    fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return true;
}

static int next_byte(void)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    uint8_t byte;

    ck_assert_int_gt(poll(&p, 1, 30000), 0);
    return read(fd, &byte, 1) == 1 ? byte : -1;
}

/* The answer to a packet: static text. */
static const char *ask(const char *packet)
{
    static char answer[8192];
    char frame[8192];
    unsigned sum = 0;
    size_t n = 0;
    int c;

    for (const char *p = packet; *p; p++)
        sum += (uint8_t)*p;
    int size = snprintf(frame, sizeof(frame), "$%s#%02x", packet, sum & 0xFF);
    ck_assert_int_eq(write(fd, frame, (size_t)size), size);
    while ((c = next_byte()) != '$')
        ck_assert_int_ge(c, 0);
    while ((c = next_byte()) != '#' && n < sizeof(answer) - 1) {
        ck_assert_int_ge(c, 0);
        answer[n++] = (char)c;
    }
    answer[n] = '\0';
    next_byte();
    next_byte();
    ck_assert_int_eq(write(fd, "+", 1), 1);
    return answer;
}

/* As the register's bytes come: the lowest first. */
static uint64_t rip(void)
{
    uint64_t value = 0;
    unsigned byte;
    const char *g = ask("g");

    ck_assert_uint_gt(strlen(g), RIP + RIP_DIGITS);
    for (unsigned i = 0; i < 8; i++) {
        ck_assert_int_eq(sscanf(g + RIP + 2 * i, "%2x", &byte), 1);
        value |= (uint64_t)byte << 8 * i;
    }
    return value;
}

static void finish(const char *words, int status)
{
    int how;

    close(fd);
    terminal_expect(terminal, words);
    ck_assert_int_eq(waitpid(pid, &how, 0), pid);
    ck_assert(WIFEXITED(how));
    ck_assert_int_eq(WEXITSTATUS(how), status);
    close(terminal);
    close(other);
}

START_TEST(a_debugger_steps_and_breaks)
{
    char packet[64];

    if (!attach())
        return;
    ck_assert_str_eq(ask("?"), "S05");
    ck_assert_uint_eq(rip(), entry);
    snprintf(packet, sizeof(packet), "m%llx,2", (unsigned long long)entry);
    ck_assert_str_eq(ask(packet), "fafc"); /* CLI, CLD */
    ck_assert_str_eq(ask("s"), "S05");
    ck_assert_uint_eq(rip(), entry + 1);
    ck_assert_str_eq(ask("M5000,3:010203"), "OK");
    ck_assert_str_eq(ask("m5000,4"), "01020300");
    snprintf(packet, sizeof(packet), "Z0,%llx,1",
             (unsigned long long)entry + 4);
    ck_assert_str_eq(ask(packet), "OK");
    ck_assert_str_eq(ask("c"), "S05");
    ck_assert_uint_eq(rip(), entry + 4);
    packet[0] = 'z';
    ck_assert_str_eq(ask(packet), "OK");
    ck_assert_str_eq(ask("D"), "OK");
    finish("ended well", 0);
}
END_TEST

START_TEST(registers_can_be_set)
{
    char packet[1024] = "G";

    if (!attach())
        return;
    snprintf(packet + 1, sizeof(packet) - 1, "%s", ask("g"));
    memcpy(packet + 1, "efcdab8967452301", 16); /* RAX */
    ck_assert_str_eq(ask(packet), "OK");
    ck_assert_str_eq(ask("g"), packet + 1);
    (void)write(fd, "$k#6b", 5);
    finish("left after", 0);
}
END_TEST

/* What no debugger says. */
START_TEST(nonsense_is_survived)
{
    static const char *const words[] = {"m",
                                        "mzz,1",
                                        "m0,ffffffffffffffff",
                                        "mffffffffffff,8",
                                        "M0",
                                        "M0,8:0",
                                        "M5000,ffffffffffffffff:00",
                                        "Z0",
                                        "Z2,0,1",
                                        "z9",
                                        "G",
                                        "Gzz",
                                        "q",
                                        "vCont?",
                                        "H",
                                        "X",
                                        "!!!",
                                        "P0=1"};
    char many[32];

    if (!attach())
        return;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        ck_assert_ptr_nonnull(ask(words[i]));
    for (unsigned i = 0; i < 40; i++) {
        snprintf(many, sizeof(many), "Z0,%x,1", 0x900000 + i);
        ck_assert_str_eq(ask(many), i < 32 ? "OK" : "E02");
    }
    (void)write(fd, "$unfinished", 11);
    finish("ended well", 0); /* it hangs up, and the PC goes on */
}
END_TEST

Suite *suite_gdb(void)
{
    Suite *s = suite_create("gdb");
    TCase *t = tcase_create("model");

    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, NULL, command_clean);
    tcase_add_test(t, a_debugger_steps_and_breaks);
    tcase_add_test(t, registers_can_be_set);
    tcase_add_test(t, nonsense_is_survived);
    suite_add_tcase(s, t);
    return s;
}
