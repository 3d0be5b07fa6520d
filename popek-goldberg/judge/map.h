/* f, the map from the states of the bare machine to those of the machine with
 * a monitor in it (Popek and Goldberg 1974, section 5: the standard map). */
#ifndef POPEK_GOLDBERG_JUDGE_MAP_H
#define POPEK_GOLDBERG_JUDGE_MAP_H

#include "popek-goldberg/judge/eval.h"

/* *out = f(... f(*s)), `levels` times: user mode, the monitor's words below
 * (isa->high_core: above) and so many more words of storage, the monitor's
 * values in the resources.  The program's registers, clocks and words are as
 * they were, and so are the switches: what a monitor sets of them is the
 * caller's.  A base that has no room for k more reaches no word, and is mapped
 * to the end of storage.  The two may be the same. */
void pg_map(const struct isa *isa, enum isa_scale scale, unsigned levels,
            const struct isa_state *s, struct isa_state *out);

/* Is it the program's own, so that f carries it as it is? */
bool pg_is_carried(const struct isa *isa, unsigned element);

#endif
