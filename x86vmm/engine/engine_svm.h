/* The engine that runs guests of AMD-V on the modelled processor (x86vmm/svm):
 * on every host, and always in the same way.
 *
 * It is engine_vtx.h with a VMCB in place of the VMCS, and what is said there
 * of state, time, strings, and devices in storage holds here: both are what
 * model_host.h makes of a control structure.  All ports exit, as do HLT, CPUID,
 * VMMCALL and MSRs that are not the guest's own; nested paging maps the guest's
 * storage to the same addresses of the modelled machine, and nothing else.
 * EFER.SVME, which VMRUN demands, is kept from the guest: RDMSR and WRMSR of
 * EFER are executed outside, and no handler is asked; so is what raises #GP,
 * which AMD-V's own instructions do at CPL 3 before they exit.
 *
 * A trace on this engine and one on engine_vtx are the same, byte for byte, but
 * for
 *   names of exits that no instruction makes (SVM_EXIT_SHUTDOWN), and RF there,
 *     which VT-x saves as set where a fault has led to it;
 *   EXIT_SETTLED: VT-x has it of CR0.NE, of task switches and of its own
 *     instructions, AMD-V of EFER, of #GP, of INT1 (where its delivery exits,
 *     EXITINTINFO does not tell it from another #DB) and of its own;
 *   hypercalls: VMMCALL here, VMCALL there; the other one is undefined;
 *   PAE paging's four pointers, which AMD-V with nested paging reads at each
 *     walk, and VT-x, as the bare processor, with CR3;
 *   data breakpoints that wait when the guest is left, in a shadow of MOV SS or
 *     because its stack has one: a VMCB has no field for pending debug
 *     exceptions, and one bit for the shadows of MOV SS and STI. */
#ifndef X86VMM_ENGINE_ENGINE_SVM_H
#define X86VMM_ENGINE_ENGINE_SVM_H

#include "monitor/engine.h"

extern const struct engine_ops engine_svm;

#endif
