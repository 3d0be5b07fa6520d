/* A lesson: wrong set-ups of a VMCS (wrong.def), and what the processor and the
 * rules of VM entry say to each. */
#ifndef X86VMM_BARE_WRONG_H
#define X86VMM_BARE_WRONG_H

#include "monitor/allocator.h"
#include "x86vmm/bare/machine.h"

/* True: each was refused, and explained by the rule that its row names.  The
 * machine is made here, for the VMCS's sake. */
bool wrong_try_all(struct machine *m, struct allocator *a, struct diag *d);

#endif
