/* Between struct x86_state and the VMCS. */
#include "base/bytes.h"
#include "x86vmm/engine/vmcs_state.h"
#include "x86vmm/engine/vtx_host.h"
#include "x86vmm/machine/msr.h"

#include <string.h>

#define F(name) (m->field[VMCS_##name])

void vtx_make_vmcs(struct vmcs *m)
{
    vmcs_make_controls(m);
    F(EPT_POINTER) = vtx_ept_pointer();
    F(MSR_BITMAP) = vtx_msr_bitmap();
}

/* ---- In ---- */

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
    vmcs_put_state(m, s);
    put_pdptes(v);
    F(GUEST_SYSENTER_CS) = c->cpu.msrs->sysenter_cs;
    F(GUEST_SYSENTER_ESP) = c->cpu.msrs->sysenter_esp;
    F(GUEST_SYSENTER_EIP) = c->cpu.msrs->sysenter_eip;
    memcpy(c->cpu.state.gpr, s->gpr, sizeof(s->gpr));
    c->cpu.state.cr0 = s->cr0; /* CD and NW do not come from the VMCS */
    c->cpu.state.cr2 = s->cr2;
    c->cpu.state.cr8 = s->cr8;
    c->last = *s;
}

static bool interrupt_waits(const struct vcpu *v)
{
    const struct x86_platform *platform = v->vm->arch;

    return v->pending.count || (platform && x86_platform_waits(platform));
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
    vmcs_put_event(&c->vmcs, c->inject ? &c->event : NULL);
    c->inject = false;
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
    s->cr4 = vmcs_cr4(m);
    s->interruptible = vmcs_interruptible(m);
    s->delivering = false;
    c->last = *s;
}

void vtx_advanced(struct vcpu *v)
{
    struct x86_state *s = vtx_arch(v);

    vmcs_advanced(&vtx_cpu(v)->vmcs, s->rflags);
    s->rflags &= ~X86_FLAG_RF;
    s->interruptible = (s->rflags & X86_FLAG_IF) && !s->delivering;
}
