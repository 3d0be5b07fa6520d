/* Random instructions on the modelled x86 processor and on this host's own.
 *
 *   build/x86-host-oracle [--cases N] [--seed N] [--tell N]
 *
 * Exit status: 0 no difference, 1 differences, 2 usage, 77 not on this host. */
#include "tests/x86_host/compare.h"
#include "x86vmm/machine/op.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const names[X86_INSN_COUNT + 1] = {
#define OP(name, priv, body, title) [X86_INSN_##name] = #name,
#include "x86vmm/machine/op.def"
#undef OP
    [X86_INSN_COUNT] = "(bad LOCK)"};

static void report(const struct host_count *n, double seconds)
{
    unsigned kinds = 0, rarest = 0;

    for (unsigned i = 0; i <= X86_INSN_COUNT; i++) {
        if (!n->by_id[i])
            continue;
        if (!kinds++ || n->by_id[i] < n->by_id[rarest])
            rarest = i;
    }
    printf("%" PRIu64 " cases, %" PRIu64 " of them exceptions, %u "
           "instructions (least: %s, %" PRIu64 " cases), %" PRIu64
           " left out, %" PRIu64 " differences, %.0f s, %.0f a second\n",
           n->cases, n->faults, kinds, names[rarest], n->by_id[rarest],
           n->left_out, n->differences, seconds, (double)n->cases / seconds);
}

int main(int argc, char **argv)
{
    uint64_t cases = 1000000, seed = 1, words = 10;
    struct host_count count;
    struct timespec a, b;

    for (int i = 1; i < argc; i += 2) {
        uint64_t *to = !strcmp(argv[i], "--cases")  ? &cases
                       : !strcmp(argv[i], "--seed") ? &seed
                       : !strcmp(argv[i], "--tell") ? &words
                                                    : NULL;

        if (!to || i + 1 == argc) {
            fprintf(stderr, "usage: %s [--cases N] [--seed N] [--tell N]\n",
                    argv[0]);
            return 2;
        }
        *to = strtoull(argv[i + 1], NULL, 0);
    }
    clock_gettime(CLOCK_MONOTONIC, &a);
    const char *why = host_compare(seed, cases, (unsigned)words, &count);
    clock_gettime(CLOCK_MONOTONIC, &b);
    if (why) {
        printf("SKIPPED: the host's processor beside ours: %s\n", why);
        return 77;
    }
    report(&count, (double)(b.tv_sec - a.tv_sec) +
                       (double)(b.tv_nsec - a.tv_nsec) / 1e9);
    return count.differences ? 1 : 0;
}
