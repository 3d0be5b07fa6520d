/* Making a modelled machine, and running its guest until one exit. */
#include "x86vmm/engine/model.h"
#include "x86vmm/engine/model_host.h"
#include "x86vmm/machine/access.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/machine/translate.h"

#include <stdlib.h>
#include <string.h>

enum status model_probe(const char *name, struct diag *d)
{
    if (!x86_op_decode_available())
        return diag_set(d, STATUS_UNSUPPORTED, "--on %s: %s", name,
                        X86_NO_DECODER);
    return STATUS_OK; /* it is a program: it runs everywhere */
}

/* ---- Making ---- */

enum status model_vm_init(struct vm *vm, const struct model_ops *ops)
{
    struct model_machine *m = calloc(1, sizeof(*m));

    vm->backing = m;
    if (!m)
        return diag_set(&vm->diag, STATUS_NO_MEMORY, "no memory for a VM");
    m->ops = ops;
    return STATUS_OK;
}

void model_vm_fini(struct vm *vm)
{
    struct model_machine *m = vm->backing;

    if (m)
        free(m->tables);
    free(m);
    vm->backing = NULL;
}

enum status model_map(struct vm *vm, const struct mem_slot *slot)
{
    struct model_machine *m = vm->backing;

    if ((slot->gpa | slot->size) % MODEL_PAGE || slot->gpa >= MODEL_TABLES ||
        slot->size > MODEL_TABLES - slot->gpa)
        return diag_set(&vm->diag, STATUS_BAD_INPUT,
                        "storage at %llx, %llu bytes: not in whole pages, or "
                        "beyond 32 GiB",
                        (unsigned long long)slot->gpa,
                        (unsigned long long)slot->size);
    if (mem_add(&m->mem, slot))
        return diag_set(&vm->diag, STATUS_BAD_INPUT, "too many slots");
    return STATUS_OK;
}

/* The host's interrupts are no devices of the modelled machine's. */
static int no_vector(void *who)
{
    (void)who;
    return -1;
}

/* MOV to CR8, executed outside the guest: the task priority is the APIC's. */
static void apic_changed(void *who)
{
    const struct model_vcpu *c = who;
    struct x86_platform *p = c->platform;

    p->cr8 = c->cpu.state.cr8;
    if (p->apic_changed)
        p->apic_changed(p->controller);
}

/* An x87 exception is to be told by an interrupt, for which the guest is
 * left. */
static void float_error(void *who)
{
    struct model_vcpu *c = who;

    if (!c->platform->float_error)
        return;
    c->platform->float_error(c->platform->controller);
    c->cpu.interrupt_line = x86_platform_waits(c->platform);
}

static struct x86_world world_of(struct vcpu *v, struct model_vcpu *c)
{
    return (struct x86_world){.mem = &model_machine(v)->mem,
                              .bus = &c->bus,
                              .clock = &v->vm->clock,
                              .acknowledge = no_vector,
                              .who = c,
                              .apic_changed = apic_changed,
                              .float_error = float_error};
}

enum status model_vcpu_init(struct vcpu *v)
{
    struct model_machine *m = model_machine(v);
    struct model_vcpu *c = calloc(1, m->ops->vcpu_bytes);
    enum status st = m->ops->make_tables(v->vm);

    if (!st && !c)
        st = diag_set(&v->vm->diag, STATUS_NO_MEMORY, "no memory for a vcpu");
    if (!st) {
        const struct x86_world world = world_of(v, c);

        c->platform = v->vm->arch;
        c->ops = m->ops;
        model_attach_bus(c);
        st = x86_cpu_init(&c->cpu, &world);
    }
    if (st) {
        free(c);
        return st;
    }
    v->backing = c;
    m->ops->attach(v);
    c->last.rip = ~model_arch(v)->rip; /* nothing has been put in yet */
    return STATUS_OK;
}

void model_vcpu_fini(struct vcpu *v)
{
    struct model_vcpu *c = model_vcpu(v);

    if (!c)
        return;
    x86_cpu_fini(&c->cpu);
    free(c);
    v->backing = NULL;
}

