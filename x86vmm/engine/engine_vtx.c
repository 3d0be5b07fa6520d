#include "x86vmm/engine/engine_vtx.h"

#include "x86vmm/engine/vtx_host.h"
#include "x86vmm/machine/op.h"
#include "x86vmm/machine/translate.h"
#include "x86vmm/vtx/part.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096 };

static enum status probe(struct diag *d)
{
    if (!x86_op_decode_available())
        return diag_set(d, STATUS_UNSUPPORTED, "--on vtx: %s", X86_NO_DECODER);
    return STATUS_OK; /* it is a program: it runs everywhere */
}

/* ---- Making ---- */

static enum status vm_init(struct vm *vm)
{
    vm->backing = calloc(1, sizeof(struct vtx_machine));
    return vm->backing
               ? STATUS_OK
               : diag_set(&vm->diag, STATUS_NO_MEMORY, "no memory for a VM");
}

static void vm_fini(struct vm *vm)
{
    struct vtx_machine *m = vm->backing;

    if (m)
        free(m->tables);
    free(m);
    vm->backing = NULL;
}

static enum status map(struct vm *vm, const struct mem_slot *slot)
{
    struct vtx_machine *m = vm->backing;

    if ((slot->gpa | slot->size) % PAGE || slot->gpa >= VTX_TABLES ||
        slot->size > VTX_TABLES - slot->gpa)
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

static enum status vcpu_init(struct vcpu *v)
{
    struct vtx_machine *m = v->vm->backing;
    struct vtx_cpu *c = calloc(1, sizeof(*c));
    enum status st = vtx_make_tables(v->vm);

    if (!st && !c)
        st = diag_set(&v->vm->diag, STATUS_NO_MEMORY, "no memory for a vcpu");
    if (!st) {
        vtx_attach_bus(c);
        st = x86_cpu_init(&c->cpu, &(struct x86_world){.mem = &m->mem,
                                                       .bus = &c->bus,
                                                       .clock = &v->vm->clock,
                                                       .acknowledge = no_vector,
                                                       .who = c});
    }
    if (st) {
        free(c);
        return st;
    }
    vtx_attach(&c->vtx, &c->cpu);
    vtx_make_vmcs(&c->vmcs);
    c->last.rip = ~vtx_arch(v)->rip; /* nothing is in the VMCS yet */
    v->backing = c;
    return STATUS_OK;
}

static void vcpu_fini(struct vcpu *v)
{
    struct vtx_cpu *c = vtx_cpu(v);

    if (!c)
        return;
    x86_cpu_fini(&c->cpu);
    free(c);
    v->backing = NULL;
}

/* ---- Running ---- */

/* The host's timer: it interrupts between two instructions. */
static void interrupt(struct vtx_cpu *c)
{
    vtx_exits(&c->cpu, NULL, VMX_EXIT_EXTERNAL_INTERRUPT, 0);
    vtx_leave(&c->cpu, NULL);
}

static void refused_exit(struct vcpu *v, struct vm_exit *x)
{
    const struct entry_failure *why = &vtx_cpu(v)->vtx.why;

    x->reason = EXIT_ENTRY_FAILED;
    x->raw = entry_stage_number(why->check->stage);
    x->raw_name = why->check->name;
    x->raw_info[0] = why->value;
    x->pc = vtx_arch(v)->rip;
}

static void time_is_up(struct vcpu *v, struct vm_exit *x)
{
    const struct vtx_cpu *c = vtx_cpu(v);

    x->reason = v->stepping ? EXIT_STEP : EXIT_TIMER;
    x->raw = VMX_EXIT_EXTERNAL_INTERRUPT;
    x->raw_name = "VMX_EXIT_EXTERNAL_INTERRUPT";
    x->pc = vtx_arch(v)->rip;
    if (!v->stepping)
        return;
    x->pc = c->exit_pc;
    x->insn = c->stepped.insn;
    x->insn_len = c->stepped.len;
}

/* One entry.  False: settled, go on. */
static bool run_once(struct vcpu *v, struct vm_exit *x)
{
    struct vtx_cpu *c = vtx_cpu(v);
    enum x86_outcome out = X86_EXIT;
    bool exited;

    if (c->cpu.ran == c->end) {
        time_is_up(v, x);
        return true;
    }
    vtx_prepare(v);
    if (!vtx_enter(&c->cpu, &c->vmcs, &exited)) {
        refused_exit(v, x);
        return true;
    }
    if (!exited)
        out = x86_run(&c->cpu, c->end - c->cpu.ran);
    if (out == X86_BUDGET || out == X86_HALT)
        interrupt(c);
    vtx_take_state(v);
    if (out == X86_SHUTDOWN) {
        x->reason = EXIT_SHUTDOWN;
        return true;
    }
    if (out == X86_BUDGET) {
        time_is_up(v, x);
        return true;
    }
    return vtx_translate_exit(v, x);
}

static void look_at_entry(struct vcpu *v)
{
    struct vtx_cpu *c = vtx_cpu(v);
    const struct x86_state *s = vtx_arch(v);
    uint8_t bytes[X86_INSN_MAX];

    c->exit_pc = s->rip;
    c->stepped = (struct x86_decoded){0};
    if (!v->stepping || c->inject)
        return;
    size_t n = x86_fetch(s, &v->vm->mem, 0, bytes, sizeof(bytes));
    x86_decode(bytes, n, x86_code_bits(s), &c->stepped);
}

static enum status run(struct vcpu *v, struct vm_exit *x)
{
    struct vtx_cpu *c = vtx_cpu(v);
    uint64_t begun = c->cpu.ran;

    *x = (struct vm_exit){.reason = EXIT_INTERRUPT, .pc = vtx_arch(v)->rip};
    if (c->kicked) {
        c->kicked = 0;
        return STATUS_OK;
    }
    if (c->outside.wants) {
        x->insn_len = (uint8_t)c->exit_len;
        vtx_access_exit(v, x);
        return STATUS_OK;
    }
    c->cpu.ran_told = begun; /* the dispatcher's clock has them all */
    c->end = begun + v->budget;
    look_at_entry(v);
    while (!run_once(v, x))
        *x = (struct vm_exit){.reason = EXIT_UNKNOWN};
    x->ran = c->cpu.ran - begun;
    return STATUS_OK;
}

static enum status load_regs(struct vcpu *v, uint32_t groups)
{
    (void)v, (void)groups; /* all are there after every exit */
    return STATUS_OK;
}

static enum status store_regs(struct vcpu *v, uint32_t groups)
{
    (void)groups; /* what has changed is found at the entry */
    vtx_complete(v);
    return STATUS_OK;
}

static enum status inject(struct vcpu *v, const struct vm_event *e)
{
    struct vtx_cpu *c = vtx_cpu(v);

    if (c->inject)
        return diag_set(&v->vm->diag, STATUS_UNSUPPORTED,
                        "two events at one entry");
    c->inject = true;
    c->event = *e;
    vtx_arch(v)->interruptible = false;
    vtx_arch(v)->delivering = true;
    return STATUS_OK;
}

static void kick(struct vcpu *v)
{
    vtx_cpu(v)->kicked = 1;
}

const struct engine_ops engine_vtx = {
    .name = "vtx",
    .title = "x86 hardware assistance of the modelled processor: VT-x",
    .probe = probe,
    .vm_init = vm_init,
    .vm_fini = vm_fini,
    .vcpu_init = vcpu_init,
    .vcpu_fini = vcpu_fini,
    .map = map,
    .run = run,
    .load_regs = load_regs,
    .store_regs = store_regs,
    .inject = inject,
    .kick = kick,
};
