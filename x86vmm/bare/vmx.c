#include "x86vmm/bare/vmx.h"

#include "base/format.h"
#include "x86vmm/bare/console.h"
#include "x86vmm/bare/cpu.h"
#include "x86vmm/bare/memory.h"
#include "x86vmm/machine/state.h"
#include "x86vmm/vtx/control.h"
#include "x86vmm/vtx/exit.h"

enum { CPUID_VMX = 1 << 5, LOCK = 1, OUTSIDE_SMX = 4 };

/* The pointer to a region is in storage; CF is VMfailInvalid, ZF is
 * VMfailValid. */
#define WITH_POINTER(instruction)             \
    static bool instruction(uint64_t address) \
    {                                         \
        bool fails;                           \
                                              \
        __asm__ volatile(#instruction " %1"   \
                         : "=@ccbe"(fails)    \
                         : "m"(address)       \
                         : "memory");         \
        return !fails;                        \
    }
WITH_POINTER(vmxon)
WITH_POINTER(vmclear)
WITH_POINTER(vmptrld)

bool vmx_announced(void)
{
    uint32_t r[4];

    cpuid(1, r);
    return r[2] & CPUID_VMX;
}

static uint32_t revision(void)
{
    return (uint32_t)rdmsr(VMX_MSR_BASIC) & 0x7FFFFFFF;
}

enum status vmx_on(struct diag *d)
{
    uint64_t feature = rdmsr(VMX_MSR_FEATURE_CONTROL);
    uint32_t *region = memory_pages(1);

    if (!(feature & LOCK)) { /* firmware left it to us */
        feature |= LOCK | OUTSIDE_SMX;
        wrmsr(VMX_MSR_FEATURE_CONTROL, feature);
    }
    if (!(feature & OUTSIDE_SMX))
        return diag_set(d, STATUS_UNSUPPORTED,
                        "firmware has locked VT-x off (IA32_FEATURE_CONTROL is "
                        "%llx)",
                        (unsigned long long)feature);
    write_cr0((read_cr0() | rdmsr(VMX_MSR_CR0_FIXED0)) &
              rdmsr(VMX_MSR_CR0_FIXED1));
    write_cr4((read_cr4() | rdmsr(VMX_MSR_CR4_FIXED0)) &
              rdmsr(VMX_MSR_CR4_FIXED1));
    *region = revision();
    if (!vmxon((uint64_t)region))
        return diag_set(d, STATUS_UNSUPPORTED, "VMXON failed");
    say("VMXON: this is VMX root operation; its region, of revision %x, is at "
        "%llx",
        revision(), (unsigned long long)region);
    return STATUS_OK;
}

void vmx_off(void)
{
    __asm__ volatile("vmxoff");
}

bool vmx_fit_controls(struct vmcs *v, struct diag *d)
{
    bool fine = rdmsr(VMX_MSR_BASIC) & VMX_BASIC_TRUE, fits = true;
    size_t n = 0;

    for (unsigned g = 0; g < VMX_GROUP_COUNT; g++) {
        const struct vmx_group_desc *group = &vmx_groups[g];
        uint64_t can = rdmsr(fine ? group->true_msr : group->msr);
        uint64_t *value = &v->field[group->field];

        *value |= (uint32_t)can;
        uint64_t refused = *value & ~(can >> 32);
        for (size_t i = 0; i < vmx_controls.count; i++) {
            const struct vmx_control_desc *c = &vmx_controls.rows[i];

            if (c->control / 32 == g && (refused >> c->control % 32 & 1))
                n += format(d->text + n, sizeof(d->text) - n, "%s%s_%s",
                            n ? ", " : "this processor lacks ", group->name,
                            c->name);
        }
        fits = fits && !refused;
    }
    return fits;
}

enum status vmx_make_current(uint8_t *region, bool clear, struct diag *d)
{
    if (clear) {
        uint32_t words = revision();

        memcpy(region, &words, sizeof(words));
    }
    if ((clear && !vmclear((uint64_t)region)) || !vmptrld((uint64_t)region))
        return diag_set(d, STATUS_HOST_FAILED, "VMCLEAR or VMPTRLD failed");
    return STATUS_OK;
}

void vmx_forget(uint16_t vpid)
{
    enum { ALL_OF_ONE = 1 };
    const uint64_t what[2] = {vpid, 0};

    __asm__ volatile("invvpid %0, %1"
                     :
                     : "m"(what), "r"((uint64_t)ALL_OF_ONE)
                     : "memory", "cc");
}
