#include "tests/toy.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct toy *toy_of(const struct vcpu *v)
{
    return v->arch;
}

static void say(struct toy *t, const char *word, uint64_t n)
{
    size_t used = strlen(t->log);

    snprintf(t->log + used, sizeof(t->log) - used, "%s%s %llx",
             used ? ", " : "", word, (unsigned long long)n);
}

static enum status ok_vm(struct vm *vm)
{
    (void)vm;
    return STATUS_OK;
}

static void no_vm(struct vm *vm)
{
    (void)vm;
}

static enum status ok_vcpu(struct vcpu *v)
{
    (void)v;
    return STATUS_OK;
}

static void no_vcpu(struct vcpu *v)
{
    (void)v;
}

static enum status map(struct vm *vm, const struct mem_slot *s)
{
    say(toy_of(&vm->vcpu), "map", s->gpa);
    return STATUS_OK;
}

static enum status run(struct vcpu *v, struct vm_exit *x)
{
    struct toy *t = toy_of(v);

    if (t->run_status)
        return t->run_status;
    if (t->next == t->count) { /* the tape is at its end: it only computes */
        *x = (struct vm_exit){.reason = EXIT_TIMER, .ran = v->budget};
        t->pc += v->budget;
        x->pc = t->pc;
        return STATUS_OK;
    }
    *x = t->tape[t->next++];
    x->pc = t->pc;
    return STATUS_OK;
}

static enum status load(struct vcpu *v, uint32_t groups)
{
    if (groups)
        say(toy_of(v), "load", groups);
    return STATUS_OK;
}

static enum status store(struct vcpu *v, uint32_t groups)
{
    if (groups)
        say(toy_of(v), "store", groups);
    return STATUS_OK;
}

static const struct engine_ops toy_engine = {.name = "toy",
                                             .title = "plays exits",
                                             .vm_init = ok_vm,
                                             .vm_fini = no_vm,
                                             .vcpu_init = ok_vcpu,
                                             .vcpu_fini = no_vcpu,
                                             .map = map,
                                             .run = run,
                                             .load_regs = load,
                                             .store_regs = store};

static uint64_t toy_pc(const struct vcpu *v)
{
    return toy_of(v)->pc;
}

static void toy_set_pc(struct vcpu *v, uint64_t pc)
{
    toy_of(v)->pc = pc;
}

static bool toy_supervisor(const struct vcpu *v)
{
    return toy_of(v)->supervisor;
}

static enum status toy_reflect(struct vcpu *v, const struct vm_event *e)
{
    say(toy_of(v), "reflect", e->code);
    return STATUS_OK;
}

static bool toy_take_pending(struct vcpu *v, struct vm_event *e)
{
    struct toy *t = toy_of(v);

    if (!t->level || t->masked)
        return false;
    *e = (struct vm_event){.code = t->level};
    t->level = 0;
    return true;
}

static bool toy_accepts(const struct vcpu *v, const struct vm_event *e)
{
    return !toy_of(v)->masked || e->kind == 1; /* kind 1 cannot be masked */
}

static bool toy_can_wake(const struct vcpu *v)
{
    return toy_of(v)->wakes;
}

static size_t toy_disasm(const uint8_t *b, size_t n, uint64_t pc, char *out,
                         size_t cap)
{
    (void)b, (void)n, (void)pc;
    snprintf(out, cap, "TOY");
    return 1;
}

static void toy_show_state(const struct vcpu *v, char *out, size_t cap)
{
    snprintf(out, cap, "pc=%llx", (unsigned long long)toy_of(v)->pc);
}

static void toy_show_event(const struct vm_event *e, char *out, size_t cap)
{
    snprintf(out, cap, "event %x", e->code);
}

static const struct insn_desc toy_insns[] = {
    {.id = 0, .length = 2, .privilege = PRIV_P, .name = "PRIV"},
    {.id = 1, .length = 2, .privilege = PRIV_U, .name = "FREE"},
    {.id = 2, .length = 2, .privilege = PRIV_P, .name = "NONE"},
};
static const struct insn_table toy_table = {toy_insns, ARRAY_LEN(toy_insns)};

static const struct guest_isa toy_isa = {.name = "toy",
                                         .insns = &toy_table,
                                         .pc_digits = 4,
                                         .privileged_event = {.code = 0xbad},
                                         .pc = toy_pc,
                                         .set_pc = toy_set_pc,
                                         .virtual_supervisor = toy_supervisor,
                                         .reflect = toy_reflect,
                                         .take_pending = toy_take_pending,
                                         .accepts = toy_accepts,
                                         .can_wake = toy_can_wake,
                                         .disasm = toy_disasm,
                                         .show_state = toy_show_state,
                                         .show_event = toy_show_event};

/* An interpreter that decides what the exit's immediate byte says. */
static enum verdict interpret(struct vcpu *v, struct vm_exit *x)
{
    say(toy_of(v), "interpret", x->insn->id);
    return (enum verdict)x->op.imm;
}

static const interpreter_fn toy_interpreters[] = {interpret, interpret, NULL};

const struct handler_row toy_handlers[EXIT_REASON_COUNT] = {
    [EXIT_SENSITIVE] = {dispatch_sensitive, 0x7},
    [EXIT_IO] = {handle_bus, 0},
    [EXIT_MMIO] = {handle_bus, 0},
    [EXIT_FAULT] = {handle_reflect, 0},
    [EXIT_TRAP] = {handle_reflect, 0},
    [EXIT_HYPERCALL] = {handle_hypercall, 0},
    [EXIT_HALT] = {handle_wait, 0},
    [EXIT_INTERRUPT] = {handle_resume, 0},
    [EXIT_WINDOW] = {handle_resume, 0},
    [EXIT_TIMER] = {handle_resume, 0},
    [EXIT_STEP] = {handle_resume, 0},
    [EXIT_SETTLED] = {handle_resume, 0},
    [EXIT_SHUTDOWN] = {handle_stop, 0},
    [EXIT_ENTRY_FAILED] = {handle_fail, 0},
    [EXIT_UNKNOWN] = {handle_fail, 0},
};

struct toy *toy_start(struct toy *t)
{
    *t = (struct toy){.pc = 0x100, .supervisor = true, .wakes = true};
    trace_ring_init(&t->ring, t->seen, ARRAY_LEN(t->seen));
    trace_attach(&t->trace, &t->ring.sink);
    t->vm.id = 1;
    t->vm.isa = &toy_isa;
    t->vm.engine = &toy_engine;
    t->vm.handlers = toy_handlers;
    t->vm.interpreters = toy_interpreters;
    t->vm.trace = &t->trace;
    t->vm.slice = 1000;
    t->vm.vcpu.arch = t;
    clock_init(&t->vm.clock);
    ck_assert_int_eq(vm_start(&t->vm), STATUS_OK);
    return t;
}

struct vm_exit toy_sensitive(unsigned insn, enum verdict verdict)
{
    struct vm_exit x = {.reason = EXIT_SENSITIVE, .ran = 1, .insn_len = 2};

    x.insn = &toy_insns[insn];
    x.op.imm = (uint8_t)verdict;
    x.event.code = 0x22;
    return x;
}

enum turn toy_play(struct toy *t, struct vm_exit x)
{
    t->tape[t->count++] = x;
    return vcpu_once(&t->vm.vcpu);
}
