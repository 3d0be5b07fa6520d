/* Object code as it comes out of pass 2. */
#ifndef S370_ASM_OBJECT_H
#define S370_ASM_OBJECT_H

#include "s370/asm/state.h"

/* Bytes of the statement at a location of its section. */
void object_put(struct assembly *a, struct statement *st, uint32_t loc,
                const uint8_t *bytes, size_t n);

/* An address constant that holds the address of `target` once. */
void object_relocate(struct assembly *a, const struct section *in, uint32_t loc,
                     unsigned len, const struct section *target, bool negative,
                     bool branch);

#endif
