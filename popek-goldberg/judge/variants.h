/* A machine under sets of repairs: is an encoding critical still?  Each answer
 * is derived from the repaired machine's states once, and kept. */
#ifndef POPEK_GOLDBERG_JUDGE_VARIANTS_H
#define POPEK_GOLDBERG_JUDGE_VARIANTS_H

#include "popek-goldberg/judge/repair.h"

enum { PG_TOGGLES = 64, PG_WORK = 1 << 23 /* some seconds */ };

/* The monitor's part of the switches: 0 left as it is, else the value + 1. */
struct pg_partial {
    uint64_t digit[ISA_ELEMENTS];
};

struct pg_variants {
    const struct isa *isa; /* the caller's */
    /* Repairs of the whole machine but for switches; bit t stands for it. */
    struct pg_repair toggles[PG_TOGGLES];
    unsigned toggle_count;
    uint64_t duplicates; /* those of PG_DUPLICATE */
    /* Those that may make critical what was not: a mode of the guest's own, in
     * which it is not refused what it was, and registers that a monitor held.
     */
    uint64_t upsetting;
    uint64_t matters[ISA_ENCODINGS];  /* those that may change an encoding */
    uint64_t switches[ISA_ENCODINGS]; /* elements that it depends on */
    struct pg_variant *known[ISA_ENCODINGS];
    struct pg_kept_answer *answers[ISA_ENCODINGS];
    struct pg_variant_machine *machines;
    bool failed;   /* no memory: answers mean nothing */
    uint64_t work; /* states looked at, and as much for other steps */
    bool tired;    /* of too much work: what is not known is critical */
};

/* Fails when the scaled machine is too large, or no memory is left. */
MUST_USE enum status pg_variants_open(struct pg_variants *v,
                                      const struct isa *isa, struct diag *d);
void pg_variants_close(struct pg_variants *v);

/* With these toggles, and intercepted in user mode or not, is the encoding
 * sensitive (T3: user sensitive) and not privileged? */
bool pg_variant_critical(struct pg_variants *v, unsigned encoding,
                         uint64_t toggles, bool intercepted,
                         const struct pg_partial *p, unsigned theorem);

/* One more step of a search.  false: stop, it is failed or tired. */
bool pg_variants_work(struct pg_variants *v, uint64_t steps);

/* As pg_repair_find, for several questions about one machine. */
void pg_repair_search(struct pg_variants *v, unsigned theorem,
                      struct pg_repair_plan *plan);

/* Make the change to this copy of the machine.  false: no memory or room. */
MUST_USE bool pg_repair_make(struct isa *isa, const struct pg_repair *r);

#endif
