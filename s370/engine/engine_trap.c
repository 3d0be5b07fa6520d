#include "s370/engine/engine_trap.h"

#include "monitor/vm_trace.h"
#include "s370/engine/trap_exit.h"
#include "s370/engine/trap_map.h"
#include "s370/engine/trap_shadow.h"

/* Real CR0: 4K pages in 64K segments, and nothing that could interrupt. */
static const uint32_t real_cr0 = 0x00800000;

static struct trap_vm *trap(const struct vcpu *v)
{
    return v->vm->backing;
}

void trap_machine_init(struct trap_machine *m)
{
    m->loaded = NULL;
    m->cpu.psw = (struct s370_psw){
        .ec = true, .problem = true, .system_mask = S370_MASK_DAT};
    m->cpu.cr[0] = real_cr0;
    m->cpu.prefix = 0;
    s370_context_changed(&m->cpu);
    s370_tlb_purge(&m->cpu);
}

/* The machine is this program's own: there is nothing to be missing. */
static enum status trap_probe(struct diag *d)
{
    (void)d;
    return STATUS_OK;
}

static enum status trap_vm_init(struct vm *vm)
{
    uint64_t end = 0;

    for (unsigned i = 0; i < vm->mem.count; i++) {
        const struct mem_slot *s = &vm->mem.slots[i];

        if (s->gpa + s->size > end)
            end = s->gpa + s->size;
    }
    enum status st = trap_map_init(vm, end);
    return st ? st : trap_shadow_init(vm);
}

static void trap_vm_fini(struct vm *vm)
{
    (void)vm; /* the allocator takes the tables back with the machine */
}

static enum status trap_vcpu_init(struct vcpu *v)
{
    (void)v;
    return STATUS_OK;
}

static void trap_vcpu_fini(struct vcpu *v)
{
    struct trap_machine *m = trap(v)->machine;

    if (m->loaded == v)
        m->loaded = NULL;
}

/* ---- Registers ---- */

static void take_registers(const struct s370_cpu *cpu, struct s370_vcpu *g,
                           uint32_t groups)
{
    if (groups & S370_GROUP_GR)
        __builtin_memcpy(g->gr, cpu->gr, sizeof(g->gr));
    if (groups & S370_GROUP_FPR)
        __builtin_memcpy(g->fpr, cpu->fpr, sizeof(g->fpr));
}

static void put_registers(struct s370_cpu *cpu, const struct s370_vcpu *g,
                          uint32_t groups)
{
    if (groups & S370_GROUP_GR)
        __builtin_memcpy(cpu->gr, g->gr, sizeof(g->gr));
    if (groups & S370_GROUP_FPR)
        __builtin_memcpy(cpu->fpr, g->fpr, sizeof(g->fpr));
}

/* While another guest is in the CPU, the vcpu's own copy is current. */
static enum status trap_load_regs(struct vcpu *v, uint32_t groups)
{
    struct trap_machine *m = trap(v)->machine;

    if (m->loaded == v)
        take_registers(&m->cpu, s370_vcpu(v), groups);
    return STATUS_OK;
}

static enum status trap_store_regs(struct vcpu *v, uint32_t groups)
{
    struct trap_machine *m = trap(v)->machine;

    if (m->loaded == v)
        put_registers(&m->cpu, s370_vcpu(v), groups);
    return STATUS_OK;
}

/* ---- Entry ---- */

/* Another guest had the CPU: its registers leave, this one's come. */
static void change_guest(struct trap_machine *m, struct vcpu *v)
{
    const uint32_t both = S370_GROUP_GR | S370_GROUP_FPR;

    if (m->loaded)
        take_registers(&m->cpu, s370_vcpu(m->loaded), both);
    put_registers(&m->cpu, s370_vcpu(v), both);
    m->cpu.clock = &v->vm->clock;
    s370_context_changed(&m->cpu);
    s370_tlb_purge(&m->cpu);
    m->loaded = v;
}

static void drop_stale(struct trap_vm *t, struct vcpu *v)
{
    struct s370_vcpu *g = s370_vcpu(v);

    if (g->prefix != t->prefix) {
        trap_map_prefix(v->vm, g->prefix);
        g->purge = true;
    }
    if (g->purge) {
        trap_shadow_drop(t);
        s370_tlb_purge(&t->machine->cpu);
        g->purge = false;
    }
}

/* Which tables: the guest's real addresses, or its logical ones. */
static void enter_tables(struct s370_cpu *cpu, const struct trap_vm *t,
                         const struct s370_vcpu *g)
{
    bool shadow = s370_psw_dat(&g->psw);
    uint32_t cr1 = shadow ? t->shadow_cr1 : t->cr1;

    if (cpu->cr[1] == cr1)
        return;
    cpu->cr[0] = shadow ? TRAP_SHADOW_CR0 : real_cr0;
    cpu->cr[1] = cr1;
    s370_context_changed(cpu);
}

