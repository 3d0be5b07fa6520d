/* `trapline check --efficiency FILE`: how much of a real run was direct, what
 * the rest cost, and which of its instructions had to trap. */
#ifndef CLI_CHECK_EFFICIENCY_H
#define CLI_CHECK_EFFICIENCY_H

#include "cli/check.h"
#include "cli/efficiency_in.h"

/* Why the monitor got control. */
enum efficiency_cause {
    EFFICIENCY_NEEDED,    /* a sensitive instruction or address: it had to */
    EFFICIENCY_FORCED,    /* an innocuous one that is privileged */
    EFFICIENCY_NEEDLESS,  /* an innocuous one: it did not have to */
    EFFICIENCY_UNKNOWN,   /* one that the described machine does not have */
    EFFICIENCY_EXCEPTION, /* what traps on the bare machine as well */
    EFFICIENCY_MONITOR,   /* the monitor's own reasons: time, storage */
    EFFICIENCY_CAUSES
};

/* A guest's run, reckoned. */
struct efficiency_sums {
    uint64_t exits[EFFICIENCY_CAUSES];
    uint64_t cost_ns, measured; /* of all exits */
    double per_insn;            /* exits per instruction; 0: not counted */
    double ns_direct;           /* of an instruction; 0: not known */
    double exit_cost;           /* of an exit, in instructions; 0: not known */
};

/* Instructions that the hardware executed, with no intervention. */
uint64_t efficiency_direct(const struct efficiency_guest *g);

/* machine: the judged description of the guest's machine, or NULL. */
enum efficiency_cause efficiency_cause(const struct check_subject *machine,
                                       const struct efficiency_row *row);

void efficiency_sum(const struct efficiency *e,
                    const struct efficiency_guest *g,
                    const struct check_subject *machine,
                    struct efficiency_sums *out);

/* Report o->efficiency; what had to trap is derived from s370 where the guests
 * ran on one, else from x86-64.  Takes no machine.  Returns an exit code. */
int check_efficiency(char **argv, const struct check_options *o);

#endif
