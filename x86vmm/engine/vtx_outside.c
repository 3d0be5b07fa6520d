/* One instruction of a guest, executed by its processor outside VMX non-root
 * operation: what a monitor on hardware needs an emulator for. */
#include "x86vmm/engine/vtx_host.h"
#include "x86vmm/machine/assist.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/op.h"

/* ---- Devices ---- */

static void meet(struct vtx_cpu *c, const struct vtx_access *a, uint64_t *value)
{
    struct vtx_outside *o = &c->outside;

    if (!a->write)
        *value = UINT64_MAX;
    if (o->deaf || o->wants || o->next == VTX_ACCESSES)
        return;
    if (o->next < o->count) {
        if (!a->write)
            *value = o->done[o->next].value;
        o->next++;
        return;
    }
    o->wanted = *a;
    o->wants = true;
    x86_tlb_flush(&c->cpu, true); /* so that the rest of it asks translate() */
}

static void port(void *dev, uint64_t offset, unsigned size, bool write,
                 uint64_t *value)
{
    meet(dev,
         &(struct vtx_access){BUS_PORT, offset, *value, (uint8_t)size, write},
         value);
}

static void storage(void *dev, uint64_t offset, unsigned size, bool write,
                    uint64_t *value)
{
    meet(dev,
         &(struct vtx_access){BUS_MMIO, offset, *value, (uint8_t)size, write},
         value);
}

void vtx_attach_bus(struct vtx_cpu *c)
{
    c->bus = (struct bus){
        .devices = {{BUS_PORT, 0, UINT16_MAX + 3, "ports", port, c},
                    {BUS_MMIO, 0, UINT64_MAX, "storage", storage, c}},
        .count = 2};
}

/* ---- Hooks ---- the second level is the guest's own storage. */

static bool no_intercept(struct x86_cpu *cpu, const struct x86_op *op,
                         int *code)
{
    (void)cpu, (void)op, (void)code;
    return false;
}

static int deliver(struct x86_cpu *cpu, const struct x86_fault *during)
{
    (void)cpu, (void)during;
    return 0;
}

static int shut_down(struct x86_cpu *cpu)
{
    (void)cpu;
    return X86_SHUTDOWN;
}

static int between(struct x86_cpu *cpu)
{
    (void)cpu;
    return 0;
}

static int task_switch(struct x86_cpu *cpu, uint16_t selector, unsigned how)
{
    (void)cpu, (void)selector, (void)how;
    return 0;
}

static int translate(struct x86_cpu *cpu, uint64_t gpa, uint64_t linear,
                     enum x86_access access, bool entry, uint64_t *physical)
{
    const struct vtx_cpu *c = cpu->world.who;

    (void)linear, (void)access, (void)entry;
    *physical = gpa;
    if (!c->outside.wants)
        return 0;
    cpu->fault = (struct x86_fault){.exits = true};
    return X86_FAULT;
}

static const struct x86_guest hooks = {.instruction = no_intercept,
                                       .deliver = deliver,
                                       .shutdown = shut_down,
                                       .between = between,
                                       .task_switch = task_switch,
                                       .translate = translate};

/* ---- Executing ---- */

static void go_outside(struct vcpu *v)
{
    struct vtx_cpu *c = vtx_cpu(v);
    struct x86_cpu *cpu = &c->cpu;

    cpu->guest = &hooks;
    cpu->assist = NULL; /* the guest has no VT-x */
    cpu->world.mem = &v->vm->mem;
    cpu->state = *vtx_arch(v);
    x86_flags_set(cpu, vtx_arch(v)->rflags);
    cpu->shadow = cpu->shadow_ss = cpu->halted = false;
    cpu->debug_hits = 0;
    x86_mode_changed(cpu);
}

/* Translations made here may be of no storage, of which the guest's own must
 * exit. */
static void come_back(struct vcpu *v, const struct x86_assist *assist)
{
    const struct vtx_machine *m = v->vm->backing;
    struct x86_cpu *cpu = &vtx_cpu(v)->cpu;

    cpu->guest = NULL;
    cpu->assist = assist;
    cpu->world.mem = &m->mem;
    x86_tlb_flush(cpu, true);
}

/* As the driver does it: the instruction, its fault, its traps. */
static int execute(struct vtx_cpu *c, const struct x86_fault *event)
{
    struct x86_cpu *cpu = &c->cpu;
    int code = X86_FAULT;

    if (event) {
        cpu->fault = *event;
    } else {
        cpu->traced = cpu->state.rflags & X86_FLAG_TF;
        cpu->state.rflags &= ~X86_FLAG_RF;
        code = x86_try(cpu);
        if (c->outside.wants)
            return X86_FAULT;
    }
    c->outside.deaf = true;
    if (code == X86_FAULT)
        return x86_deliver_fault(cpu);
    if (code <= X86_SYNC && !cpu->shadow_ss && x86_debug_trap(cpu, cpu->traced))
        code = x86_deliver_fault(cpu);
    return code;
}

/* It is done: what blocks interrupts now? */
static void take_over(struct vcpu *v)
{
    enum { BY_STI = 1, BY_MOV_SS = 2 };
    struct vtx_cpu *c = vtx_cpu(v);
    struct x86_state *s = vtx_arch(v);
    const struct x86_cpu *cpu = &c->cpu;
    uint64_t *blocked = &c->vmcs.field[VMCS_GUEST_INTERRUPTIBILITY];
    uint64_t now = cpu->shadow_ss ? BY_MOV_SS : cpu->shadow ? BY_STI : 0;

    *s = cpu->state;
    s->rflags = x86_flags_get(&c->cpu);
    s->interruptible = (s->rflags & X86_FLAG_IF) && !now && !c->inject;
    *blocked = (*blocked & ~(uint64_t)(BY_STI | BY_MOV_SS)) | now;
}

/* What an execution that is given up must leave as it was. */
struct kept {
    struct x86_fpu fpu;
    struct x86_xmm xmm[16];
    uint32_t mxcsr;
    uint64_t dr[8];
};

bool vtx_execute(struct vcpu *v, const struct x86_fault *event, bool *shutdown)
{
    struct vtx_cpu *c = vtx_cpu(v);
    struct x86_cpu *cpu = &c->cpu;
    const struct x86_assist *assist = cpu->assist;
    struct kept kept = {.fpu = cpu->fpu, .mxcsr = cpu->mxcsr};

    __builtin_memcpy(kept.xmm, cpu->xmm, sizeof(kept.xmm));
    __builtin_memcpy(kept.dr, cpu->dr, sizeof(kept.dr));
    c->outside.next = 0;
    c->outside.wants = c->outside.deaf = false;
    go_outside(v);
    int code = execute(c, event);
    come_back(v, assist);
    *shutdown = code == X86_SHUTDOWN;
    if (!c->outside.wants) {
        take_over(v);
        return !*shutdown;
    }
    cpu->state = *vtx_arch(v);
    cpu->fpu = kept.fpu;
    cpu->mxcsr = kept.mxcsr;
    __builtin_memcpy(cpu->xmm, kept.xmm, sizeof(kept.xmm));
    __builtin_memcpy(cpu->dr, kept.dr, sizeof(kept.dr));
    return false;
}
