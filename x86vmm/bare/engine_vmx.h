/* The engine that runs guests by VT-x of the processor below.
 *
 * vm->arch is a struct x86_platform, vcpu->arch a struct x86_state.  After an
 * exit RIP, RFLAGS, the general registers, CS, SS and what tells the mode are
 * there; load_regs fetches the rest, and only what a handler has declared is
 * written back.
 *
 * Time.  Hardware does not count instructions.  `ran` is 1 for an exit of the
 * guest's; when the VMX-preemption timer ends a turn (EXIT_TIMER), the whole
 * budget counts as used, which is as many cycles of the time-stamp counter.
 *
 * What the monitor must do itself, since hardware tells of it only: completing
 * IN, strings at ports, instructions that touch a device in storage (emulate.h)
 * and writes to CR0 and CR4.  Task switches are left out: the guest is
 * stopped, and told so. */
#ifndef X86VMM_BARE_ENGINE_VMX_H
#define X86VMM_BARE_ENGINE_VMX_H

#include "monitor/engine.h"
#include "x86vmm/vtx/entry_check.h"

extern const struct engine_ops engine_vmx;

/* The rules of VM entry that a VMCS breaks. */
enum { VMX_BROKEN_MAX = 8 };
struct vmx_broken {
    struct entry_failure rules[VMX_BROKEN_MAX];
    size_t count; /* 0: it could be entered */
};

/* All fields of the vcpu's VMCS, which is current, as the processor has them
 * now: what is wrong, one sentence a line of the console. */
void vmx_explain(struct vcpu *v, struct vmx_broken *broken);

/* With this value in a field: does the processor refuse the entry?  Explained
 * on the console.  The VMCS and the state are then as before. */
bool vmx_try(struct vcpu *v, enum vmcs_field f, uint64_t value,
             struct vmx_broken *broken);
const struct vmcs *vmx_vmcs(const struct vcpu *v);

/* The exit that the current VMCS tells of, whose state has been fetched. False:
 * it has been settled, go on.  vmx_exit.c. */
bool vmx_translate_exit(struct vcpu *v, struct vmcs *m, struct vm_exit *x);

#endif
