/* One exit loop.  engine->run -> vcpu_once -> handler: three frames, on every
 * machine that Trapline has. */
#include "monitor/dispatcher.h"

#include "monitor/vm_trace.h"

static enum turn stop(struct vm *vm, enum vm_state state)
{
    vm->state = state;
    return TURN_STOPPED;
}

/* The only place that acts on a verdict. */
static enum status apply(struct vcpu *v, struct vm_exit *x, enum verdict vd)
{
    const struct guest_isa *isa = v->vm->isa;
    bool past =
        vd == VERDICT_ADVANCE || (vd == VERDICT_REFLECT && x->event.past_insn);

    if (past)
        isa->set_pc(v, x->pc + x->insn_len);
    switch (vd) {
    case VERDICT_REFLECT:
        return isa->reflect(v, &x->event);
    case VERDICT_WAIT:
        v->waiting = true;
        break;
    case VERDICT_STOP:
        v->vm->state = VM_STOPPED;
        break;
    case VERDICT_FAIL:
        v->vm->state = VM_FAILED;
        break;
    default:
        break;
    }
    return STATUS_OK;
}

/* next: the instruction, when the guest is stepped through for the trace. */
static enum status handle(struct vcpu *v, struct vm_exit *x,
                          const struct trace_event *next)
{
    struct vm *vm = v->vm;
    const struct handler_row *row = &vm->handlers[x->reason];
    bool traced = trace_on(vm->trace);
    bool step = x->reason == EXIT_TIMER || x->reason == EXIT_STEP;
    struct trace_event e;

    enum status st = vm->engine->load_regs(v, row->regs);
    if (st)
        return st;
    if (traced && next && step)
        vm_trace_step(v, next, &e);
    else if (traced)
        vm_trace_before(v, x, &e);
    enum verdict verdict = row->handle(v, x);
    if (x->ran || verdict != VERDICT_REFLECT)
        vm->storm = 0;
    vm->storm += verdict == VERDICT_REFLECT;
    st = apply(v, x, verdict);
    if (traced)
        vm_trace_after(v, x, &e, verdict);
    return st ? st : vm->engine->store_regs(v, row->regs);
}

static enum turn deliver(struct vcpu *v, const struct vm_event *event)
{
    struct vm *vm = v->vm;
    struct trace_event e;

    if (trace_on(vm->trace))
        vm_trace_event(v, event, &e);
    v->waiting = false;
    vm->storm++;
    if (vm->isa->reflect(v, event))
        return stop(vm, VM_FAILED);
    if (trace_on(vm->trace))
        vm_trace_emit(v, &e);
    return TURN_EVENT;
}

/* Guest time has come to clock.now: timers first, then what is due, so that a
 * device that works at this tick finds the timers as they are then. */
static void run_due(struct vm *vm)
{
    if (vm->isa->timer_step)
        vm->isa->timer_step(&vm->vcpu);
    clock_run(&vm->clock);
}

/* Nothing can wake it: the guest has ended, its devices finish their work. */
static enum turn finish(struct vm *vm)
{
    for (unsigned i = 0; vm->clock.next != CLOCK_NEVER && i < CLOCK_ENDLESS;
         i++) {
        vm->clock.now = vm->clock.next;
        run_due(vm);
    }
    return stop(vm, VM_STOPPED);
}

/* Let guest time go on to this tick; where it is the host's, sleep until then
 * at the latest, and it is what it is. */
static void pass_time(struct vcpu *v, uint64_t to)
{
    struct vm *vm = v->vm;

    if (vm->host_time)
        to = vm->engine->now(v, to);
    if (to > vm->clock.now)
        vm->clock.now = to;
}

/* A guest that waits uses no instructions: its time jumps to what is next; or
 * it sleeps, where its time is the host's. */
static enum turn wait_for_event(struct vcpu *v)
{
    struct vm *vm = v->vm;
    uint64_t next = vm->clock.next;

