/* trapline check MACHINE --construct: the monitor made from the description,
 * beside the bare machine. */
#ifndef CLI_CHECK_CONSTRUCT_H
#define CLI_CHECK_CONSTRUCT_H

#include "base/types.h"

struct check_construct {
    bool given, hybrid, interpret;
    const char *mutate;
    uint64_t seed, programs, level;
    bool seed_given, programs_given, level_given;
};

struct check_options;
int check_construct(char **argv, const struct check_options *o);

#endif
