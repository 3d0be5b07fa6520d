#include "cli/step_show.h"

#include "cli/command.h"
#include "cli/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

enum {
    CTRL_C = 3,
    CTRL_D = 4,
    ESCAPE = 27,
    PAGE_UP = 5, /* parameters of "CSI n ~" */
    PAGE_DOWN = 6,
    PAUSE_MS = 50 /* the bytes of one key come closer together than that */
};

static void print(const struct pg_walk *walk, unsigned i)
{
    printf("Step %u of %u\n\n%s", i + 1, walk->count, walk->steps[i]);
}

static int print_all(const struct pg_walk *walk)
{
    for (unsigned i = 0; i < walk->count; i++) {
        print(walk, i);
        putchar('\n');
    }
    return CODE_DONE;
}

/* Who is ended puts the terminal back first. */
static volatile sig_atomic_t ended; /* by this signal, or 0 */

static void on_end(int signal_number)
{
    ended = signal_number;
}

static void watch_signals(void (*handler)(int))
{
    static const int signals[] = {SIGTERM, SIGHUP, SIGINT};
    struct sigaction on = {.sa_handler = handler};

    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        sigaction(signals[i], &on, NULL);
}

/* The next byte, or CTRL_D at the end of the input. */
static int next_byte(void)
{
    unsigned char c;
    ssize_t n;

    do
        n = ended ? 0 : read(STDIN_FILENO, &c, 1);
    while (n < 0 && errno == EINTR);
    return n == 1 ? c : CTRL_D;
}

static bool more_comes(void)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};

    return poll(&p, 1, PAUSE_MS) > 0;
}

/* A key that sends a sequence is what it means here: right, down, page down
 * are 'n'; left, up, page up 'b'; others nothing, 0.  Sequences are CSI ones,
 * parameters and a final byte, or SS3 and one byte (ECMA-48, 5.4 and 8.3.143).
 */
static int sequence(void)
{
    int kind = next_byte(), parameter = 0, c;

    if (kind != '[' && kind != 'O')
        return kind == CTRL_C || kind == CTRL_D ? kind : 0;
    while ((c = next_byte()) >= ' ' && c < '@')
        parameter = c >= '0' && c <= '9' ? 10 * (parameter % 10) + c - '0' : 0;
    if (c == 'C' || c == 'B' || (c == '~' && parameter == PAGE_DOWN))
        return 'n';
    if (c == 'D' || c == 'A' || (c == '~' && parameter == PAGE_UP))
        return 'b';
    return c == CTRL_C || c == CTRL_D ? c : 0;
}

static int key(void)
{
    int c = next_byte();

    return c == ESCAPE && more_comes() ? sequence() : c;
}

/* What is done at a key: which step comes next, or walk->count to end. */
static unsigned go(const struct pg_walk *walk, unsigned at, int pressed)
{
    switch (pressed) {
    case 'n':
    case ' ':
    case '\n':
    case '\r':
        return at + 1 < walk->count ? at + 1 : at;
    case 'b':
        return at ? at - 1 : 0;
    case 'q':
    case ESCAPE:
    case CTRL_C:
    case CTRL_D:
        return walk->count;
    default:
        return at;
    }
}

static void walk_keys(const struct pg_walk *walk)
{
    unsigned at = 0;

    while (at < walk->count) {
        fputs(terminal_has_cursor() ? "\033[H\033[2J" : "\n", stdout);
        print(walk, at);
        printf("\n%s%sq quit: ", at + 1 < walk->count ? "n next, " : "",
               at ? "b back, " : "");
        if (fflush(stdout) != 0)
            break;
        at = go(walk, at, key());
    }
    putchar('\n');
}

/* Keys come at once and are not echoed; the key that would interrupt is one of
 * them, so that the terminal is always put back. */
static int show_on_terminal(const struct pg_walk *walk)
{
    struct termios was, raw;

    if (tcgetattr(STDIN_FILENO, &was) != 0)
        return print_all(walk);
    raw = was;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    watch_signals(on_end);
    if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) != 0)
        return print_all(walk);
    walk_keys(walk);
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &was);
    watch_signals(SIG_DFL);
    return ended ? CODE_SIGNALLED + ended : CODE_DONE;
}

int step_show(const struct pg_walk *walk)
{
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
        return cli_finish_stdout(show_on_terminal(walk));
    return cli_finish_stdout(print_all(walk));
}
