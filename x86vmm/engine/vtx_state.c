/* Between struct x86_state and the VMCS. */
#include "base/bytes.h"
#include "x86vmm/engine/vtx_host.h"
#include "x86vmm/machine/exception.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/vtx/sample.h"

#include <string.h>

#define F(name) (m->field[VMCS_##name])

enum { BLOCKED = 3 /* by STI, MOV SS */, SINGLE_STEP = 0x4000, VPID = 1 };

static const uint16_t controls[] = {
    VMX_PIN_EXTERNAL_INTERRUPT,
    VMX_PIN_NMI,
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

void vtx_make_vmcs(struct vmcs *m)
{
    vmcs_make(m, VMCS_SAMPLE_REAL);
    for (size_t i = 0; i < ARRAY_LEN(controls); i++)
        vmcs_put(m, (enum vmx_control)controls[i], true);
    /* CR3 and CR8 are the guest's own */
    vmcs_put(m, VMX_PRIMARY_CR3_LOAD, false);
    vmcs_put(m, VMX_PRIMARY_CR3_STORE, false);
    F(VPID) = VPID;
    F(EPT_POINTER) = vtx_ept_pointer();
    F(MSR_BITMAP) = vtx_msr_bitmap();
    F(CR0_MASK) = X86_CR0_NE;
    F(CR4_MASK) = VMX_CR4_VMXE;
}

/* ---- In ---- */

static uint64_t rights_of(uint16_t attr)
{
    return (attr & 0xFFu) | (uint64_t)(attr & 0xF00u) << 4 |
           (attr & X86_ATTR_UNUSABLE ? 0x10000 : 0);
}

static void put_segments(struct vmcs *m, const struct x86_state *s)
{
    for (unsigned i = 0; i < X86_SEG_COUNT; i++) {
        m->field[VMCS_GUEST_ES_SELECTOR + i] = s->seg[i].selector;
        m->field[VMCS_GUEST_ES_BASE + i] = s->seg[i].base;
        m->field[VMCS_GUEST_ES_LIMIT + i] = s->seg[i].limit;
        m->field[VMCS_GUEST_ES_RIGHTS + i] = rights_of(s->seg[i].attr);
    }
    F(GUEST_GDTR_BASE) = s->gdt.base;
    F(GUEST_GDTR_LIMIT) = s->gdt.limit;
    F(GUEST_IDTR_BASE) = s->idt.base;
    F(GUEST_IDTR_LIMIT) = s->idt.limit;
}

/* PAE paging's pointers: loaded with CR3, so only where that has changed. */
static void put_pdptes(struct vcpu *v)
{
    const struct x86_state *s = vtx_arch(v);
    struct vtx_cpu *c = vtx_cpu(v);

    if (!(s->cr0 & X86_CR0_PG) || !(s->cr4 & X86_CR4_PAE) ||
        (s->efer & X86_EFER_LMA) || s->cr3 == c->last.cr3)
        return;
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *p =
            mem_at(&v->vm->mem, (s->cr3 & 0xFFFFFFE0) + 8 * i, 8);

        c->vmcs.field[VMCS_GUEST_PDPTE0 + i] = p ? load_le64(p) : 0;
    }
}

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

static bool translates_alike(const struct x86_state *a,
                             const struct x86_state *b)
{
    return a->cr0 == b->cr0 && a->cr3 == b->cr3 && a->cr4 == b->cr4 &&
           a->efer == b->efer;
}

