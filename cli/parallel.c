#include "cli/parallel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES_MAX = 64, CHUNK = 16 * 1024 };

enum stage { WAITING, RUNNING, ENDED, TOLD };

/* One of the two streams of a piece. */
struct stream {
    int fd; /* -1: closed */
    FILE *into;
};

struct piece {
    enum stage stage;
    pid_t pid;
    struct stream out, err;
    struct parallel_result result;
};

struct pool {
    const struct parallel_plan *plan;
    struct piece *pieces;
    bool *running;
    unsigned begun, ended, told, at_once;
};

unsigned parallel_processors(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
        return (unsigned)CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1;
}

static enum status trouble(struct diag *d, const char *what)
{
    return diag_set(d, STATUS_HOST_FAILED, "%s: %s", what, strerror(errno));
}

/* ---- Beginning ---- */

static void close_stream(struct stream *s)
{
    if (s->fd >= 0)
        close(s->fd);
    if (s->into)
        fclose(s->into);
    *s = (struct stream){.fd = -1};
}

/* In the new process.  Does not return. */
static void be_piece(const struct parallel_plan *plan, unsigned n, int out,
                     int err)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* no work for one who is gone */
    if (dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
        _exit(125);
    close(out);
    close(err);
    int status = plan->work(n, plan->context);
    if (fflush(stdout) != 0)
        status = 125;
    _exit(status);
}

static enum status open_streams(struct piece *p, int ends[2], struct diag *d)
{
    int out[2], err[2];

    if (pipe2(out, O_CLOEXEC) != 0)
        return trouble(d, "a pipe");
    if (pipe2(err, O_CLOEXEC) != 0) {
        close(out[0]);
        close(out[1]);
        return trouble(d, "a pipe");
    }
    p->out = (struct stream){
        out[0], open_memstream(&p->result.out, &p->result.out_len)};
    p->err = (struct stream){
        err[0], open_memstream(&p->result.err, &p->result.err_len)};
    ends[0] = out[1];
    ends[1] = err[1];
    if (p->out.into && p->err.into)
        return STATUS_OK;
    close(ends[0]);
    close(ends[1]);
    return trouble(d, "what a process says");
}

static enum status begin(struct pool *pool, unsigned n, struct diag *d)
{
    struct piece *p = &pool->pieces[n];
    int ends[2] = {-1, -1};
    enum status st = open_streams(p, ends, d);

    if (st != STATUS_OK)
        return st;
    fflush(stdout);
    fflush(stderr);
    p->pid = fork();
    if (p->pid == 0)
        be_piece(pool->plan, n, ends[0], ends[1]);
    close(ends[0]);
    close(ends[1]);
    if (p->pid < 0)
        return trouble(d, "a process for each piece of work");
    p->stage = RUNNING;
    pool->running[n] = true;
    return STATUS_OK;
}

/* ---- Listening ---- */

/* Take what there is; at the end of it the stream is closed. */
static void listen_to(struct stream *s)
{
    char bytes[CHUNK];
    ssize_t n = read(s->fd, bytes, sizeof(bytes));

    if (n > 0) {
        fwrite(bytes, 1, (size_t)n, s->into);
    } else if (n == 0 || errno != EINTR) {
        close(s->fd);
        s->fd = -1;
    }
}

static void end(struct pool *pool, unsigned n)
{
    struct piece *p = &pool->pieces[n];
    int status = 0;

    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
        ;
    close_stream(&p->out);
    close_stream(&p->err);
    p->result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    p->result.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    p->stage = ENDED;
    p->pid = 0;
    pool->running[n] = false;
    pool->ended++;
}

/* Until one of those under way has said something, or ended. */
static void wait_for_any(struct pool *pool)
{
    struct pollfd fds[2 * PROCESSES_MAX];
    struct stream *streams[2 * PROCESSES_MAX];
    nfds_t n = 0;

    for (unsigned i = 0; i < pool->plan->count; i++) {
        struct stream *both[] = {&pool->pieces[i].out, &pool->pieces[i].err};

        for (unsigned k = 0; k < 2; k++)
            if (pool->pieces[i].stage == RUNNING && both[k]->fd >= 0) {
                streams[n] = both[k];
                fds[n++] = (struct pollfd){both[k]->fd, POLLIN, 0};
            }
    }
    if (n && poll(fds, n, -1) > 0)
        for (nfds_t i = 0; i < n; i++)
            if (fds[i].revents)
                listen_to(streams[i]);
    for (unsigned i = 0; i < pool->plan->count; i++)
        if (pool->pieces[i].stage == RUNNING && pool->pieces[i].out.fd < 0 &&
            pool->pieces[i].err.fd < 0)
            end(pool, i);
}

/* ---- All of it ---- */

static void tell(struct pool *pool)
{
    const struct parallel_plan *plan = pool->plan;

    if (plan->tick)
        plan->tick(pool->ended, pool->running, plan->context);
    while (pool->told < plan->count &&
           pool->pieces[pool->told].stage == ENDED) {
        struct piece *p = &pool->pieces[pool->told];

        plan->done(pool->told, &p->result, plan->context);
        p->stage = TOLD;
        pool->told++;
    }
}

static enum status work_through(struct pool *pool, struct diag *d)
{
    const struct parallel_plan *plan = pool->plan;

    while (pool->told < plan->count) {
        while (pool->begun < plan->count &&
               pool->begun - pool->ended < pool->at_once) {
            unsigned n = plan->order ? plan->order[pool->begun] : pool->begun;
            enum status st = begin(pool, n, d);

            if (st != STATUS_OK)
                return st;
            pool->begun++;
            tell(pool);
        }
        wait_for_any(pool);
        tell(pool);
    }
    return STATUS_OK;
}

static void clean_up(struct pool *pool)
{
    for (unsigned i = 0; pool->pieces && i < pool->plan->count; i++) {
        struct piece *p = &pool->pieces[i];

        if (p->stage == RUNNING) {
            kill(p->pid, SIGKILL);
            while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
                ;
        }
        close_stream(&p->out);
        close_stream(&p->err);
        free(p->result.out);
        free(p->result.err);
    }
    free(pool->pieces);
    free(pool->running);
}

enum status parallel_run(const struct parallel_plan *plan, struct diag *d)
{
    struct pool pool = {.plan = plan, .at_once = plan->processes};
    enum status st;

    if (!pool.at_once)
        pool.at_once = parallel_processors();
    if (pool.at_once > PROCESSES_MAX)
        pool.at_once = PROCESSES_MAX;
    pool.pieces = calloc(plan->count, sizeof(*pool.pieces));
    pool.running = calloc(plan->count, sizeof(*pool.running));
    for (unsigned i = 0; pool.pieces && i < plan->count; i++)
        pool.pieces[i].out.fd = pool.pieces[i].err.fd = -1;
    if (pool.pieces && pool.running)
        st = work_through(&pool, d);
    else
        st = diag_set(d, STATUS_NO_MEMORY, "no memory for the processes");
    clean_up(&pool);
    return st;
}
