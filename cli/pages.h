/* How many pages a guest writes: asked of the engine ten times a second of the
 * guest's time, told to the trace as a "mem" line each. */
#ifndef CLI_PAGES_H
#define CLI_PAGES_H

#include "monitor/vm.h"

enum { PAGES_ASKED = 10 /* times a second */ };

/* The reason of these events (base/trace.h, TRACE_MEM); info[0] is the number
 * of pages since the last one. */
extern const char pages_reason[];

/* Begin.  vm->clock counts `second` ticks a second.  STATUS_UNSUPPORTED, with
 * *diag, where the engine does not count. */
MUST_USE enum status pages_begin(struct vm *vm, uint64_t second,
                                 struct diag *diag);

#endif
