/* Runs a fuzz target without libFuzzer: FUZZ [RUNS [SEED [SECONDS]]], until one
 * of the two is over.  The same seed gives the same inputs on every host. */
#include "tests/fuzz/fuzz.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { INPUT_MAX = 4096 };

static uint64_t state;

static uint32_t next(uint32_t below)
{
    state =
        state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33) % below;
}

/* Change, insert, remove or copy a few bytes; or cut. */
static size_t mutate(uint8_t *bytes, size_t len)
{
    uint32_t at = next((uint32_t)len + 1);
    uint32_t n = 1 + next(8);

    switch (next(6)) {
    case 0:
        if (at < len)
            bytes[at] = (uint8_t)next(256);
        return len;
    case 1:
        if (at < len)
            bytes[at] ^= (uint8_t)(1u << next(8));
        return len;
    case 2:
        if (len + n > INPUT_MAX)
            return len;
        memmove(bytes + at + n, bytes + at, len - at);
        for (uint32_t i = 0; i < n; i++)
            bytes[at + i] = (uint8_t)next(256);
        return len + n;
    case 3:
        if (at + n > len)
            return len;
        memmove(bytes + at, bytes + at + n, len - at - n);
        return len - n;
    case 4:
        if (len < n || at + n > len)
            return len;
        memmove(bytes + at, bytes + next((uint32_t)(len - n) + 1), n);
        return len;
    default:
        return next(8) ? len : at;
    }
}

/* One input, of its own allocation, so that the sanitizer sees a byte too far.
 */
static bool run(const struct fuzz_seed *s)
{
    uint8_t *bytes = malloc(INPUT_MAX), *exact;
    size_t len = s->len;

    if (!bytes || len > INPUT_MAX) {
        free(bytes);
        return false;
    }
    memcpy(bytes, s->bytes, len);
    for (uint32_t n = 1 + next(8); n; n--)
        len = mutate(bytes, len);
    exact = realloc(bytes, len ? len : 1);
    LLVMFuzzerTestOneInput(exact ? exact : bytes, len);
    free(exact ? exact : bytes);
    return true;
}

int main(int argc, char **argv)
{
    unsigned long most = argc > 1 ? strtoul(argv[1], NULL, 0) : 20000, runs;
    time_t seconds = argc > 3 ? (time_t)strtoll(argv[3], NULL, 0) : 0;
    time_t begun = time(NULL);
    unsigned seeds = 0;

    state = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    while (fuzz_seeds[seeds].bytes)
        seeds++;
    for (runs = 0; runs < most; runs++) {
        if (seconds && time(NULL) - begun >= seconds)
            break;
        if (!run(&fuzz_seeds[next(seeds)]))
            return EXIT_FAILURE;
    }
    printf("%lu runs\n", runs);
    return EXIT_SUCCESS;
}
