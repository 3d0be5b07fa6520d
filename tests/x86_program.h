/* Short programs on the modelled x86 processor, for suites. */
#ifndef TESTS_X86_PROGRAM_H
#define TESTS_X86_PROGRAM_H

#include "tests/x86_system.h"

#include <check.h>

/* A machine with the program, ready to run. */
static inline struct x86_bare *sys_ready(enum sys_mode mode, unsigned cpl,
                                         const char *hex)
{
    struct x86_bare *m = sys_new(mode, cpl);

    sys_program(m, hex);
    return m;
}

/* One that has run it to its HLT. */
static inline struct x86_bare *sys_done(enum sys_mode mode, unsigned cpl,
                                        const char *hex)
{
    struct x86_bare *m = sys_ready(mode, cpl, hex);

    ck_assert_int_eq(sys_run(m), X86_HALT);
    return m;
}

static inline uint64_t sys_reg(const struct x86_bare *m, unsigned reg)
{
    return m->cpu.state.gpr[reg];
}

#endif
