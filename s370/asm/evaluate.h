/* Expressions and substitution of the macro language (GC33-4010, "Conditional
 * Assembly Instructions"). */
#ifndef S370_ASM_EVALUATE_H
#define S370_ASM_EVALUATE_H

#include "s370/asm/macro.h"

/* What an expression gives; a logical one gives the number 0 or 1. */
struct evaluated {
    bool is_text;
    bool is_quoted; /* text that was written as such: 'a', T'&X */
    int32_t n;
    size_t len;
    char text[SETC_MAX + 1]; /* terminated */
};

/* Reads an operand field of a conditional assembly statement. */
struct eval {
    struct assembly *a;
    struct statement *st;
    const char *from, *p;
    unsigned depth; /* of parentheses: inside, blanks do not count */
};

struct eval eval_begin(struct assembly *a, struct statement *st);

/* One expression of any kind; false after a complaint. */
MUST_USE bool eval_any(struct eval *e, struct evaluated *v);
/* One that must be a number, or text that reads as one. */
MUST_USE bool eval_number(struct eval *e, int32_t *n);

/* Take the variable symbol at e->p, &NAME or &NAME(subscript), by which a SET
 * statement or a declaration names it. */
struct target {
    const char *name;
    size_t len;
    unsigned index; /* 0: no subscript */
};
MUST_USE bool eval_target(struct eval *e, struct target *t);

/* The field with its variable symbols replaced, in the arena; NULL after a
 * complaint. */
const char *eval_substitute(struct assembly *a, struct statement *st,
                            const char *field);

#endif
