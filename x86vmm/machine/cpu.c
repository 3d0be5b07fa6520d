#include "x86vmm/machine/cpu.h"

#include "x86vmm/machine/access.h"
#include "x86vmm/machine/assist.h"
#include "x86vmm/machine/code.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/machine/paging.h"

#include <stdlib.h>
#include <string.h>

void x86_set_a20(struct x86_cpu *cpu, bool on)
{
    uint64_t masked = on ? 0 : UINT64_C(1) << 20;

    if (masked == cpu->masked)
        return;
    cpu->masked = masked;
    x86_tlb_flush(cpu, true);
    cpu->code_stale = true;
}

void x86_cpu_reset(struct x86_cpu *cpu)
{
    x86_state_power_on(&cpu->state);
    cpu->flags.lazy = false;
    memset(&cpu->fpu, 0, sizeof(cpu->fpu));
    memset(cpu->xmm, 0, sizeof(cpu->xmm));
    memset(cpu->dr, 0, sizeof(cpu->dr));
    cpu->fpu.control = 0x40;
    cpu->fpu.tag = 0x5555;
    cpu->mxcsr = 0x1F80;
    cpu->dr[6] = X86_DR6_ONES;
    cpu->dr[7] = X86_DR7_ONE;
    cpu->nmi_pending = cpu->nmi_blocked = cpu->halted = false;
    cpu->debugctl = 0;
    cpu->shadow = cpu->shadow_ss = false;
    cpu->debug_hits = 0;
    cpu->repeats_at = X86_NO_REPEAT;
    x86_msrs_reset(cpu->msrs);
    if (cpu->assist)
        cpu->assist->reset(cpu);
    x86_tlb_flush(cpu, true);
    x86_mode_changed(cpu);
}

enum status x86_cpu_init(struct x86_cpu *cpu, const struct x86_world *world)
{
    memset(cpu, 0, sizeof(*cpu));
    cpu->world = *world;
    x86_tlb_init(cpu);
    cpu->code = x86_code_new();
    cpu->msrs = x86_msrs_new();
    if (!cpu->code || !cpu->msrs) {
        x86_cpu_fini(cpu);
        return STATUS_NO_MEMORY;
    }
    x86_cpu_reset(cpu);
    return STATUS_OK;
}

void x86_cpu_fini(struct x86_cpu *cpu)
{
    x86_code_free(cpu->code);
    free(cpu->msrs);
    cpu->code = NULL;
    cpu->msrs = NULL;
}
