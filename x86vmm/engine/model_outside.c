/* One instruction of a guest, executed by its processor while it is no guest:
 * what a monitor on hardware needs an emulator for. */
#include "x86vmm/engine/model_host.h"
#include "x86vmm/machine/assist.h"
#include "x86vmm/machine/code.h"
#include "x86vmm/machine/debug.h"

#include <string.h>

/* ---- Devices ---- */

/* The rest of the instruction is to do nothing: it has to ask translate(). */
static void put_aside(struct model_vcpu *c)
{
    struct model_tlb *t = &c->outside.aside;

    memcpy(t->tlb, c->cpu.tlb, sizeof(t->tlb));
    memcpy(t->itlb, c->cpu.itlb, sizeof(t->itlb));
    memcpy(t->tlb_used, c->cpu.tlb_used, sizeof(t->tlb_used));
    memcpy(t->itlb_used, c->cpu.itlb_used, sizeof(t->itlb_used));
    t->used = true;
    x86_tlb_flush(&c->cpu, true);
}

static void bring_back(struct model_vcpu *c)
{
    struct model_tlb *t = &c->outside.aside;

    if (!t->used)
        return;
    memcpy(c->cpu.tlb, t->tlb, sizeof(t->tlb));
    memcpy(c->cpu.itlb, t->itlb, sizeof(t->itlb));
    memcpy(c->cpu.tlb_used, t->tlb_used, sizeof(t->tlb_used));
    memcpy(c->cpu.itlb_used, t->itlb_used, sizeof(t->itlb_used));
    t->used = false;
}

static void meet(struct model_vcpu *c, const struct model_access *a,
                 uint64_t *value)
{
    struct model_outside *o = &c->outside;

    if (!a->write)
        *value = UINT64_MAX;
    if (o->deaf || o->wants || o->next == MODEL_ACCESSES)
        return;
    if (o->next < o->count) {
        if (!a->write)
            *value = o->done[o->next].value;
        o->next++;
        return;
    }
    o->wanted = *a;
    o->wants = true;
    if (!o->lone)
        put_aside(c);
}

static void port(void *dev, uint64_t offset, unsigned size, bool write,
                 uint64_t *value)
{
    meet(dev,
         &(struct model_access){BUS_PORT, offset, *value, (uint8_t)size, write},
         value);
}

static void storage(void *dev, uint64_t offset, unsigned size, bool write,
                    uint64_t *value)
{
    meet(dev,
         &(struct model_access){BUS_MMIO, offset, *value, (uint8_t)size, write},
         value);
}

void model_attach_bus(struct model_vcpu *c)
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

/* A guest's guest may be left, to its own monitor. */
static const struct x86_guest *inner_of(const struct x86_cpu *cpu)
{
    const struct model_vcpu *c = cpu->world.who;

    return c->inner ? c->ops->inner : NULL;
}

static int deliver(struct x86_cpu *cpu, const struct x86_fault *during)
{
    const struct x86_guest *inner = inner_of(cpu);

    return inner ? inner->deliver(cpu, during) : 0;
}

static int shut_down(struct x86_cpu *cpu)
{
    const struct x86_guest *inner = inner_of(cpu);

    return inner ? inner->shutdown(cpu) : X86_SHUTDOWN;
}

static int between(struct x86_cpu *cpu)
{
    (void)cpu;
    return 0;
}

static int task_switch(struct x86_cpu *cpu, uint16_t selector, unsigned how)
{
    const struct x86_guest *inner = inner_of(cpu);

    return inner ? inner->task_switch(cpu, selector, how) : 0;
}

/* Translations of what is no plain storage are dropped afterwards: in the guest
 * they must exit. */
static void miss(struct model_outside *o, uint64_t linear)
{
    if (o->misses < MODEL_MISSES)
        o->missed[o->misses] = linear;
    if (o->misses <= MODEL_MISSES)
        o->misses++;
}

