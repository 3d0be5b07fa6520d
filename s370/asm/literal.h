/* Literals: constants that are written where they are used. */
#ifndef S370_ASM_LITERAL_H
#define S370_ASM_LITERAL_H

#include "s370/asm/expr.h"

/* Pass 1: put the literals of the statement's operands into the pool. */
void literal_collect(struct assembly *a, struct statement *st);

/* Pass 2: the literal at s->p, which points behind the equals sign. */
struct literal *literal_take(struct scan *s);

/* Pass 1, at LTORG or END: place the pool's literals at the location counter,
 * those of 8 bytes first, then 4, 2, 1, each a statement of its own. */
void literal_place(struct assembly *a, const struct statement *after);

#endif
