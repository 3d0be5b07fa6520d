/* The descriptions there are, for the checker's tests. */
#ifndef TESTS_PG_ISA_H
#define TESTS_PG_ISA_H

#include "popek-goldberg/language/isa.h"

enum { PG_MACHINES = 64 };

/* Parse every description below popek-goldberg/isa; a fault fails the test.
 * Returns how many; each is the caller's, for isa_free. */
unsigned pg_machines(struct isa *machines[PG_MACHINES]);

/* The one of this name alone; the caller's, for isa_free. */
struct isa *pg_machine_named(const char *name);

#endif
