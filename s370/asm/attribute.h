/* Attributes of symbols and of macro arguments: T' L' N'. */
#ifndef S370_ASM_ATTRIBUTE_H
#define S370_ASM_ATTRIBUTE_H

#include "s370/asm/state.h"

/* T': O omitted, N a number, M a macro, U not known, or the letter of the
 * symbol's definition, which may stand further down in the open code. */
char attribute_type(struct assembly *a, const char *text, size_t len);
/* L': of the symbol, likewise; 1 when it is not known. */
int32_t attribute_length(struct assembly *a, const char *text, size_t len);
/* N': operands of a sublist (a,b,c); 1 for anything else, 0 for nothing. */
int32_t attribute_count(const char *text, size_t len);

/* Order of two texts of equal length as EBCDIC has it. */
int attribute_compare(const char *v, const char *w, size_t len);

#endif
