/* Exits a second of our monitor's loop: on /dev/kvm, beside a bare loop around
 * the ioctl KVM_RUN that does nothing with them, and on the modelled processor;
 * the same guest, in turns.
 *
 *   build/kvm-bench [ROUNDS]
 *
 * Ends with 0 when ours on /dev/kvm takes at most 1.1 times as long, with its
 * exits in a ledger, as `trapline run` has it; 77 where there is no usable
 * /dev/kvm. */
#include "tests/kvm_bench/bare.h"

#include "cli/vmm_x86.h"
#include "monitor/dispatcher.h"
#include "x86vmm/engine/engine_kvm.h"
#include "x86vmm/engine/engine_svm.h"
#include "x86vmm/engine/engine_vtx.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { POOL = 4 << 20, TURN = 400, SKIPPED = 77, ROUNDS_MAX = 20000 };
#define ALLOWED 1.1

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What is measured, on one guest. */
struct side {
    const char *name;
    const struct engine_ops *engine; /* of ours; NULL: the bare loop */
    struct trace *trace;             /* of ours */
    struct x86_vmm *vmm;
    struct vm *vm;
    struct kvm_bare bare;
    double times[ROUNDS_MAX]; /* of each round, seconds an exit */
    double ratio; /* to the bare loop's in the same round: the median */
};

static bool fail(const char *why)
{
    fprintf(stderr, "kvm-bench: %s\n", why);
    return false;
}

static bool start_ours(struct side *s, const struct kvm_bench_guest *g)
{
    struct diag d = {""};

    if (x86_vmm_probe(s->engine, g->mode, &d))
        return fail(d.text);
    s->vmm = x86_vmm_new(s->engine, POOL, NULL, &d);
    s->vm = s->vmm ? x86_vmm_add(s->vmm, "bench", g->mode, POOL / 2, &d) : NULL;
    if (!s->vm || x86_vm_load(s->vm, g->code, g->size, &d))
        return fail(d.text);
    return true;
}

static bool run_ours(struct side *s, unsigned exits)
{
    volatile bool interrupted = false;
    uint64_t before = s->vm->vcpu.exits;

    /* The host's clock ends a run early: an EXIT_TIMER uses what is left. */
    while (s->vm->state == VM_READY && s->vm->vcpu.exits - before < exits) {
        s->vm->stop_after =
            s->vm->vcpu.insns + exits - (s->vm->vcpu.exits - before);
        vmm_run(&s->vm, 1, &interrupted);
    }
    return s->vm->state == VM_READY || fail(s->vm->diag.text);
}

/* The bare loop has no clock that fetches it back: it is spared ours. */
static bool run_bare(struct side *s, unsigned exits)
{
    sigset_t all, before;

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    bool ran = kvm_bare_run(&s->bare, exits);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return ran || fail(s->bare.why);
}

