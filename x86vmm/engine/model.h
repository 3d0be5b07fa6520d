/* The processor behind the engines on the modelled one (engine_vtx,
 * engine_svm), for who wants to see what struct x86_state has not: between two
 * entries it holds the guest's floating point, vectors, debug registers and
 * MSRs. */
#ifndef X86VMM_ENGINE_MODEL_H
#define X86VMM_ENGINE_MODEL_H

#include "monitor/vm.h"
#include "x86vmm/machine/cpu.h"

/* NULL on another engine. */
struct x86_cpu *model_cpu(const struct vcpu *v);
/* Is it a guest of the guest's that runs, of one that is a monitor itself?  Of
 * those engines only. */
bool model_is_inner(const struct vcpu *v);

#endif
