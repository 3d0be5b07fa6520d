#include "x86vmm/exit/isa.h"
#include "x86vmm/machine/msr.h"

/* RDMSR and WRMSR come here for registers that the engine's processor does not
 * keep for its guest: IA32_APIC_BASE, the revision of microcode and those of
 * machine checks, which are the platform's, those of VT-x, where the guest has
 * it, and those that are not there: "Specifying a reserved or unimplemented MSR
 * address in ECX will also cause a general protection exception" (Intel SDM
 * vol. 2, RDMSR). */

static enum verdict no_such_register(struct vm_exit *x)
{
    x->event = x86_event_gp();
    return VERDICT_REFLECT;
}

static bool is_apic_base(const struct vcpu *v)
{
    return x86_platform(v)->apic &&
           (uint32_t)x86_state(v)->gpr[X86_RCX] == X86_MSR_APIC_BASE;
}

/* Is it one of those, and this value right? */
static bool own_vtx(const struct vcpu *v, bool write, uint64_t *value)
{
    const struct x86_own_vtx *own = &x86_platform(v)->own;

    return own->msr && own->msr(own->who, (uint32_t)x86_state(v)->gpr[X86_RCX],
                                write, value);
}

static bool is_platforms(const struct vcpu *v, bool write, uint64_t *value)
{
    return x86_platform_msr((uint32_t)x86_state(v)->gpr[X86_RCX], write, value,
                            &x86_platform(v)->mcg_status);
}

enum verdict vm_rdmsr(struct vcpu *v, struct vm_exit *x)
{
    struct x86_state *s = x86_state(v);
    uint64_t value = x86_platform(v)->apic_base;

    if (!is_apic_base(v) && !own_vtx(v, false, &value) &&
        !is_platforms(v, false, &value))
        return no_such_register(x);
    s->gpr[X86_RAX] = (uint32_t)value;
    s->gpr[X86_RDX] = value >> 32;
    return VERDICT_ADVANCE;
}

enum verdict vm_wrmsr(struct vcpu *v, struct vm_exit *x)
{
    struct x86_platform *p = x86_platform(v);
    const uint64_t *r = x86_state(v)->gpr;
    uint64_t value = (uint32_t)r[X86_RAX] | r[X86_RDX] << 32;

    if (own_vtx(v, true, &value) || is_platforms(v, true, &value))
        return VERDICT_ADVANCE;
    if (!is_apic_base(v) || (value & ~X86_APIC_BASE_OWN))
        return no_such_register(x);
    p->apic_base = value | X86_APIC_BSP;
    p->cr8 = x86_state(v)->cr8;
    if (p->apic_changed)
        p->apic_changed(p->controller);
    return VERDICT_ADVANCE;
}
