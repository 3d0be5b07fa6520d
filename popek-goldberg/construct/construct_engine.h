/* What a generated monitor's guest runs on: engines for monitor/engine.h, each
 * of one instruction a turn, so that a lock-step can look at every state.
 *
 * An instruction that completes ends the turn with EXIT_TIMER; no monitor has
 * run then.  A trap is EXIT_SENSITIVE where it says "privileged", EXIT_FAULT
 * where it is a memory trap, else EXIT_TRAP; event.code is its number. */
#ifndef POPEK_GOLDBERG_CONSTRUCT_CONSTRUCT_ENGINE_H
#define POPEK_GOLDBERG_CONSTRUCT_CONSTRUCT_ENGINE_H

#include "popek-goldberg/construct/construct_monitor.h"

/* The described machine itself. */
extern const struct engine_ops construct_engine_real;

/* The virtual machine of another generated monitor (c->outer): a turn is one
 * of that monitor's turns; what it reflects lands here.  To load a PSW is a
 * privileged instruction of this machine, and so an intervention of it. */
extern const struct engine_ops construct_engine_virtual;

#endif
