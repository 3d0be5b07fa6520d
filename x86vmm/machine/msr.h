/* Model-specific registers (Intel SDM vol. 4; vol. 3 where one is told of). */
#ifndef X86VMM_MACHINE_MSR_H
#define X86VMM_MACHINE_MSR_H

#include "x86vmm/machine/cpu.h"
#include "x86vmm/machine/platform.h"

enum x86_msr {
#define MSR_PLAIN(number, name, form, where, words) \
    X86_MSR_##name = (int)number,
#define MSR_OWN(number, name, words)      X86_MSR_##name = (int)number,
#define MSR_PLATFORM(number, name, words) X86_MSR_##name = (int)number,
#include "x86vmm/machine/msr.def"
#undef MSR_PLAIN
#undef MSR_OWN
#undef MSR_PLATFORM
};

struct x86_msrs {
    uint64_t star, lstar, cstar, fmask; /* SYSCALL */
    uint64_t kernel_gs_base;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t pat, apic_base, misc_enable, tsc_aux;
    uint64_t mcg_status;
    /* Last-branch records (debug.h). */
    uint64_t branch_from, branch_to, before_from, before_to;
};

struct x86_msrs *x86_msrs_new(void); /* NULL: no memory; freed with free */
void x86_msrs_reset(struct x86_msrs *m);

/* Read, write one; #GP(0) for what is not there, or a reserved bit. */
MUST_USE int x86_msr_read(struct x86_cpu *cpu, uint32_t index, uint64_t *value);
MUST_USE int x86_msr_write(struct x86_cpu *cpu, uint32_t index, uint64_t value);

/* The platform's that are no device's.  Machine checks (SDM vol. 3,
 * "Machine-Check Global Control MSRs"): there is no bank, and none ever comes,
 * but what a program writes of the last one is kept in *status.  Microcode
 * ("Microcode Update Facilities"): a program writes 0 before it asks.  False:
 * no such register, or not this value. */
static inline bool x86_platform_msr(uint32_t index, bool write, uint64_t *value,
                                    uint64_t *status)
{
    enum { RIPV_EIPV_MCIP = 7 };

    if (index == X86_MSR_BIOS_SIGN_ID || (index == X86_MSR_MCG_CAP && !write)) {
        *value = 0;
        return true;
    }
    if (index != X86_MSR_MCG_STATUS || (write && *value > RIPV_EIPV_MCIP))
        return false;
    *(write ? status : value) = *(write ? value : status);
    return true;
}

/* Bits of EFER that this processor has, and those that it has without its part
 * for assistance. */
#define X86_EFER_OWN (X86_EFER_SCE | X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE)
uint64_t x86_efer_own(const struct x86_cpu *cpu);
/* May PAT be this: a memory type in each of its bytes? */
static inline bool x86_pat_is_valid(uint64_t value)
{
    for (unsigned i = 0; i < 64; i += 8) {
        uint64_t type = value >> i & 0xFF;

        if (type > 7 || type == 2 || type == 3)
            return false;
    }
    return true;
}

/* The time-stamp counter: guest time, one tick an instruction, and what WRMSR
 * has added to it. */
uint64_t x86_tsc(const struct x86_cpu *cpu);

#endif
