#include "popek-goldberg/construct/construct_engine.h"

#include "monitor/dispatcher.h"

static struct construct_monitor *monitor_of(const struct vcpu *v)
{
    return v->arch;
}

/* ---- An exit, from a trap ---- */

static const struct insn_desc *row_of(const struct construct_monitor *c,
                                      const struct construct_insn *insn)
{
    if (!insn)
        return NULL;
    return &c->design->rows[insn->code - c->design->isa->encodings];
}

static void say_trap(struct vm_exit *x, const struct construct_monitor *c,
                     unsigned trap, const struct construct_insn *insn)
{
    enum isa_trap_kind kind = c->design->isa->traps[trap].kind;

    x->insn = row_of(c, insn);
    x->event.code = trap;
    x->reason = kind == ISA_TRAP_MEMORY                ? EXIT_FAULT
                : kind != ISA_TRAP_PRIVILEGED || !insn ? EXIT_TRAP
                                                       : EXIT_SENSITIVE;
}

static void begin_exit(struct construct_monitor *c, struct vm_exit *x)
{
    *x = (struct vm_exit){.reason = EXIT_TIMER, .ran = 1, .insn_len = 1};
    x->pc = c->host->s.v[ISA_PC];
    c->did = CONSTRUCT_DIRECT;
    c->ended = CONSTRUCT_DONE;
    c->asked = false;
}

static void say_loading(struct construct_monitor *c, struct vm_exit *x)
{
    c->loading = false;
    x->reason = EXIT_SENSITIVE;
    x->insn = &c->design->rows[c->design->isa->encoding_count];
    x->event = c->design->guest.privileged_event;
}

/* ---- Interpreting, where the hardware is not asked ---- */

static bool interprets(const struct construct_monitor *c)
{
    return c->design->technique == CONSTRUCT_INTERPRET ||
           (c->design->technique == CONSTRUCT_HYBRID &&
            c->guest.s.v[ISA_MODE] == ISA_SUPERVISOR);
}

static void say_next(struct construct_monitor *c, struct vm_exit *x)
{
    const uint64_t *v = c->guest.s.v;
    const struct construct_word *w =
        construct_reach(&c->guest, v[ISA_BASE], v[ISA_BOUND], v[ISA_PC]);

    x->reason = w && w->insn ? EXIT_SENSITIVE : EXIT_FAULT;
    x->insn = w ? row_of(c, w->insn) : NULL;
}

/* ---- On the described machine ---- */

static enum status run_real(struct vcpu *v, struct vm_exit *x)
{
    struct construct_monitor *c = monitor_of(v);
    struct construct_step step;

    begin_exit(c, x);
    if (c->loading) { /* in real user mode: it traps */
        construct_trap(c->host, c->design->guest.privileged_event.code);
        c->trapped = true;
        say_loading(c, x);
        return STATUS_OK;
    }
    if (interprets(c)) {
        say_next(c, x);
        return STATUS_OK;
    }
    construct_step(c->host, &step);
    c->ended = step.ending;
    c->trapped = c->ended == CONSTRUCT_TRAPPED;
    if (c->trapped)
        say_trap(x, c, step.trap, step.insn);
    else if (c->ended != CONSTRUCT_DONE)
        x->reason = EXIT_UNKNOWN;
    return STATUS_OK;
}

/* ---- On another monitor's virtual machine ---- */

static const struct construct_insn *trapped_insn(
    const struct construct_machine *m)
{
    const uint64_t *v = m->old.v;
    const struct construct_word *w =
        construct_reach(m, v[ISA_BASE], v[ISA_BOUND], v[ISA_PC]);

    return w ? w->insn : NULL;
}

static enum status run_virtual(struct vcpu *v, struct vm_exit *x)
{
    struct construct_monitor *c = monitor_of(v), *outer = c->outer;

    begin_exit(c, x);
    outer->loading = c->loading; /* its guest is in user mode: it reflects */
    (void)vcpu_once(&outer->vm.vcpu);
    if (outer->vm.state == VM_FAILED)
        return diag_set(&c->vm.diag, STATUS_UNSUPPORTED, "%s",
                        outer->vm.diag.text);
    construct_observe(outer);
    c->trapped = outer->did == CONSTRUCT_REFLECTED;
    if (c->loading)
        say_loading(c, x);
    else if (c->trapped)
        say_trap(x, c, c->host->cause, trapped_insn(c->host));
    return STATUS_OK;
}

/* ---- What both have ---- */

static enum status probe(struct diag *d)
{
    (void)d; /* it is this program's own: nothing can be missing */
    return STATUS_OK;
}

static enum status vm_init(struct vm *vm)
{
    struct construct_monitor *c = monitor_of(&vm->vcpu);

    c->guest = (struct construct_machine){.isa = c->design->isa,
                                          .no_op = c->host->no_op};
    return STATUS_OK;
}

static void vm_fini(struct vm *vm)
{
    (void)vm; /* nothing of it is the engine's */
}

static enum status vcpu_init(struct vcpu *v)
{
    v->stepping = true;
    return STATUS_OK;
}

static void vcpu_fini(struct vcpu *v)
{
    (void)v;
}

static enum status map(struct vm *vm, const struct mem_slot *slot)
{
    struct construct_monitor *c = monitor_of(&vm->vcpu);

    c->guest.word = (struct construct_word *)(void *)slot->host;
    c->guest.s.q = (unsigned)(slot->size / sizeof(*c->guest.word));
    return STATUS_OK;
}

static enum status load_regs(struct vcpu *v, uint32_t groups)
{
    if (groups)
        construct_observe(monitor_of(v));
    return STATUS_OK;
}

static enum status store_regs(struct vcpu *v, uint32_t groups)
{
    return groups ? construct_resume(monitor_of(v)) : STATUS_OK;
}

static void kick(struct vcpu *v)
{
    (void)v; /* `run` is always back after one instruction */
}

const struct engine_ops construct_engine_real = {
    .name = "described",
    .title = "a described machine, one instruction a turn",
    .probe = probe,
    .vm_init = vm_init,
    .vm_fini = vm_fini,
    .vcpu_init = vcpu_init,
    .vcpu_fini = vcpu_fini,
    .map = map,
    .run = run_real,
    .load_regs = load_regs,
    .store_regs = store_regs,
    .kick = kick,
};

const struct engine_ops construct_engine_virtual = {
    .name = "virtual",
    .title = "the virtual machine of another generated monitor",
    .probe = probe,
    .vm_init = vm_init,
    .vm_fini = vm_fini,
    .vcpu_init = vcpu_init,
    .vcpu_fini = vcpu_fini,
    .map = map,
    .run = run_virtual,
    .load_regs = load_regs,
    .store_regs = store_regs,
    .kick = kick,
};
