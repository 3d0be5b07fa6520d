/* Machine instructions: operands to object code. */
#ifndef S370_ASM_ENCODE_H
#define S370_ASM_ENCODE_H

#include "s370/asm/state.h"

/* Find a machine instruction or extended mnemonic (upper case).  *mask: the
 * mask that an extended one stands for, or -1. */
const struct insn_desc *encode_find(const char *op, int *mask);

/* Pass 1: length, alignment, name, literals. */
void encode_pass1(struct assembly *a, struct statement *st);
/* Pass 2: object code. */
void encode_pass2(struct assembly *a, struct statement *st);

#endif
