/* Exits of L2: whose are they? */
#include "x86vmm/engine/vtx_host.h"
#include "x86vmm/machine/debug.h"

enum whose { ITS, OURS, INTERRUPT, WINDOW, IO, MSR, CR, EPT };

static const struct {
    uint16_t number;
    uint8_t whose;
} rows[] = {
#define NESTED_EXIT(reason, whose) {VMX_EXIT_##reason, whose},
#include "x86vmm/engine/nested_exit.def"
#undef NESTED_EXIT
};

static enum whose row_of(uint32_t reason)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].number == reason)
            return (enum whose)rows[i].whose;
    return OURS;
}

/* ---- By what it is about ---- */

/* With acknowledgment the vector comes with it. */
static bool is_its_interrupt(struct vcpu *v)
{
    struct nested *n = &vtx_vcpu(v)->nested;
    const struct x86_platform *p = model_vcpu(v)->platform;
    const struct vmcs *v12 = &n->vtx.own;
    int vector;

    if (!vmcs_has(v12, VMX_PIN_EXTERNAL_INTERRUPT) || !x86_platform_waits(p))
        return false;
    if (!vmcs_has(v12, VMX_EXIT_ACKNOWLEDGE_INTERRUPT))
        return true;
    vector = x86_platform_acknowledge(p);
    n->exit.interruption = (uint32_t)vector | VMCS_EVENT_VALID;
    return vector >= 0;
}

static bool is_its_io(const struct vcpu *v)
{
    const struct nested *n = &vtx_vcpu(v)->nested;
    uint64_t q = n->exit.qualification;

    return vtx_asks_port(&n->vtx.own, &v->vm->mem, (uint16_t)(q >> 16),
                         (q & 7) + 1);
}

static bool is_its_msr(const struct vcpu *v)
{
    const struct nested *n = &vtx_vcpu(v)->nested;

    return vtx_asks_msr(&n->vtx.own, &v->vm->mem,
                        (uint32_t)model_arch(v)->gpr[X86_RCX],
                        n->exit.reason == VMX_EXIT_WRMSR);
}

static bool is_its_cr(const struct vcpu *v)
{
    enum { WHICH = 0x3F, TO_CR8 = 8 };
    const struct nested *n = &vtx_vcpu(v)->nested;

    return (n->exit.qualification & WHICH) != TO_CR8 ||
           vmcs_has(&n->vtx.own, VMX_PRIMARY_CR8_LOAD);
}

static bool is_its(struct vcpu *v, enum whose whose)
{
    switch (whose) {
    case ITS:
        return true;
    case INTERRUPT:
        return is_its_interrupt(v);
    case WINDOW:
        return vmcs_has(&vtx_vcpu(v)->nested.vtx.own,
                        VMX_PRIMARY_INTERRUPT_WINDOW);
    case IO:
        return is_its_io(v);
    case MSR:
        return is_its_msr(v);
    case CR:
        return is_its_cr(v);
    default:
        return false;
    }
}

/* ---- What becomes of it ---- */

/* What was being delivered is to be injected.  Behind STI that may be TF's
 * trap, and an entry in STI's shadow wants it to be pending, too; it is not
 * delivered a second time (SDM vol. 3, 27.3.1.5, 27.7.3).  An NMI blocks others
 * when it comes; those that are virtual may not be blocked before (27.3.1.5).
 */
static void inject_again(struct vcpu *v)
{
    struct vtx_vcpu *c = vtx_vcpu(v);
    struct nested *n = &c->nested;
    uint64_t *field = n->vmcs.field;

    n->injects = true;
    n->info = field[VMCS_IDT_VECTORING_INFO];
    if (vmcs_event_type((uint32_t)n->info) == VMCS_EVENT_NMI)
        field[VMCS_GUEST_INTERRUPTIBILITY] &= ~(uint64_t)VMCS_BY_NMI;
    n->error = field[VMCS_IDT_VECTORING_ERROR];
    n->length = field[VMCS_EXIT_INSTRUCTION_LENGTH];
    if ((field[VMCS_GUEST_INTERRUPTIBILITY] & VMCS_SHADOWED) &&
        x86_debug_steps(&c->model.cpu, field[VMCS_GUEST_RFLAGS]))
        field[VMCS_GUEST_PENDING_DEBUG] |= X86_DR6_BS;
    model_arch(v)->delivering = true;
    model_arch(v)->interruptible = false;
}

/* The shadow has been completed: once more.  An instruction will
 * count when it is done, and IRET unblock NMIs then. */
static void again(struct vcpu *v, struct model_told *t)
{
    struct vtx_vcpu *c = vtx_vcpu(v);
    struct nested *n = &c->nested;

    t->reason = MODEL_AGAIN;
    c->model.between = true;
    if (n->exit.qualification & VTX_UNBLOCKED)
        n->vmcs.field[VMCS_GUEST_INTERRUPTIBILITY] |= VMCS_BY_NMI;
    if (t->delivering) {
        inject_again(v);
    } else {
        c->model.cpu.ran--;
    }
    t->delivering = false;
}

static void to_inner_monitor(struct vtx_vcpu *c, struct model_told *t)
{
    struct nested *n = &c->nested;

    t->reason = EXIT_TRAP;
    t->delivering = false;
    t->trap = (struct vm_event){.kind = X86_EVENT_VM_EXIT,
                                .code = n->exit.reason,
                                .info = {n->exit.qualification}};
}

bool nested_tell(struct vcpu *v, struct model_told *t)
{
    struct vtx_vcpu *c = vtx_vcpu(v);
    struct nested *n = &c->nested;
    enum whose whose = row_of(t->raw);

    n->exit = c->vtx.exit;
    n->during = t->event;
    n->has_during = t->delivering;
    if (whose == EPT && vmcs_has(&n->vtx.own, VMX_SECONDARY_EPT)) {
        enum nested_fill fill = nested_fill(v);

        if (fill == NESTED_FILLED)
            again(v, t);
        else if (fill == NESTED_ITS)
            to_inner_monitor(c, t);
        return fill != NESTED_DEVICE;
    }
    if (!is_its(v, whose))
        return false;
    to_inner_monitor(c, t);
    return true;
}

/* ---- L1's own ---- */

bool nested_tell_instruction(struct vcpu *v, struct model_told *t)
{
    static const struct {
        uint16_t reason, insn;
    } own[] = {
#define VMX_ROW(id, neutral)
#define VMX_SETTLED(id, words)
#define VMX_OWN(id) {VMX_EXIT_##id, X86_OP_##id},
#include "x86vmm/engine/vmx_exit.def"
#undef VMX_ROW
#undef VMX_SETTLED
    };
    struct vtx_vcpu *c = vtx_vcpu(v);
    size_t i = 0;

    while (i < ARRAY_LEN(own) && own[i].reason != t->raw)
        i++;
    if (i == ARRAY_LEN(own))
        return false;
    t->insn = (enum x86_insn)own[i].insn;
    t->reason = EXIT_SENSITIVE;
    if (c->nested.asks) /* for the second time: a device has to answer */
        t->reason = MODEL_SETTLED;
    c->nested.asks = false;
    return true;
}
