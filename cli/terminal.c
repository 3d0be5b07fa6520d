#include "cli/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static volatile sig_atomic_t is_raw;

bool terminal_is_there(void)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

bool terminal_has_cursor(void)
{
    const char *kind = getenv("TERM");

    return kind && *kind && strcmp(kind, "dumb") != 0;
}

bool terminal_raw(void)
{
    struct termios raw;

    if (is_raw)
        return true;
    if (tcgetattr(STDIN_FILENO, &before) < 0)
        return false;
    raw = before;
    cfmakeraw(&raw);
    raw.c_oflag = before.c_oflag; /* our own lines still end as they should */
    if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0)
        return false;
    is_raw = 1;
    return true;
}

/* At once: output that nobody takes any more must not hold it up. */
void terminal_restore(void)
{
    if (is_raw)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
    is_raw = 0;
}

long terminal_keys(uint8_t *keys, size_t n, int milliseconds)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};

    if (poll(&p, 1, milliseconds) <= 0 || !p.revents)
        return 0;
    ssize_t got = read(STDIN_FILENO, keys, n);
    return got > 0 ? (long)got : got < 0 && errno == EINTR ? 0 : -1;
}
