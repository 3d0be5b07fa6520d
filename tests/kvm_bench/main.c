/* Exits a second on /dev/kvm: of our monitor's loop, beside a bare loop around
 * the ioctl KVM_RUN that does nothing with them; the same guest, in turns.
 *
 *   build/kvm-bench [ROUNDS]
 *
 * Ends with 0 when ours takes at most 1.1 times as long, with nobody listening
 * to its trace; 77 where there is no usable /dev/kvm. */
#include "tests/kvm_bench/bare.h"

#include "cli/vmm_x86.h"
#include "monitor/dispatcher.h"
#include "x86vmm/engine/engine_kvm.h"

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
    struct trace *trace; /* of ours */
    struct x86_vmm *vmm;
    struct vm *vm;
    struct kvm_bare bare;
    double times[ROUNDS_MAX]; /* of each round, seconds an exit */
};

static bool fail(const char *why)
{
    fprintf(stderr, "kvm-bench: %s\n", why);
    return false;
}

static bool start_ours(struct side *s, const struct kvm_bench_guest *g)
{
    struct diag d = {""};

    if (x86_vmm_probe(&engine_kvm, g->mode, &d))
        return fail(d.text);
    s->vmm = x86_vmm_new(&engine_kvm, POOL, s->trace, &d);
    s->vm = s->vmm ? x86_vmm_add(s->vmm, "bench", g->mode, POOL / 2, &d) : NULL;
    if (!s->vm || x86_vm_load(s->vm, g->code, g->size, &d))
        return fail(d.text);
    return true;
}

static bool run_ours(struct side *s, unsigned exits)
{
    volatile bool interrupted = false;
    size_t count;
    struct vm **vms = x86_vmm_vms(s->vmm, &count);
    uint64_t before = s->vm->vcpu.exits;

    /* The host's clock ends a run early: an EXIT_TIMER uses what is left. */
    while (s->vm->state == VM_READY && s->vm->vcpu.exits - before < exits) {
        s->vm->stop_after =
            s->vm->vcpu.insns + exits - (s->vm->vcpu.exits - before);
        vmm_run(vms, count, &interrupted);
    }
    return s->vm->state == VM_READY || fail(s->vm->diag.text);
}

static bool run(struct side *s, unsigned exits, double *spent)
{
    double t = now();
    bool ran = s->vmm ? run_ours(s, exits)
                      : kvm_bare_run(&s->bare, exits) || fail(s->bare.why);

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

/* Is the second good enough beside the first?  Whatever else the host does can
 * only add to a round: the fastest tells of the loops. */
static bool report(const char *what, struct side *sides, unsigned count,
                   unsigned rounds)
{
    const double *bare = sides[0].times;

    printf("%-33s exits/s, fastest (median) of %u rounds\n", what, rounds);
    for (unsigned i = 0; i < count; i++)
        qsort(sides[i].times, rounds, sizeof(*bare), by_size);
    for (unsigned i = 0; i < count; i++) {
        const double *t = sides[i].times;

        printf("  %-30s %8.0f (%8.0f): %5.2f (%5.2f) times the bare loop's "
               "cost\n",
               sides[i].name, 1 / t[0], 1 / t[rounds / 2], t[0] / bare[0],
               t[rounds / 2] / bare[rounds / 2]);
    }
    return sides[1].times[0] <= ALLOWED * bare[0];
}

/* One guest on all sides; 0, 1 (too slow), 77 or 2. */
static int bench(const struct kvm_bench_guest *g, unsigned rounds)
{
    static struct trace_ledger ledger;
    static struct side sides[3];
    struct trace trace = {0};
    int code = 2;

    trace_ledger_init(&ledger);
    trace_attach(&trace, &ledger.sink);
    sides[0] = (struct side){.name = "bare loop around KVM_RUN"};
    sides[1] = (struct side){.name = "our loop"};
    sides[2] =
        (struct side){.name = "our loop, exits in the ledger", .trace = &trace};
    if (!kvm_bare_start(&sides[0].bare, g)) {
        printf("%s: skipped: %s\n", g->name, sides[0].bare.why);
        code = SKIPPED;
    } else if (start_ours(&sides[1], g) && start_ours(&sides[2], g) &&
               measure(sides, ARRAY_LEN(sides), KVM_BENCH_EXITS, rounds)) {
        code = report(g->name, sides, ARRAY_LEN(sides), rounds) ? 0 : 1;
    }
    kvm_bare_end(&sides[0].bare);
    x86_vmm_free(sides[1].vmm);
    x86_vmm_free(sides[2].vmm);
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
