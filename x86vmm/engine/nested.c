#include "x86vmm/engine/nested.h"

#include "base/bits.h"
#include "x86vmm/engine/vtx_host.h"
#include "x86vmm/machine/assist.h"
#include "x86vmm/machine/msr.h"

static struct nested *nested(const struct vcpu *v)
{
    return &vtx_vcpu(v)->nested;
}

/* ---- L1's VT-x, for what is executed outside ---- */

void nested_lend(struct vcpu *v)
{
    struct vtx_vcpu *c = vtx_vcpu(v);
    struct nested *n = &c->nested;

    if (!c->model.platform->own.wanted) {
        c->model.cpu.assist = NULL;
        return;
    }
    n->kept = n->vtx.own;
    c->model.cpu.assistant = &n->vtx;
}

void nested_undo(struct vcpu *v)
{
    nested(v)->vtx.own = nested(v)->kept;
}

/* ---- From one level to the other ---- */

bool nested_wakes(const struct vcpu *v)
{
    const struct nested *n = nested(v);

    return vtx_vcpu(v)->model.inner && !n->vtx.shut_down &&
           vmcs_has(&n->vtx.own, VMX_PIN_EXTERNAL_INTERRUPT);
}

/* What vcpu->arch has not, from the processor into the VMCS; all else is put in
 * at the next entry. */
static void take_waiting(struct vcpu *v)
{
    struct vtx_vcpu *c = vtx_vcpu(v);

    c->vtx.shut_down = c->model.inner && c->nested.vtx.shut_down;
    vtx_save_waiting(&c->model.cpu, c->loaded);
    c->model.last.rip = ~model_arch(v)->rip;
}

/* L1's entry has passed its checks, and L2's state is there. */
static void begin(struct vcpu *v)
{
    struct nested *n = nested(v);
    const struct vmcs *v12 = &n->vtx.own;

    nested_merge(v);
    n->info = v12->field[VMCS_ENTRY_INTERRUPTION_INFO];
    n->error = v12->field[VMCS_ENTRY_EXCEPTION_ERROR];
    n->length = v12->field[VMCS_ENTRY_INSTRUCTION_LENGTH];
    n->injects = n->info & VMCS_EVENT_VALID;
    n->since = vtx_vcpu(v)->model.cpu.ran;
    model_arch(v)->delivering = n->injects;
}

void nested_follow(struct vcpu *v)
{
    struct vtx_vcpu *c = vtx_vcpu(v);
    struct nested *n = &c->nested;
    struct x86_state *s = model_arch(v);
    const struct vmcs *v12 = &n->vtx.own;
    bool shadow = c->model.cpu.shadow;

    if (n->vtx.in_guest == c->model.inner)
        return;
    c->model.inner = n->vtx.in_guest;
    c->loaded = c->model.inner ? &n->vmcs : &c->vmcs;
    c->vtx.other = c->model.inner ? &n->memo : NULL;
    s->delivering = n->injects = false;
    if (c->model.inner)
        begin(v);
    c->model.trap_waits =
        c->model.inner && vmcs_has(v12, VMX_PRIMARY_MONITOR_TRAP_FLAG);
    c->model.closed =
        c->model.inner &&
        (vmcs_has(v12, VMX_PIN_EXTERNAL_INTERRUPT) ||
         vmcs_has(v12, VMX_PRIMARY_INTERRUPT_WINDOW) || n->vtx.shut_down);
    take_waiting(v);
    s->wakes = nested_wakes(v);
    s->alarm = 0;
    s->interruptible =
        model_interruptible(v, shadow ? MODEL_BY_STI : MODEL_OPEN) &&
        !n->injects;
    s->nmi_held = model_nmi_held(v, shadow ? MODEL_BY_STI : MODEL_OPEN);
}

/* In the order of their priorities NMIs and interrupts are behind (SDM vol. 3,
 * 26.2, 27.7). */
bool nested_first(const struct vcpu *v)
{
    const struct vtx_vcpu *c = vtx_vcpu(v);
    const struct x86_cpu *cpu = &c->model.cpu;
    const struct nested *n = &c->nested;
    const struct vmcs *v12 = &n->vtx.own;

    if (vmcs_has(v12, VMX_PRIMARY_MONITOR_TRAP_FLAG) && cpu->ran != n->since)
        return true;
    if (vmcs_has(v12, VMX_PIN_PREEMPTION_TIMER) &&
        x86_tsc(cpu) - cpu->tsc_offset >= n->vtx.timer_end)
        return true;
    return vmcs_has(v12, VMX_PRIMARY_NMI_WINDOW) && !cpu->nmi_blocked;
}

/* Where they are virtual, it is those of L2 that are blocked, and L1 gets all
 * others (SDM vol. 3, 26.2). */
bool nested_blocks_nmi(const struct vcpu *v)
{
    const struct vtx_vcpu *c = vtx_vcpu(v);

    return c->model.cpu.nmi_blocked &&
           !vmcs_has(&c->nested.vtx.own, VMX_PIN_VIRTUAL_NMIS);
}

