#include "cli/command.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WORD_MAX = 40 };

static const char *program = "trapline";

void cli_called(const char *as)
{
    if (as && *as)
        program = as;
}

const char *cli_program(void)
{
    return program;
}

/* Nothing in it means something to a shell. */
static bool is_plain(const char *text)
{
    size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx"
                            "yz0123456789_-./,:=@%+");

    return *text && !text[n];
}

void cli_write_option(FILE *to, const char *space, const char *name,
                      const char *value)
{
    bool plain = is_plain(value);

    fprintf(to, "%s--%s %s", space, name, plain ? "" : "'");
    for (; *value; value++)
        if (*value == '\'')
            fputs("'\\''", to);
        else
            putc(*value, to);
    fputs(plain ? "" : "'", to);
}

int cli_columns(void)
{
    struct winsize w;

    return isatty(STDOUT_FILENO) && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) &&
                   w.ws_col
               ? w.ws_col
               : INT_MAX;
}

/* What printf returns may be -1, on a full disk. */
void cli_print_hanging(int column, const char *words)
{
    enum { ENOUGH = 40, SMALL = 6 };
    const int wide = cli_columns(), begin = column > 0 ? column : 0;
    const int indent = wide - begin < ENOUGH ? SMALL : begin;
    int at = begin;

    for (bool first = true; *words; first = false) {
        int n = (int)strcspn(words, " ");

        if (!first && at + 1 + n > wide) {
            printf("\n%*s", indent, "");
            at = indent;
        } else if (!first) {
            putchar(' ');
            at++;
        }
        printf("%.*s", n, words);
        at += n;
        words += n + (words[n] == ' ');
    }
    putchar('\n');
}

void cli_say(const char *fmt, ...)
{
    va_list ap;

    fputs("trapline: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

int cli_fail(enum status st, const struct diag *d)
{
    cli_say("%s", d->text[0] ? d->text : "failed, and nothing says why");
    if (st == STATUS_BAD_INPUT)
        return CODE_USAGE;
    return st == STATUS_UNSUPPORTED ? CODE_SKIPPED : CODE_OURS;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* How many letters must be added, dropped or changed (Levenshtein). */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[WORD_MAX + 1];
    size_t n = strlen(b);

    if (n > WORD_MAX || strlen(a) > WORD_MAX)
        return WORD_MAX;
    for (unsigned j = 0; j <= n; j++)
        row[j] = j;
    for (unsigned i = 1; *a; a++, i++) {
        unsigned diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            unsigned above = row[j];

            row[j] =
                min3(above + 1, row[j - 1] + 1, diagonal + (*a != b[j - 1]));
            diagonal = above;
        }
    }
    return row[n];
}

const char *cli_did_you_mean(const char *wrong, const char *const *words)
{
    const char *best = NULL;
    unsigned least = (unsigned)strlen(wrong) / 3 + 2;

    for (; *words; words++) {
        unsigned d = distance(wrong, *words);

        if (d < least) {
            least = d;
            best = *words;
        }
    }
    return best;
}

/* Set when a write to stdout found that nobody reads it any more. */
static volatile sig_atomic_t reader_gone;

/* What is still to be written goes nowhere, and takes no time. */
static void on_closed_pipe(int signal)
{
    struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};
    int saved = errno;

    (void)signal;
    if (poll(&p, 1, 0) == 1 && (p.revents & POLLERR)) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

        reader_gone = null >= 0 && dup2(null, STDOUT_FILENO) >= 0;
        if (null >= 0)
            close(null);
    }
    errno = saved;
}

void cli_watch_pipes(void)
{
    struct sigaction a = {.sa_handler = on_closed_pipe, .sa_flags = SA_RESTART};

    sigaction(SIGPIPE, &a, NULL);
    signal(SIGXFSZ, SIG_IGN); /* writing fails then, and is told */
}

bool cli_reader_has_gone(void)
{
    return reader_gone;
}

/* Why standard output has failed: the last write's errno, unless another call
 * has had one since. */
static const char *why_stdout(int error)
{
    bool of_write = error == ENOSPC || error == EBADF || error == EIO ||
                    error == EFBIG || error == EDQUOT || error == EPIPE;

    return of_write ? strerror(error) : "not all of it could be written";
}

int cli_finish_stdout(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    if (cli_reader_has_gone())
        return CODE_SIGNALLED + SIGPIPE;
    cli_say("standard output: %s", why_stdout(errno));
    return CODE_OURS;
}
