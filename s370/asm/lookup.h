/* What a variable symbol of the macro language stands for. */
#ifndef S370_ASM_LOOKUP_H
#define S370_ASM_LOOKUP_H

#include "s370/asm/macro.h"

/* A variable symbol's value as text, not copied. */
struct found {
    const char *text;
    size_t len;
    char number[12]; /* text of a SETA or SETB symbol */
};

struct subscripts {
    int32_t n[2];
    unsigned count;
};

/* Does a parenthesis behind this name belong to it as a subscript? */
bool lookup_takes_subscript(struct assembly *a, const char *name, size_t len);

/* The value of &NAME(subscripts); name points behind the ampersand, into the
 * statement.  f->text may point into *f.  False after a complaint. */
MUST_USE bool lookup_variable(struct assembly *a, struct statement *st,
                              const char *name, size_t len,
                              const struct subscripts *sub, struct found *f);

/* Is the name this one (upper case)? */
bool lookup_is_name(const char *name, size_t len, const char *upper);

#endif