/* L2 is left to L1. */
static void leave(struct vcpu *v, const struct vtx_exit *x,
                  const struct x86_fault *during)
{
    struct vtx_vcpu *c = vtx_vcpu(v);
    struct x86_cpu *cpu = &c->model.cpu;

    model_go_outside(v);
    vtx_load_waiting(cpu, &c->nested.vmcs);
    c->model.down = vtx_reflect(cpu, x, during) == X86_SHUTDOWN;
    if (x->reason == VMX_EXIT_EXCEPTION &&
        vmcs_event_type(x->interruption) == VMCS_EVENT_NMI)
        cpu->nmi_blocked = true;
    model_come_back(v);
    model_take_over(v);
}

/* An exception that L2 would get, or an NMI: does L1 want it? */
static bool takes_exception(struct vcpu *v, const struct vm_event *e)
{
    struct vtx_vcpu *c = vtx_vcpu(v);
    struct x86_cpu *cpu = &c->model.cpu;
    int code;

    model_go_outside(v);
    vtx_load_waiting(cpu, &c->nested.vmcs);
    cpu->fault = (struct x86_fault){.vector = (uint8_t)e->code,
                                    .has_error = e->has_error,
                                    .error = (uint32_t)e->info[0],
                                    .cr2 = e->info[1]};
    cpu->next_rip = cpu->state.rip;
    code = vtx_guest.deliver(cpu, NULL);
    c->model.down = code == X86_SHUTDOWN;
    model_come_back(v);
    if (code)
        model_take_over(v);
    return code;
}

static bool takes_nmi(struct vcpu *v)
{
    enum { NMI = 0x80000202 };
    const struct vtx_exit x = {.reason = VMX_EXIT_EXCEPTION,
                               .interruption = NMI};

    if (!vmcs_has(&nested(v)->vtx.own, VMX_PIN_NMI))
        return false;
    leave(v, &x, NULL);
    return true;
}

bool nested_takes(struct vcpu *v, const struct vm_event *e)
{
    struct nested *n = nested(v);

    switch (e->kind) {
    case X86_EVENT_VM_EXIT:
        leave(v, &n->exit, n->has_during ? &n->during : NULL);
        return true;
    case X86_EVENT_EXCEPTION:
        return takes_exception(v, e);
    case X86_EVENT_NMI:
        return takes_nmi(v);
    default:
        return false;
    }
}

/* ---- What handlers ask for ---- */

/* It goes on after the instruction, on the same level. */
static bool goes_on(const struct vtx_vcpu *c)
{
    const struct x86_cpu *cpu = &c->model.cpu;

    return !c->nested.vtx.in_guest &&
           cpu->next_rip ==
               ((c->model.exit_pc + c->model.exit_len) & cpu->rip_mask);
}

static enum x86_own_end executed(struct vcpu *v, int code)
{
    struct vtx_vcpu *c = vtx_vcpu(v);
    bool next = goes_on(c);

    model_take_over(v);
    nested_forget(v);
    if (next)
        return X86_OWN_DONE;
    c->model.completion = MODEL_NOTHING;
    c->model.down = code == X86_SHUTDOWN;
    take_waiting(v);
    return X86_OWN_ELSEWHERE;
}

static enum x86_own_end instruction(void *who, struct x86_fault *fault)
{
    struct vcpu *v = who;
    struct vtx_vcpu *c = vtx_vcpu(v);
    struct x86_cpu *cpu = &c->model.cpu;
    int code;

    model_go_outside(v);
    cpu->shadowed_ss =
        c->vmcs.field[VMCS_GUEST_INTERRUPTIBILITY] & VMCS_BY_MOV_SS;
    code = model_execute_body(&c->model);
    cpu->shadowed_ss = false;
    model_come_back(v);
    c->nested.asks = c->model.between = c->model.counted =
        c->model.outside.wants;
    c->model.outside.wants = false;
    if (!c->nested.asks && code != X86_FAULT)
        return executed(v, code);
    nested_undo(v);
    cpu->state = *model_arch(v);
    *fault = cpu->fault;
    c->model.completion = MODEL_NOTHING;
    return c->nested.asks ? X86_OWN_ELSEWHERE : X86_OWN_FAULT;
}

static bool msr(void *who, uint32_t index, bool write, uint64_t *value)
{
    struct vtx_vcpu *c = vtx_vcpu(who);
    struct x86_cpu *cpu = &c->model.cpu;
    int code;

    cpu->assistant = &c->nested.vtx;
    bool is = cpu->assist->msr(cpu, index, write, value, &code);
    cpu->assistant = &c->vtx;
    return is && !code;
}

void nested_attach(struct vcpu *v)
{
    struct x86_platform *p = vtx_vcpu(v)->model.platform;

    vtx_init_emulated(&nested(v)->vtx);
    p->own.instruction = p->own.wanted ? instruction : NULL;
    p->own.msr = p->own.wanted ? msr : NULL;
    p->own.who = v;
}
