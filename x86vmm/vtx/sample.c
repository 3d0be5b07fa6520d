#include "x86vmm/vtx/sample.h"

#include "x86vmm/vtx/control.h"

#define SET(name, value) (v->field[VMCS_##name] = (value))

enum { HOST_CODE = 8, HOST_TASK = 0x10, SIX_SEGMENTS = 6 };

static void make_host(struct vmcs *v)
{
    vmcs_put(v, VMX_EXIT_HOST_64, true);
    vmcs_put(v, VMX_EXIT_LOAD_EFER, true);
    SET(HOST_CR0, VMX_CR0_FIXED0 | X86_CR0_WP | X86_CR0_ET);
    SET(HOST_CR4, VMX_CR4_FIXED0 | X86_CR4_PAE);
    SET(HOST_CR3, 0x1000);
    SET(HOST_EFER, X86_EFER_LMA | X86_EFER_LME);
    SET(HOST_CS_SELECTOR, HOST_CODE);
    SET(HOST_TR_SELECTOR, HOST_TASK);
    SET(HOST_RIP, 0x2000);
    SET(HOST_RSP, 0x3000);
}

static void make_segments(struct vmcs *v, uint32_t limit, uint32_t code,
                          uint32_t data)
{
    for (unsigned i = 0; i < SIX_SEGMENTS; i++) {
        v->field[VMCS_GUEST_ES_LIMIT + i] = limit;
        v->field[VMCS_GUEST_ES_RIGHTS + i] = i == X86_CS ? code : data;
    }
    SET(GUEST_TR_LIMIT, 0x67);
    SET(GUEST_TR_RIGHTS, VMCS_RIGHTS_TSS);
    SET(GUEST_LDTR_RIGHTS, VMCS_RIGHTS_UNUSABLE);
    SET(GUEST_GDTR_LIMIT, 0xFFFF);
    SET(GUEST_IDTR_LIMIT, 0xFFFF);
}

static void use_ept(struct vmcs *v)
{
    vmcs_put(v, VMX_PRIMARY_SECONDARY, true);
    vmcs_put(v, VMX_SECONDARY_EPT, true);
    SET(EPT_POINTER, 0x1E); /* write-back, four levels, root at 0 */
}

static void make_guest(struct vmcs *v, enum x86_sample sample)
{
    const uint32_t flat = UINT32_MAX;

    switch (sample) {
    case X86_SAMPLE_REAL:
        use_ept(v);
        vmcs_put(v, VMX_SECONDARY_UNRESTRICTED_GUEST, true);
        make_segments(v, 0xFFFF, VMCS_RIGHTS_CODE_16, VMCS_RIGHTS_DATA_16);
        SET(GUEST_CR0, X86_CR0_NE | X86_CR0_ET);
        break;
    case X86_SAMPLE_V86:
        make_segments(v, 0xFFFF, VMCS_RIGHTS_V86, VMCS_RIGHTS_V86);
        SET(GUEST_RFLAGS, X86_FLAG_ONE | X86_FLAG_VM);
        break;
    case X86_SAMPLE_PAE:
        use_ept(v);
        SET(GUEST_CR4, VMX_CR4_FIXED0 | X86_CR4_PAE);
        make_segments(v, flat, VMCS_RIGHTS_CODE_32, VMCS_RIGHTS_DATA_32);
        break;
    case X86_SAMPLE_LONG:
        use_ept(v);
        vmcs_put(v, VMX_ENTRY_IA32E_GUEST, true);
        vmcs_put(v, VMX_ENTRY_LOAD_EFER, true);
        vmcs_put(v, VMX_EXIT_SAVE_EFER, true);
        SET(GUEST_CR4, VMX_CR4_FIXED0 | X86_CR4_PAE);
        SET(GUEST_EFER, X86_EFER_LMA | X86_EFER_LME);
        make_segments(v, flat, VMCS_RIGHTS_CODE_64, VMCS_RIGHTS_DATA_32);
        break;
    default:
        make_segments(v, flat, VMCS_RIGHTS_CODE_32, VMCS_RIGHTS_DATA_32);
        break;
    }
}

void vmcs_make(struct vmcs *v, enum x86_sample sample)
{
    vmcs_defaults(v);
    vmcs_put(v, VMX_PRIMARY_HLT, true);
    make_host(v);
    SET(GUEST_CR0, VMX_CR0_FIXED0 | X86_CR0_WP | X86_CR0_ET);
    SET(GUEST_CR4, VMX_CR4_FIXED0);
    SET(GUEST_RFLAGS, X86_FLAG_ONE);
    SET(GUEST_RIP, 0x1000);
    SET(GUEST_DR7, 0x400);
    make_guest(v, sample);
}
