/* The set diagram in the language of Graphviz (dot(1), "DOT language"). */
#ifndef POPEK_GOLDBERG_REPORT_DOT_H
#define POPEK_GOLDBERG_REPORT_DOT_H

#include "popek-goldberg/judge/decide.h"

#include <stdio.h>

/* One graph: a box for each set, in it the names of the encodings that it has,
 * grouped by how they are sensitive. */
void pg_report_dot(FILE *to, const struct pg_judgement *j, enum pg_reading r);

#endif
