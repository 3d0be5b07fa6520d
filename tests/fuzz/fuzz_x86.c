/* Hostile guests on x86, for as long as one likes.
 *
 *     fuzz_x86 [SECONDS [SEED]]
 *
 * Each seed is one program: on both engines of the modelled processor beside
 * the bare one, in long turns, short ones, or stepped; and as a monitor with
 * VT-x and with AMD-V, run beside stepped.  A failure names the seed, and
 * `fuzz_x86 0 SEED` runs that seed alone.  Meant to be built with the
 * sanitizers. */
#include "tests/x86_hostile_monitor.h"
#include "tests/x86_hostile_vm.h"
#include "x86vmm/engine/engine_svm.h"
#include "x86vmm/engine/engine_vtx.h"
#include "x86vmm/machine/op.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SECONDS = 60, INSNS = 3000 };

static bool run_engine(const struct engine_ops *engine, uint64_t seed)
{
    static const uint64_t slices[] = {1000000, 7, 1};
    char words[HOSTILE_WORDS] = "";

    if (hostile_vm_alike(engine, seed, INSNS, slices[seed % 3], words))
        return true;
    printf("seed %llu, %s: %s\n", (unsigned long long)seed, engine->name,
           words);
    return false;
}

static bool run_monitor(bool svm, uint64_t seed)
{
    char words[HOSTILE_MONITOR_WORDS] = "";

    if (hostile_monitor_alike(svm, seed, INSNS, words))
        return true;
    printf("seed %llu, a monitor with %s: %s\n", (unsigned long long)seed,
           svm ? "AMD-V" : "VT-x", words);
    return false;
}

static bool run_inner(uint64_t seed)
{
    static const uint64_t slices[] = {1000000, 7, 1};
    char words[HOSTILE_WORDS] = "";

    if (hostile_inner_alike(seed, INSNS, slices[seed % 3], words))
        return true;
    printf("seed %llu, a monitor under ours: %s\n", (unsigned long long)seed,
           words);
    return false;
}

static unsigned run_seed(uint64_t seed)
{
    return !run_engine(&engine_vtx, seed) + !run_engine(&engine_svm, seed) +
           !run_monitor(false, seed) + !run_monitor(true, seed) +
           !run_inner(seed);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : SECONDS;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 0) : 1, seed = first;
    time_t end = time(NULL) + (time_t)seconds;
    unsigned failed = 0;

    if (!x86_op_decode_available()) {
        printf("SKIPPED: %s\n", X86_NO_DECODER);
        return 0;
    }
    do
        failed += run_seed(seed++);
    while (time(NULL) < end && failed < 20);
    printf("%llu programs from seed %llu, %u failed\n",
           (unsigned long long)(seed - first), (unsigned long long)first,
           failed);
    return failed != 0;
}
