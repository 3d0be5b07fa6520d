/* Monitors for x86 with one mistake each: in a handler, in how an engine uses
 * VT-x or AMD-V, or in those themselves. */
#ifndef TESTS_X86_MUTANTS_H
#define TESTS_X86_MUTANTS_H

#include "cli/lockstep_x86.h"
#include "x86vmm/engine/model_host.h"
#include "x86vmm/machine/insn.h"

struct x86_mutant {
    const char *name; /* what is wrong, in words */
    bool svm;         /* AMD-V; or VT-x */
    bool debian;      /* only an operating system shows it */
    const char *what; /* how the report of the first difference begins */
    const char *insn; /* how the instruction begins that is named */

    /* What takes the place of the true one; NULL: nothing does. */
    interpreter_fn interpreter; /* of op */
    enum x86_insn op;
    enum verdict (*io)(struct vcpu *v, struct vm_exit *x); /* of ports */
    struct model_ops ops;
};

/* Those that only an operating system shows come last. */
extern const struct x86_mutant x86_mutants[];
extern const size_t x86_mutant_count;

/* The engine, and what x86_lockstep_plan.made is to do, with who = the mutant.
 * One mutant at a time. */
const struct engine_ops *x86_mutant_engine(const struct x86_mutant *m);
void x86_mutant_made(void *who, struct vm *vm);

/* Has it been found and named? */
bool x86_mutant_named(const struct x86_mutant *m,
                      const struct x86_lockstep_report *r);

#endif
