/* Generation: from the source to the statements that are assembled. */
#ifndef S370_ASM_GENERATE_H
#define S370_ASM_GENERATE_H

#include "s370/asm/state.h"

/* Generate all statements and give each to pass 1, up to END. */
void generate_all(struct assembly *a);

#endif