    if (!vm->isa->can_wake(v))
        return finish(vm);
    if (vm->isa->timer_due)
        next = min_u64(next, vm->isa->timer_due(v));
    if (next == CLOCK_NEVER || next - vm->clock.now > vm->patience ||
        vm->skips++ == CLOCK_ENDLESS) {
        vm->skips = 0; /* whoever runs it again gives it time again */
        return TURN_IDLE;
    }
    if (vm->host_time) /* whoever runs it looks around meanwhile */
        next = min_u64(next, vm->clock.now + vm->slice);
    pass_time(v, next);
    run_due(vm);
    return TURN_EVENT;
}

/* How many instructions until time, slice or limit want the monitor back. */
static uint64_t grant(const struct vcpu *v)
{
    const struct vm *vm = v->vm;
    uint64_t n = vm->slice, next = vm->clock.next;

    if (v->stepping)
        return 1;
    if (vm->isa->timer_next)
        next = min_u64(next, vm->isa->timer_next(v));
    if (next != CLOCK_NEVER)
        n = min_u64(n, next - vm->clock.now);
    if (vm->stop_after)
        n = min_u64(n, vm->stop_after - v->insns);
    return n;
}

static enum turn storm(struct vm *vm)
{
    vm_fail(vm,
            "%s: %u interruptions with no instruction between them: they "
            "lead to each other",
            vm->name, (unsigned)vm->storm);
    return stop(vm, VM_FAILED);
}

/* The exiting instruction happens at the tick that it makes; what is due then
 * happens after it. */
static enum turn run_guest(struct vcpu *v)
{
    struct vm *vm = v->vm;
    struct vm_exit x = {0};
    struct trace_event next;
    bool stepped = v->stepping && trace_on(vm->trace) && vm->trace->insns;

    if (stepped)
        vm_trace_next(v, &next);
    v->budget = grant(v);
    if (vm->engine->run(v, &x))
        return stop(vm, VM_FAILED);
    v->insns += x.ran;
    v->exits++;
    v->intervened += x.reason == EXIT_SENSITIVE;
    pass_time(v, vm->host_time ? 0 : vm->clock.now + x.ran);
    vm->skips = 0;
    if (handle(v, &x, stepped ? &next : NULL))
        return stop(vm, VM_FAILED);
    return vm->state == VM_READY ? TURN_EXIT : TURN_STOPPED;
}

enum turn vcpu_once(struct vcpu *v)
{
    struct vm *vm = v->vm;
    struct vm_event event;

    if (vm->state != VM_READY)
        return TURN_STOPPED;
    if (v->within) /* nothing comes between */
        return run_guest(v);
    if (vm->stop_after && v->insns >= vm->stop_after)
        return TURN_STOPPED;
    run_due(vm);
    if (vm->storm >= CLOCK_STORM)
        return storm(vm);
    if (event_take(v, &event))
        return deliver(v, &event);
    return v->waiting ? wait_for_event(v) : run_guest(v);
}

/* A wait that jumps ahead uses the slice, too. */
enum turn vm_turn(struct vm *vm, const volatile bool *interrupted)
{
    uint64_t insns = vm->vcpu.insns, ticks = vm->clock.now;
    enum turn turn;

    do
        turn = vcpu_once(&vm->vcpu);
    while ((turn == TURN_EXIT || turn == TURN_EVENT) &&
           vm->vcpu.insns - insns < vm->slice &&
           vm->clock.now - ticks < vm->slice && !*interrupted);
    return turn;
}

enum turn vmm_run(struct vm **vms, size_t count,
                  const volatile bool *interrupted)
{
    size_t stopped = 0, idle = 0;

    while (!*interrupted) {
        stopped = idle = 0;
        for (size_t i = 0; i < count; i++) {
            enum turn t = vm_turn(vms[i], interrupted);

            stopped += t == TURN_STOPPED;
            idle += t == TURN_IDLE;
        }
        if (stopped + idle == count)
            break;
    }
    return stopped == count ? TURN_STOPPED : TURN_IDLE;
}
