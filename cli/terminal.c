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
static bool has_cursor;

/* What firmware and a memory test do to a screen, undone: colours off, lines
 * wrap, the cursor is seen (ECMA-48 SGR; DEC private modes 7 and 25). */
static const char plain[] = "\033[0m\033[?7h\033[?25h";

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
    has_cursor = terminal_has_cursor();
    is_raw = 1;
    return true;
}

/* At once: output that nobody takes any more must not hold it up. */
void terminal_restore(void)
{
    struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};

    if (is_raw) {
        if (has_cursor && poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) &&
            write(STDOUT_FILENO, plain, sizeof(plain) - 1) < 0)
            has_cursor = false; /* it has gone */
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
    }
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
