/* The engine that runs guests by VT-x of the processor below.
 *
 * vm->arch is a struct x86_platform, vcpu->arch a struct x86_state.  After an
 * exit RIP, RFLAGS, the general registers but RSP, and what tells the width of
 * code (CS's attributes, EFER) are there; load_regs fetches the rest, RSP with
 * X86_SEG, and only what a handler has declared is written back.
 *
 * Time.  Hardware does not count instructions.  `ran` is 1 for an exit of the
 * guest's; when the VMX-preemption timer ends a turn (EXIT_TIMER), the whole
 * budget counts as used, which is as many cycles of the time-stamp counter.
 *
 * What the monitor must do itself, since hardware tells of it only: completing
 * IN, strings at ports, and writes to CR0 and CR4 (hardware.h); instructions
 * that touch a device in storage, and task switches (emulator.h). */
#ifndef X86VMM_BARE_ENGINE_VMX_H
#define X86VMM_BARE_ENGINE_VMX_H

#include "monitor/engine.h"
#include "x86vmm/machine/cpu.h"
#include "x86vmm/vtx/vmcs.h"

extern const struct engine_ops engine_vmx;

/* The exit that the current VMCS tells of, whose state has been fetched. False:
 * it has been settled, go on.  vmx_exit.c. */
bool vmx_translate_exit(struct vcpu *v, struct vmcs *m, struct vm_exit *x);

/* ---- vmx_software.c ---- q: the exit qualification; len: the length of the
 * instruction, where one is about to. */

/* A task switch; an EPT violation. */
void vmx_task_exit(struct vcpu *v, struct vmcs *m, struct vm_exit *x,
                   uint64_t q, uint64_t len);
void vmx_storage_exit(struct vcpu *v, struct vmcs *m, struct vm_exit *x,
                      uint64_t q, uint64_t len);
/* Of struct emulator. */
void vmx_rest(struct vcpu *v, struct x86_cpu *cpu, bool store);

#endif
