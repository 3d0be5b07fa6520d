/* vmcs02: what L2 is run with.
 *
 * Its controls are those of vmcs12, and where we want an exit ours.  What L1
 * has bitmaps for exits always, or by a bitmap that asks for either's. */
#include "base/bits.h"
#include "base/bytes.h"
#include "x86vmm/engine/vmcs_state.h"
#include "x86vmm/engine/vtx_host.h"
#include "x86vmm/machine/msr.h"

#include <string.h>

#define F(name)   (m->field[VMCS_##name])
#define F12(name) (v12->field[VMCS_##name])

enum { VPID = 2 /* L1 has 1 */ };
/* A page where nothing is. */
#define NOWHERE (BITS_MASK(X86_PHYSICAL_BITS) & ~UINT64_C(0xFFF))

/* Always on, whatever L1 asks for, and never. */
static const uint16_t ours[] = {
    VMX_PIN_EXTERNAL_INTERRUPT,  VMX_PIN_NMI,       VMX_PRIMARY_SECONDARY,
    VMX_PRIMARY_MSR_BITMAPS,     VMX_SECONDARY_EPT, VMX_SECONDARY_VPID,
    VMX_PRIMARY_UNCONDITIONAL_IO};
static const uint16_t not_its[] = {VMX_PRIMARY_IO_BITMAPS};

/* As L1 has them. */
static const uint16_t its[] = {
    VMCS_EXCEPTION_BITMAP, VMCS_PF_ERROR_MASK, VMCS_PF_ERROR_MATCH,
    VMCS_CR3_TARGET_COUNT, VMCS_CR3_TARGET0,   VMCS_CR3_TARGET1,
    VMCS_CR3_TARGET2,      VMCS_CR3_TARGET3,   VMCS_TSC_OFFSET,
    VMCS_TPR_THRESHOLD,    VMCS_PIN_CONTROLS,  VMCS_PRIMARY_CONTROLS};

static void merge_controls(const struct vtx_vcpu *c, struct vmcs *m,
                           const struct vmcs *v12)
{
    for (size_t i = 0; i < ARRAY_LEN(its); i++)
        m->field[its[i]] = v12->field[its[i]];
    F(SECONDARY_CONTROLS) =
        vmcs_has(v12, VMX_PRIMARY_SECONDARY) ? F12(SECONDARY_CONTROLS) : 0;
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        vmcs_put(m, (enum vmx_control)ours[i], true);
    for (size_t i = 0; i < ARRAY_LEN(not_its); i++)
        vmcs_put(m, (enum vmx_control)not_its[i], false);
    /* NMIs that L1 leaves to L2 are L2's to block, and its IRET's to unblock */
    if (!vmcs_has(v12, VMX_PIN_NMI))
        vmcs_put(m, VMX_PIN_VIRTUAL_NMIS, true);
    /* the local APIC is ours */
    if (c->model.platform->apic && !vmcs_has(v12, VMX_PRIMARY_TPR_SHADOW))
        vmcs_put(m, VMX_PRIMARY_CR8_LOAD, true);
}

/* L1's bitmaps or ours: a set bit exits.  Where there is no storage L1's
 * processor would exit. */
static void merge_msr_bitmap(const struct vcpu *v, const struct vmcs *v12)
{
    const struct mem_map *machine = &model_machine(v)->mem;
    uint8_t *to = mem_at(machine, model_machine(v)->spare, MODEL_PAGE);
    const uint8_t *ours_own = mem_at(machine, vtx_msr_bitmap(), MODEL_PAGE),
                  *its_own = NULL;

    if (vmcs_has(v12, VMX_PRIMARY_MSR_BITMAPS))
        its_own = mem_at(&v->vm->mem, F12(MSR_BITMAP), MODEL_PAGE);
    if (!its_own) {
        memset(to, 0xFF, MODEL_PAGE);
        return;
    }
    for (unsigned i = 0; i < MODEL_PAGE; i += 8)
        store_le64(to + i, load_le64(ours_own + i) | load_le64(its_own + i));
}

