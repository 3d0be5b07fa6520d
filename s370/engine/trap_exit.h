/* From the real machine's interruption to the neutral exit record. */
#ifndef S370_ENGINE_TRAP_EXIT_H
#define S370_ENGINE_TRAP_EXIT_H

#include "s370/engine/engine_trap.h"

/* May the guest's PSW be entered at all?  If not, *x is the exit. */
bool trap_exit_enterable(struct vcpu *v, struct vm_exit *x);

/* Fill in *x (x->ran is set already) for how s370_run ended, and the guest's
 * instruction address as monitor/engine.h demands.  fault: the real CPU has
 * nullified the instruction for want of a translation, and in->code is what
 * the guest has earned by it. */
void trap_exit_describe(struct vcpu *v, const struct s370_interruption *in,
                        bool fault, struct vm_exit *x);

#endif
