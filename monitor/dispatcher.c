/* One exit loop.  engine->run -> vcpu_once -> handler: three frames, on every
 * machine that Trapline has. */
#include "monitor/dispatcher.h"

#include "base/format.h"

static enum turn stop(struct vm *vm, enum vm_state state)
{
    vm->state = state;
    return TURN_STOPPED;
}

/* Begin the trace line of an exit: what can be seen before the handler. */
static void trace_before(struct vcpu *v, const struct vm_exit *x,
                         struct trace_event *e)
{
    const struct vm *vm = v->vm;

    *e = (struct trace_event){
        .kind = TRACE_EXIT,
        .vm = vm->id,
        .time = vm->clock.now,
        .insns = v->insns,
        .pc = x->pc,
        .pc_digits = vm->isa->pc_digits,
        .reason = exit_reason_name(x->reason),
        .insn = x->insn ? x->insn->name : NULL,
        .mode_before = vm->isa->virtual_supervisor(v) ? 'S' : 'P',
        .raw = x->raw,
        .raw_name = x->raw_name,
        .info = {x->raw_info[0], x->raw_info[1]},
    };
    if (x->reason == EXIT_TRAP)
        vm->isa->show_event(&x->event, e->text, sizeof(e->text));
    else if (x->reason == EXIT_SENSITIVE)
        vm->isa->disasm(x->op.bytes, sizeof(x->op.bytes), x->pc, e->text,
                        sizeof(e->text));
    else if (x->insn)
        format(e->text, sizeof(e->text), "%s", x->insn->name);
    if (vm->trace->host_ns)
        e->cost_ns = vm->trace->host_ns();
}

static void trace_after(struct vcpu *v, struct trace_event *e,
                        enum verdict verdict)
{
    const struct vm *vm = v->vm;

    if (vm->trace->host_ns)
        e->cost_ns = vm->trace->host_ns() - e->cost_ns;
    e->verdict = verdict_word(verdict);
    e->mode_after = vm->isa->virtual_supervisor(v) ? 'S' : 'P';
    vm->isa->show_state(v, e->state, sizeof(e->state));
    trace_emit(vm->trace, e);
}

/* The only place that acts on a verdict. */
static enum status apply(struct vcpu *v, struct vm_exit *x, enum verdict vd)
{
    const struct guest_isa *isa = v->vm->isa;
    bool past = vd == VERDICT_ADVANCE ||
                (vd == VERDICT_REFLECT && x->event.past_insn);

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

static enum status handle(struct vcpu *v, struct vm_exit *x)
{
    struct vm *vm = v->vm;
    const struct handler_row *row = &vm->handlers[x->reason];
    bool traced = trace_on(vm->trace);
    struct trace_event e;

    enum status st = vm->engine->load_regs(v, row->regs);
    if (st)
        return st;
    if (traced)
        trace_before(v, x, &e);
    enum verdict verdict = row->handle(v, x);
    st = apply(v, x, verdict);
    if (traced)
        trace_after(v, &e, verdict);
    return st ? st : vm->engine->store_regs(v, row->regs);
}

static enum turn deliver(struct vcpu *v, const struct vm_event *event)
{
    struct vm *vm = v->vm;
    struct trace_event e = {.kind = TRACE_EVENT};

    if (trace_on(vm->trace)) {
        e.vm = vm->id;
        e.time = vm->clock.now;
        e.insns = v->insns;
        e.pc = vm->isa->pc(v);
        e.pc_digits = vm->isa->pc_digits;
        e.mode_before = vm->isa->virtual_supervisor(v) ? 'S' : 'P';
        e.info[0] = event->code;
        vm->isa->show_event(event, e.text, sizeof(e.text));
    }
    v->waiting = false;
    if (vm->isa->reflect(v, event))
        return stop(vm, VM_FAILED);
    if (trace_on(vm->trace)) {
        e.mode_after = vm->isa->virtual_supervisor(v) ? 'S' : 'P';
        vm->isa->show_state(v, e.state, sizeof(e.state));
        trace_emit(vm->trace, &e);
    }
    return TURN_EVENT;
}

/* A guest that waits uses no instructions: its time jumps to what is next. */
static enum turn wait_for_event(struct vcpu *v)
{
    struct vm *vm = v->vm;

    if (!vm->isa->can_wake(v))
        return stop(vm, VM_STOPPED);
    if (vm->clock.next == CLOCK_NEVER)
        return TURN_IDLE;
    if (vm->clock.next > vm->clock.now)
        clock_advance(&vm->clock, vm->clock.next - vm->clock.now);
    else
        clock_run(&vm->clock);
    return TURN_EVENT;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* How many instructions until time, slice or limit want the monitor back. */
static uint64_t grant(const struct vcpu *v)
{
    const struct vm *vm = v->vm;
    uint64_t n = vm->slice;

    if (v->stepping)
        return 1;
    if (vm->clock.next != CLOCK_NEVER)
        n = min_u64(n, vm->clock.next - vm->clock.now);
    if (vm->stop_after)
        n = min_u64(n, vm->stop_after - v->insns);
    return n;
}

enum turn vcpu_once(struct vcpu *v)
{
    struct vm *vm = v->vm;
    struct vm_event event;
    struct vm_exit x = {0};

    if (vm->state != VM_READY || (vm->stop_after && v->insns >= vm->stop_after))
        return TURN_STOPPED;
    clock_run(&vm->clock);
    if (event_take(v, &event))
        return deliver(v, &event);
    if (v->waiting)
        return wait_for_event(v);
    v->budget = grant(v);
    if (vm->engine->run(v, &x))
        return stop(vm, VM_FAILED);
    v->insns += x.ran;
    v->exits++;
    v->intervened += x.reason == EXIT_SENSITIVE;
    clock_advance(&vm->clock, x.ran);
    if (handle(v, &x))
        return stop(vm, VM_FAILED);
    return vm->state == VM_READY ? TURN_EXIT : TURN_STOPPED;
}

/* One VM's turn: exits and events until its slice of time is used. */
static enum turn vm_turn(struct vm *vm, const volatile bool *interrupted)
{
    uint64_t end = vm->vcpu.insns + vm->slice;
    enum turn turn;

    do
        turn = vcpu_once(&vm->vcpu);
    while ((turn == TURN_EXIT || turn == TURN_EVENT) &&
           vm->vcpu.insns < end && !*interrupted);
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
