#include "cli/pc_machine.h"

#include "base/format.h"
#include "cli/session.h"
#include "monitor/dispatcher.h"
#include "x86vmm/exit/isa.h"
#include "x86vmm/machine/assist.h"
#include "x86vmm/machine/op.h"

/* ---- Making ---- */

/* The account needs no events of a bare PC: only where words are wanted. */
static enum status open_bare(struct pc_machine *m, const struct pc_plan *plan,
                             struct trace *trace, struct diag *diag)
{
    if (!x86_op_decode_available())
        return diag_set(diag, STATUS_UNSUPPORTED, "--on bare: %s",
                        X86_NO_DECODER);
    m->pc = pc_new(plan, diag);
    if (!m->pc)
        return STATUS_BAD_INPUT;
    if (trace_on(trace) && trace->words)
        pc_trace(m->pc, trace);
    m->board = &m->pc->board;
    m->clock = &m->pc->clock;
    m->platform = &m->pc->platform;
    m->mem = &m->pc->mem;
    return STATUS_OK;
}

static enum status open_monitored(struct pc_machine *m,
                                  const struct engine_ops *engine,
                                  const char *name, const struct pc_plan *plan,
                                  struct trace *trace, struct diag *diag)
{
    enum status st = x86_vmm_probe(engine, X86_MODE_COUNT, diag);

    if (!st)
        st = pc_plan_check(plan, diag);
    if (st)
        return st;
    m->vmm = x86_vmm_new(engine, x86_vmm_pc_pool(plan), trace, diag);
    if (!m->vmm)
        return STATUS_NO_MEMORY;
    m->vm = x86_vmm_add_pc(m->vmm, name, plan, diag);
    if (!m->vm) {
        pc_machine_close(m);
        return STATUS_NO_MEMORY;
    }
    m->board = x86_vm_board(m->vm);
    m->clock = &m->vm->clock;
    m->platform = x86_vm_platform(m->vm);
    m->mem = &m->vm->mem;
    return STATUS_OK;
}

enum status pc_machine_open(struct pc_machine *m,
                            const struct engine_ops *engine, const char *name,
                            const struct pc_plan *plan, struct trace *trace,
                            struct diag *diag)
{
    *m = (struct pc_machine){.bytes = plan->storage};
    return engine ? open_monitored(m, engine, name, plan, trace, diag)
                  : open_bare(m, plan, trace, diag);
}

void pc_machine_close(struct pc_machine *m)
{
    pc_free(m->pc);
    pc_assist_free(m->assisted);
    x86_vmm_free(m->vmm);
    *m = (struct pc_machine){0};
}

enum status pc_machine_assist(struct pc_machine *m, enum pc_assist assist,
                              struct diag *diag)
{
    if (assist == PC_ASSIST_NONE || !m->pc)
        return STATUS_OK;
    m->assisted = pc_assist_new(assist, &m->pc->cpu);
    return m->assisted ? STATUS_OK
                       : diag_set(diag, STATUS_NO_MEMORY,
                                  "no memory for a processor's part");
}

static bool steps(const struct pc_machine *m)
{
    return m->vm->vcpu.stepping || m->vm->vcpu.stops;
}

enum status pc_machine_load(struct pc_machine *m, struct load_plan *plan,
                            struct diag *diag)
{
    enum status st = STATUS_OK;

    plan->mem = m->mem;
    plan->storage = m->bytes;
    if (m->vm)
        st = load_kind(&plan->kernel) == LOAD_REAL
                 ? x86_vmm_probe(m->vm->engine, X86_MODE_REAL, diag)
                 : x86_vmm_probe_all(m->vm->engine, X86_MODE_COUNT, steps(m),
                                     diag);
    if (st)
        return st;
    st = load_kernel(plan, m->pc ? &m->pc->cpu.state : x86_vm_state(m->vm),
                     diag);
    if (m->pc)
        pc_state_set(m->pc);
    return st;
}

/* ---- Running ---- */

static enum pc_stop stop_of(const struct pc_machine *m)
{
    if (m->platform->stopped)
        return PC_STOPPED;
    return m->vm->state == VM_STOPPED ? PC_HALTED : PC_FAILED;
}

static enum pc_stop run_monitored(struct pc_machine *m, uint64_t n)
{
    struct vm *vm = m->vm;
    uint64_t end = vm->vcpu.insns + n, waited = vm->clock.now;
    enum turn turn = TURN_EXIT;

    vm->stop_after = end;
    while (turn == TURN_EXIT || turn == TURN_EVENT) {
        if (m->platform->stopped)
            return PC_STOPPED;
        turn = vcpu_once(&vm->vcpu);
        if (vm->host_time && vm->clock.now - waited >= n)
            break; /* a wait has taken the time */
    }
    if (vm->state != VM_READY)
        return stop_of(m);
    return turn == TURN_IDLE ? PC_IDLE : PC_BUDGET;
}

enum pc_stop pc_machine_run(struct pc_machine *m, uint64_t n)
{
    return m->pc ? pc_run(m->pc, n) : run_monitored(m, n);
}

void pc_machine_words(const struct pc_machine *m, enum pc_stop stop, char *out,
                      size_t size)
{
    if (stop == PC_FAILED)
        format(out, size, "%s", m->vm->diag.text);
    else
        pc_stop_words(m->platform, stop,
                      m->pc ? m->pc->cpu.state.rip : x86_vm_state(m->vm)->rip,
                      out, size);
}

uint64_t pc_machine_ran(const struct pc_machine *m)
{
    return m->pc ? m->pc->cpu.ran : m->vm->vcpu.insns;
}

uint64_t pc_machine_waited(const struct pc_machine *m)
{
    if (m->vm && m->vm->host_time) /* nothing was skipped */
        return 0;
    return m->clock->now - pc_machine_ran(m);
}

bool pc_machine_waits(const struct pc_machine *m)
{
    if (!m->pc)
        return m->vm->vcpu.waiting;
    return m->pc->cpu.halted && x86_interrupt_wakes(&m->pc->cpu);
}
