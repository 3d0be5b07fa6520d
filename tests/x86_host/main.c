/* Random instructions on the modelled x86 processor and on this host's own.
 *
 *   build/x86-host-oracle [--cases N] [--float N] [--seed N] [--tell N]
 *
 * --cases: integer instructions, --float: x87, MMX and SSE, each by itself.
 *
 * Exit status: 0 no difference, 1 differences, 2 usage, 77 not on this host. */
#include "tests/x86_host/compare.h"
#include "tests/x86_host/float.h"
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

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int skipped(const char *why)
{
    printf("SKIPPED: the host's processor beside ours: %s\n", why);
    return 77;
}

static int compare_integers(uint64_t seed, uint64_t cases, uint64_t words)
{
    struct host_count count;
    double begin = now();
    const char *why = host_compare(seed, cases, (unsigned)words, &count);

    if (why)
        return skipped(why);
    report(&count, now() - begin);
    return count.differences != 0;
}

static int compare_floats(uint64_t seed, uint64_t cases, uint64_t words)
{
    struct float_count n;
    double begin = now();
    const char *why = float_compare(seed, cases, (unsigned)words, NULL, &n);

    if (why)
        return skipped(why);
    printf("%" PRIu64 " cases of %u instructions of x87, MMX and SSE, %" PRIu64
           " of them exceptions; of %" PRIu64 " functions %" PRIu64
           " one unit off the host's; %" PRIu64 " differences, %.0f s\n",
           n.cases, n.rows, n.faults, n.near + n.exact, n.near, n.differences,
           now() - begin);
    return n.differences != 0;
}

int main(int argc, char **argv)
{
    uint64_t cases = 0, floats = 0, seed = 1, words = 10;
    int status = 0;

    for (int i = 1; i < argc; i += 2) {
        uint64_t *to = !strcmp(argv[i], "--cases")   ? &cases
                       : !strcmp(argv[i], "--float") ? &floats
                       : !strcmp(argv[i], "--seed")  ? &seed
                       : !strcmp(argv[i], "--tell")  ? &words
                                                     : NULL;

        if (!to || i + 1 == argc) {
            fprintf(stderr,
                    "usage: %s [--cases N] [--float N] [--seed N] [--tell N]\n",
                    argv[0]);
            return 2;
        }
        *to = strtoull(argv[i + 1], NULL, 0);
    }
    if (!cases && !floats)
        cases = floats = 1000000;
    if (cases)
        status = compare_integers(seed, cases, words);
    if (floats && status != 77)
        status |= compare_floats(seed, floats, words);
    return status;
}
