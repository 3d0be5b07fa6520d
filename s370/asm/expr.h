/* Expressions (GC33-4010, "Terms and Expressions"). */
#ifndef S370_ASM_EXPR_H
#define S370_ASM_EXPR_H

#include "s370/asm/state.h"

/* Reads an operand field from left to right. */
struct scan {
    struct assembly *a;
    struct statement *st;
    const char *from, *p;          /* the field, and where we are */
    const struct section *section; /* the location counter's value */
    uint32_t loc;
    uint32_t length; /* L' of the leftmost term of the last expression */
    bool quiet;      /* no messages, no cross-reference */
    bool undefined;  /* an expression failed for want of a definition */
    bool used_loc;   /* an expression had a location counter reference */
    unsigned depth;  /* of parentheses */
};

/* Begin at the statement's operand field. */
struct scan scan_begin(struct assembly *a, struct statement *st);

/* Complain at p, unless quiet; false. */
bool scan_fail(struct scan *s, const char *p, const char *fmt, ...)
    PRINTF(3, 4);
/* Take the character, or false. */
bool scan_take(struct scan *s, char c);
/* Complain unless the field is used up. */
bool scan_done(struct scan *s);

/* Self-defining term at p: decimal, X'', B'', C''.  Sets *end; false when
 * there is none, and *wrong says why when there is a bad one. */
bool expr_self_defining(const char *p, int64_t *n, const char **end,
                        const char **wrong);

/* One expression; false after a complaint. */
MUST_USE bool expr_value(struct scan *s, struct value *v);
/* One absolute expression within low..high; `what` names it in messages. */
MUST_USE bool expr_absolute(struct scan *s, const char *what, int64_t low,
                            int64_t high, int64_t *n);

#endif