void nested_merge(struct vcpu *v)
{
    const struct vtx_vcpu *c = vtx_vcpu(v);
    struct vmcs *m = &vtx_vcpu(v)->nested.vmcs;
    const struct vmcs *v12 = &c->nested.vtx.own;
    uint64_t page = F12(VIRTUAL_APIC_ADDR);

    *m = c->vmcs;
    merge_controls(c, m, v12);
    merge_msr_bitmap(v, v12);
    F(MSR_BITMAP) = model_machine(v)->spare;
    F(VIRTUAL_APIC_ADDR) =
        mem_at(&v->vm->mem, page, MODEL_PAGE) ? page : NOWHERE;
    F(VPID) = VPID;
    if (vmcs_has(v12, VMX_SECONDARY_EPT))
        F(EPT_POINTER) = nested_ept_pointer(v);
}

/* ---- Each entry ---- */

static void put_state(struct vcpu *v)
{
    const struct x86_state *s = model_arch(v);
    struct vtx_vcpu *c = vtx_vcpu(v);
    struct x86_cpu *cpu = &c->model.cpu;
    struct vmcs *m = &c->nested.vmcs;
    const struct vmcs *v12 = &c->nested.vtx.own;

    vmcs_put_state(m, s);
    F(GUEST_CR0) = s->cr0;
    F(GUEST_CR4) = s->cr4;
    F(CR0_MASK) = F12(CR0_MASK);
    F(CR0_SHADOW) = F12(CR0_SHADOW);
    F(CR4_MASK) = F12(CR4_MASK);
    F(CR4_SHADOW) = F12(CR4_SHADOW);
    for (unsigned i = 0; i < 4; i++)
        m->field[VMCS_GUEST_PDPTE0 + i] = cpu->pdpte[i];
    vtx_put_rest(v, m);
}

static void put_event(struct vtx_vcpu *c)
{
    struct nested *n = &c->nested;
    struct vmcs *m = &n->vmcs;

    vmcs_put_event(m, c->model.inject ? &c->model.event : NULL);
    if (n->injects && !c->model.inject) {
        F(ENTRY_INTERRUPTION_INFO) = n->info;
        F(ENTRY_EXCEPTION_ERROR) = n->error;
        F(ENTRY_INSTRUCTION_LENGTH) = n->length;
    }
    n->injects = false;
}

/* An instruction of L2 that we have completed: the processor does not know that
 * its monitor trap flag's exit is due.  (After an event it does.) */
static void put_trap_flag(struct vtx_vcpu *c)
{
    enum { OTHER = 0x80000700 };
    struct nested *n = &c->nested;
    struct vmcs *m = &n->vmcs;

    if (vmcs_has(&n->vtx.own, VMX_PRIMARY_MONITOR_TRAP_FLAG) &&
        c->model.cpu.ran != n->since &&
        !(F(ENTRY_INTERRUPTION_INFO) & VMCS_EVENT_VALID))
        F(ENTRY_INTERRUPTION_INFO) = OTHER;
    n->since = c->model.cpu.ran;
}

void nested_prepare(struct vcpu *v, bool changed)
{
    struct vtx_vcpu *c = vtx_vcpu(v);
    struct vmcs *m = &c->nested.vmcs;
    const struct vmcs *v12 = &c->nested.vtx.own;
    uint64_t now = x86_tsc(&c->model.cpu) - c->model.cpu.tsc_offset,
             end = c->nested.vtx.timer_end;

    if (changed)
        put_state(v);
    F(GUEST_DR7) = c->model.cpu.dr[7];
    F(GUEST_DEBUGCTL) = c->model.cpu.debugctl;
    F(PREEMPTION_TIMER) = now < end ? end - now : 0;
    vmcs_put(m, VMX_PRIMARY_INTERRUPT_WINDOW,
             vmcs_has(v12, VMX_PRIMARY_INTERRUPT_WINDOW) ||
                 (!c->model.closed && model_wants_window(v)));
    put_event(c);
    put_trap_flag(c);
    /* one that L1 gets leaves L2, when nothing of more weight does */
    c->model.cpu.interrupt_line = vmcs_has(v12, VMX_PIN_EXTERNAL_INTERRUPT) &&
                                  x86_platform_waits(c->model.platform);
}
