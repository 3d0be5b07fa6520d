#include "x86vmm/exit/isa.h"
#include "x86vmm/machine/cpuid.h"

/* CPUID: the profile's leaf, as on the bare PC but for what tells of the
 * monitor.  The upper halves of the registers are cleared (Intel SDM vol. 2,
 * CPUID). */
EXIT_PATH enum verdict vm_cpuid(struct vcpu *v, struct vm_exit *x)
{
    const struct x86_platform *p = x86_platform(v);
    struct x86_state *s = x86_state(v);
    const struct x86_cpuid_world world = {
        .vendor = p->vendor,
        .apic = p->apic && (p->apic_base & X86_APIC_ENABLED),
        .monitor = !p->hides_monitor,
        .vtx = p->own.instruction != NULL,
        .wide = x86_code_bits(s) == 64};
    struct x86_cpuid_row row = x86_cpuid_in((uint32_t)s->gpr[X86_RAX],
                                            (uint32_t)s->gpr[X86_RCX], &world);

    (void)x;
    s->gpr[X86_RAX] = row.eax;
    s->gpr[X86_RBX] = row.ebx;
    s->gpr[X86_RCX] = row.ecx;
    s->gpr[X86_RDX] = row.edx;
    return VERDICT_ADVANCE;
}
