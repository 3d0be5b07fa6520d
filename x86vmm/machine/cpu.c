#include "x86vmm/machine/cpu.h"

#include "x86vmm/machine/code.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/machine/paging.h"

#include <stdlib.h>
#include <string.h>

void x86_mode_changed(struct x86_cpu *cpu)
{
    const struct x86_state *s = &cpu->state;
    bool real = x86_real_mode(s), v86 = s->rflags & X86_FLAG_VM;

    cpu->cpl = (uint8_t)(real ? 0 : v86 ? 3 : x86_cpl(s));
    cpu->code_bits = (uint8_t)x86_code_bits(s);
    cpu->stack_64 = cpu->code_bits == 64;
    cpu->stack_32 = s->seg[X86_SS].attr & X86_ATTR_DB;
}

void x86_cpu_reset(struct x86_cpu *cpu)
{
    struct x86_segment *cs = &cpu->state.seg[X86_CS];

    x86_state_reset(&cpu->state);
    cpu->state.cr0 = 0x60000010;
    cs->selector = 0xF000;
    cs->base = 0xFFFF0000;
    cpu->state.rip = 0xFFF0;
    cpu->flags.lazy = false;
    memset(&cpu->fpu, 0, sizeof(cpu->fpu));
    memset(cpu->xmm, 0, sizeof(cpu->xmm));
    memset(cpu->dr, 0, sizeof(cpu->dr));
    cpu->fpu.control = 0x40;
    cpu->fpu.tag = 0x5555;
    cpu->mxcsr = 0x1F80;
    cpu->dr[6] = 0xFFFF0FF0;
    cpu->dr[7] = 0x400;
    cpu->nmi_pending = cpu->nmi_blocked = cpu->shadow = cpu->halted = false;
    x86_msrs_reset(cpu->msrs);
    x86_tlb_flush(cpu, true);
    x86_mode_changed(cpu);
}

enum status x86_cpu_init(struct x86_cpu *cpu, const struct x86_world *world)
{
    memset(cpu, 0, sizeof(*cpu));
    cpu->world = *world;
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
