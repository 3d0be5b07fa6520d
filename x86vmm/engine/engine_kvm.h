/* The engine that runs guests on /dev/kvm.
 *
 * vm->arch is a struct x86_platform, vcpu->arch a struct x86_state; both are
 * the caller's.  After an exit all of it is there, but for an exit of a
 * device's (IO, MMIO) to whose trace nobody listens: then X86_SEG and X86_CTL
 * are what load_regs fetches, x->insn is NULL, and x->insn_len 0.  Before every
 * entry what has changed is written back, so there is no store_regs.
 *
 * Time.  KVM does not count instructions.  `ran` is 1 for an exit of the
 * guest's, 0 for one that the host's signals make; exact when stepping.  A
 * guest that makes no exit is fetched back by the host's clock after at most
 * two ticks of KVM_TICK_MS (EXIT_TIMER); its whole budget then counts as used,
 * so that every limit is reached some day.  Guest time on this engine is
 * therefore no measure of work, and a run with an EXIT_TIMER in it cannot be
 * repeated exactly.
 *
 * With vm->host_time, for machines with timers, the clock is the host's: 10 ns
 * a tick, from vm_start.  The next event of the clock fetches the guest back,
 * too.
 *
 * Interrupt controllers are the platform's, asked before each entry; or, if it
 * says outside_irqchip, KVM's in the kernel, with its timer.
 *
 * A breakpoint (vcpu.stops) is the processor's own: debug register 0, which the
 * guest does not see.  A KVM may ignore it: kvm_probe.h, BREAK.
 *
 * Where an exit left the guest.  KVM finishes IN and loads from MMIO only at
 * the next entry, has often finished OUT at the exit, and has always finished
 * a store to MMIO.  The engine hides it: at the exit the pc is x->pc, and a
 * handler that advances makes the guest go on where KVM would.  Of REP OUTS
 * with iterations left, insn_len is 0; REP INS goes on being repeated however
 * far the pc was advanced.  Of a store to MMIO KVM does not tell where the
 * instruction began: unless stepping, x->pc is already the next one and
 * insn_len is 0.
 *
 * CPUID is answered by KVM inside the kernel from the table that this engine
 * gives it (machine/cpuid.def), without features that this host lacks.  When
 * stepping, the engine sees CPUID before it runs and makes it an
 * EXIT_SENSITIVE; HLT, alike, an EXIT_HALT; and it delivers events by itself
 * (machine/deliver.h), so that no instruction of a handler runs unseen.
 *
 * Hypercalls.  KVM keeps VMCALL and VMMCALL for itself.  A guest calls the
 * monitor by OUT of EAX, 32 bits, to port X86_PORT_HYPERCALL: number in EAX,
 * arguments in RBX, RCX, RDX, RSI, result in RAX.
 *
 * A vcpu is used from the thread that made it; only `kick` may come from
 * elsewhere, and from signal handlers.  From the first vcpu on, the process
 * has a handler for the signal SIGRTMIN + 6, which the thread of a vcpu does
 * not block, and which comes every KVM_TICK_MS while the vcpu runs.  A signal
 * of another vcpu's makes an exit (INTERRUPT). */
#ifndef X86VMM_ENGINE_ENGINE_KVM_H
#define X86VMM_ENGINE_ENGINE_KVM_H

#include "monitor/engine.h"

enum { KVM_TICK_MS = 5 };

extern const struct engine_ops engine_kvm;

#endif
