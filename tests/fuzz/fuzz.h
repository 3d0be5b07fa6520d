/* One interface for libFuzzer and for the small mutator in fuzz_main.c. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Inputs that mutations start from; the last row is {NULL, 0}. */
struct fuzz_seed {
    const void *bytes;
    size_t len;
};
extern const struct fuzz_seed fuzz_seeds[];

#endif
