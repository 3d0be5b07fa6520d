/* VM-execution, VM-exit and VM-entry controls, and the capability MSRs that
 * announce them (Intel SDM vol. 3, appendix A). */
#ifndef X86VMM_VTX_CONTROL_H
#define X86VMM_VTX_CONTROL_H

#include "x86vmm/machine/paging.h"
#include "x86vmm/vtx/vmcs.h"

enum vmx_group {
#define GROUP(name, field, msr, true_msr, default1, words) VMX_GROUP_##name,
#define CONTROL(group, bit, name, section, words)
#include "x86vmm/vtx/control.def"
#undef GROUP
#undef CONTROL
    VMX_GROUP_COUNT
};

/* VMX_PRIMARY_HLT ...: 32 * group + bit. */
enum vmx_control {
#define GROUP(name, field, msr, true_msr, default1, words)
#define CONTROL(group, bit, name, section, words) \
    VMX_##group##_##name = 32 * VMX_GROUP_##group + (bit),
#include "x86vmm/vtx/control.def"
#undef GROUP
#undef CONTROL
};

struct vmx_group_desc {
    enum vmcs_field field;
    uint32_t msr, true_msr;
    uint32_t default1;
    const char *name, *words;
};

struct vmx_control_desc {
    enum vmx_control control;
    const char *name, *section, *words;
};

struct vmx_control_table {
    const struct vmx_control_desc *rows;
    size_t count;
};

extern const struct vmx_group_desc vmx_groups[VMX_GROUP_COUNT];
extern const struct vmx_control_table vmx_controls;

static inline bool vmcs_bit(const struct vmcs *v, enum vmx_control c)
{
    return v->field[vmx_groups[c / 32].field] >> (c % 32) & 1;
}

/* Is this control in force?  Secondary ones only where they are activated. */
static inline bool vmcs_has(const struct vmcs *v, enum vmx_control c)
{
    return vmcs_bit(v, c) && (c / 32 != VMX_GROUP_SECONDARY ||
                              vmcs_bit(v, VMX_PRIMARY_SECONDARY));
}

static inline void vmcs_put(struct vmcs *v, enum vmx_control c, bool on)
{
    uint64_t bit = UINT64_C(1) << (c % 32);
    uint64_t *f = &v->field[vmx_groups[c / 32].field];

    *f = on ? *f | bit : *f & ~bit;
}

/* Bits of a group's field that must be 1, and that may be 1, as the TRUE
 * capability MSR says. */
uint32_t vmx_must(enum vmx_group group);
uint32_t vmx_may(enum vmx_group group);

/* ---- Capabilities ---- */

/* Numbers of the MSRs. */
enum {
    VMX_MSR_FEATURE_CONTROL = 0x3A,
    VMX_MSR_BASIC = 0x480,
    VMX_MSR_MISC = 0x485,
    VMX_MSR_CR0_FIXED0 = 0x486,
    VMX_MSR_CR0_FIXED1 = 0x487,
    VMX_MSR_CR4_FIXED0 = 0x488,
    VMX_MSR_CR4_FIXED1 = 0x489,
    VMX_MSR_VMCS_ENUM = 0x48A,
    VMX_MSR_EPT_VPID_CAP = 0x48C,
    VMX_MSR_LAST = 0x490
};

enum {
    VMX_CR3_TARGETS = 4,
    VMX_MSR_LIST_MAX = 512, /* recommended maximum of an MSR list */
    VMX_TIMER_SHIFT = 0     /* the preemption timer counts each tick */
};

/* Of IA32_VMX_BASIC: there are TRUE capability MSRs. */
#define VMX_BASIC_TRUE (UINT64_C(1) << 55)

/* Bits of CR0 and CR4 that must be 1, that may be 1, in VMX operation. */
#define VMX_CR0_FIXED0 UINT64_C(0x80000021) /* PG NE PE */
#define VMX_CR0_FIXED1 UINT64_C(0xFFFFFFFF)
#define VMX_CR4_FIXED0 UINT64_C(0x2000)   /* VMXE */
#define VMX_CR4_FIXED1 UINT64_C(0x302FFC) /* and what the processor has */
#define VMX_CR4_VMXE   UINT64_C(0x2000)

/* Is it one of these MSRs (IA32_FEATURE_CONTROL is not)?  Its value then. */
bool vmx_capability(uint32_t msr, uint64_t *value);

/* The same of a processor that nobody has told of: what any may have.  Its
 * physical addresses are of VMX_ANY_PHYSICAL bits. */
uint64_t vmx_any_capability(uint32_t msr);
enum { VMX_ANY_PHYSICAL = 52 };

/* A VMCS with all controls as they must be and nothing more. */
void vmcs_defaults(struct vmcs *v);

#endif
