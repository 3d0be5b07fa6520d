/* Where the instructions of a judged machine stand among the sets that the
 * theorems speak of: what the pictures, the tables and the comparison share. */
#ifndef POPEK_GOLDBERG_REPORT_SETS_H
#define POPEK_GOLDBERG_REPORT_SETS_H

#include "popek-goldberg/judge/decide.h"

enum pg_region {
    PG_IN_NEITHER,
    PG_IN_PRIVILEGED,    /* and not sensitive */
    PG_IN_BOTH,          /* privileged and sensitive */
    PG_IN_CRITICAL,      /* not privileged, sensitive in supervisor mode */
    PG_IN_USER_CRITICAL, /* not privileged, sensitive in user mode too */
    PG_REGIONS
};

/* Is the premise of theorem PG_T1, PG_T2 or PG_T3 broken by this encoding?
 * What is a monitor's own is against the second only. */
bool pg_spoils(const struct pg_judgement *j, unsigned encoding,
               enum pg_reading r, unsigned theorem);

enum pg_region pg_region_of(const struct pg_labels *l, enum pg_reading r);

/* "innocuous", "privileged and sensitive", "CRITICAL in user mode too", ... */
const char *pg_region_name(enum pg_region region);

/* How it is sensitive, a bit for each way. */
enum {
    PG_BY_CONTROL = 1,
    PG_BY_LOCATION = 2,
    PG_BY_MODE = 4,
    PG_BY_LEAK = 8, /* of a resource register */
    PG_BY_LESS = 16 /* does less in user mode, and does not trap */
};

unsigned pg_ways(const struct pg_labels *l, enum pg_reading r);

enum { PG_WAYS_SIZE = 96 };

/* "control, mode, leak of ie, does less"; "none" for none. */
void pg_ways_words(const struct isa *isa, const struct pg_labels *l,
                   enum pg_reading r, char out[PG_WAYS_SIZE]);

/* The same of a group, with no register named: "control, leak". */
void pg_group_words(unsigned ways, char out[PG_WAYS_SIZE]);

enum { PG_MEMBER_SIZE = 2 * ISA_NAME + 3 };

/* An encoding's name, with the register that it leaks: "SMSW (cr0)". */
void pg_member_words(const struct pg_judgement *j, enum pg_reading r,
                     unsigned encoding, char out[PG_MEMBER_SIZE]);

/* Which property breaks when it runs directly under trap and emulate:
 * "equivalence", "equivalence, resource control", or "none". */
const char *pg_broken_words(const struct pg_exact *x);

/* What is derived of a name in a list of the literature: "critical",
 * "privileged" or "innocuous" of a mnemonic or encoding, or of the one that
 * covers it; or "not described".  Corrected reading. */
const char *pg_listed_words(const struct pg_judgement *j, const char *name);

/* A way of going through a region: its encodings, grouped by their ways.  Put
 * zeros into it before the first step. */
struct pg_region_walk {
    unsigned group;    /* counts those that were begun */
    unsigned encoding; /* where it stands */
    bool opens;        /* it is the first of its group */
    unsigned ways;     /* of the group */
    unsigned leader;   /* its first */
};

/* The next encoding of the region; false: there is none. */
bool pg_walk_region(const struct pg_judgement *j, enum pg_reading r,
                    enum pg_region region, struct pg_region_walk *w);

/* How many encodings stand in a region. */
unsigned pg_region_count(const struct pg_judgement *j, enum pg_reading r,
                         enum pg_region region);

#endif
