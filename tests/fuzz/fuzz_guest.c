/* Hostile guests, for as long as one likes.
 *
 *     fuzz_guest [SECONDS [SEED]]
 *
 * Each seed is one guest of each kind: confined beside a peaceful one, and in
 * lockstep with the bare machine.  A failure names the seed and the kind, and
 * `fuzz_guest 0 SEED` runs that seed alone.  Meant to be built with the
 * sanitizers. */
#include "tests/s370_hostile.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SECONDS = 60, CONFINED = 3000, EQUIVALENT = 2000 };

static bool run_kind(uint64_t seed, enum hostile_kind kind)
{
    char words[HOSTILE_WORDS] = "";

    if (hostile_confined(seed, kind, CONFINED, words) &&
        hostile_equivalent(seed, kind, EQUIVALENT, words))
        return true;
    printf("seed %llu, %s: %s\n", (unsigned long long)seed, hostile_names[kind],
           words);
    return false;
}

static unsigned run_seed(uint64_t seed)
{
    unsigned failed = 0;

    for (int kind = 0; kind < HOSTILE_KINDS; kind++)
        failed += !run_kind(seed, (enum hostile_kind)kind);
    return failed;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : SECONDS;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 0) : 1, seed = first;
    time_t end = time(NULL) + (time_t)seconds;
    unsigned failed = 0;

    do
        failed += run_seed(seed++);
    while (time(NULL) < end && failed < 20);
    printf("%llu guests from seed %llu, %u failed\n",
           (unsigned long long)(seed - first) * HOSTILE_KINDS,
           (unsigned long long)first, failed);
    return failed != 0;
}
