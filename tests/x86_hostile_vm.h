/* A hostile program (x86_hostile.h) in a virtual machine, and the same on the
 * bare processor, a pair that is run abreast; or on the bare processor twice,
 * run at once and stepped. */
#ifndef TESTS_X86_HOSTILE_VM_H
#define TESTS_X86_HOSTILE_VM_H

#include "monitor/engine.h"
#include "tests/x86_hostile.h"

enum { HOSTILE_WORDS = 600 };

/* Which program, and where. */
struct hostile_guest {
    const struct engine_ops *engine; /* one of the modelled processor; NULL:
                                      * bare, and stepped */
    uint64_t seed;
    enum hostile_paging paging; /* of programs in protected mode */
    bool monitor;   /* a monitor with VT-x (x86_hostile_monitor.h), not a plain
                     * program; `paging` does not count */
    bool svm;       /* with AMD-V; stepped only */
    bool resumes;   /* such a one that resumes its guest again and again */
    uint64_t insns; /* it ends after so many, if not before */
    uint64_t slice; /* in turns of so many */
    bool disturbed; /* interrupts and NMIs come (x86_hostile_arrival.h) */
};

/* A place where translations are dropped, on both: before the instruction after
 * this one. */
enum hostile_dropped {
    HOSTILE_DROP_ALL, /* also what a guest's own monitor has of second levels,
                       * which only INVEPT drops (Intel SDM vol. 3, 29.4.3.1) */
    HOSTILE_DROP_LINEAR, /* those of linear addresses */
    HOSTILE_DROP_PAGE    /* that of one */
};
struct hostile_drop {
    uint64_t after;
    enum hostile_dropped what;
    uint64_t linear;
};

struct hostile_pair;

/* Where both are as they begin.  Exits the program when there is no memory. */
struct hostile_pair *hostile_pair_new(const struct hostile_guest *g);
/* The same of a program that is there already; the machine is the pair's now.
 */
struct hostile_pair *hostile_pair_of(const struct engine_ops *engine,
                                     struct x86_bare *m, uint64_t slice);
/* And of one on a processor with VT-x. */
struct hostile_monitor;
struct hostile_pair *hostile_pair_of_monitor(const struct engine_ops *engine,
                                             struct hostile_monitor *monitor,
                                             uint64_t slice);
void hostile_pair_free(struct hostile_pair *p);

/* To this instruction on both, dropping translations on the way (`drops` in
 * order; those from `insns` on do not count); then on until what the monitor
 * has still to deliver is delivered.  False: they differ there; words say in
 * what. */
bool hostile_pair_run(struct hostile_pair *p, uint64_t insns,
                      const struct hostile_drop *drops, unsigned count,
                      char words[HOSTILE_WORDS]);

/* Has it been run, and what was to be delivered is so still, or was so for
 * long? Then each #DB meets a breakpoint in its own delivery, for ever or until
 * something else comes. */
bool hostile_pair_between(const struct hostile_pair *p);

/* An interrupt of this vector waits from now on, on both, until it is taken. An
 * NMI, on both.  They may end a HLT. */
void hostile_pair_interrupt(struct hostile_pair *p, int vector);
void hostile_pair_nmi(struct hostile_pair *p);
/* The next one of a guest's arrivals, HOSTILE_ARRIVALS at most: it comes
 * exactly then, even where the two are compared later. */
void hostile_pair_plan(struct hostile_pair *p, uint64_t at, int vector);
/* What is due of a disturbed guest's arrivals when `insns` have been executed,
 * or for a processor that has halted the next one.  False: nothing is. */
bool hostile_pair_arrives(struct hostile_pair *p, uint64_t insns, bool halted);

/* The bare one. */
struct x86_bare *hostile_pair_bare(struct hostile_pair *p);

/* How many translations either has kept that its tables do not say (any more).
 * The pair cannot be run on after that. */
unsigned hostile_pair_stale(struct hostile_pair *p);

/* Is the guest of AMD-V in a shadow that the bare processor has not? */
bool hostile_pair_shadowed(const struct hostile_pair *p);

/* Does the guest of AMD-V use pointers of PAE paging that the bare processor
 * has not loaded again, or refuses, for reserved bits that are set?  `loads`:
 * the instruction does load them; otherwise, where both have the same control
 * registers and task, it has not. */
bool hostile_pair_unchecked(struct hostile_pair *p, bool loads);

#endif
