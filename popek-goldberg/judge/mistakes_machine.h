/* The slips of a whole description. */
#ifndef POPEK_GOLDBERG_JUDGE_MISTAKES_MACHINE_H
#define POPEK_GOLDBERG_JUDGE_MISTAKES_MACHINE_H

#include "popek-goldberg/judge/decide.h"
#include "popek-goldberg/judge/mistake.h"

void pg_find_machine_mistakes(const struct pg_judgement *j,
                              struct pg_mistakes *out);

#endif
