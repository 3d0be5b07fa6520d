/* What an instruction does to Popek and Goldberg's definitions, found by
 * looking at every state of the scaled machine. */
#ifndef POPEK_GOLDBERG_JUDGE_CLASSIFY_H
#define POPEK_GOLDBERG_JUDGE_CLASSIFY_H

#include "popek-goldberg/judge/eval.h"

/* Literal: the words of 1974; only memory traps are set aside, and R is
 * (base, bound).  Corrected: all traps are set aside, an operand exception
 * does not spoil "privileged", and a resource register is part of R. */
enum pg_reading { PG_LITERAL, PG_CORRECTED, PG_READINGS };

enum { PG_CONFIGS = 64 }; /* settings of all switches together */

/* Why two results are not what they should be to one another. */
enum pg_why {
    PG_DIFFERS,       /* component differs */
    PG_TRAP_CONTROLS, /* literal: the trap itself swaps mode, base, bound */
    PG_UNPREDICTABLE,
    PG_NO_TRAP,      /* privileged: user mode does not trap */
    PG_TRAPS_TOO,    /* privileged: supervisor mode traps as well */
    PG_HIDDEN,       /* component changes on the bare machine; the monitor,
                      * which keeps the virtual one, is not told */
    PG_SEIZED,       /* component, which is the monitor's, has changed */
    PG_REAL_TRAPS,   /* the bare machine traps, the virtual one does not */
    PG_VIRTUAL_TRAPS /* the virtual machine traps, the bare one does not */
};

/* A component is an element's index, or PG_WORD + a word of the window. */
enum { PG_WORD = ISA_ELEMENTS };

/* Two executions and the first thing that is wrong with them.  For a control
 * sensitive instruction, one and its own outcome. */
struct pg_witness {
    bool found;
    enum pg_why why;
    unsigned component;
    unsigned config; /* the switches' setting of s[0] */
    unsigned weight; /* bits that are not zero; the least one is kept */
    uint64_t operands[ISA_OPERANDS];
    struct isa_state s[2];
    struct isa_result r[2];
};

struct pg_labels {
    bool privileged[PG_READINGS]; /* and not in vain */
    bool vacuous[PG_READINGS];    /* no pair of states speaks either way */
    struct pg_witness unprivileged[PG_READINGS];
    struct pg_witness control[PG_READINGS][2]; /* by the mode of the state */
    struct pg_witness location[2];
    struct pg_witness mode;
    /* It traps in supervisor mode only, and goes on in user mode.  The words
     * of 1974 compare no outcome that traps; but a program that is moved to
     * user mode misses the trap.  Corrected, it is mode sensitive. */
    struct pg_witness alone;
    struct pg_witness leak[2]; /* of a resource register */
    unsigned leaked;           /* its element */
    struct pg_witness less;    /* silently does less in user mode */
    uint64_t states;           /* looked at */
};

/* What a monitor is to keep. */
enum pg_property {
    PG_EQUIVALENCE,
    PG_CONTROL, /* of resources */
    PG_EFFICIENCY,
    PG_PROPERTIES
};

/* The exact criterion: i traps in f(S), or i(f(S)) = f(i(S)).  The witness of
 * each map is the least of those against equivalence and against resource
 * control; these stand in `breaks`. */
struct pg_exact {
    struct pg_witness vm, hybrid, nested;    /* found: it fails */
    struct pg_witness breaks[PG_EFFICIENCY]; /* by property, of vm */
    struct pg_witness hybrid_breaks[PG_EFFICIENCY];
    struct pg_witness stopped; /* i completes in S, and traps in f(S) */
    uint64_t states;
};

/* Which property a witness against the exact criterion breaks. */
enum pg_property pg_breaks(const struct pg_witness *w);

/* How many settings all switches together have. */
unsigned pg_configs(const struct isa *isa);

/* Set all switches of a state as in a setting. */
void pg_set_config(const struct isa *isa, struct isa_state *s, unsigned config);

/* Value of a switch in a setting. */
uint64_t pg_config_value(const struct isa *isa, unsigned config,
                         unsigned element);

/* Can every instruction's space be exhausted?  Otherwise d says which cannot,
 * and what to scale. */
MUST_USE enum status pg_measure(const struct isa *isa, struct diag *d);

/* In one setting; `held`: enforced resources have the monitor's value, to begin
 * with. */
void pg_classify(const struct isa *isa, const struct isa_encoding *code,
                 unsigned config, bool held, struct pg_labels *out);

/* Bare machine in one setting, monitor in another. */
void pg_decide_exact(const struct isa *isa, const struct isa_encoding *code,
                     unsigned config, unsigned monitor, struct pg_exact *out);

bool pg_sensitive(const struct pg_labels *l, enum pg_reading r);
bool pg_user_sensitive(const struct pg_labels *l, enum pg_reading r);

/* Unite the labels of two settings: sensitive in one, privileged in both. */
void pg_unite(struct pg_labels *into, const struct pg_labels *more);
void pg_unite_exact(struct pg_exact *into, const struct pg_exact *more);

#endif
