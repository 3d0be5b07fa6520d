/* All that a guest could see of its x86 processor and its time. */
#ifndef CLI_SIGHT_X86_H
#define CLI_SIGHT_X86_H

#include "cli/pc_machine.h"
#include "x86vmm/machine/msr.h"

#include <stdio.h>

/* What says nothing (the limit of an unusable segment) is made alike. */
struct x86_sight {
    struct x86_state state; /* RFLAGS complete */
    struct x86_fpu fpu;
    struct x86_xmm xmm[16];
    uint32_t mxcsr;
    uint64_t dr[8];
    struct x86_msrs msrs;
    uint64_t debugctl;
    uint64_t ticks, tsc;
    uint64_t lines;      /* of the interrupt controller, raised */
    uint64_t open;       /* 1: takes an interrupt before the next instruction */
    uint64_t nmi_closed; /* 1: an NMI is being handled */
    uint64_t wanted;     /* 1: an interrupt waits for it */
};

/* Of a machine that is between two instructions.  False: an engine that shows
 * less than that. */
bool x86_sight_take(struct x86_sight *s, const struct pc_machine *m);

/* The first difference, in words; false: none.  `names` are the machines'. */
bool x86_sight_differ(const struct x86_sight *a, const struct x86_sight *b,
                      const char *const names[2], char *what, size_t cap);

/* Both side by side, and what was before the instruction that made them differ
 * (NULL: not known): first what has changed or differs, then, several a line,
 * the other registers that matter. */
void x86_sight_print(FILE *to, const struct x86_sight *before,
                     const struct x86_sight *a, const struct x86_sight *b,
                     const char *const names[2]);

#endif
