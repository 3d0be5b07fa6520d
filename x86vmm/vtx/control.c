#include "x86vmm/vtx/control.h"

const struct vmx_group_desc vmx_groups[VMX_GROUP_COUNT] = {
#define GROUP(name, field, msr, true_msr, default1, words) \
    {VMCS_##field, msr, true_msr, default1, #name, words},
#define CONTROL(group, bit, name, section, words)
#include "x86vmm/vtx/control.def"
#undef GROUP
#undef CONTROL
};

static const struct vmx_control_desc rows[] = {
#define GROUP(name, field, msr, true_msr, default1, words)
#define CONTROL(group, bit, name, section, words) \
    {VMX_##group##_##name, #name, section, words},
#include "x86vmm/vtx/control.def"
#undef GROUP
#undef CONTROL
};
const struct vmx_control_table vmx_controls = {rows, ARRAY_LEN(rows)};

/* The bits of each group's rows, which follow the group's; [0] is nobody's. */
static const uint32_t offered[VMX_GROUP_COUNT + 1] = {0
#define GROUP(name, field, msr, true_msr, default1, words) , 0
#define CONTROL(group, bit, name, section, words)          | 1u << (bit)
#include "x86vmm/vtx/control.def"
#undef GROUP
#undef CONTROL
};

uint32_t vmx_must(enum vmx_group group)
{
    return vmx_groups[group].default1 & ~offered[group + 1];
}

uint32_t vmx_may(enum vmx_group group)
{
    return vmx_groups[group].default1 | offered[group + 1];
}

/* ---- Capabilities ---- */

/* IA32_VMX_BASIC (SDM vol. 3, A.1). */
#define BASIC_WRITE_BACK (UINT64_C(6) << 50)
#define BASIC_INS_OUTS   (UINT64_C(1) << 54) /* what they exit with is told */

/* IA32_VMX_MISC (A.6). */
enum {
    MISC_SAVES_LMA = 1 << 5, /* to IA32E_GUEST: comes with unrestricted guest */
    MISC_ACTIVITY_HLT = 1 << 6,
    MISC_ACTIVITY_SHUTDOWN = 1 << 7
};

/* IA32_VMX_EPT_VPID_CAP (A.10). */
enum {
    EPT_EXECUTE_ONLY = 1 << 0,
    EPT_FOUR_LEVELS = 1 << 6,
    EPT_UNCACHEABLE = 1 << 8,
    EPT_WRITE_BACK = 1 << 14,
    EPT_2_MIB = 1 << 16,
    EPT_1_GIB = 1 << 17,
    EPT_INVEPT = 1 << 20,
    EPT_ACCESSED_DIRTY = 1 << 21,
    EPT_INVEPT_SINGLE = 1 << 25,
    EPT_INVEPT_ALL = 1 << 26,
    EPT_ALL = EPT_EXECUTE_ONLY | EPT_FOUR_LEVELS | EPT_UNCACHEABLE |
              EPT_WRITE_BACK | EPT_2_MIB | EPT_1_GIB | EPT_INVEPT |
              EPT_ACCESSED_DIRTY | EPT_INVEPT_SINGLE | EPT_INVEPT_ALL
};
/* INVVPID, and its four types. */
#define VPID_ALL (UINT64_C(0xF01) << 32)

/* The highest index (bits 9:1) of an encoding, in place (A.9). */
static uint64_t highest_index(void)
{
    uint64_t highest = 0;

    for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++)
        if ((vmcs_fields[i].encoding & 0x3FE) > highest)
            highest = vmcs_fields[i].encoding & 0x3FE;
    return highest;
}

static bool group_capability(uint32_t msr, uint64_t *value)
{
    for (unsigned g = 0; g < VMX_GROUP_COUNT; g++) {
        const struct vmx_group_desc *d = &vmx_groups[g];
        uint64_t may = vmx_may((enum vmx_group)g);

        if (msr != d->msr && msr != d->true_msr)
            continue;
        *value = may << 32 | (msr == d->true_msr ? vmx_must((enum vmx_group)g)
                                                 : d->default1);
        return true;
    }
    return false;
}

bool vmx_capability(uint32_t msr, uint64_t *value)
{
    switch (msr) {
    case VMX_MSR_BASIC:
        *value = VMCS_REVISION | (uint64_t)VMCS_REGION << 32 |
                 BASIC_WRITE_BACK | BASIC_INS_OUTS | VMX_BASIC_TRUE;
        return true;
    case VMX_MSR_MISC:
        *value = VMX_TIMER_SHIFT | MISC_SAVES_LMA | MISC_ACTIVITY_HLT |
                 MISC_ACTIVITY_SHUTDOWN | VMX_CR3_TARGETS << 16;
        return true;
    case VMX_MSR_CR0_FIXED0:
        *value = VMX_CR0_FIXED0;
        return true;
    case VMX_MSR_CR0_FIXED1:
        *value = VMX_CR0_FIXED1;
        return true;
    case VMX_MSR_CR4_FIXED0:
        *value = VMX_CR4_FIXED0;
        return true;
    case VMX_MSR_CR4_FIXED1:
        *value = VMX_CR4_FIXED1;
        return true;
    case VMX_MSR_VMCS_ENUM:
        *value = highest_index();
        return true;
    case VMX_MSR_EPT_VPID_CAP:
        *value = EPT_ALL | VPID_ALL;
        return true;
    default:
        return group_capability(msr, value);
    }
}

/* Of CR4: UMIP LA57, FSGSBASE PCIDE OSXSAVE KL, PKE CET PKS UINTR, LAM_SUP,
 * FRED, and what ours may have. */
#define ANY_CR4 (VMX_CR4_FIXED1 | UINT64_C(0x113FF7FFF))

uint64_t vmx_any_capability(uint32_t msr)
{
    enum { EPT_FIVE_LEVELS = 1 << 7 };
    uint64_t ours = 0;

    for (unsigned g = 0; g < VMX_GROUP_COUNT; g++)
        if (msr == vmx_groups[g].msr || msr == vmx_groups[g].true_msr)
            return UINT64_C(0xFFFFFFFF) << 32 | vmx_must((enum vmx_group)g);
    vmx_capability(msr, &ours);
    if (msr == VMX_MSR_CR4_FIXED1)
        return ANY_CR4;
    return msr == VMX_MSR_EPT_VPID_CAP ? ours | EPT_FIVE_LEVELS : ours;
}

void vmcs_defaults(struct vmcs *v)
{
    *v = (struct vmcs){0};
    for (unsigned g = 0; g < VMX_GROUP_COUNT; g++)
        v->field[vmx_groups[g].field] = vmx_must((enum vmx_group)g);
    v->field[VMCS_LINK_POINTER] = UINT64_MAX;
}