/* What is real of the virtual PSW: key, condition code, program mask and
 * instruction address; PER, which watches logical addresses, and these are
 * the guest's.  The rest is the monitor's: problem state, EC mode, DAT. */
static void enter_psw(struct s370_cpu *cpu, const struct s370_vcpu *g)
{
    bool per = g->psw.ec && (g->psw.system_mask & S370_MASK_PER);
    uint8_t mask = S370_MASK_DAT | (per ? S370_MASK_PER : 0);

    cpu->psw.cc = g->psw.cc;
    cpu->psw.program_mask = g->psw.program_mask;
    cpu->psw.ia = g->psw.ia;
    if (cpu->psw.key == g->psw.key && cpu->psw.system_mask == mask)
        return;
    cpu->psw.key = g->psw.key;
    cpu->psw.system_mask = mask;
    s370_context_changed(cpu);
}

static void enter(struct trap_vm *t, struct vcpu *v)
{
    struct s370_cpu *cpu = &t->machine->cpu;
    const struct s370_vcpu *g = s370_vcpu(v);

    if (t->machine->loaded != v)
        change_guest(t->machine, v);
    drop_stale(t, v);
    enter_tables(cpu, t, g);
    enter_psw(cpu, g);
    /* CR8: classes of MONITOR CALL; CR9-11: PER.  Both interrupt the problem
     * state, so the real registers are the guest's. */
    __builtin_memcpy(&cpu->cr[8], &g->cr[8], 4 * sizeof(cpu->cr[0]));
    cpu->timers.tod_offset = g->timers.tod_offset; /* STCK does not trap */
    cpu->timers.tod_set = g->timers.tod_set;
    cpu->ran = 0;
}

static void leave(const struct s370_cpu *cpu, struct s370_vcpu *g)
{
    g->psw.cc = cpu->psw.cc;
    g->psw.program_mask = cpu->psw.program_mask;
    g->psw.ia = cpu->psw.ia;
}

static bool is_fault(const struct s370_interruption *in)
{
    unsigned code = in->code & ~(unsigned)S370_PGM_PER_EVENT;

    return in->class == S370_INT_PROGRAM && s370_is_translation_exception(code);
}

/* The real translation had no entry.  True when it has one now: the real CPU
 * has nullified the instruction, which has not happened for the guest.
 * Otherwise in->code becomes what the guest's own processor would have
 * recognized. */
static bool fill(struct vcpu *v, struct s370_interruption *in)
{
    struct trap_vm *t = trap(v);
    struct s370_cpu *cpu = &t->machine->cpu;
    struct s370_vcpu *g = s370_vcpu(v);
    int code = S370_PGM_ADDRESSING;

    if (s370_psw_dat(&g->psw))
        code = trap_shadow_fill(t, g, in->translation_address);
    if (code) {
        in->code = (in->code & S370_PGM_PER_EVENT) | (uint16_t)code;
        return false;
    }
    cpu->ran--;
    if (trace_on(v->vm->trace)) {
        leave(cpu, g);
        vm_trace_fill(v, cpu->ran, in->translation_address);
    }
    return true;
}

static enum status trap_run(struct vcpu *v, struct vm_exit *x)
{
    struct trap_vm *t = trap(v);
    struct s370_vcpu *g = s370_vcpu(v);
    struct s370_cpu *cpu = &t->machine->cpu;
    struct s370_interruption in = {0};
    bool fault;

    *x = (struct vm_exit){0};
    if (!trap_exit_enterable(v, x))
        return STATUS_OK;
    enter(t, v);
    do {
        s370_run(cpu, v->budget - cpu->ran, &in);
        fault = is_fault(&in);
    } while (UNLIKELY(fault) && fill(v, &in));
    leave(cpu, g);
    x->ran = cpu->ran;
    trap_exit_describe(v, &in, fault, x);
    return STATUS_OK;
}

/* Nothing to do: a turn is at most v->budget instructions, well under a
 * millisecond, and the dispatcher looks up after each. */
static void trap_kick(struct vcpu *v)
{
    (void)v;
}

const struct engine_ops engine_trap = {
    .name = "trap",
    .title = "System/370 in problem state, trap and emulate",
    .probe = trap_probe,
    .vm_init = trap_vm_init,
    .vm_fini = trap_vm_fini,
    .vcpu_init = trap_vcpu_init,
    .vcpu_fini = trap_vcpu_fini,
    .map = trap_map_slot,
    .run = trap_run,
    .load_regs = trap_load_regs,
    .store_regs = trap_store_regs,
    .inject = NULL, /* the guest's state is at hand: isa->reflect does it */
    .kick = trap_kick,
};
