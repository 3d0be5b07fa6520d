/* A modelled x86 processor with tables that are nearly right, and a program of
 * instructions that use them. */
#ifndef TESTS_X86_HOSTILE_H
#define TESTS_X86_HOSTILE_H

#include "tests/x86_system.h"

/* The same for the same seed. */
struct x86_bare *hostile_new(uint64_t seed);
/* Without what some machines cannot keep. */
enum { HOSTILE_BREAKPOINTS = 1 };
struct x86_bare *hostile_without(uint64_t seed, unsigned what);

#endif
