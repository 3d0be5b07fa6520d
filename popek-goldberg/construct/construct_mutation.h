/* The mistakes of construct_mutation.def, by name. */
#ifndef POPEK_GOLDBERG_CONSTRUCT_CONSTRUCT_MUTATION_H
#define POPEK_GOLDBERG_CONSTRUCT_CONSTRUCT_MUTATION_H

#include "popek-goldberg/construct/construct_monitor.h"

const char *construct_mutation_name(enum construct_mutation m);
const char *construct_mutation_words(enum construct_mutation m);

/* CONSTRUCT_MUTATIONS when there is none of that name. */
enum construct_mutation construct_find_mutation(const char *name);

/* Is it a mistake about one instruction? */
bool construct_has_target(enum construct_mutation m);

/* Is there anything on this machine, or of this encoding, that the mistake
 * spoils?  Found from the judgement and the description, not by trying. */
bool construct_can_matter(const struct pg_judgement *j,
                          enum construct_technique technique,
                          enum construct_mutation m, unsigned target);

#endif
