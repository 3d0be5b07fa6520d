/* Between struct x86_state, the modelled processor and the VMCS. */
#include "base/bytes.h"
#include "x86vmm/engine/vmcs_state.h"
#include "x86vmm/engine/vtx_host.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/msr.h"

#include <string.h>

#define F(name) (m->field[VMCS_##name])

enum { DEBUG_HITS = 0xF, DEBUG_ENABLED = 0x1000 }; /* 25.4.2, table 25-4 */

void vtx_make_vmcs(struct vmcs *m)
{
    vmcs_make_controls(m);
    F(EPT_POINTER) = vtx_ept_pointer();
    F(MSR_BITMAP) = vtx_msr_bitmap();
}

/* ---- In ---- */

/* PAE paging's pointers are loaded with CR3: the processor has them, unless
 * somebody has changed that from outside. */
static void put_pdptes(struct vcpu *v)
{
    const struct x86_state *s = model_arch(v);
    struct vtx_vcpu *c = vtx_vcpu(v);
    bool kept = s->cr3 == c->model.cpu.state.cr3;

    if (!(s->cr0 & X86_CR0_PG) || !(s->cr4 & X86_CR4_PAE) ||
        (s->efer & X86_EFER_LMA))
        return;
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *p =
            mem_at(&v->vm->mem, (s->cr3 & 0xFFFFFFE0) + 8 * i, 8);

        c->vmcs.field[VMCS_GUEST_PDPTE0 + i] = kept ? c->model.cpu.pdpte[i]
                                               : p  ? load_le64(p)
                                                    : 0;
    }
}

void vtx_put_rest(struct vcpu *v, struct vmcs *m)
{
    const struct x86_state *s = model_arch(v);
    struct x86_cpu *cpu = &model_vcpu(v)->cpu;

    F(GUEST_SYSENTER_CS) = cpu->msrs->sysenter_cs;
    F(GUEST_SYSENTER_ESP) = cpu->msrs->sysenter_esp;
    F(GUEST_SYSENTER_EIP) = cpu->msrs->sysenter_eip;
    memcpy(cpu->state.gpr, s->gpr, sizeof(s->gpr));
    cpu->state.cr0 = s->cr0; /* CD and NW do not come from the VMCS */
    cpu->state.cr2 = s->cr2;
    cpu->state.cr8 = s->cr8;
}

static void put_state(struct vcpu *v)
{
    const struct x86_state *s = model_arch(v);
    struct vmcs *m = &vtx_vcpu(v)->vmcs;

    vmcs_put_state(m, s);
    put_pdptes(v);
    vtx_put_rest(v, m);
}

/* In VMX operation the guest may not change what that fixes: it is to exit. */
static uint64_t cr0_mask(const struct vtx_vcpu *c)
{
    return X86_CR0_NE | (c->nested.vtx.on ? VMX_CR0_FIXED0 : 0);
}

void vtx_prepare(struct vcpu *v, bool changed)
{
    struct vtx_vcpu *c = vtx_vcpu(v);

    if (c->model.inner) {
        nested_prepare(v, changed);
        return;
    }
    if (c->model.platform->own.wanted && !c->model.platform->watched)
        c->vmcs.field[VMCS_CR0_MASK] = cr0_mask(c);
    if (changed)
        put_state(v);
    c->vmcs.field[VMCS_GUEST_DR7] = c->model.cpu.dr[7];
    c->vmcs.field[VMCS_GUEST_DEBUGCTL] = c->model.cpu.debugctl;
    c->vmcs.field[VMCS_EXCEPTION_BITMAP] =
        (model_arch(v)->cr0 & X86_CR0_NE ? 0 : 1u << X86_EXC_MF) |
        (c->model.platform->watched ? MODEL_WATCHED : 0);
    vmcs_put(&c->vmcs, VMX_PRIMARY_INTERRUPT_WINDOW, model_wants_window(v));
    vmcs_put_event(&c->vmcs, c->model.inject ? &c->model.event : NULL);
}

/* ---- Out ---- */

static enum model_shadow shadow_of(const struct vmcs *m)
{
    return F(GUEST_INTERRUPTIBILITY) & VMCS_BY_MOV_SS ? MODEL_BY_MOV_SS
           : F(GUEST_INTERRUPTIBILITY) & VMCS_BY_STI  ? MODEL_BY_STI
                                                      : MODEL_OPEN;
}

enum model_shadow vtx_take_state(struct vcpu *v)
{
    struct vtx_vcpu *c = vtx_vcpu(v);
    struct x86_state *s = model_arch(v);
    const struct vmcs *m = c->loaded;

    *s = c->model.cpu.state;
    s->rflags = F(GUEST_RFLAGS);
    s->wakes = nested_wakes(v); /* the processor may have another level's */
    s->alarm = 0;
    if (c->model.inner) /* as it is, not as that guest sees it */
        return shadow_of(m);
    s->cr0 = (s->cr0 & ~F(CR0_MASK)) | (F(CR0_SHADOW) & F(CR0_MASK));
    s->cr4 = vmcs_cr4(m);
    return shadow_of(m);
}

uint32_t vtx_waiting(const struct vcpu *v)
{
    const struct vmcs *m = vtx_vcpu(v)->loaded;

    return F(GUEST_PENDING_DEBUG) & DEBUG_ENABLED
               ? (uint32_t)F(GUEST_PENDING_DEBUG) & DEBUG_HITS
               : 0;
}

/* Pending debug exceptions as an exit leaves them (SDM volume 3, 28.3.4): what
 * the frame of another one has hit; in the shadow of a load of SS, or where a
 * monitor trap flag comes first, the trap of the instruction, too. */
static uint64_t pending_debug(const struct vcpu *v, enum model_shadow shadow)
{
    const struct model_vcpu *c = &vtx_vcpu(v)->model;
    uint32_t hits = c->cpu.debug_hits & DEBUG_HITS,
             enabled = hits ? DEBUG_ENABLED : 0;
    bool traps = shadow == MODEL_BY_MOV_SS
                     ? x86_debug_steps(&c->cpu, model_arch(v)->rflags)
                     : c->trap_waits && (c->cpu.debug_hits & X86_DR6_BS);

    return hits | enabled | (traps ? X86_DR6_BS : 0);
}

void vtx_block(struct vcpu *v, enum model_shadow shadow)
{
    static const uint64_t bits[] = {
        [MODEL_BY_STI] = VMCS_BY_STI, [MODEL_BY_MOV_SS] = VMCS_BY_MOV_SS};
    struct vmcs *m = vtx_vcpu(v)->loaded;

    F(GUEST_INTERRUPTIBILITY) =
        (F(GUEST_INTERRUPTIBILITY) & ~(uint64_t)VMCS_SHADOWED) | bits[shadow];
    F(GUEST_PENDING_DEBUG) = pending_debug(v, shadow);
}
