#include "cli/abreast.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* One run of both, from the start. */
struct run {
    const struct abreast_ops *ops;
    void *who;
    const struct abreast_options *options;
    struct abreast_result *result;
    uint64_t known;     /* instructions that an earlier run has compared */
    uint64_t deep_from; /* compare all storage each time from here on */
    uint64_t step_from; /* go on one by one from here on */
    uint64_t halt_at;   /* compare here, and no further; or UINT64_MAX */
    uint64_t good;      /* instructions at the last comparison */
    uint64_t certain;   /* at the last one that left nothing out */
    uint64_t seen;      /* where the run has ended */
};

static enum abreast_step compare(struct run *r)
{
    uint64_t insns = r->ops->insns(r->who);
    bool deep = insns >= r->deep_from || insns >= r->step_from;

    if (insns < r->known)
        return ABREAST_ON;
    r->result->syncs++;
    if (!r->ops->same(r->who, deep))
        return ABREAST_DIFFERENT;
    r->good = insns;
    return ABREAST_ON;
}

static enum abreast_step go_on(struct run *r)
{
    const struct abreast_options *o = r->options;
    uint64_t before = r->ops->insns(r->who), most = o->sample;

    most = before < r->step_from ? min_u64(most, r->step_from - before) : 1;
    if (o->limit)
        most = min_u64(most, o->limit - before);
    if (before < r->halt_at)
        most = min_u64(most, r->halt_at - before);
    bool closely = before >= r->step_from ||
                   (r->halt_at != UINT64_MAX && before + most >= r->halt_at);
    enum abreast_step step = r->ops->go(r->who, most, closely);
    if (step == ABREAST_ON)
        return compare(r);
    return step == ABREAST_BETWEEN ? ABREAST_ON : step;
}

static bool over(const struct run *r)
{
    const struct abreast_options *o = r->options;

    return r->good >= r->halt_at ||
           (o->limit && r->ops->insns(r->who) >= o->limit) ||
           (o->interrupted && *o->interrupted);
}

static enum abreast_step go_on_to_end(struct run *r, enum abreast_step step)
{
    while (step == ABREAST_ON && !over(r))
        step = go_on(r);
    return step;
}

/* Both at the start of the guest. */
static enum status begin(struct run *r, enum abreast_step *step,
                         struct diag *diag)
{
    enum status st = r->ops->make(r->who, diag);

    if (!st)
        *step = compare(r);
    return st;
}

static void finish(struct run *r)
{
    r->certain = r->ops->certain(r->who);
    r->certain = r->certain > r->known ? r->certain : r->known;
    r->seen = r->ops->insns(r->who);
    r->result->window = r->seen - r->certain;
    r->ops->drop(r->who);
}

/* From the start to the end or to the first difference. */
static enum status run_once(struct run *r, enum abreast_step *step,
                            struct diag *diag)
{
    r->good = r->known;
    enum status st = begin(r, step, diag);
    if (st)
        return st;
    *step = go_on_to_end(r, *step);
    r->result->cut = *step == ABREAST_ON;
    if (r->result->cut && r->good < r->halt_at) {
        r->deep_from = 0; /* nothing is left out at the end */
        *step = compare(r);
    }
    finish(r);
    return STATUS_OK;
}

/* ---- Halving ---- */

/* What a process finds out about two machines that are copies of ours. */
struct probe {
    bool differs;
    uint64_t seen;
};

static enum status try_there(struct run *r, uint64_t there, struct probe *p,
                             struct diag *diag)
{
    int status = -1;
    pid_t pid;

    fflush(stdout);
    fflush(stderr);
    pid = fork();
    if (!pid) {
        r->halt_at = there;
        p->differs = go_on_to_end(r, ABREAST_ON) == ABREAST_DIFFERENT;
        p->seen = r->ops->insns(r->who);
        _exit(0);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && !status
               ? STATUS_OK
               : diag_set(diag, STATUS_HOST_FAILED, "a process to try: %s",
                          strerror(errno));
}

/* They are abreast at `known`, and differ at `high`: where first?  Each try
 * begins with copies of both. */
static enum status halve(struct run *r, uint64_t high, struct diag *diag)
{
    uint64_t low = r->known;
    enum status st = STATUS_OK;
    struct probe *p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory");
    while (!st && high - low > 1) {
        uint64_t there = low + (high - low) / 2;

        st = try_there(r, there, p, diag);
        if (p->differs)
            high = min_u64(p->seen, high);
        else
            low = there;
    }
    munmap(p, sizeof(*p));
    r->halt_at = high;
    return st;
}

static enum status find_by_halving(struct run *r, uint64_t high,
                                   struct diag *diag)
{
    enum abreast_step step = ABREAST_ON;

    r->step_from = UINT64_MAX;
    r->good = 0;
    r->halt_at = r->known;
    enum status st = begin(r, &step, diag);
    if (st)
        return st;
    step = go_on_to_end(r, step);
    if (step == ABREAST_ON)
        st = halve(r, high, diag);
    if (!st)
        step = go_on_to_end(r, step);
    finish(r);
    r->result->exact = step == ABREAST_DIFFERENT;
    if (r->result->exact)
        r->certain = r->halt_at - 1;
    return st;
}

/* Run again, closer, until the instruction is known: first from where nothing
 * was left out, then one by one from the last good comparison. */
static enum status narrow(struct run *r, struct diag *diag)
{
    enum abreast_step step = ABREAST_DIFFERENT;
    enum status st = STATUS_OK;
    uint64_t seen;

    r->deep_from = UINT64_MAX;
    if (r->certain != r->good) {
        r->known = r->deep_from = r->certain;
        r->halt_at = r->seen;
        st = run_once(r, &step, diag);
    }
    seen = r->seen;
    if (!st && step == ABREAST_DIFFERENT) {
        r->known = r->step_from = r->good;
        r->halt_at = seen;
        st = run_once(r, &step, diag);
        r->result->exact = step == ABREAST_DIFFERENT;
    }
    if (st || r->result->exact)
        return st;
    return find_by_halving(r, seen, diag);
}

enum status abreast_run(const struct abreast_ops *ops, void *who,
                        const struct abreast_options *options,
                        struct abreast_result *result, struct diag *diag)
{
    struct run r = {.ops = ops,
                    .who = who,
                    .options = options,
                    .result = result,
                    .deep_from = UINT64_MAX,
                    .step_from = UINT64_MAX,
                    .halt_at = UINT64_MAX};
    enum abreast_step step = ABREAST_END;

    *result = (struct abreast_result){0};
    enum status st = run_once(&r, &step, diag);
    result->same = step != ABREAST_DIFFERENT;
    if (!st && !result->same)
        st = narrow(&r, diag);
    result->insns = result->same ? r.seen : r.certain;
    return st;
}
