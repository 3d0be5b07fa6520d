/* The engine that runs guests in VMX non-root operation of the modelled
 * processor (x86vmm/vtx): on every host, and always in the same way.
 *
 * vm->arch is a struct x86_platform, vcpu->arch a struct x86_state; both are
 * the caller's.  As with /dev/kvm the whole state is there after every exit,
 * and what has changed in it is in force at the next entry, so load_regs has
 * nothing to fetch; store_regs completes the instruction that exited.
 *
 * The monitor is this program: it fills a VMCS and enters.  The guest is
 * unrestricted; EPT maps its storage to the same addresses of the modelled
 * machine, and nothing else; all ports exit, as do HLT, CPUID and MSRs that are
 * not the guest's own.  CR0.NE and CR4.VMXE, which VMX operation fixes, are the
 * monitor's: vcpu->arch has them as the guest sees them.
 *
 * Time.  `ran` counts instructions exactly, and a tick is one.  When the budget
 * is used the host's timer interrupts, which exits (EXIT_TIMER, or EXIT_STEP).
 *
 * Where an exit left the guest.  At the instruction; a handler that advances
 * makes the guest go on as if it had been executed with the answer that the
 * handler gave.  Strings come in portions: as many elements of REP INS as fit
 * in its page, in 1 KiB and in the budget; one of REP OUTS, whose insn_len is
 * then 0.  Each element is a tick, as on the bare processor.
 *
 * A trace on this engine and one on /dev/kvm are the same, byte for byte, but
 * for
 *   the number of instructions, which KVM counts only when stepping;
 *   CPUID, which KVM answers by itself unless stepping;
 *   where a store to a device began, which KVM tells only when stepping;
 *   flags that the SDM leaves undefined (AF after a shift), RF at a shutdown
 *     and between two elements of a string;
 *   REP INS, stepped: here an element is a step; KVM does a portion at once,
 *     and finds it done in a step that it tells of as the next instruction's;
 *   STI, which KVM on AMD-V steps over together with what its shadow holds;
 *   the instruction behind an IRET, which KVM steps over together with it;
 *   EXIT_SETTLED, which KVM does by itself and does not tell;
 *   names of exits that no instruction makes (KVM_EXIT_SHUTDOWN,
 *     VMX_EXIT_TRIPLE_FAULT), and EXIT_TIMER, the host's time there.
 *
 * Devices in storage.  An EPT violation says where, not what: the instruction
 * is executed by the processor outside the guest, with its own storage and with
 * devices that write down the first access that nobody has answered and then
 * let nothing more happen.  That is the exit.  With the handler's answer it
 * is executed again from its start, until no question is left.
 *
 * What is settled.  Where VMX operation wants an exit of which a monitor has
 * nothing to decide (CR0.NE, a task switch, VMXON in a guest, x87 errors with
 * CR0.NE off), the instruction is executed outside, too, and EXIT_SETTLED tells
 * of it.  A watched guest (struct x86_platform) leaves for all else that the
 * controls allow and for its exceptions, which come as EXIT_TRAP.
 *
 * Nested.  A guest that is told so (struct x86_own_vtx) has VT-x of its own:
 * VMX instructions exit as EXIT_SENSITIVE, and their handler has them executed;
 * VMLAUNCH and VMRESUME go on as its guest, whose state vcpu->arch then is.  An
 * exit of that one which is for the guest is an EXIT_TRAP that is reflected; an
 * EPT violation that only our shadow of its tables has made, an EXIT_SETTLED
 * (nested.h).
 *
 * Hypercalls.  VMCALL, and OUT of EAX to X86_PORT_HYPERCALL. */
#ifndef X86VMM_ENGINE_ENGINE_VTX_H
#define X86VMM_ENGINE_ENGINE_VTX_H

#include "monitor/engine.h"

extern const struct engine_ops engine_vtx;

#endif
