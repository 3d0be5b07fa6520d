#include "x86vmm/machine/cpuid.h"
#include "x86vmm/vtx/part.h"

#include <string.h>

/* IA32_FEATURE_CONTROL and the capability MSRs, which cannot be written. */
static bool msr(struct x86_cpu *cpu, uint32_t index, bool write,
                uint64_t *value, int *code)
{
    struct vtx *t = vtx_of(cpu);
    uint64_t v;

    *code = 0;
    if (index == VMX_MSR_FEATURE_CONTROL) {
        if (!write)
            *value = t->feature_control;
        else if (t->feature_control & VTX_FEATURE_LOCK ||
                 (*value & ~(uint64_t)(VTX_FEATURE_LOCK | VTX_FEATURE_VMXON)))
            *code = x86_raise_gp(cpu);
        else
            t->feature_control = *value;
        return true;
    }
    if (!vmx_capability(index, &v))
        return false;
    if (write)
        *code = x86_raise_gp(cpu);
    else
        *value = v;
    return true;
}

/* SDM vol. 3, "Restrictions on VMX Operation". */
static bool may_set(const struct x86_cpu *cpu, unsigned reg, uint64_t value)
{
    const struct vtx *t = vtx_of(cpu);
    bool free = t->in_guest && vmcs_has(t->v, VMX_SECONDARY_UNRESTRICTED_GUEST);
    uint64_t must = reg ? VMX_CR4_FIXED0 : free ? X86_CR0_NE : VMX_CR0_FIXED0;

    return !t->on || (value & must) == must;
}

/* IA32_FEATURE_CONTROL is as firmware leaves it. */
static void init(struct vtx *t)
{
    memset(t, 0, sizeof(*t));
    t->feature_control = VTX_FEATURE_LOCK | VTX_FEATURE_VMXON;
    t->vmxon = t->current = VTX_NONE;
}

void vtx_init_emulated(struct vtx *t)
{
    init(t);
    t->emulated = true;
}

static void reset(struct x86_cpu *cpu)
{
    init(vtx_of(cpu));
    cpu->guest = NULL;
    cpu->watched = false;
}

static void cpuid(const struct x86_cpu *cpu, uint32_t leaf,
                  struct x86_cpuid_row *row)
{
    enum { VMX = 1 << 5 };

    (void)cpu;
    if (leaf == 1)
        row->ecx |= VMX;
}

static const struct x86_assist assist = {.cr4 = VMX_CR4_VMXE,
                                         .instruction = vtx_instruction,
                                         .cpuid = cpuid,
                                         .msr = msr,
                                         .reset = reset,
                                         .may_set = may_set};

void vtx_attach(struct vtx *t, struct x86_cpu *cpu)
{
    cpu->assist = &assist;
    cpu->assistant = t;
    reset(cpu);
}
