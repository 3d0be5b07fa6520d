/* Machines with a hardware assist: a mode for whole machines, in which the mode
 * that programs see has a duplicate. */
#ifndef POPEK_GOLDBERG_JUDGE_ASSIST_H
#define POPEK_GOLDBERG_JUDGE_ASSIST_H

#include "popek-goldberg/language/isa.h"
#include "popek-goldberg/language/machines.h"

/* Is the built-in machine described from that one, at some remove? */
bool pg_is_like(const struct pg_machine *m, const char *ancestor);

/* The built-in machine that an assisted one was made from, without its assist;
 * NULL: there is none. */
const struct pg_machine *pg_machine_below(const struct isa *isa);

/* The machine with duplicates of mode, base, bound, every resource register
 * and every clock for the guest; the caller's, for isa_free.  NULL: no memory,
 * or no room for so many elements. */
struct isa *pg_make_assisted(const struct isa *isa);

#endif
