#include "x86vmm/bare/emulator.h"

#include "x86vmm/bare/hardware.h"
#include "x86vmm/machine/assist.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/device_op.h"
#include "x86vmm/machine/paging.h"
#include "x86vmm/machine/translate.h"

/* One is enough: there is one processor. */
static struct software {
    struct x86_cpu cpu;
    struct bus bus;
    struct emulator *of; /* whose instruction it is */
    bool made;
} software;

/* ---- Devices ---- */

static void meet(void *dev, uint64_t addr, unsigned size, bool write,
                 uint64_t *value)
{
    struct emulator *e = ((struct software *)dev)->of;
    const struct emulator_access a = {addr, *value, (uint8_t)size, write};

    if (!write)
        *value = UINT64_MAX;
    if (e->deaf || e->wants || e->next == EMULATOR_ACCESSES)
        return;
    if (e->next < e->count) {
        if (!write)
            *value = e->done[e->next].value;
        e->next++;
        return;
    }
    e->wanted = a;
    e->wants = true;
    x86_tlb_flush(&software.cpu, true); /* what else it does asks translate() */
}

/* ---- What the processor asks ---- the second level is the guest's storage. */

static int translate(struct x86_cpu *cpu, uint64_t gpa, uint64_t linear,
                     enum x86_access access, bool entry, uint64_t *physical)
{
    (void)linear, (void)access, (void)entry;
    *physical = gpa;
    if (!software.of->wants)
        return 0;
    cpu->fault = (struct x86_fault){.exits = true}; /* it is given up */
    return X86_FAULT;
}

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

static int task_switch(struct x86_cpu *cpu, uint16_t selector, unsigned how)
{
    (void)cpu, (void)selector, (void)how;
    return 0;
}

#define HOOKS(walks)                                                           \
    {                                                                          \
        .walks_pdptes = (walks), .instruction = no_intercept,                  \
        .deliver = deliver, .shutdown = shut_down, .task_switch = task_switch, \
        .translate = translate                                                 \
    }
static const struct x86_guest keeping = HOOKS(false), walking = HOOKS(true);

/* It keeps no code: nothing is stale. */
void x86_code_written(struct x86_cpu *cpu, uint64_t gpa, size_t size)
{
    (void)cpu, (void)gpa, (void)size;
}

/* ---- In and out ---- */

static void make(void)
{
    x86_tlb_init(&software.cpu);
    software.cpu.repeats_at = X86_NO_REPEAT;
    software.cpu.world.bus = &software.bus;
    software.bus = (struct bus){
        .devices = {{BUS_MMIO, 0, UINT64_MAX, "storage", meet, &software}},
        .count = 1};
    software.made = true;
}

static struct x86_cpu *begin(struct vcpu *v)
{
    struct emulator *e = &hardware(v)->emulator;
    struct x86_cpu *cpu = &software.cpu;

    if (!software.made)
        make();
    software.of = e;
    e->next = 0;
    e->wants = e->deaf = false;
    v->vm->engine->load_regs(v, X86_ALL);
    cpu->world.mem = &v->vm->mem;
    cpu->world.clock = &v->vm->clock;
    cpu->guest = e->walks_pdptes ? &walking : &keeping;
    cpu->state = *(const struct x86_state *)v->arch;
    x86_flags_set(cpu, cpu->state.rflags);
    hardware_read_debug(cpu->dr);
    e->rest(v, cpu, false);
    cpu->debug_hits = 0;
    cpu->repeats_at = X86_NO_REPEAT;
    x86_tlb_flush(cpu, true); /* the guest may have changed its tables */
    x86_mode_changed(cpu);
    return cpu;
}

static void come_back(struct vcpu *v, struct x86_cpu *cpu)
{
    struct x86_state *s = v->arch;

    *s = cpu->state;
    s->rflags = x86_flags_between(cpu);
    hardware_write_debug(cpu->dr);
    hardware(v)->emulator.rest(v, cpu, true);
    hardware(v)->changed |= X86_ALL;
}

/* As the machine's driver does it: the fault, or what traps afterwards.  TF is
 * the engine's to look at. */
static enum emulated end(struct vcpu *v, struct x86_cpu *cpu, int code)
{
    struct emulator *e = &hardware(v)->emulator;

    e->deaf = true;
    if (code == X86_FAULT) {
        if (!cpu->fault.software) /* then it has not been done */
            cpu->debug_hits = 0;
        code = x86_deliver_fault(cpu);
    } else {
        cpu->state.rip = cpu->next_rip;
    }
    cpu->next_rip = cpu->state.rip;
    if (code != X86_SHUTDOWN && cpu->debug_hits &&
        x86_debug_trap(cpu, x86_flags_get(cpu) & X86_FLAG_TF))
        code = x86_deliver_fault(cpu);
    come_back(v, cpu);
    return code == X86_SHUTDOWN ? EMULATED_SHUTDOWN : EMULATED_DONE;
}

/* ---- What is executed ---- */

enum emulated emulator_fetch(struct vcpu *v)
{
    const struct x86_state *s = v->arch;
    struct x86_cpu *cpu = begin(v);
    uint64_t gpa, linear = x86_linear(s, X86_CS, s->rip);
    int code = x86_walk(cpu, linear, X86_FETCH, X86_AS_CPL, &gpa);

    return code ? end(v, cpu, code) : EMULATED_UNKNOWN;
}

enum emulated emulator_insn(struct vcpu *v)
{
    struct emulator *e = &hardware(v)->emulator;
    const struct x86_state *s = v->arch;
    uint8_t bytes[X86_INSN_MAX];
    struct x86_op op;

    if (!x86_device_op(bytes, hardware_fetch(v, bytes), x86_code_bits(s), &op))
        return emulator_fetch(v);
    struct x86_cpu *cpu = begin(v);
    e->len = op.len;
    cpu->next_rip = (s->rip + op.len) & cpu->rip_mask;
    cpu->state.rflags &= ~X86_FLAG_RF;
    int code = op.body(cpu, &op);
    return e->wants ? EMULATED_WANTS : end(v, cpu, code);
}

enum emulated emulator_deliver(struct vcpu *v, const struct x86_fault *f,
                               uint64_t len)
{
    struct x86_cpu *cpu = begin(v);

    cpu->next_rip = cpu->state.rip + (f->trap ? len : 0);
    cpu->fault = *f;
    return end(v, cpu, X86_FAULT);
}

enum emulated emulator_task(struct vcpu *v, uint16_t selector,
                            enum x86_switch how, uint64_t len)
{
    struct x86_cpu *cpu = begin(v);
    struct x86_descriptor tss;

    hardware(v)->emulator.deaf = true; /* a TSS in a device is none */
    cpu->next_rip = cpu->state.rip + len;
    int code = x86_find_tss(
        cpu, selector, how == X86_SWITCH_IRET ? X86_EXC_TS : X86_EXC_GP, &tss);
    if (!code)
        code = x86_task_switch(cpu, &tss, how);
    return end(v, cpu, code);
}
