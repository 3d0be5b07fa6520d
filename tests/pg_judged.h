/* A described machine and what is derived of it, for the checker's tests. */
#ifndef TESTS_PG_JUDGED_H
#define TESTS_PG_JUDGED_H

#include "popek-goldberg/judge/decide.h"

struct pg_judged {
    struct isa *isa;
    struct pg_judgement j;
};

/* Of a description below popek-goldberg/isa, of a text; for pg_judged_free.  A
 * fault fails the test. */
struct pg_judged pg_judged_named(const char *name);
struct pg_judged pg_judged_text(const char *name, const char *text);
/* Of m->isa, which is its own from then on. */
void pg_judged_judge(struct pg_judged *m);
void pg_judged_free(struct pg_judged *m);

/* An encoding's number, and its labels; none of this name fails the test. */
unsigned pg_judged_find(const struct pg_judged *m, const char *name);
const struct pg_labels *pg_judged_labels(const struct pg_judged *m,
                                         const char *name);

/* The kinds of its witnesses, letters in this order: P privileged; C control, L
 * location, K leak of supervisor mode, c l k of user mode; M mode; A traps in
 * supervisor mode only; N does less in user mode; X the exact criterion fails,
 * H the hybrid one. */
enum { PG_JUDGED_KINDS = 12 };
void pg_judged_kinds(const struct pg_judged *m, unsigned encoding,
                     char letters[PG_JUDGED_KINDS + 1]);

#endif
