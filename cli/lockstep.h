/* The same guest bare and under the monitor, in lockstep.
 *
 * Popek and Goldberg's equivalence, watched: both machines are brought to the
 * same number of guest instructions and all that the guest could see of them
 * is compared, at every exit and at a sample of the instructions between.
 * Where they differ the instruction is looked for (abreast.h). */
#ifndef CLI_LOCKSTEP_H
#define CLI_LOCKSTEP_H

#include "cli/vmm_s370.h"
#include "s370/machine/machine.h"

#include <stdio.h>

/* One guest on two machines. */
struct lockstep_pair {
    struct s370_machine *bare;
    struct vm *vm;
    void *own; /* whatever the maker keeps with them */
};

/* How a pair comes into being, with its storage loaded and its processors
 * ready to run, the same each time. */
struct lockstep_guest {
    enum status (*make)(void *who, struct lockstep_pair *p, struct diag *d);
    void (*drop)(void *who, struct lockstep_pair *p);
    /* Compare what devices have put out so far; NULL: there is nothing to
     * compare.  Where it differs, say what in words. */
    bool (*same_output)(void *who, const struct lockstep_pair *p, char *words,
                        size_t cap);
    void *who;
};

struct lockstep_options {
    uint64_t limit;  /* instructions; 0: until the guest ends */
    uint64_t sample; /* compare at least every so many; 0: LOCKSTEP_SAMPLE */
    const volatile bool *interrupted; /* NULL: nobody interrupts */
};

enum { LOCKSTEP_SAMPLE = 997, LOCKSTEP_WORDS = 80 };

enum lockstep_end {
    LOCKSTEP_BUDGET,  /* the limit was reached, or somebody interrupted */
    LOCKSTEP_IDLE,    /* the guest waits, and nothing will happen by itself */
    LOCKSTEP_STOPPED, /* it has ended, in a disabled wait or stopped */
    LOCKSTEP_STORM,   /* interruptions without end */
    LOCKSTEP_GAVE_UP  /* the monitor cannot do what the guest asked for;
                       * `what` has its words */
};

struct lockstep_report {
    bool same;
    enum lockstep_end end;
    uint64_t insns; /* over which both were the same */
    uint64_t exits; /* of the virtual machine */
    uint64_t syncs; /* comparisons made */

    /* The first difference: after instruction number `insns` + 1, or (exact
     * false) somewhere in the `window` instructions after `insns`. */
    bool exact;
    uint64_t window;
    char what[LOCKSTEP_WORDS]; /* "GR5", "storage at 001234", "end" */
    uint32_t pc;               /* of the instruction at fault */
    char insn[LOCKSTEP_WORDS]; /* disassembled; of EX also the subject */
    uint16_t op;               /* enum s370_op, of the subject of an EX */
    struct s370_guest_state bare, guest; /* storage of both is gone */
};

/* STATUS_OK and the report, or what `make` could not do. */
MUST_USE enum status lockstep_run(const struct lockstep_guest *g,
                                  const struct lockstep_options *o,
                                  struct lockstep_report *r, struct diag *d);

/* What a bare machine's guest could see, in the same form. */
void lockstep_bare_state(const struct s370_machine *m,
                         struct s370_guest_state *s);

/* The first difference between two states, in words; false: none.  Storage
 * and keys are compared when `storage` is wanted. */
bool lockstep_differ(const struct s370_guest_state *bare,
                     const struct s370_guest_state *guest, bool storage,
                     char *what, size_t cap);

/* For people: the result, and both states side by side. */
void lockstep_print(FILE *to, const struct lockstep_report *r);

#endif
