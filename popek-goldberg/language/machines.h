/* The descriptions that are built in: popek-goldberg/isa/NAME.isa. */
#ifndef POPEK_GOLDBERG_LANGUAGE_MACHINES_H
#define POPEK_GOLDBERG_LANGUAGE_MACHINES_H

#include "base/types.h"

struct pg_machine {
    const char *name, *text;
};

/* By name; ended by a NULL name. */
extern const struct pg_machine pg_built_in[];

#endif
