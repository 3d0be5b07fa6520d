/* Popek and Goldberg's three properties of a monitor (equivalence, resource
 * control, efficiency), for each technique of making virtual machines: which
 * hold on a described machine, and what is against those that do not.  All in
 * the corrected reading. */
#ifndef POPEK_GOLDBERG_JUDGE_PROPERTIES_H
#define POPEK_GOLDBERG_JUDGE_PROPERTIES_H

#include "popek-goldberg/judge/rows.h"

#include <stdio.h>

enum pg_technique {
    PG_TRAP_EMULATE, /* the guest in user mode; the monitor has the traps */
    PG_HYBRID,       /* that, and all of virtual supervisor mode interpreted */
    PG_INTERPRET,    /* every instruction interpreted */
    PG_PATCH,        /* trap and emulate; critical encodings made to trap */
    PG_PARAVIRTUAL,  /* trap and emulate; the guest is written anew */
    PG_ASSIST,       /* trap and emulate in a mode made for whole machines */
    PG_TECHNIQUES
};

enum pg_standing {
    PG_STANDS,     /* it holds */
    PG_STANDS_SET, /* it holds when the monitor sets the switches as the
                    * judgement has it, and fails otherwise */
    PG_FALLS,      /* it fails */
    PG_NOT_DERIVED /* the scaled machine would be too large */
};

enum { PG_METHODS = 10, PG_WORDS_SIZE = 320 };

/* One property of one technique. */
struct pg_cell {
    enum pg_standing standing;
    char why[PG_WORDS_SIZE];    /* a sentence, or "" */
    unsigned failing;           /* how many encodings break it */
    bool breaks[ISA_ENCODINGS]; /* which, of `isa` */
    /* Of the first of them.  PG_STANDS_SET: in another setting.  Not found:
     * it holds, or fails for a reason that no instruction is needed for. */
    unsigned encoding;
    enum pg_proof proof;
    struct pg_witness witness;
};

/* A technique on a machine.  Hardware assist may stand there several times. */
struct pg_method {
    enum pg_technique technique;
    /* Whose instructions these are: the judged machine's, another one's that
     * is built in, or one's that was made from it; its name is in `isa`. */
    const struct isa *isa;
    unsigned setting;         /* of its switches, by the monitor */
    bool enforced;            /* it has switches that a monitor may set */
    bool imagined;            /* the machine is not described, but derived */
    char note[PG_WORDS_SIZE]; /* what it is, and what is not seen; or "" */
    struct pg_cell cell[PG_PROPERTIES];
};

struct pg_properties {
    const struct pg_judgement *j; /* the caller's */
    struct pg_method methods[PG_METHODS];
    unsigned count;
    struct isa *made[PG_METHODS]; /* machines that methods speak of */
    unsigned made_count;
};

/* *out is the caller's, for pg_properties_free, and must not outlive j.
 * Fails, and says so in d, when no memory is left. */
MUST_USE enum status pg_properties_derive(const struct pg_judgement *j,
                                          struct pg_properties **out,
                                          struct diag *d);
void pg_properties_free(struct pg_properties *p);

/* By the words of --technique; PG_TECHNIQUES: there is none of this name. */
enum pg_technique pg_technique_named(const char *word);
extern const char *const pg_technique_words[PG_TECHNIQUES + 1]; /* and NULL */
extern const char *const pg_property_words[PG_PROPERTIES];

/* The report's number of this cell's witness, in this reading; 0: the report
 * has another, or none. */
unsigned pg_cell_row(const struct pg_properties *p, const struct pg_method *m,
                     const struct pg_cell *c, enum pg_reading r);

/* The matrix, a line for each technique, and a line for each cell that does
 * not hold. */
void pg_properties_put(FILE *to, const struct pg_properties *p,
                       enum pg_reading r);

/* One technique in full, with its witnesses. */
void pg_properties_put_technique(FILE *to, const struct pg_properties *p,
                                 enum pg_technique t, enum pg_reading r);

/* A JSON array, an object for each technique. */
void pg_properties_put_json(FILE *to, const struct pg_properties *p,
                            enum pg_reading r);

#endif
