/* Base registers: USING, DROP, and which one reaches an address. */
#ifndef S370_ASM_USING_H
#define S370_ASM_USING_H

#include "s370/asm/expr.h"

/* Find the base register for the address.  False: none reaches it. */
bool using_resolve(const struct assembly *a, const struct value *v,
                   unsigned *base, unsigned *displacement);

/* The same, with a complaint at p that says why not. */
MUST_USE bool using_address(struct scan *s, const char *p,
                            const struct value *v, unsigned *base,
                            unsigned *displacement);

#endif