static int translate(struct x86_cpu *cpu, uint64_t gpa, uint64_t linear,
                     enum x86_access access, bool entry, uint64_t *physical)
{
    struct model_vcpu *c = cpu->world.who;
    const struct x86_guest *inner = inner_of(cpu);
    const struct mem_slot *slot;

    *physical = gpa;
    if (inner)
        TRY(inner->translate(cpu, gpa, linear, access, entry, physical));
    slot = mem_find(cpu->world.mem, *physical & ~(uint64_t)(MODEL_PAGE - 1),
                    MODEL_PAGE);
    if (!entry && (!slot || (slot->flags & MEM_READ_ONLY)))
        miss(&c->outside, linear);
    if (!c->outside.wants)
        return 0;
    cpu->fault = (struct x86_fault){.exits = true};
    return X86_FAULT;
}

#define HOOKS(walks)                                                   \
    {                                                                  \
        .walks_pdptes = (walks), .instruction = no_intercept,          \
        .deliver = deliver, .shutdown = shut_down, .between = between, \
        .task_switch = task_switch, .translate = translate             \
    }
static const struct x86_guest keeping = HOOKS(false), walking = HOOKS(true);

/* ---- Executing ---- */

void model_go_outside(struct vcpu *v)
{
    struct model_vcpu *c = model_vcpu(v);
    struct x86_cpu *cpu = &c->cpu;

    c->outside.next = c->outside.misses = 0;
    c->outside.wants = c->outside.deaf = c->outside.lone = false;
    c->outside.op_id = X86_INSN_COUNT;
    c->outside.op_len = 0;
    cpu->stores.count = 0;
    c->outside.assist = cpu->assist;
    c->outside.assistant = cpu->assistant;
    cpu->guest = model_machine(v)->ops->walks_pdptes ? &walking : &keeping;
    if (c->ops->lend)
        c->ops->lend(v);
    else
        cpu->assist = NULL; /* the guest has no hardware assistance */
    cpu->world.mem = &v->vm->mem;
    cpu->state = *model_arch(v);
    x86_flags_set(cpu, model_arch(v)->rflags);
    cpu->shadow = cpu->shadow_ss = cpu->halted = false;
    cpu->debug_hits = model_waiting(v);
    cpu->repeats_at = X86_NO_REPEAT;
    x86_mode_changed(cpu);
}

void model_come_back(struct vcpu *v)
{
    struct model_vcpu *c = model_vcpu(v);
    struct model_outside *o = &c->outside;
    struct x86_cpu *cpu = &c->cpu;

    cpu->guest = NULL;
    cpu->assist = o->assist;
    cpu->assistant = o->assistant;
    cpu->world.mem = &model_machine(v)->mem;
    bring_back(c);
    if (o->misses > MODEL_MISSES)
        x86_tlb_flush(cpu, true);
    for (unsigned i = 0; i < o->misses && i < MODEL_MISSES; i++)
        x86_tlb_invalidate(cpu, o->missed[i]);
    o->odd = o->misses;
    o->misses = 0;
}

int model_execute_body(struct model_vcpu *c)
{
    struct x86_cpu *cpu = &c->cpu;
    const struct x86_block *b;
    uint64_t linear;

    TRY(x86_code_block(cpu, &b));
    const struct x86_op *op = b->ops;
    c->outside.op_id = op->id;
    c->outside.op_len = op->len;
    cpu->next_rip = (cpu->state.rip + op->len) & cpu->rip_mask;
    c->outside.lone = model_is_lone_move(cpu, op, &linear);
    if (LIKELY(!cpu->debugctl))
        return op->body(cpu, op);
    const struct x86_op kept = *op; /* the block may be dropped */
    int code = op->body(cpu, &kept);
    if (code != X86_FAULT)
        x86_debug_executed(cpu, &kept);
    return code;
}

/* Its stores are kept: a device may have to answer for a part of one, and then
 * it is begun again, with what it has read. */
