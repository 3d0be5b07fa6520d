#include "x86vmm/exit/isa.h"
#include "x86vmm/machine/cpuid.h"

/* CPUID: the profile's leaf.  The upper halves of the registers are cleared
 * (Intel SDM vol. 2, CPUID). */
enum verdict vm_cpuid(struct vcpu *v, struct vm_exit *x)
{
    struct x86_state *s = x86_state(v);
    struct x86_cpuid_row row =
        x86_cpuid_sub((uint32_t)s->gpr[X86_RAX], (uint32_t)s->gpr[X86_RCX]);

    (void)x;
    s->gpr[X86_RAX] = row.eax;
    s->gpr[X86_RBX] = row.ebx;
    s->gpr[X86_RCX] = row.ecx;
    s->gpr[X86_RDX] = row.edx;
    return VERDICT_ADVANCE;
}
