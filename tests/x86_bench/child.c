/* A child on a pseudo-terminal, so that it prints each line when it comes. */
#include "tests/x86_bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SECONDS_MAX = 600 }; /* without a word */

struct child {
    int terminal;
    pid_t pid;
    clockid_t clock; /* its CPU time */
    char last;
    struct x86_bench_run *run;
    char *said;
    unsigned seen; /* characters of "~x~" that have come */
    char letter;
};

/* ---- Starting ---- */

static void become(const char *const argv[], const char *folder,
                   const char *terminal)
{
    int in = open("/dev/null", O_RDONLY), out = open(terminal, O_RDWR);

    if (in < 0 || out < 0 || chdir(folder) || dup2(in, STDIN_FILENO) < 0 ||
        dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
        _exit(127);
    setenv("TERM", "dumb", 1); /* Bochs wants one */
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

static enum status start(struct child *c, const char *const argv[],
                         const char *folder, struct diag *diag)
{
    const char *name;

    c->terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (c->terminal < 0 || grantpt(c->terminal) || unlockpt(c->terminal) ||
        !(name = ptsname(c->terminal)))
        return diag_set(diag, STATUS_HOST_FAILED, "no pseudo-terminal: %s",
                        strerror(errno));
    c->pid = fork();
    if (!c->pid)
        become(argv, folder, name);
    if (c->pid < 0 || clock_getcpuclockid(c->pid, &c->clock))
        return diag_set(diag, STATUS_HOST_FAILED, "%s: %s", argv[0],
                        strerror(errno));
    return STATUS_OK;
}

/* ---- Listening ---- */

static void note(struct child *c, char letter)
{
    struct x86_bench_run *r = c->run;
    struct timespec t = {0};

    clock_gettime(c->clock, &t);
    if (r->parts == X86_BENCH_PARTS)
        return;
    r->letter[r->parts] = letter;
    r->seconds[r->parts++] = (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* True: that was the last line that is waited for. */
static bool hear(struct child *c, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char b = bytes[i];
        size_t len = strlen(c->said);

        if (len + 1 == X86_BENCH_SAID)
            memmove(c->said, c->said + 1, len--);
        c->said[len] = b;
        c->said[len + 1] = '\0';
        if (c->seen == 1) {
            c->letter = b;
            c->seen = 2;
        } else if (b == '~') {
            if (c->seen == 2)
                note(c, c->letter);
            if (c->seen == 2 && c->letter == c->last)
                return true;
            c->seen = c->seen ? 0 : 1;
        } else {
            c->seen = 0;
        }
    }
    return false;
}

/* STATUS_OK: it has closed its terminal, or has said enough. */
static enum status listen(struct child *c, const char *name, struct diag *diag)
{
    struct pollfd p = {.fd = c->terminal, .events = POLLIN};
    char bytes[512];

    for (;;) {
        int ready = poll(&p, 1, SECONDS_MAX * 1000);

        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return diag_set(diag, STATUS_HOST_FAILED,
                            "%s: nothing from it for %d seconds", name,
                            SECONDS_MAX);
        ssize_t n = read(c->terminal, bytes, sizeof(bytes));
        if (n <= 0 || hear(c, bytes, (size_t)n))
            return STATUS_OK;
    }
}

enum status x86_bench_child(const char *const argv[], const char *folder,
                            char last, struct x86_bench_run *r, int *status,
                            char said[X86_BENCH_SAID], struct diag *diag)
{
    struct child c = {.terminal = -1, .last = last, .run = r, .said = said};
    enum status st;

    *r = (struct x86_bench_run){0};
    said[0] = '\0';
    st = start(&c, argv, folder, diag);
    if (st == STATUS_OK)
        st = listen(&c, argv[0], diag);
    if (c.pid > 0) {
        /* Whoever has ended by himself is not there to be killed. */
        if (st != STATUS_OK ||
            (last && r->parts && r->letter[r->parts - 1] == last))
            kill(c.pid, SIGKILL);
        while (waitpid(c.pid, status, 0) < 0 && errno == EINTR)
            ;
    }
    if (c.terminal >= 0)
        close(c.terminal);
    return st;
}
