/* What in a description looks like a mistake, found in the tree and in what is
 * derived from it; never by anybody's name.
 *
 * Two sorts.  Slips are what nobody can have meant: a guard that never holds,
 * a resource that nothing touches.  Flaws are instructions that spoil the
 * monitor, named by how they do it; where a claim or a list of the description
 * says that they are critical, they are the machine's, and not a mistake.  What
 * is inherited from another machine is not looked at.
 *
 * What is said is true of all states of the scaled machine; that a guard never
 * or always holds, and that an assignment is always overwritten, of some
 * thousand states of the full one as well. */
#ifndef POPEK_GOLDBERG_JUDGE_MISTAKES_H
#define POPEK_GOLDBERG_JUDGE_MISTAKES_H

#include "popek-goldberg/judge/decide.h"
#include "popek-goldberg/judge/mistake.h"

#include <stdio.h>

/* All of them, in the order of their lines.  *out is the caller's, for
 * pg_mistakes_free, whatever is returned; STATUS_NO_MEMORY: not all. */
MUST_USE enum status pg_find_mistakes(const struct pg_judgement *j,
                                      struct pg_mistakes *out);

/* All of them in words, or those of one encoding or mnemonic (NULL: all), below
 * a heading; nothing where there is none. */
void pg_report_mistakes(FILE *to, const struct pg_judgement *j,
                        const char *instruction);

/* A JSON list of them: name, line, instruction (or null), what, why, mend. */
void pg_report_mistakes_json(FILE *to, const struct pg_judgement *j);

#endif
