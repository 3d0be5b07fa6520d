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

/* #DB is delivered: what DR6 shows of it.  B0 to B3 are of this one alone, the
 * others pile up. */
void x86_debug_delivered(struct x86_cpu *cpu, uint32_t found);

/* After an instruction: with hits, or `traced` by TF, raise #DB as a trap. */
MUST_USE int x86_debug_trap(struct x86_cpu *cpu, bool traced);

#endif
