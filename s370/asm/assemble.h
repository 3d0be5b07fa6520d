/* The two passes over generated statements. */
#ifndef S370_ASM_ASSEMBLE_H
#define S370_ASM_ASSEMBLE_H

#include "s370/asm/state.h"

/* Pass 1 for one statement: put it into the listing, find its operation,
 * assign locations. */
void assemble_pass1(struct assembly *a, struct statement *st);
/* After END: literals, sections, deferred EQUs; then pass 2. */
void assemble_finish(struct assembly *a);

#endif
