#include "tests/terminal.h"

#include "tests/command.h"
#include "tests/skip.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { WAIT_MS = 60000 };

int terminal_open(int *other)
{
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (fd < 0) {
        skip_test("no pseudo-terminal: %s", strerror(errno));
        return -1;
    }
    ck_assert_int_eq(grantpt(fd), 0);
    ck_assert_int_eq(unlockpt(fd), 0);
    *other = open(ptsname(fd), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(*other, 0);
    return fd;
}

pid_t terminal_start(int other, const char *const argv[])
{
    const char *program = command_program(), *folder = command_folder();
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (setsid() < 0 || chdir(folder) || dup2(other, 0) < 0 ||
        dup2(other, 1) < 0 || dup2(other, 2) < 0)
        _exit(126);
    execv(program, (char *const *)(uintptr_t)argv);
    _exit(127);
}

const char *terminal_expect(int fd, const char *words)
{
    static char got[65536];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    size_t n = 0;

    while (n + 1 < sizeof(got) && poll(&p, 1, WAIT_MS) == 1) {
        ssize_t more = read(fd, got + n, sizeof(got) - 1 - n);

        if (more <= 0)
            break;
        n += (size_t)more;
        got[n] = '\0';
        if (strstr(got, words))
            return got;
    }
    ck_abort_msg("no \"%s\" in: %.*s", words, (int)n, got);
}