static void put_state(struct vcpu *v)
{
    const struct x86_state *s = vtx_arch(v);
    struct vtx_cpu *c = vtx_cpu(v);
    struct vmcs *m = &c->vmcs;

    if (!translates_alike(s, &c->last))
        x86_tlb_flush(&c->cpu, true);
    put_control(m, s);
    put_segments(m, s);
    put_pdptes(v);
    F(GUEST_RSP) = s->gpr[X86_RSP];
    F(GUEST_RIP) = s->rip;
    F(GUEST_RFLAGS) = s->rflags;
    F(GUEST_SYSENTER_CS) = c->cpu.msrs->sysenter_cs;
    F(GUEST_SYSENTER_ESP) = c->cpu.msrs->sysenter_esp;
    F(GUEST_SYSENTER_EIP) = c->cpu.msrs->sysenter_eip;
    memcpy(c->cpu.state.gpr, s->gpr, sizeof(s->gpr));
    c->cpu.state.cr0 = s->cr0; /* CD and NW do not come from the VMCS */
    c->cpu.state.cr2 = s->cr2;
    c->cpu.state.cr8 = s->cr8;
    c->last = *s;
}

static void put_event(struct vtx_cpu *c)
{
    static const uint32_t types[X86_EVENT_COUNT] = {[X86_EVENT_INTERRUPT] = 0,
                                                    [X86_EVENT_NMI] = 2,
                                                    [X86_EVENT_EXCEPTION] = 3};
    const struct vm_event *e = &c->event;
    struct vmcs *m = &c->vmcs;

    F(ENTRY_INTERRUPTION_INFO) = 0;
    if (!c->inject)
        return;
    F(ENTRY_INTERRUPTION_INFO) =
        (uint32_t)(0x80000000 | (e->has_error ? 0x800 : 0) |
                   types[e->kind] << 8 |
                   (e->kind == X86_EVENT_NMI ? 2 : e->code & 0xFF));
    F(ENTRY_EXCEPTION_ERROR) = e->has_error ? (uint32_t)e->info[0] : 0;
    c->inject = false;
}

static bool interrupt_waits(const struct vcpu *v)
{
    const struct x86_platform *platform = v->vm->arch;

    return v->pending.count || (platform && platform->raised);
}

void vtx_prepare(struct vcpu *v)
{
    struct vtx_cpu *c = vtx_cpu(v);
    struct x86_state *s = vtx_arch(v);

    c->last.interruptible = s->interruptible;
    c->last.delivering = s->delivering;
    if (memcmp(s, &c->last, sizeof(*s)))
        put_state(v);
    c->vmcs.field[VMCS_GUEST_DR7] = c->cpu.dr[7];
    vmcs_put(&c->vmcs, VMX_PRIMARY_INTERRUPT_WINDOW,
             interrupt_waits(v) && !s->interruptible && !c->inject);
    put_event(c);
    s->delivering = false;
}

/* ---- Out ---- */

void vtx_take_state(struct vcpu *v)
{
    struct vtx_cpu *c = vtx_cpu(v);
    struct x86_state *s = vtx_arch(v);
    const struct vmcs *m = &c->vmcs;

    *s = c->cpu.state;
    s->rflags = F(GUEST_RFLAGS);
    s->cr0 = (s->cr0 & ~F(CR0_MASK)) | (F(CR0_SHADOW) & F(CR0_MASK));
    s->cr4 = (s->cr4 & ~F(CR4_MASK)) | (F(CR4_SHADOW) & F(CR4_MASK));
    s->interruptible =
        (s->rflags & X86_FLAG_IF) && !(F(GUEST_INTERRUPTIBILITY) & BLOCKED);
    s->delivering = false;
    c->last = *s;
}

/* SDM vol. 3, "Pending Debug Exceptions": what TF asks for is told so. */
void vtx_advanced(struct vcpu *v)
{
    struct x86_state *s = vtx_arch(v);
    struct vmcs *m = &vtx_cpu(v)->vmcs;

    F(GUEST_INTERRUPTIBILITY) &= ~(uint64_t)BLOCKED;
    if (s->rflags & X86_FLAG_TF)
        F(GUEST_PENDING_DEBUG) |= SINGLE_STEP;
    s->rflags &= ~X86_FLAG_RF;
    s->interruptible = (s->rflags & X86_FLAG_IF) && !s->delivering;
}
