/* Debug registers and what they bring about (Intel SDM vol. 3, "Debug,
 * Branch Profile, TSC ..."). */
#ifndef X86VMM_MACHINE_DEBUG_H
#define X86VMM_MACHINE_DEBUG_H

#include "x86vmm/machine/cpu.h"

#define X86_DR6_BD      0x2000u /* general detect */
#define X86_DR6_BS      0x4000u /* single step */
#define X86_DR6_BT      0x8000u /* task switch */
#define X86_DR6_ONES    0xFFFF0FF0u
#define X86_DR7_GD      0x2000u
#define X86_DR7_ONE     0x400u
#define X86_DR7_ENABLED 0xFFu

/* IA32_DEBUGCTL (SDM vol. 3, "Last Branch, Interrupt, and Exception Recording";
 * AMD APM vol. 2, "Control-Transfer Recording"): branches are recorded; TF
 * traps those only.  A debug exception clears both. */
#define X86_DEBUGCTL_LBR UINT64_C(1)
#define X86_DEBUGCTL_BTF UINT64_C(2)
#define X86_DEBUGCTL_OWN (X86_DEBUGCTL_LBR | X86_DEBUGCTL_BTF)

/* Is a breakpoint of this kind set at all? */
bool x86_debug_watches_code(const struct x86_cpu *cpu);
bool x86_debug_watches_data(const struct x86_cpu *cpu);

/* Before an instruction: an instruction breakpoint at RIP raises #DB, unless
 * RF is set. */
MUST_USE int x86_debug_fetch(struct x86_cpu *cpu);
/* An access to data, or to a port, that will be done: hits are collected in
 * cpu->debug_hits. */
void x86_debug_access(struct x86_cpu *cpu, uint64_t linear, size_t size,
                      bool write);
void x86_debug_port(struct x86_cpu *cpu, unsigned port, unsigned size);

/* ---- Branches ---- to be told of while cpu->debugctl is not 0. */

struct x86_op;
/* This instruction has been executed, without a fault: RIP is still its own,
 * and cpu->next_rip where it goes on.  Was it a branch, then it is recorded;
 * was it none, TF may not trap it (cpu->traced). */
void x86_debug_executed(struct x86_cpu *cpu, const struct x86_op *op);
/* A branch from here to there. */
void x86_debug_record(struct x86_cpu *cpu, uint64_t from, uint64_t to);
/* An exception or interrupt has been delivered, from here; RIP is at its
 * handler. */
void x86_debug_interrupted(struct x86_cpu *cpu, uint64_t from);

/* Does TF trap an instruction that is no branch? */
static inline bool x86_debug_steps(const struct x86_cpu *cpu, uint64_t rflags)
{
    return (rflags & X86_FLAG_TF) && !(cpu->debugctl & X86_DEBUGCTL_BTF);
}

/* #DB is delivered: what DR6 shows of it, if anything.  B0 to B3 are of this
 * one alone, the others pile up. */
void x86_debug_delivered(struct x86_cpu *cpu, uint32_t found);

/* After an instruction: with hits, or `traced` by TF, raise #DB as a trap. */
MUST_USE int x86_debug_trap(struct x86_cpu *cpu, bool traced);

/* Between two instructions: what cpu->debug_hits has is delivered, or leaves a
 * guest.  X86_NEXT: there was nothing. */
MUST_USE int x86_take_debug(struct x86_cpu *cpu);

#endif
