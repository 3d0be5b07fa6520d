/* One exit loop.  engine->run -> vcpu_once -> handler: three frames, on every
 * machine that Trapline has. */
#include "monitor/dispatcher.h"

#include "monitor/vm_trace.h"

static enum turn stop(struct vm *vm, enum vm_state state)
{
    vm->state = state;
    return TURN_STOPPED;
}

/* What is not to go on with the next instruction. */
COLD static enum status apply_rare(struct vcpu *v, struct vm_exit *x,
                                   enum verdict vd)
{
    const struct guest_isa *isa = v->vm->isa;

    switch (vd) {
    case VERDICT_REFLECT:
        if (x->event.past_insn && x->insn_len)
            isa->set_pc(v, x->pc + x->insn_len);
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

/* Here and above is the only place that acts on a verdict. */
INLINE enum status apply(struct vcpu *v, struct vm *vm, struct vm_exit *x,
                         enum verdict vd)
{
    if (UNLIKELY(vd != VERDICT_ADVANCE && vd != VERDICT_RESUME))
        return apply_rare(v, x, vd);
    if (vd == VERDICT_ADVANCE && x->insn_len) /* else the engine goes past it */
        vm->isa->set_pc(v, x->pc + x->insn_len);
    return STATUS_OK;
}

/* The handler decides, and it is done. */
INLINE enum status decide(struct vcpu *v, struct vm *vm, struct vm_exit *x,
                          enum verdict *verdict)
{
    *verdict = vm->handlers[x->reason].handle(v, x);
    if (UNLIKELY(*verdict == VERDICT_REFLECT))
        vm->storm = x->ran ? 1 : vm->storm + 1;
    else
        vm->storm = 0;
    return apply(v, vm, x, *verdict);
}

/* The same, with a line of the trace.  next: the instruction, when the guest is
 * stepped through. */
EXIT_PATH static enum status decide_traced(struct vcpu *v, struct vm_exit *x,
                                           const struct trace_event *next)
{
    bool step = x->reason == EXIT_TIMER || x->reason == EXIT_STEP;
    struct trace_event e;
    enum verdict verdict;

    if (next && step)
        vm_trace_step(v, next, &e);
    else
        vm_trace_before(v, x, &e);
    enum status st = decide(v, v->vm, x, &verdict);
    vm_trace_after(v, x, &e, verdict);
    return st;
}

INLINE enum status handle(struct vcpu *v, struct vm *vm, struct vm_exit *x,
                          const struct trace_event *next)
{
    const struct engine_ops *engine = vm->engine;
    uint32_t regs = vm->handlers[x->reason].regs;
    enum status st = STATUS_OK;
    enum verdict verdict;

    if (regs & ~engine->present)
        st = engine->load_regs(v, regs);
    if (st)
        return st;
    st = trace_on(vm->trace) ? decide_traced(v, x, next)
                             : decide(v, vm, x, &verdict);
    return st || !engine->store_regs ? st : engine->store_regs(v, regs);
}

COLD static enum turn deliver(struct vcpu *v, const struct vm_event *event)
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
INLINE void run_due(struct vm *vm)
{
    if (vm->isa->timer_step)
        vm->isa->timer_step(&vm->vcpu);
    clock_run(&vm->clock);
}

/* Nothing can wake it: the guest has ended, its devices finish their work. */
COLD static enum turn finish(struct vm *vm)
{
    for (unsigned i = 0; vm->clock.next != CLOCK_NEVER && i < CLOCK_ENDLESS;
         i++) {
        vm->clock.now = vm->clock.next;
        run_due(vm);
    }
    return stop(vm, VM_STOPPED);
}

/* Guest time, where it is the host's, is what it is; sleep until this tick at
 * the latest. */
static void follow_host(struct vcpu *v, uint64_t until)
{
    struct vm *vm = v->vm;
    uint64_t now = vm->engine->now(v, until);

    if (now > vm->clock.now)
        vm->clock.now = now;
}

/* A guest that waits uses no instructions: its time jumps to what is next; or
 * it sleeps, where its time is the host's. */
COLD static enum turn wait_for_event(struct vcpu *v)
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
        follow_host(v, min_u64(next, vm->clock.now + vm->slice));
    else if (next > vm->clock.now)
        vm->clock.now = next;
    run_due(vm);
    return TURN_EVENT;
}

/* How many instructions until time, slice or limit want the monitor back. */
INLINE uint64_t grant(const struct vcpu *v, const struct vm *vm)
{
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

COLD static enum turn storm(struct vm *vm)
{
    vm_fail(vm,
            "%s: %u interruptions with no instruction between them: they "
            "lead to each other",
            vm->name, (unsigned)vm->storm);
    return stop(vm, VM_FAILED);
}

/* The exiting instruction happens at the tick that it makes; what is due then
 * happens after it. */
INLINE enum turn run_to_exit(struct vcpu *v, struct vm *vm,
                             const struct trace_event *next)
{
    struct vm_exit x;
    bool begun = v->within; /* what exits now is counted already */

    v->budget = grant(v, vm);
    if (UNLIKELY(vm->engine->run(v, &x)))
        return stop(vm, VM_FAILED);
    v->insns += x.ran;
    v->exits++;
    v->intervened += !begun && (EXITS_INSTEAD >> x.reason & 1);
    if (vm->host_time)
        follow_host(v, 0);
    else
        vm->clock.now += x.ran;
    vm->skips = 0;
    if (UNLIKELY(handle(v, vm, &x, next)))
        return stop(vm, VM_FAILED);
    return LIKELY(vm->state == VM_READY) ? TURN_EXIT : TURN_STOPPED;
}

COLD static enum turn run_stepped(struct vcpu *v)
{
    struct trace_event next;

    vm_trace_next(v, &next);
    return run_to_exit(v, v->vm, &next);
}

INLINE enum turn once(struct vcpu *v, struct vm *vm)
{
    struct vm_event event;

    if (UNLIKELY(vm->state != VM_READY))
        return TURN_STOPPED;
    if (LIKELY(!v->within)) { /* else nothing comes between */
        if (vm->stop_after && v->insns >= vm->stop_after)
            return TURN_STOPPED;
        run_due(vm);
        if (UNLIKELY(vm->storm >= CLOCK_STORM))
            return storm(vm);
        if (UNLIKELY(v->pending.count ? event_take(v, &event)
                                      : vm->isa->take_pending(v, &event)))
            return deliver(v, &event);
        if (UNLIKELY(v->waiting))
            return wait_for_event(v);
    }
    if (UNLIKELY(v->stepping) && trace_on(vm->trace) && vm->trace->insns)
        return run_stepped(v);
    return run_to_exit(v, vm, NULL);
}

EXIT_PATH enum turn vcpu_once(struct vcpu *v)
{
    return once(v, v->vm);
}

/* A wait that jumps ahead uses the slice, too. */
EXIT_PATH enum turn vm_turn(struct vm *vm, const volatile bool *interrupted)
{
    uint64_t insns = vm->vcpu.insns, ticks = vm->clock.now;
    enum turn turn;

    do
        turn = once(&vm->vcpu, vm);
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
