#include "s370/exit/isa.h"

#include "s370/exit/guest_access.h"
#include "s370/exit/handle.h"
#include "s370/exit/interpreter.h"
#include "s370/machine/dat.h"
#include "s370/machine/disasm.h"
#include "s370/machine/timer.h"

#include <stddef.h>

const interpreter_fn s370_interpreters[S370_OP_COUNT] = {
#define INTERPRETER(name, fn) [S370_OP_##name] = fn,
#include "s370/exit/interpreters.def"
#undef INTERPRETER
};

const struct handler_row s370_handlers[EXIT_REASON_COUNT] = {
    [EXIT_SENSITIVE] = {dispatch_sensitive, S370_GROUP_GR},
    [EXIT_IO] = {handle_fail, 0},
    [EXIT_MMIO] = {handle_fail, 0},
    [EXIT_FAULT] = {handle_fault, 0},
    [EXIT_TRAP] = {handle_reflect, 0},
    [EXIT_HYPERCALL] = {handle_fail, 0},
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

/* The machine's register table, for the virtual processor. */
static const struct reg_desc registers[] = {
#define REG(id, group, bits, field)          \
    {S370_REG_##id, S370_REGS_##group, bits, \
     offsetof(struct s370_vcpu, field), #id},
#include "s370/machine/regs.def"
#undef REG
};
static const struct reg_table register_table = {registers,
                                                ARRAY_LEN(registers)};

static uint64_t guest_pc(const struct vcpu *v)
{
    return s370_vcpu(v)->psw.ia;
}

static void guest_set_pc(struct vcpu *v, uint64_t pc)
{
    s370_vcpu(v)->psw.ia = pc & S370_ADDRESS_MASK;
}

static bool virtual_supervisor(const struct vcpu *v)
{
    return !s370_vcpu(v)->psw.problem;
}

/* ---- Interruptions ---- */

/* The event as the guest's processor would have recognized it: ILC and PER
 * are those of the instruction that ended last. */
static struct s370_interruption recognize(const struct s370_vcpu *g,
                                          const struct vm_event *e)
{
    struct s370_interruption in = {
        .class = e->kind, .code = (uint16_t)e->code, .cpu_address = g->address};

    if (in.class == S370_INT_SVC || in.class == S370_INT_PROGRAM)
        in.ilc = g->ilc;
    if (in.class == S370_INT_PROGRAM) {
        in.translation_address = (uint32_t)e->info[0];
        in.monitor_code = (uint32_t)e->info[0];
        in.monitor_class = (uint8_t)e->info[1];
        in.per_code = g->per_code;
        in.per_address = g->per_address;
        if (in.per_code)
            in.code |= S370_PGM_PER_EVENT;
    }
    return in;
}

/* Swap PSWs in the guest's own prefix area (GA22-7000, "Interruptions"). */
static enum status reflect(struct vcpu *v, const struct vm_event *e)
{
    struct s370_vcpu *g = s370_vcpu(v);
    struct s370_interruption in = recognize(g, e);

    s370_interruption_take(&in, &g->psw, &g->storage, g->prefix);
    if (in.class == S370_INT_PROGRAM)
        g->per_code = 0;
    v->waiting = guest_waits(g);
    return STATUS_OK;
}

/* An invalid PSW, and a program event that SUPERVISOR CALL has left, come
 * before anything from outside; the engine finds them. */
static bool interruptible(const struct s370_vcpu *g)
{
    return !g->stopped && !g->per_code && s370_psw_valid(&g->psw);
}

/* External, I/O, restart, in this order ("Priority of Interruptions"). */
static bool take_pending(struct vcpu *v, struct vm_event *e)
{
    struct s370_vcpu *g = s370_vcpu(v);
    uint16_t mask, code = 0;

    if (!interruptible(g))
        return false;
    mask = s370_io_mask(&g->psw, g->cr[2]);
    if ((g->psw.system_mask & S370_MASK_EXTERNAL) &&
        s370_external_take(&g->timers, v->vm->clock.now, g->cr[0], &code)) {
        *e = (struct vm_event){.kind = S370_INT_EXTERNAL, .code = code};
        return true;
    }
    if (mask && s370_io_take(g->channels, mask, &code)) {
        *e = (struct vm_event){.kind = S370_INT_IO, .code = code};
        return true;
    }
    if (g->restart_pending) {
        g->restart_pending = false;
        *e = (struct vm_event){.kind = S370_INT_RESTART};
        return true;
    }
    return false;
}

/* All sources of ours are level sources; what somebody posts is held back by
 * the masks alone. */
static bool accepts(const struct vcpu *v, const struct vm_event *e)
{
    const struct s370_vcpu *g = s370_vcpu(v);

    if (!interruptible(g))
        return false;
    if (e->kind == S370_INT_EXTERNAL)
        return g->psw.system_mask & S370_MASK_EXTERNAL;
    if (e->kind == S370_INT_IO)
        return s370_io_mask(&g->psw, g->cr[2]) != 0;
    return true;
}

/* ---- Time ---- */

/* The wait state can be left by an interruption; the stopped state, which is
 * waited in too, only by the operator. */
static bool can_wake(const struct vcpu *v)
{
    const struct s370_vcpu *g = s370_vcpu(v);

    return !g->stopped && s370_psw_enabled(&g->psw);
}

static uint64_t timer_next(const struct vcpu *v)
{
    const struct s370_vcpu *g = s370_vcpu(v);

    return s370_timers_next(&g->timers, v->vm->clock.now, g->cr[0]);
}

static void timer_step(struct vcpu *v)
{
    struct s370_vcpu *g = s370_vcpu(v);

    s370_interval_step(&g->timers, v->vm->clock.now, &g->storage, g->prefix);
}

static uint64_t timer_due(const struct vcpu *v)
{
    const struct s370_vcpu *g = s370_vcpu(v);

    if (!(g->psw.system_mask & S370_MASK_EXTERNAL))
        return CLOCK_NEVER;
    return s370_timers_due(&g->timers, v->vm->clock.now, g->cr[0], &g->storage,
                           g->prefix);
}

/* ---- Addresses and words ---- */

/* Guest-physical addresses are absolute ones. */
static enum status translate(struct vcpu *v, uint64_t gva, enum access access,
                             uint64_t *gpa)
{
    const struct s370_vcpu *g = s370_vcpu(v);
    struct s370_dat tables = {&g->storage, g->prefix, g->cr[0], g->cr[1]};
    uint32_t real = gva & S370_ADDRESS_MASK;
    uint8_t cc;

    (void)access; /* protection is by absolute block, not by translation */
    if (s370_psw_dat(&g->psw) && s370_dat_walk(&tables, real, &real, &cc))
        return STATUS_BAD_INPUT;
    *gpa = s370_real_to_absolute(real, g->prefix);
    return *gpa < g->storage.size ? STATUS_OK : STATUS_BAD_INPUT;
}

static void show_state(const struct vcpu *v, char *out, size_t cap)
{
    s370_psw_brief(&s370_vcpu(v)->psw, out, cap);
}

static void show_event(const struct vm_event *e, char *out, size_t cap)
{
    struct s370_interruption in = {.class = e->kind, .code = (uint16_t)e->code};

    if (in.class == S370_INT_PROGRAM && !in.code)
        in.code = S370_PGM_PER_EVENT;
    s370_interruption_show(&in, out, cap);
}

const struct guest_isa s370_isa = {
    .name = "s370",
    .insns = &s370_insns,
    .regs = &register_table,
    .pc_digits = 6,
    .privileged_event = {.kind = S370_INT_PROGRAM,
                         .code = S370_PGM_PRIVILEGED_OPERATION,
                         .past_insn = true},
    .pc = guest_pc,
    .set_pc = guest_set_pc,
    .virtual_supervisor = virtual_supervisor,
    .reflect = reflect,
    .take_pending = take_pending,
    .accepts = accepts,
    .can_wake = can_wake,
    .timer_next = timer_next,
    .timer_step = timer_step,
    .timer_due = timer_due,
    .translate = translate,
    .disasm = s370_disasm,
    .show_state = show_state,
    .show_event = show_event,
};
