/* Expressions and actions of a description, written out again. */
#ifndef POPEK_GOLDBERG_WITNESS_EXPR_WORDS_H
#define POPEK_GOLDBERG_WITNESS_EXPR_WORDS_H

#include "popek-goldberg/language/isa.h"

#include <stdio.h>

/* In the language of the description, with no more parentheses than it needs;
 * constants as their numbers in this scale. */
void pg_put_expression(FILE *to, const struct isa *isa,
                       const struct isa_encoding *code, enum isa_scale scale,
                       const struct isa_expr *e);

/* What it does, without its guard: "gr <- base + a", "trap privileged". */
void pg_put_action(FILE *to, const struct isa *isa,
                   const struct isa_encoding *code, enum isa_scale scale,
                   const struct isa_action *a);

#endif
