/* Conditional assembly: SET symbols, branches, MNOTE, COPY, and the ends and
 * beginnings of macros. */
#ifndef S370_ASM_CONDITION_H
#define S370_ASM_CONDITION_H

#include "s370/asm/state.h"

/* Obey the statement if its operation is one of the macro language's. */
bool condition_obey(struct assembly *a, struct statement *st);

#endif
