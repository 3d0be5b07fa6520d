#include "x86vmm/machine/msr.h"

#include "x86vmm/machine/assist.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/segment.h"

#include <stdlib.h>

/* IA32_MISC_ENABLE (SDM vol. 4, "Architectural MSRs"): fast strings; automatic
 * thermal control, SpeedStep and its lock, MONITOR, the limit of CPUID, xTPR
 * messages, XD are kept as they are written, and do nothing.  The counters,
 * BTS and PEBS, of which bits 7, 11 and 12 tell, cannot be changed: the first
 * are not there, the others are unavailable. */
#define MISC_OWN   UINT64_C(0x400C50009)
#define MISC_FIXED UINT64_C(0x1880)
enum { MISC_RESET = 0x1801 };

struct x86_msrs *x86_msrs_new(void)
{
    return calloc(1, sizeof(struct x86_msrs));
}

void x86_msrs_reset(struct x86_msrs *m)
{
    *m = (struct x86_msrs){.pat = UINT64_C(0x0007040600070406),
                           .apic_base = X86_APIC_BASE_RESET,
                           .misc_enable = MISC_RESET};
}

uint64_t x86_tsc(const struct x86_cpu *cpu)
{
    uint64_t now = cpu->world.clock ? cpu->world.clock->now : 0;

    return now + (cpu->ran - cpu->ran_told) + cpu->tsc_offset;
}

/* ---- Plain ones ---- what may be written: any 64-bit value, 32 bits, any of
 * which the low 32 bits are kept, a canonical address, nothing. */

enum form { ANY, LOW_32, LOW_KEPT, ADDRESS, FIXED };

/* The register itself, or NULL if it is none of these. */
static uint64_t *plain(struct x86_cpu *cpu, uint32_t index, enum form *form)
{
    switch (index) {
#define MSR_PLAIN(number, name, kind, where, words) \
    case number:                                    \
        *form = kind;                               \
        return &cpu->where;
#define MSR_OWN(number, name, words)
#define MSR_PLATFORM(number, name, words)
#include "x86vmm/machine/msr.def"
#undef MSR_PLAIN
#undef MSR_OWN
#undef MSR_PLATFORM
    default:
        *form = ANY;
        return NULL;
    }
}

static bool has_form(uint64_t value, enum form form)
{
    return form == LOW_32    ? !(value >> 32)
           : form == ADDRESS ? x86_canonical(value)
                             : form != FIXED;
}

int x86_msr_read(struct x86_cpu *cpu, uint32_t index, uint64_t *value)
{
    enum form form;
    int code;
    const uint64_t *at = plain(cpu, index, &form);

    if (UNLIKELY(cpu->assist) &&
        cpu->assist->msr(cpu, index, false, value, &code))
        return code;
    if (at) {
        *value = *at;
        return 0;
    }
    switch (index) {
    case X86_MSR_TSC:
        *value = x86_tsc(cpu);
        return 0;
    case X86_MSR_EFER:
        *value = cpu->state.efer;
        return 0;
    case X86_MSR_PAT:
        *value = cpu->msrs->pat;
        return 0;
    case X86_MSR_MISC_ENABLE:
        *value = cpu->msrs->misc_enable;
        return 0;
    case X86_MSR_DEBUGCTL:
        *value = cpu->debugctl;
        return 0;
    case X86_MSR_APIC_BASE:
        if (!cpu->world.apic)
            return x86_raise_gp(cpu);
        *value = cpu->msrs->apic_base;
        return 0;
    default:
        return x86_platform_msr(index, false, value, &cpu->msrs->mcg_status)
                   ? 0
                   : x86_raise_gp(cpu);
    }
}

/* ---- Those with a meaning ---- */

uint64_t x86_efer_own(const struct x86_cpu *cpu)
{
    return X86_EFER_OWN | (cpu->assist ? cpu->assist->efer : 0);
}

/* LMA is the processor's; LME does not change while paging is on. */
static int write_efer(struct x86_cpu *cpu, uint64_t value)
{
    struct x86_state *s = &cpu->state;
    uint64_t changed = value ^ s->efer;

    if ((value & ~x86_efer_own(cpu)) ||
        ((changed & X86_EFER_LME) && (s->cr0 & X86_CR0_PG)))
        return x86_raise_gp(cpu);
    s->efer = (value & ~X86_EFER_LMA) | (s->efer & X86_EFER_LMA);
    if (changed & X86_EFER_NXE)
        x86_tlb_flush(cpu, true);
    x86_mode_changed(cpu);
    return 0;
}

static int write_pat(struct x86_cpu *cpu, uint64_t value)
{
    if (!x86_pat_is_valid(value))
        return x86_raise_gp(cpu);
    cpu->msrs->pat = value;
    return 0;
}

static int write_debugctl(struct x86_cpu *cpu, uint64_t value)
{
    if (value & ~X86_DEBUGCTL_OWN)
        return x86_raise_gp(cpu);
    cpu->debugctl = value;
    return 0;
}

static int write_apic_base(struct x86_cpu *cpu, uint64_t value)
{
    if (!cpu->world.apic || (value & ~X86_APIC_BASE_OWN))
        return x86_raise_gp(cpu);
    cpu->msrs->apic_base = value | X86_APIC_BSP;
    if (cpu->world.apic_changed)
        cpu->world.apic_changed(cpu->world.who);
    return 0;
}

int x86_msr_write(struct x86_cpu *cpu, uint32_t index, uint64_t value)
{
    enum form form;
    int code;
    uint64_t *at = plain(cpu, index, &form);

    if (UNLIKELY(cpu->assist) &&
        cpu->assist->msr(cpu, index, true, &value, &code))
        return code;
    if (at) {
        if (!has_form(value, form))
            return x86_raise_gp(cpu);
        *at = form == LOW_KEPT ? (uint32_t)value : value;
        return 0;
    }
    switch (index) {
    case X86_MSR_TSC:
        cpu->tsc_offset += value - x86_tsc(cpu);
        return 0;
    case X86_MSR_EFER:
        return write_efer(cpu, value);
    case X86_MSR_PAT:
        return write_pat(cpu, value);
    case X86_MSR_DEBUGCTL:
        return write_debugctl(cpu, value);
    case X86_MSR_MISC_ENABLE:
        if (value & ~(MISC_OWN | MISC_FIXED))
            return x86_raise_gp(cpu);
        cpu->msrs->misc_enable = (value & MISC_OWN) | (MISC_RESET & MISC_FIXED);
        return 0;
    case X86_MSR_APIC_BASE:
        return write_apic_base(cpu, value);
    default:
        return x86_platform_msr(index, true, &value, &cpu->msrs->mcg_status)
                   ? 0
                   : x86_raise_gp(cpu);
    }
}
