/* A lesson: wrong set-ups of a VMCS (wrong.def) or a VMCB (wrong_svm.def), and
 * what the processor and the rules of VM entry say to each. */
#ifndef X86VMM_BARE_WRONG_H
#define X86VMM_BARE_WRONG_H

#include "monitor/allocator.h"
#include "x86vmm/bare/machine.h"

/* True: each was refused, and explained by the rule that its row names.  The
 * machine is made here, for the VMCS's sake. */
bool wrong_try_all(struct machine *m, struct allocator *a, struct diag *d);
/* The same of a VMCB: each explained by that rule.  What the processor does not
 * look at, it enters, and is told of. */
bool wrong_svm_try_all(struct machine *m, struct allocator *a, struct diag *d);

#endif
