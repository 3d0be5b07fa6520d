/* Three answers for each row of the host's probe: what the literature claims,
 * what follows from a description of x86-64, and what was seen.  The second is
 * made here and held against the other two. */
#ifndef POPEK_GOLDBERG_PROBE_AGREE_HOST_H
#define POPEK_GOLDBERG_PROBE_AGREE_HOST_H

#include "popek-goldberg/judge/decide.h"
#include "popek-goldberg/probe/probe_host.h"

/* What is derived of an encoding for user mode. */
enum pg_host_class {
    PG_HOST_UNDESCRIBED,
    PG_HOST_PRIVILEGED, /* in every setting */
    PG_HOST_BY_SETTING, /* traps in the one that a monitor makes, not in all */
    PG_HOST_CRITICAL,   /* sensitive, and does not always trap */
    PG_HOST_IN_BOTH,    /* traps in every state of both modes */
    PG_HOST_INNOCUOUS,
    PG_HOST_CLASSES
};

struct pg_host_answer {
    enum pg_host_class derived;
    bool agrees;     /* with the claim, and with what was seen */
    const char *why; /* why it does not (host_footnotes.def), or NULL */
};

/* answers[i] of rows[i].  derived: of a machine with the encodings that
 * host_insn.def names. */
void pg_host_agree(const struct pg_judgement *derived,
                   const struct pg_host_row *rows, unsigned count,
                   struct pg_host_answer *answers);

/* How many neither agree nor are explained. */
unsigned pg_host_unexplained(const struct pg_host_answer *answers,
                             unsigned count);

/* The rows of host_footnotes.def. */
unsigned pg_host_footnotes(void);

const char *pg_host_class_name(enum pg_host_class derived);

#endif
