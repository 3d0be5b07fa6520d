/* A modelled x86 processor with tables that are nearly right, and a program of
 * instructions that use them. */
#ifndef TESTS_X86_HOSTILE_H
#define TESTS_X86_HOSTILE_H

#include "tests/x86_system.h"

/* Of a program that begins in protected or virtual-8086 mode: none, or with
 * tables for 4-KiB and large pages, some of them spoiled. */
enum hostile_paging {
    HOSTILE_UNPAGED,
    HOSTILE_PAGED, /* 32-bit paging */
    HOSTILE_PAE,
    HOSTILE_PAGING_COUNT
};

/* Without what some machines cannot keep. */
enum { HOSTILE_NO_BREAKPOINTS = 1 };

/* In a seed: addresses near the ends of things, and strings and wide stores
 * there. */
#define HOSTILE_EDGES (UINT64_C(1) << 62)

/* The same for the same seed. */
struct x86_bare *hostile_new(uint64_t seed, enum hostile_paging paging,
                             unsigned without);
/* In which mode it begins, and at which CPL. */
enum sys_mode hostile_mode(uint64_t seed, unsigned *cpl);
/* Is paging its choice there? */
bool hostile_chooses_paging(uint64_t seed);

#endif
