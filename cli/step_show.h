/* The steps of a walk: on a terminal one at a time, forwards and back; else
 * all of them, one after the other. */
#ifndef CLI_STEP_SHOW_H
#define CLI_STEP_SHOW_H

#include "popek-goldberg/witness/walk.h"

/* An exit code. */
int step_show(const struct pg_walk *walk);

#endif
