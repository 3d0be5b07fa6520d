/* Questions about one instruction that the search for mistakes asks. */
#ifndef POPEK_GOLDBERG_JUDGE_MISTAKES_SCAN_H
#define POPEK_GOLDBERG_JUDGE_MISTAKES_SCAN_H

#include "popek-goldberg/language/isa.h"

/* How the instruction ends, over all scaled states and settings of the
 * switches. */
struct pg_endings {
    bool refused[2];  /* by mode: a privileged-operation trap */
    bool done[2];     /* completes, or is unpredictable */
    bool anything;    /* is unpredictable in user mode */
    bool inverted;    /* refused to the supervisor, done by the user */
    bool wrong_trap;  /* another trap of user mode, where supervisor is done */
    unsigned by;      /* that trap */
    bool takes_mode;  /* from user to supervisor */
    bool leaves_mode; /* from supervisor to user */
};

void pg_look_at_endings(const struct isa *isa, const struct isa_encoding *code,
                        struct pg_endings *out);

/* Is b true in each state in which a is?  NULL is always true.  Looked for in
 * all scaled states, and in some thousand of the full machine; false where the
 * scaled ones are too many. */
bool pg_implies(const struct isa *isa, const struct isa_encoding *code,
                struct isa_expr *a, struct isa_expr *b);

/* Is there a state in which it is true?  Looked for in the same; true where
 * they are too many. */
bool pg_can_hold(const struct isa *isa, const struct isa_encoding *code,
                 struct isa_expr *a);

/* "The mode is user". */
struct isa_expr pg_is_user(void);

#endif
