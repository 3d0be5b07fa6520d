/* Repairs: the smallest set of changes that makes a theorem's premise true. */
#ifndef POPEK_GOLDBERG_JUDGE_REPAIR_H
#define POPEK_GOLDBERG_JUDGE_REPAIR_H

#include "popek-goldberg/judge/decide.h"

#include <stdio.h>

enum pg_repair_kind {
    PG_MAKE_PRIVILEGED, /* index: an encoding.  (Or patch it in the guest.) */
    PG_SET_SWITCH,   /* index: an element, value: what a monitor sets it to */
    PG_NAMED_REPAIR, /* index: one of the description's */
    PG_HIGH_CORE,    /* the monitor at the end of storage */
    PG_DUPLICATE,    /* index: an element of which user mode gets its own */
    PG_REPAIR_KINDS
};

struct pg_repair {
    enum pg_repair_kind kind;
    unsigned index;
    uint64_t value;
};

/* Ordered: those of the whole machine first, then encodings. */
struct pg_repair_set {
    struct pg_repair repairs[ISA_ENCODINGS + ISA_ELEMENTS];
    unsigned count;
};

enum { PG_REPAIR_SETS = 4 }; /* shown of those that are equally small */

struct pg_repair_plan {
    unsigned theorem; /* PG_T1 to PG_T3 */
    bool possible;    /* some set of these repairs does it */
    /* Nothing was left unsearched.  Otherwise, on a machine with very many
     * states or toggles, what is in `sets` does it, and less might. */
    bool proved;
    unsigned smallest; /* repairs in each of the smallest sets; 0: it holds */
    uint64_t total;    /* how many such sets there are */
    unsigned count;    /* of them in `sets` */
    struct pg_repair_set sets[PG_REPAIR_SETS];
};

/* An exact minimum where `proved`, in the corrected reading.  `out` is the
 * caller's, for free().  Fails when the scaled machine is too large or no
 * memory is left. */
MUST_USE enum status pg_repair_find(const struct isa *isa, unsigned theorem,
                                    struct pg_repair_plan **out,
                                    struct diag *d);

/* The machine with these repairs; the caller's, for isa_free.  NULL: no
 * memory, or no room for one more element. */
struct isa *pg_repair_apply(const struct isa *isa,
                            const struct pg_repair_set *set);

/* What holds on a repaired machine when the monitor sets the switches that the
 * set names and leaves the others as the guest has them: derived anew, from all
 * its states in every setting. */
struct pg_repair_verdict {
    bool holds[PG_THEOREMS];
    bool vm, hybrid, nested; /* the exact criterion */
};
void pg_repair_judge(const struct isa *repaired,
                     const struct pg_repair_set *set,
                     struct pg_repair_verdict *out);

/* What was found, what each repair removes, and the verdict on the repaired
 * machine. */
MUST_USE enum status pg_repair_put(FILE *to, const struct pg_judgement *j,
                                   unsigned theorem, struct diag *d);

/* A line for each theorem whose premise fails. */
MUST_USE enum status pg_repair_put_lines(FILE *to, const struct pg_judgement *j,
                                         struct diag *d);

#endif
