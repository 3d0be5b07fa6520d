/* Assembler instructions. */
#ifndef S370_ASM_DIRECTIVE_H
#define S370_ASM_DIRECTIVE_H

#include "s370/asm/state.h"

/* The row of the operation (upper case), or NULL. */
const struct directive *directive_find(const char *op);

/* Try again to define EQUs whose expressions were not defined when they came;
 * true when one more is. */
bool directive_equ_again(struct assembly *a, struct statement *st);

#define DIRECTIVE(name, pass1, pass2)                                 \
    void directive_##pass1(struct assembly *a, struct statement *st); \
    void directive_##pass2(struct assembly *a, struct statement *st);
#include "s370/asm/directive.def"
#undef DIRECTIVE

#endif