static bool run(struct side *s, unsigned exits, double *spent)
{
    double t = now();
    bool ran;

    if (s->vm)
        s->vm->trace = s->trace;
    ran = s->vm ? run_ours(s, exits) : run_bare(s, exits);
    *spent = (now() - t) / exits;
    return ran;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Short turns, one after the other: what else the host does meets them all. */
static bool measure(struct side *sides, unsigned count, unsigned exits,
                    unsigned rounds)
{
    double ignored;

    for (unsigned i = 0; i < count; i++)
        if (!run(&sides[i], exits, &ignored)) /* to warm up */
            return false;
    for (unsigned r = 0; r < rounds; r++)
        for (unsigned i = 0; i < count; i++)
            if (!run(&sides[i], exits, &sides[i].times[r]))
                return false;
    return true;
}

/* What else the host does meets a round's turns alike, mostly: they are
 * compared with each other, and the median of all rounds tells. */
static double median_ratio(const struct side *s, const struct side *bare,
                           unsigned rounds)
{
    static double ratios[ROUNDS_MAX];

    for (unsigned r = 0; r < rounds; r++)
        ratios[r] = s->times[r] / bare->times[r];
    qsort(ratios, rounds, sizeof(ratios[0]), by_size);
    return ratios[rounds / 2];
}

static void report(const char *what, struct side *sides, unsigned count,
                   unsigned rounds, bool kvm)
{
    printf("%-30s exits/s, fastest (median) of %u rounds%s\n", what, rounds,
           kvm ? "; times the bare loop's cost, median" : "");
    for (unsigned i = 0; i < count; i++)
        sides[i].ratio = median_ratio(&sides[i], &sides[0], rounds);
    for (unsigned i = 0; i < count; i++) {
        struct side *s = &sides[i];

        qsort(s->times, rounds, sizeof(s->times[0]), by_size);
        printf("  %-34s %8.0f (%8.0f)", s->name, 1 / s->times[0],
               1 / s->times[rounds / 2]);
        if (kvm)
            printf("  %6.3f", s->ratio);
        putchar('\n');
    }
}

enum { BARE, KVM, KVM_LEDGER, MODELS, VTX = MODELS, SVM, SIDES };

/* Those that there are, from the first on; how many in *count. */
static bool start(struct side *sides, const struct kvm_bench_guest *g, bool kvm,
                  unsigned *count)
{
    struct diag d = {""};

    if (kvm && !start_ours(&sides[KVM], g))
        return false;
    sides[KVM_LEDGER].vm = sides[KVM].vm; /* one machine, one clock */
    *count = MODELS;
    if (engine_vtx.probe(&d)) { /* this build has no decoder */
        printf("%s: skipped on the models: %s\n", g->name, d.text);
        return true;
    }
    *count = SIDES;
    return start_ours(&sides[VTX], g) && start_ours(&sides[SVM], g);
}

/* One guest on all sides; 0, 1 (too slow), 77 or 2. */
static int bench(const struct kvm_bench_guest *g, unsigned rounds)
{
    static struct trace_ledger ledger;
    static struct side sides[SIDES];
    struct trace trace = {0};
    unsigned count;
    int code = 2;

    trace_ledger_init(&ledger);
    trace_attach(&trace, &ledger.sink);
    sides[BARE] = (struct side){.name = "bare loop around KVM_RUN"};
    sides[KVM] = (struct side){.name = "kvm", .engine = &engine_kvm};
    sides[KVM_LEDGER] =
        (struct side){.name = "kvm, exits in the ledger", .trace = &trace};
    sides[VTX] = (struct side){.name = "vtx", .engine = &engine_vtx};
    sides[SVM] = (struct side){.name = "svm", .engine = &engine_svm};
    bool kvm = kvm_bare_start(&sides[BARE].bare, g);
    unsigned first = kvm ? BARE : MODELS;
    if (!kvm)
        printf("%s: skipped on kvm: %s\n", g->name, sides[BARE].bare.why);
    if (start(sides, g, kvm, &count) &&
        measure(sides + first, count - first, KVM_BENCH_EXITS, rounds)) {
        report(g->name, sides + first, count - first, rounds, kvm);
        code = kvm ? sides[KVM_LEDGER].ratio > ALLOWED : SKIPPED;
    }
    kvm_bare_end(&sides[BARE].bare);
    for (unsigned i = KVM; i < SIDES; i++)
        x86_vmm_free(sides[i].vmm);
    return code;
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 3;
    int worst = 0;

    if (!rounds || rounds > ROUNDS_MAX / TURN) {
        fprintf(stderr, "usage: kvm-bench [ROUNDS of 1 to %u]\n",
                ROUNDS_MAX / TURN);
        return 2;
    }
    for (unsigned i = 0; i < kvm_bench_guest_count; i++) {
        int code = bench(&kvm_bench_guests[i], rounds * TURN);

        worst = !worst || (worst == SKIPPED && code) ? code : worst;
    }
    return worst;
}
