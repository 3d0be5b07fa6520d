/* What a description says of its own instructions, in claims, lists, notes. */
#ifndef POPEK_GOLDBERG_JUDGE_MISTAKES_CLAIMS_H
#define POPEK_GOLDBERG_JUDGE_MISTAKES_CLAIMS_H

#include "popek-goldberg/judge/mistake.h"

/* That it is critical: a claim, or a list of the literature. */
bool pg_is_known_critical(const struct isa *isa, unsigned encoding);

/* Anything: then what is unusual of it is meant. */
bool pg_is_vouched_for(const struct isa *isa, unsigned encoding);

/* Adds the claims that cannot both be true, if no `differs` explains it. */
void pg_find_clashes(const struct isa *isa, struct pg_mistakes *out);

#endif
