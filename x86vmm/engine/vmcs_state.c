#include "x86vmm/engine/vmcs_state.h"

#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/exception.h"
#include "x86vmm/machine/own_msr.h"
#include "x86vmm/vtx/sample.h"

#define F(name) (m->field[VMCS_##name])

enum { SINGLE_STEP = 0x4000, VPID = 1 };

static const uint16_t controls[] = {
    VMX_PIN_EXTERNAL_INTERRUPT,
    VMX_PIN_NMI,
    VMX_PIN_VIRTUAL_NMIS, /* so that IRET unblocks the guest's */
    VMX_PRIMARY_HLT,
    VMX_PRIMARY_UNCONDITIONAL_IO,
    VMX_PRIMARY_MSR_BITMAPS,
    VMX_PRIMARY_SECONDARY,
    VMX_SECONDARY_EPT,
    VMX_SECONDARY_RDTSCP,
    VMX_SECONDARY_VPID,
    VMX_SECONDARY_UNRESTRICTED_GUEST,
    VMX_EXIT_SAVE_DEBUG,
    VMX_EXIT_SAVE_EFER,
    VMX_ENTRY_LOAD_DEBUG,
    VMX_ENTRY_LOAD_EFER,
};

void vmcs_make_controls(struct vmcs *m)
{
    vmcs_make(m, X86_SAMPLE_REAL);
    for (size_t i = 0; i < ARRAY_LEN(controls); i++)
        vmcs_put(m, (enum vmx_control)controls[i], true);
    /* CR3 and CR8 are the guest's own */
    vmcs_put(m, VMX_PRIMARY_CR3_LOAD, false);
    vmcs_put(m, VMX_PRIMARY_CR3_STORE, false);
    F(VPID) = VPID;
    F(CR0_MASK) = X86_CR0_NE;
    F(CR4_MASK) = VMX_CR4_VMXE;
}

/* SDM vol. 3, "MSR-Bitmap Address".  A clear bit does not exit: reads in the
 * first half, writes in the second, low MSRs and C000_0000 on in each. */
void vmcs_make_msr_bitmap(uint8_t *page)
{
    __builtin_memset(page, 0xFF, 4096);
    for (size_t i = 0; i < x86_own_msrs.count; i++) {
        unsigned n = x86_own_msrs.numbers[i] & 0x1FFF;
        unsigned at = (x86_own_msrs.numbers[i] >> 31 ? 1024 : 0) + n / 8;

        page[at] &= (uint8_t) ~(1u << n % 8);
        page[at + 2048] &= (uint8_t) ~(1u << n % 8);
    }
}

/* ---- In ---- */

static void put_control(struct vmcs *m, const struct x86_state *s)
{
    F(GUEST_CR0) = s->cr0 | X86_CR0_NE;
    F(CR0_SHADOW) = s->cr0;
    F(GUEST_CR3) = s->cr3;
    F(GUEST_CR4) = s->cr4 | VMX_CR4_VMXE;
    F(CR4_SHADOW) = s->cr4;
    F(GUEST_EFER) = s->efer;
    vmcs_put(m, VMX_ENTRY_IA32E_GUEST, s->efer & X86_EFER_LMA);
}

void vmcs_put_state(struct vmcs *m, const struct x86_state *s)
{
    put_control(m, s);
    vmcs_put_segments(m, s);
    F(GUEST_RSP) = s->gpr[X86_RSP];
    F(GUEST_RIP) = s->rip;
    F(GUEST_RFLAGS) = s->rflags;
}

void vmcs_put_event(struct vmcs *m, const struct vm_event *e)
{
    static const uint32_t types[X86_EVENT_COUNT] = {
        [X86_EVENT_INTERRUPT] = VMCS_EVENT_INTERRUPT,
        [X86_EVENT_NMI] = VMCS_EVENT_NMI,
        [X86_EVENT_EXCEPTION] = VMCS_EVENT_EXCEPTION};

    F(ENTRY_INTERRUPTION_INFO) = 0;
    if (!e)
        return;
    F(ENTRY_INTERRUPTION_INFO) =
        VMCS_EVENT_VALID | (e->has_error ? VMCS_EVENT_ERROR : 0) |
        types[e->kind] << 8 |
        (e->kind == X86_EVENT_NMI ? X86_NMI_VECTOR : e->code & 0xFF);
    F(ENTRY_EXCEPTION_ERROR) = e->has_error ? (uint32_t)e->info[0] : 0;
}

/* ---- Out ---- */

uint64_t vmcs_cr0(const struct vmcs *m)
{
    return (F(GUEST_CR0) & ~F(CR0_MASK)) | (F(CR0_SHADOW) & F(CR0_MASK));
}

uint64_t vmcs_cr4(const struct vmcs *m)
{
    return (F(GUEST_CR4) & ~F(CR4_MASK)) | (F(CR4_SHADOW) & F(CR4_MASK));
}

void vmcs_advanced(struct vmcs *m, uint64_t rflags)
{
    F(GUEST_INTERRUPTIBILITY) &= ~(uint64_t)VMCS_SHADOWED;
    if ((rflags & X86_FLAG_TF) && !(F(GUEST_DEBUGCTL) & X86_DEBUGCTL_BTF))
        F(GUEST_PENDING_DEBUG) |= SINGLE_STEP;
}

struct x86_fault vmcs_vectoring(const struct vmcs *m, uint64_t cr2)
{
    uint32_t info = (uint32_t)m->field[VMCS_IDT_VECTORING_INFO];
    enum vmcs_event_type type = vmcs_event_type(info);

    return (struct x86_fault){
        .vector = (uint8_t)info,
        .has_error = info & VMCS_EVENT_ERROR,
        .error = (uint32_t)m->field[VMCS_IDT_VECTORING_ERROR],
        .cr2 = cr2,
        .software = type == VMCS_EVENT_SOFTWARE || type == VMCS_EVENT_BREAK,
        .plain_int = type == VMCS_EVENT_SOFTWARE,
        .int1 = type == VMCS_EVENT_PRIVILEGED,
        .external = type == VMCS_EVENT_INTERRUPT || type == VMCS_EVENT_NMI,
        .nmi = type == VMCS_EVENT_NMI,
        .trap = type >= VMCS_EVENT_SOFTWARE,
        .keep_rf = true};
}

struct vm_event vmcs_exception(const struct vmcs *m)
{
    uint32_t info = (uint32_t)F(EXIT_INTERRUPTION_INFO);

    return (struct vm_event){
        .kind = vmcs_event_type(info) == VMCS_EVENT_NMI ? X86_EVENT_NMI
                                                        : X86_EVENT_EXCEPTION,
        .code = info & 0xFF,
        .has_error = info & VMCS_EVENT_ERROR,
        .info = {F(EXIT_INTERRUPTION_ERROR), F(EXIT_QUALIFICATION)}};
}
