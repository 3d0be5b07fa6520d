#include "popek-goldberg/solver/solver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    WORDS_MAX = 32,
    SOLVER_EXIT_MS = 200, /* to end in, once it has closed a pipe */
    LINE_SHOWN = 120,     /* of what it said, in a message */
};

/* A solver that swallows the host's memory dies instead. */
#define SOLVER_BYTES ((rlim_t)4 << 30)

static const char *const answer_names[PG_ANSWER_COUNT] = {
    [PG_UNSAT] = "unsatisfiable", [PG_SAT] = "satisfiable",
    [PG_UNKNOWN] = "unknown",     [PG_TIMEOUT] = "timeout",
    [PG_DIED] = "solver died",    [PG_GARBLED] = "solver garbled",
    [PG_MISSING] = "no solver",
};

const char *pg_answer_name(enum pg_answer a)
{
    return answer_names[a];
}

static enum pg_answer fail(struct diag *d, enum pg_answer a, const char *what,
                           const char *more)
{
    diag_set(d, STATUS_HOST_FAILED, "solver: %s%s%s", what, *more ? ": " : "",
             more);
    return a;
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

enum status pg_solver_init(struct pg_solver *s, const char *command,
                           unsigned query_ms, unsigned total_ms, struct diag *d)
{
    *s = (struct pg_solver){
        .query_ms = query_ms, .total_ms = total_ms, .to = -1, .from = -1};
    if (!command[strspn(command, " \t")])
        return diag_set(d, STATUS_BAD_INPUT, "solver: an empty command");
    if (strlen(command) >= sizeof(s->command))
        return diag_set(d, STATUS_BAD_INPUT,
                        "solver: a command of more than %d characters",
                        PG_COMMAND_MAX - 1);
    strcpy(s->command, command);
    s->reply = malloc(PG_REPLY_MAX + 1);
    if (!s->reply)
        return diag_set(d, STATUS_NO_MEMORY, "solver: no memory");
    s->reply[0] = '\0';
    return STATUS_OK;
}

/* ---- The process ---- */

static unsigned split(char *text, char *words[WORDS_MAX + 1])
{
    unsigned n = 0;

    for (char *w = strtok(text, " \t"); w && n < WORDS_MAX;
         w = strtok(NULL, " \t"))
        words[n++] = w;
    words[n] = NULL;
    return n;
}

/* Between two questions a solver frees nearly all that it has.  That glibc does
 * not give it back to the system, to ask for it again, halves the time. */
static void keep_storage(void)
{
    setenv("MALLOC_TRIM_THRESHOLD_", "268435456", 0);
    setenv("MALLOC_MMAP_THRESHOLD_", "33554432", 0);
    setenv("MALLOC_TOP_PAD_", "33554432", 0);
}

/* In the child.  It is a group of its own, so that what it starts ends too;
 * what it says on stderr is nobody's. */
static void become_solver(char *words[], int in, int out, int trouble)
{
    struct rlimit room = {SOLVER_BYTES, SOLVER_BYTES};
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    prctl(PR_SET_PDEATHSIG, SIGKILL); /* it never outlives us */
    setpgid(0, 0);
    keep_storage();
    setrlimit(RLIMIT_AS, &room);
    if (null >= 0 && dup2(in, STDIN_FILENO) >= 0 &&
        dup2(out, STDOUT_FILENO) >= 0 && dup2(null, STDERR_FILENO) >= 0)
        execvp(words[0], words);
    int why = errno;
    ssize_t n = write(trouble, &why, sizeof(why));
    _exit(n == sizeof(why) ? 127 : 126);
}

static void end_process(struct pg_solver *s)
{
    if (s->pid > 0) {
        kill(-s->pid, SIGKILL);
        kill(s->pid, SIGKILL); /* when its group is not made yet */
        while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    s->pid = 0;
    if (s->to >= 0)
        close(s->to);
    if (s->from >= 0)
        close(s->from);
    s->to = s->from = -1;
}

void pg_solver_close(struct pg_solver *s)
{
    end_process(s);
    free(s->reply);
    s->reply = NULL;
}

static enum pg_answer cannot_start(struct pg_solver *s, int error,
                                   struct diag *d)
{
    end_process(s);
    s->missing = true;
    diag_set(d, STATUS_UNSUPPORTED, "solver: cannot start \"%s\": %s",
             s->command, strerror(error));
    return PG_MISSING;
}

static bool open_pipes(int in[2], int out[2], int trouble[2])
{
    if (pipe2(in, O_CLOEXEC))
        return false;
    if (!pipe2(out, O_CLOEXEC)) {
        if (!pipe2(trouble, O_CLOEXEC))
            return true;
        close(out[0]), close(out[1]);
    }
    close(in[0]), close(in[1]);
    return false;
}

/* The third pipe closes when the program is running, or says why it is not. */
static enum pg_answer start_process(struct pg_solver *s, struct diag *d)
{
    char text[PG_COMMAND_MAX], *words[WORDS_MAX + 1];
    int in[2], out[2], trouble[2], why = 0;

    strcpy(text, s->command);
    split(text, words);
    if (!open_pipes(in, out, trouble))
        return cannot_start(s, errno, d);
    s->pid = fork();
    if (s->pid == 0)
        become_solver(words, in[0], out[1], trouble[1]);
    int fork_error = errno;
    close(in[0]), close(out[1]), close(trouble[1]);
    s->to = in[1];
    s->from = out[0];
    ssize_t n = s->pid < 0 ? 0 : read(trouble[0], &why, sizeof(why));
    close(trouble[0]);
    if (s->pid < 0)
        return cannot_start(s, fork_error, d);
    if (n == sizeof(why))
        return cannot_start(s, why, d);
    fcntl(s->to, F_SETFL, O_NONBLOCK);
    fcntl(s->from, F_SETFL, O_NONBLOCK);
    return PG_SAT;
}

/* It has closed a pipe: how did it end? */
static enum pg_answer say_its_end(struct pg_solver *s, struct diag *d)
{
    int64_t until = now_ms() + SOLVER_EXIT_MS;
    char text[64] = "it closed its pipe";
    int status;
    pid_t got;

    while ((got = waitpid(s->pid, &status, WNOHANG)) == 0 && now_ms() < until)
        poll(NULL, 0, 5);
    if (got == s->pid) {
        if (WIFSIGNALED(status))
            snprintf(text, sizeof(text), "signal %d", WTERMSIG(status));
        else
            snprintf(text, sizeof(text), "exit status %d", WEXITSTATUS(status));
        kill(-s->pid, SIGKILL); /* whatever it has left behind */
        s->pid = 0;
    }
    end_process(s);
    return fail(d, PG_DIED, "ended before its answer", text);
}

/* ---- The conversation ---- */

/* SIGPIPE is the process's: keep it away while we write, and take ours. */
static ssize_t write_quietly(int fd, const char *text, size_t n)
{
    struct timespec none = {0};
    sigset_t pipe_set, old, waiting;

    sigemptyset(&pipe_set);
    sigaddset(&pipe_set, SIGPIPE);
    sigpending(&waiting);
    sigprocmask(SIG_BLOCK, &pipe_set, &old);
    ssize_t done = write(fd, text, n);
    int error = errno;
    if (done < 0 && error == EPIPE && !sigismember(&waiting, SIGPIPE))
        while (sigtimedwait(&pipe_set, NULL, &none) < 0 && errno == EINTR)
            ;
    sigprocmask(SIG_SETMASK, &old, NULL);
    errno = error;
    return done;
}

static bool would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* The line that ends a reply: the echo of a mark, with or without quotation
 * marks (both are in use).  Returns where it begins, or NULL. */
static char *find_mark(char *reply, const char *mark)
{
    size_t n = strlen(mark);

    for (char *at = reply; (at = strstr(at, mark)); at += n) {
        char *begin = at > reply && at[-1] == '"' ? at - 1 : at;
        const char *end = at + n + (at[n] == '"');

        if ((begin == reply || begin[-1] == '\n') &&
            (*end == '\n' || (*end == '\r' && end[1] == '\n')))
            return begin;
    }
    return NULL;
}

/* Take what there is.  PG_UNKNOWN: no end yet. */
static enum pg_answer take(struct pg_solver *s, const char *mark,
                           struct diag *d)
{
    ssize_t n =
        read(s->from, s->reply + s->reply_len, PG_REPLY_MAX - s->reply_len);

    if (n < 0 && would_block())
        return PG_UNKNOWN;
    if (n <= 0)
        return say_its_end(s, d);
    /* A 0 would hide what comes after it. */
    if (memchr(s->reply + s->reply_len, 0, (size_t)n))
        return fail(d, PG_GARBLED, "sent a byte of zeros", "");
    s->reply_len += (size_t)n;
    s->reply[s->reply_len] = '\0';
    char *end = find_mark(s->reply, mark);
    if (end) {
        *end = '\0';
        return PG_SAT;
    }
    if (s->reply_len == PG_REPLY_MAX)
        return fail(d, PG_GARBLED, "says more than anybody asked", "");
    return PG_UNKNOWN;
}

/* Write `text` and read at the same time, for either may fill its pipe.  One
 * that reads no more may be about to end, or not: what it says is no answer,
 * for it has not heard the question, and only its end or our time ends that. */
static enum pg_answer converse_until(struct pg_solver *s, const char *text,
                                     const char *mark, int64_t until,
                                     struct diag *d)
{
    size_t left = strlen(text);
    bool deaf = false;

    for (;;) {
        struct pollfd fds[2] = {{s->from, POLLIN, 0},
                                {left && !deaf ? s->to : -1, POLLOUT, 0}};
        int64_t rest = until - now_ms();

        if (rest <= 0)
            return fail(d, PG_TIMEOUT, "no answer within its time", "");
        if (poll(fds, 2, (int)rest) < 0 && errno != EINTR)
            return fail(d, PG_DIED, "poll", strerror(errno));
        if (fds[0].revents) {
            enum pg_answer a = take(s, mark, d);
            if (a == PG_SAT && left)
                return fail(d, PG_GARBLED, "answers what was not asked", "");
            if (a != PG_UNKNOWN)
                return a;
        }
        if (fds[1].revents) {
            ssize_t n = write_quietly(s->to, text, left);
            deaf = n < 0 && !would_block();
            text += n > 0 ? n : 0;
            left -= n > 0 ? (size_t)n : 0;
        }
    }
}

/* PG_SAT: s->reply is all that it said to `text`.  Otherwise it is not running
 * any more, for what it says later would be taken for the next answer. */
static enum pg_answer converse(struct pg_solver *s, const char *text,
                               struct diag *d)
{
    uint64_t left = s->total_ms > s->spent_ms ? s->total_ms - s->spent_ms : 0;
    int64_t start = now_ms();
    char mark[32], *all;
    size_t size = strlen(text) + 64;

    if (!left)
        return fail(d, PG_TIMEOUT, "the time for all queries is spent", "");
    all = malloc(size);
    if (!all)
        return fail(d, PG_MISSING, "no memory", "");
    snprintf(mark, sizeof(mark), "pg-mark-%u", ++s->marks);
    snprintf(all, size, "%s\n(echo \"%s\")\n", text, mark);
    s->reply_len = 0;
    s->reply[0] = '\0';
    int64_t until = start + (int64_t)(left < s->query_ms ? left : s->query_ms);
    enum pg_answer a = converse_until(s, all, mark, until, d);
    free(all);
    s->spent_ms += (uint64_t)(now_ms() - start);
    if (a != PG_SAT)
        end_process(s);
    return a;
}

static enum pg_answer garbled(struct pg_solver *s, struct diag *d)
{
    char line[LINE_SHOWN + 1];
    const char *from = s->reply + strspn(s->reply, "\r\n");
    int n = (int)strcspn(from, "\r\n");

    snprintf(line, sizeof(line), "%.*s", n, from);
    for (char *p = line; *p; p++)
        if (*p < ' ' || *p > '~')
            *p = '?';
    end_process(s);
    return fail(d, PG_GARBLED, "not an answer", *line ? line : "nothing said");
}

/* Exactly this word, white space around it, and nothing else? */
static bool reply_is(const char *reply, const char *word)
{
    size_t n = strlen(word);

    reply += strspn(reply, " \r\n");
    return !strncmp(reply, word, n) && !reply[n + strspn(reply + n, " \r\n")];
}

/* ---- Who are you? ---- */

/* What (get-info :key) gave, `(:key "text")`, after what is in out already. */
static bool append_info(const char *reply, const char *key, char *out,
                        size_t cap)
{
    const char *at = strstr(reply, key);
    size_t used = strlen(out);

    at = at ? strchr(at, '"') : NULL;
    const char *end = at ? strpbrk(at + 1, "\"\r\n") : NULL;
    if (!end || *end != '"')
        return false;
    snprintf(out + used, cap - used, "%s%.*s", used ? " " : "",
             (int)(end - at - 1), at + 1);
    for (char *p = out; *p; p++)
        if (*p < ' ' || *p > '~')
            *p = '?';
    return true;
}

enum pg_answer pg_solver_start(struct pg_solver *s, struct diag *d)
{
    char version[sizeof(s->version)] = "";

    if (s->pid)
        return PG_SAT;
    if (s->missing) {
        diag_set(d, STATUS_UNSUPPORTED, "solver: cannot start \"%s\"",
                 s->command);
        return PG_MISSING;
    }
    enum pg_answer a = start_process(s, d);
    if (a != PG_SAT)
        return a;
    a = converse(s, "(get-info :name)\n(get-info :version)", d);
    if (a != PG_SAT)
        return a;
    if (!append_info(s->reply, ":name", version, sizeof(version)) ||
        !append_info(s->reply, ":version", version, sizeof(version)))
        return garbled(s, d);
    strcpy(s->version, version);
    return PG_SAT;
}

/* ---- Questions ---- */

static enum pg_answer ask(struct pg_solver *s, const char *script,
                          struct diag *d)
{
    static const char before[] = "(reset)\n(set-option :print-success false)\n"
                                 "(set-option :produce-models true)\n",
                      after[] = "\n(check-sat)";
    enum pg_answer a = pg_solver_start(s, d);

    if (a != PG_SAT)
        return a;
    size_t size = strlen(script) + sizeof(before) + sizeof(after);
    char *all = malloc(size);
    if (!all)
        return fail(d, PG_MISSING, "no memory", "");
    snprintf(all, size, "%s%s%s", before, script, after);
    a = converse(s, all, d);
    free(all);
    if (a != PG_SAT)
        return a;
    if (reply_is(s->reply, "sat"))
        return PG_SAT;
    if (reply_is(s->reply, "unsat"))
        return PG_UNSAT;
    if (reply_is(s->reply, "unknown"))
        return fail(d, PG_UNKNOWN, "answers", "unknown");
    return garbled(s, d);
}

enum pg_answer pg_solver_ask(struct pg_solver *s, const char *script,
                             struct diag *d)
{
    enum pg_answer a = ask(s, script, d);

    s->answers[a]++;
    return a;
}

/* ---- The model ---- */

static const char *skip_blank(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

/* Past one term: an atom, or a parenthesis with all in it.  NULL: no term. */
static const char *skip_term(const char *p)
{
    unsigned depth = 0;

    p = skip_blank(p);
    do {
        if (*p == '(')
            depth++, p++;
        else if (*p == ')' && depth)
            depth--, p++;
        else if (*p == '|' && strchr(p + 1, '|'))
            p = strchr(p + 1, '|') + 1;
        else if (*p && *p != ')' && *p != '|')
            p += strcspn(p, " \t\r\n()|");
        else
            return NULL;
        if (depth)
            p = skip_blank(p);
    } while (depth);
    return p;
}

/* #x1f, #b101, true, false, (_ bv31 8).  NULL: none of them. */
static const char *read_value(const char *p, uint64_t *value)
{
    char *end;

    errno = 0;
    p = skip_blank(p);
    if (!strncmp(p, "true", 4) || !strncmp(p, "false", 5)) {
        *value = *p == 't';
        return p + (*p == 't' ? 4 : 5);
    }
    int base = p[0] != '#' ? 0 : p[1] == 'x' ? 16 : p[1] == 'b' ? 2 : 0;
    if (base && !strchr("0123456789abcdefABCDEF", p[2]))
        return NULL; /* strtoull would take a blank or a sign */
    if (base) {
        *value = strtoull(p + 2, &end, base);
        return errno || end == p + 2 ? NULL : end;
    }
    if (*p != '(')
        return NULL;
    p = skip_blank(p + 1);
    if (*p != '_')
        return NULL;
    p = skip_blank(p + 1);
    if (strncmp(p, "bv", 2) || p[2] < '0' || p[2] > '9')
        return NULL;
    *value = strtoull(p + 2, &end, 10);
    const char *close = strchr(end, ')');
    return errno || !close ? NULL : close + 1;
}

/* ((term value) (term value) ...) */
static bool read_values(const char *p, uint64_t *values, size_t count)
{
    p = skip_blank(p);
    if (*p++ != '(')
        return false;
    for (size_t i = 0; i < count; i++) {
        p = skip_blank(p);
        p = *p == '(' ? skip_term(p + 1) : NULL;
        p = p ? read_value(p, &values[i]) : NULL;
        p = p ? skip_blank(p) : NULL;
        if (!p || *p++ != ')')
            return false;
    }
    p = skip_blank(p);
    return *p == ')' && !*skip_blank(p + 1);
}

enum pg_answer pg_solver_values(struct pg_solver *s, const char *terms,
                                uint64_t *values, size_t count, struct diag *d)
{
    size_t size = strlen(terms) + 32;
    char *text = s->pid ? malloc(size) : NULL;

    if (!text)
        return fail(d, PG_DIED, "no model to ask for", "");
    snprintf(text, size, "(get-value (%s))", terms);
    enum pg_answer a = converse(s, text, d);
    free(text);
    if (a != PG_SAT)
        return a;
    return read_values(s->reply, values, count) ? PG_SAT : garbled(s, d);
}