struct x86_cpu *model_cpu(const struct vcpu *v)
{
    return v->vm->engine->vcpu_init == model_vcpu_init ? &model_vcpu(v)->cpu
                                                       : NULL;
}

bool model_is_inner(const struct vcpu *v)
{
    return model_vcpu(v)->inner;
}

/* ---- State ---- */

bool model_translates_alike(const struct x86_state *a,
                            const struct x86_state *b)
{
    return a->cr0 == b->cr0 && a->cr3 == b->cr3 && a->cr4 == b->cr4 &&
           a->efer == b->efer;
}

static bool leaves_first(const struct vcpu *v)
{
    const struct model_vcpu *c = model_vcpu(v);

    return c->inner && c->ops->first(v);
}

bool model_interruptible(const struct vcpu *v, enum model_shadow shadow)
{
    return (model_arch(v)->rflags & X86_FLAG_IF) && shadow == MODEL_OPEN &&
           !model_vcpu(v)->closed && !leaves_first(v);
}

bool model_nmi_held(const struct vcpu *v, enum model_shadow shadow)
{
    const struct model_vcpu *c = model_vcpu(v);

    return shadow != MODEL_OPEN || leaves_first(v) ||
           (c->inner ? c->ops->blocks_nmi(v) : c->cpu.nmi_blocked);
}

bool model_event_waits(const struct vcpu *v)
{
    return v->pending.count || x86_platform_waits(model_vcpu(v)->platform);
}

bool model_wants_window(const struct vcpu *v)
{
    return model_event_waits(v) && !model_arch(v)->interruptible;
}

static void prepare(struct vcpu *v)
{
    struct model_vcpu *c = model_vcpu(v);
    struct x86_state *s = model_arch(v);
    bool changed;

    c->last.interruptible = s->interruptible;
    c->last.delivering = s->delivering;
    c->last.nmi_held = s->nmi_held;
    changed = memcmp(s, &c->last, sizeof(*s));
    if (changed && !model_translates_alike(s, &c->last))
        x86_tlb_flush(&c->cpu, true);
    model_machine(v)->ops->prepare(v, changed);
    c->last = *s;
    c->inject = s->delivering = false;
}

static void take_state(struct vcpu *v)
{
    struct x86_state *s = model_arch(v);
    enum model_shadow shadow = model_machine(v)->ops->take_state(v);

    model_vcpu(v)->blocked = shadow;
    s->interruptible = model_interruptible(v, shadow);
    s->delivering = false;
    s->nmi_held = model_nmi_held(v, shadow);
    model_vcpu(v)->last = *s;
    model_vcpu(v)->cpu.interrupt_line = false;
}

/* ---- Running ---- */

static void time_is_up(struct vcpu *v, struct vm_exit *x)
{
    const struct model_vcpu *c = model_vcpu(v);

    x->reason = v->stepping ? EXIT_STEP : EXIT_TIMER;
    x->pc = model_arch(v)->rip;
    if (!v->stepping)
        return;
    x->pc = c->exit_pc;
    x->insn = c->stepped.insn;
    x->insn_len = c->stepped.len;
}

/* When a VMX-preemption timer ends its HLT; 0: none does. */
static uint64_t alarm_of(const struct x86_cpu *cpu)
{
    uint64_t now = x86_tsc(cpu) - cpu->tsc_offset;

    return cpu->guest_due == UINT64_MAX ? 0 : now + (cpu->guest_due - cpu->ran);
}