static int execute_insn(struct model_vcpu *c)
{
    int code;

    x86_stores_begin(&c->cpu);
    code = x86_stores_end(&c->cpu, model_execute_body(c));
    if (code != X86_FAULT)
        c->cpu.state.rip = c->cpu.next_rip;
    return code;
}

/* As the driver does it: the instruction, its fault, its traps. */
static int execute(struct model_vcpu *c, const struct x86_fault *event)
{
    struct x86_cpu *cpu = &c->cpu;
    bool undisturbed = c->blocked == MODEL_BY_MOV_SS;
    int code = X86_FAULT;

    if (event) {
        cpu->fault = *event;
    } else {
        cpu->traced = cpu->state.rflags & X86_FLAG_TF;
        cpu->state.rflags &= ~X86_FLAG_RF;
        code = execute_insn(c);
        if (c->outside.wants)
            return X86_FAULT;
    }
    c->outside.deaf = true;
    if (undisturbed && code != X86_FAULT)
        cpu->shadow = cpu->shadow_ss = false; /* of two loads of SS in a row
                                               * only the first counts */
    if (code == X86_FAULT) { /* not done: it still is in the shadow */
        cpu->shadow = c->blocked != MODEL_OPEN;
        cpu->shadow_ss = undisturbed;
        if (!cpu->fault.software) /* then it has not been done */
            cpu->debug_hits = 0;
        code =
            c->outside.again ? x86_inject_fault(cpu) : x86_deliver_fault(cpu);
        cpu->traced = false;
        cpu->next_rip = cpu->state.rip;
    }
    if (code > X86_SYNC && code != X86_HALT)
        return code;
    if (c->trap_waits && !cpu->shadow_ss)
        cpu->debug_hits |= cpu->traced ? X86_DR6_BS : 0;
    else if (!cpu->shadow_ss && x86_debug_trap(cpu, cpu->traced))
        code = x86_deliver_fault(cpu);
    return code;
}

/* It is done: what blocks interrupts now? */
void model_take_over(struct vcpu *v)
{
    struct model_vcpu *c = model_vcpu(v);
    struct x86_state *s = model_arch(v);
    const struct x86_cpu *cpu = &c->cpu;
    enum model_shadow now = cpu->shadow_ss ? MODEL_BY_MOV_SS
                            : cpu->shadow  ? MODEL_BY_STI
                                           : MODEL_OPEN;

    *s = cpu->state;
    s->rflags = x86_flags_between(&c->cpu);
    s->interruptible = model_interruptible(v, now) && !c->inject;
    s->nmi_held = model_nmi_held(v, now);
    model_block(v, now);
    if (c->ops->follow)
        c->ops->follow(v);
}

/* What an execution that is given up must leave as it was. */
struct kept {
    struct x86_fpu fpu;
    struct x86_xmm xmm[16];
    uint32_t mxcsr;
    uint64_t dr[8];
};

bool model_execute(struct vcpu *v, const struct x86_fault *event,
                   bool *shutdown)
{
    struct model_vcpu *c = model_vcpu(v);
    struct x86_cpu *cpu = &c->cpu;
    struct kept kept = {.fpu = cpu->fpu, .mxcsr = cpu->mxcsr};

    memcpy(kept.xmm, cpu->xmm, sizeof(kept.xmm));
    memcpy(kept.dr, cpu->dr, sizeof(kept.dr));
    model_go_outside(v);
    int code = execute(c, event);
    model_come_back(v);
    c->outside.again = false;
    *shutdown = code == X86_SHUTDOWN;
    if (!c->outside.wants) {
        model_take_over(v);
        return !*shutdown;
    }
    if (c->ops->undo)
        c->ops->undo(v);
    x86_stores_undo(cpu);
    cpu->state = *model_arch(v);
    cpu->fpu = kept.fpu;
    cpu->mxcsr = kept.mxcsr;
    memcpy(cpu->xmm, kept.xmm, sizeof(kept.xmm));
    memcpy(cpu->dr, kept.dr, sizeof(kept.dr));
    return false;
}
