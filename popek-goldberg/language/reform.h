/* Changes of a described machine: what a description `like` another says, and
 * what a repair would do to the hardware. */
#ifndef POPEK_GOLDBERG_LANGUAGE_REFORM_H
#define POPEK_GOLDBERG_LANGUAGE_REFORM_H

#include "popek-goldberg/language/isa.h"

/* A copy that shares nothing; NULL: no memory.  The caller's, for isa_free. */
struct isa *isa_clone(const struct isa *isa);

/* Each of these is false when no memory is left or the machine has no room for
 * one more element; the machine is then as it was. */

/* In user mode the encoding traps, whatever else it does. */
MUST_USE bool isa_intercept(struct isa *isa, unsigned encoding, unsigned trap);

/* User mode gets its own of this element (mode, base, bound, or what the
 * machine holds): what instructions say of it, they say of a register of the
 * program from here on.  A built-in one stays, untouched by them; the register
 * is a new one of this name, which is not taken yet (NULL: NAME_duplicate).
 * With mode, privileged-operation traps become operand exceptions: it is the
 * program's own mode that refuses. */
MUST_USE bool isa_duplicate(struct isa *isa, unsigned element,
                            const char *name);

/* A privileged-operation trap of the machine; one more when it has none. -1:
 * there is no room. */
int isa_privileged_trap(struct isa *isa);

#endif
