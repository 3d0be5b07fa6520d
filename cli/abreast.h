/* Two machines with the same guest, brought abreast again and again and
 * compared, until they differ; for each wing (lockstep.h, lockstep_x86.h).
 *
 * Where they differ, both are made anew and run again, one instruction at a
 * time over the stretch at fault, until the instruction is known.  An exit
 * after each of them may hide what is wrong with a monitor: then the first
 * point at which they differ is looked for by halving, each time with copies of
 * both in a process of their own. */
#ifndef CLI_ABREAST_H
#define CLI_ABREAST_H

#include "base/diag.h"

enum abreast_step {
    ABREAST_ON,       /* they can be compared */
    ABREAST_BETWEEN,  /* not here: one is in the middle of something */
    ABREAST_END,      /* both have ended, in the same way */
    ABREAST_DIFFERENT /* how they go on, or end, differs */
};

struct abreast_ops {
    /* Both, at the start of the guest, the same each time; and away again. */
    enum status (*make)(void *who, struct diag *diag);
    void (*drop)(void *who);
    /* The leader to its next exit, but at most n instructions further; the
     * other one to the same count.  `closely`: the last of them is to be kept
     * for the report, or the first since they could be compared. */
    enum abreast_step (*go)(void *who, uint64_t n, bool closely);
    /* Instructions that both have done. */
    uint64_t (*insns)(const void *who);
    /* Is all the same that the guest could see?  Storage may be left out now
     * and then unless `deep`. */
    bool (*same)(void *who, bool deep);
    /* After how many instructions, at the last, was everything the same for
     * certain?  0 in a new run. */
    uint64_t (*certain)(const void *who);
};

struct abreast_options {
    uint64_t limit;  /* instructions; 0: until the guest ends */
    uint64_t sample; /* compare at least every so many */
    const volatile bool *interrupted; /* NULL: nobody interrupts */
};

struct abreast_result {
    bool same;
    bool cut;       /* at the limit, or by somebody; not ended */
    uint64_t insns; /* over which both were the same */
    uint64_t syncs; /* comparisons made */
    /* The first difference: after instruction number `insns` + 1, or (exact
     * false) somewhere in the `window` instructions after `insns`. */
    bool exact;
    uint64_t window;
};

/* STATUS_OK and the result, or what `make` could not do.  The machines of the
 * last run have been dropped; what they were like is the ops' to keep. */
MUST_USE enum status abreast_run(const struct abreast_ops *ops, void *who,
                                 const struct abreast_options *options,
                                 struct abreast_result *result,
                                 struct diag *diag);

#endif