/* One entry.  False: settled, go on. */
static bool run_once(struct vcpu *v, struct vm_exit *x)
{
    const struct model_ops *ops = model_machine(v)->ops;
    struct model_vcpu *c = model_vcpu(v);
    enum x86_outcome out = X86_EXIT;
    bool exited = false;

    if (c->cpu.ran == c->end && !model_arch(v)->delivering) {
        time_is_up(v, x);
        return true;
    }
    prepare(v);
    if (!ops->enter(v, &exited, x)) {
        x->reason = EXIT_ENTRY_FAILED;
        x->pc = model_arch(v)->rip;
        return true;
    }
    if (!exited)
        out = x86_run(&c->cpu, c->end - c->cpu.ran);
    if (out == X86_BUDGET || out == X86_HALT)
        out = ops->interrupt(v, out);
    take_state(v);
    if (out == X86_SHUTDOWN) {
        x->reason = EXIT_SHUTDOWN;
        return true;
    }
    if (out == X86_BUDGET) {
        time_is_up(v, x);
        return true;
    }
    if (out == X86_HALT) { /* of a guest's guest, whose monitor lets it */
        model_arch(v)->alarm = alarm_of(&c->cpu);
        x->reason = EXIT_HALT;
        x->pc = model_arch(v)->rip;
        return true;
    }
    return model_translate_exit(v, x);
}

static void look_at_entry(struct vcpu *v)
{
    struct model_vcpu *c = model_vcpu(v);
    const struct x86_state *s = model_arch(v);
    uint8_t bytes[X86_INSN_MAX];

    c->exit_pc = s->rip;
    c->stepped = (struct x86_decoded){0};
    if (!v->stepping || c->inject)
        return;
    size_t n = x86_fetch(s, &v->vm->mem, 0, bytes, sizeof(bytes));
    x86_decode(bytes, n, x86_code_bits(s), &c->stepped);
}

/* There is no window for NMIs: until one is accepted the guest is stepped, and
 * left before the first instruction of a handler. */
static bool nmi_waits(const struct vcpu *v)
{
    for (unsigned i = 0; i < v->pending.count; i++)
        if (v->pending.events[i].kind == X86_EVENT_NMI)
            return true;
    return false;
}

enum status model_run(struct vcpu *v, struct vm_exit *x)
{
    struct model_vcpu *c = model_vcpu(v);
    bool delivers = model_arch(v)->delivering && !v->stepping;
    uint64_t begun = c->cpu.ran;

    *x = (struct vm_exit){.reason = EXIT_INTERRUPT, .pc = model_arch(v)->rip};
    if (c->kicked) {
        c->kicked = 0;
        return STATUS_OK;
    }
    if (c->down) {
        c->down = false;
        x->reason = EXIT_SHUTDOWN;
        return STATUS_OK;
    }
    if (c->outside.wants) {
        x->insn_len = (uint8_t)c->exit_len;
        model_access_exit(v, x);
        return STATUS_OK;
    }
    c->cpu.ran_told = begun; /* the dispatcher's clock has them all */
    c->end = begun + (nmi_waits(v) ? !delivers : v->budget);
    c->cpu.ran -= c->counted;
    c->counted = false;
    look_at_entry(v);
    while (!run_once(v, x))
        *x = (struct vm_exit){.reason = EXIT_UNKNOWN};
    x->ran = c->cpu.ran - begun;
    c->cpu.ran_told = c->cpu.ran; /* before anybody reads a clock again */
    return STATUS_OK;
}

enum status model_load_regs(struct vcpu *v, uint32_t groups)
{
    (void)v, (void)groups; /* all are there after every exit */
    return STATUS_OK;
}

enum status model_store_regs(struct vcpu *v, uint32_t groups)
{
    (void)groups; /* what has changed is found at the entry */
    model_complete(v);
    return STATUS_OK;
}

enum status model_inject(struct vcpu *v, const struct vm_event *e)
{
    struct model_vcpu *c = model_vcpu(v);

    if (c->inner && c->ops->takes(v, e)) {
        v->within = c->down; /* nothing comes before that */
        return STATUS_OK;
    }
    if (c->inject)
        return diag_set(&v->vm->diag, STATUS_UNSUPPORTED,
                        "two events at one entry");
    c->inject = true;
    c->event = *e;
    model_arch(v)->interruptible = false;
    model_arch(v)->delivering = true;
    return STATUS_OK;
}

void model_wrote(struct vcpu *v, uint64_t gpa, size_t n)
{
    x86_code_written(&model_vcpu(v)->cpu, gpa, n);
}

void model_kick(struct vcpu *v)
{
    model_vcpu(v)->kicked = 1;
}
