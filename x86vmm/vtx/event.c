/* What leaves a guest between instructions and on the way to its handlers
 * (Intel SDM vol. 3, chapter 26, "VMX Non-Root Operation"). */
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/vtx/part.h"

#define F(name)  (v->field[VMCS_##name])
#define ON(name) vmcs_has(v, VMX_##name)

int vtx_exits(struct x86_cpu *cpu, const struct x86_op *op, enum vmx_exit why,
              uint64_t qualification)
{
    vtx_of(cpu)->exit = (struct vtx_exit){.reason = (uint32_t)why,
                                          .qualification = qualification,
                                          .length = op ? op->len : 0,
                                          .rf = op ? VTX_RF_OFF : VTX_RF_AS_IS};
    cpu->fault = (struct x86_fault){.exits = true};
    return X86_FAULT;
}

/* ---- Exceptions ---- */

/* 26.2, "Other Causes of VM Exits": the bitmap; for page faults turned round
 * where the error code does not match. */
static bool is_wanted(const struct vmcs *v, const struct x86_fault *f)
{
    bool wanted = F(EXCEPTION_BITMAP) >> (f->vector & 31) & 1;

    if (f->external || f->plain_int)
        return false;
    if (f->vector == X86_EXC_PF &&
        (f->error & F(PF_ERROR_MASK)) != F(PF_ERROR_MATCH))
        wanted = !wanted;
    return wanted;
}

/* As its delivery would have it in the frame (28.3.3). */
enum vtx_rf vtx_rf_of(const struct x86_fault *f)
{
    if (f->trap || f->software)
        return f->debug ? VTX_RF_AS_IS : VTX_RF_OFF;
    return f->external || f->keep_rf ? VTX_RF_AS_IS : VTX_RF_ON;
}

/* Of #PF the linear address, of #DB what DR6 would have. */
static void exit_by(struct x86_cpu *cpu)
{
    struct x86_fault f = cpu->fault;
    struct vtx_exit *x = &vtx_of(cpu)->exit;
    uint64_t about = f.vector == X86_EXC_PF   ? f.cr2
                     : f.vector == X86_EXC_DB ? f.debug
                                              : 0;

    if (x86_real_mode(&cpu->state))
        f.has_error = false;
    vtx_exits(cpu, NULL, VMX_EXIT_EXCEPTION, about);
    x->rf = vtx_rf_of(&f);
    x->interruption = vtx_event_info(&f);
    x->error = f.has_error ? f.error : 0;
    if (f.software || f.int1)
        x->length = (uint32_t)(cpu->next_rip - cpu->state.rip);
}

/* Of an instruction whose event was being delivered the length is told
 * (28.2.5). */
static int leave_during(struct x86_cpu *cpu, const struct x86_fault *during)
{
    struct vtx_exit *x = &vtx_of(cpu)->exit;

    if (during && (during->software || during->int1) && !x->length)
        x->length = (uint32_t)(cpu->next_rip - cpu->state.rip) & 0xF;
    return vtx_leave(cpu, during);
}

/* The fault was IRET's, and that has unblocked NMIs. */
static void tell_unblocked(struct vtx_exit *x)
{
    if (x->reason == VMX_EXIT_EPT_VIOLATION)
        x->qualification |= VTX_UNBLOCKED;
    if (x->reason == VMX_EXIT_EXCEPTION)
        x->interruption |= VTX_UNBLOCKED;
}

static int deliver(struct x86_cpu *cpu, const struct x86_fault *during)
{
    struct vtx *t = vtx_of(cpu);
    const struct vmcs *v = t->v;
    bool unblocked = t->unblocked && !during;

    t->unblocked = false;
    if (!cpu->fault.exits && !is_wanted(v, &cpu->fault)) {
        /* 26.5.2: pending behind it, before an instruction of its handler */
        t->trap_flag_pending = ON(PRIMARY_MONITOR_TRAP_FLAG);
        return 0;
    }
    if (!cpu->fault.exits)
        exit_by(cpu);
    if (unblocked)
        tell_unblocked(&t->exit);
    return leave_during(cpu, during);
}

/* RF as the double fault would have saved it. */
static int shutdown(struct x86_cpu *cpu)
{
    vtx_exits(cpu, NULL, VMX_EXIT_TRIPLE_FAULT, 0);
    vtx_of(cpu)->exit.rf = VTX_RF_ON;
    return vtx_leave(cpu, NULL);
}

/* ---- Between instructions ---- */

static int leave_by(struct x86_cpu *cpu, enum vmx_exit why)
{
    vtx_exits(cpu, NULL, why, 0);
    return vtx_leave(cpu, NULL);
}

void vtx_interrupt(struct x86_cpu *cpu)
{
    leave_by(cpu, VMX_EXIT_EXTERNAL_INTERRUPT);
}

/* An instruction is a tick: if not yet, when? */
static bool timer_is_out(struct x86_cpu *cpu)
{
    uint64_t now = x86_tsc(cpu) - cpu->tsc_offset, end = vtx_of(cpu)->timer_end;

    cpu->guest_due = now < end ? cpu->ran + (end - now) : UINT64_MAX;
    return now >= end;
}

static int take_nmi(struct x86_cpu *cpu)
{
    const struct x86_fault nmi = {
        .vector = X86_NMI_VECTOR, .external = true, .nmi = true};

    cpu->nmi_pending = false;
    vtx_exits(cpu, NULL, VMX_EXIT_EXCEPTION, 0);
    vtx_of(cpu)->exit.interruption = vtx_event_info(&nmi);
    int code = vtx_leave(cpu, NULL);
    cpu->nmi_blocked = true;
    return code;
}

static int take_interrupt(struct x86_cpu *cpu)
{
    struct vtx *t = vtx_of(cpu);
    const struct vmcs *v = t->v;
    struct x86_fault f = {.external = true};

    if (ON(EXIT_ACKNOWLEDGE_INTERRUPT)) {
        int vector = cpu->world.acknowledge(cpu->world.who);

        if (vector < 0)
            return 0;
        f.vector = (uint8_t)vector;
    }
    vtx_exits(cpu, NULL, VMX_EXIT_EXTERNAL_INTERRUPT, 0);
    if (ON(EXIT_ACKNOWLEDGE_INTERRUPT))
        t->exit.interruption = f.vector | VMCS_EVENT_VALID;
    return vtx_leave(cpu, NULL);
}

/* Only an NMI, and a window for one, end the shutdown state (25.4.2, 26.2). */
static int while_shut_down(struct x86_cpu *cpu, const struct vmcs *v)
{
    struct vtx *t = vtx_of(cpu);

    if (ON(PRIMARY_NMI_WINDOW) && !cpu->nmi_blocked)
        return leave_by(cpu, VMX_EXIT_NMI_WINDOW);
    if (!cpu->nmi_pending || (cpu->nmi_blocked && !ON(PIN_VIRTUAL_NMIS)))
        return X86_HALT;
    if (ON(PIN_NMI))
        return take_nmi(cpu);
    t->shut_down = false; /* the driver delivers it */
    return 0;
}

/* Debug exceptions come before the timer, but that before an instruction of
 * their handler (27.7.4). */
static int take_debug(struct x86_cpu *cpu)
{
    const struct vtx *t = vtx_of(cpu);
    const struct vmcs *v = t->v;
    int code = x86_take_debug(cpu);

    if (code != X86_SYNC || !t->in_guest)
        return code;
    if (t->trap_flag_pending)
        return leave_by(cpu, VMX_EXIT_MONITOR_TRAP_FLAG);
    if (ON(PIN_PREEMPTION_TIMER) && timer_is_out(cpu))
        return leave_by(cpu, VMX_EXIT_PREEMPTION_TIMER);
    return code;
}

/* In the order of their priorities (27.7, 26.2). */
static int between(struct x86_cpu *cpu)
{
    struct vtx *t = vtx_of(cpu);
    const struct vmcs *v = t->v;

    if (t->trap_flag_pending ||
        (ON(PRIMARY_MONITOR_TRAP_FLAG) && cpu->ran != t->entered))
        return leave_by(cpu, VMX_EXIT_MONITOR_TRAP_FLAG);
    if (cpu->debug_hits && !cpu->shadow_ss)
        return take_debug(cpu);
    if (ON(PIN_PREEMPTION_TIMER) && timer_is_out(cpu))
        return leave_by(cpu, VMX_EXIT_PREEMPTION_TIMER);
    if (cpu->shadow)
        return 0;
    if (t->shut_down)
        return while_shut_down(cpu, v);
    if (ON(PRIMARY_NMI_WINDOW) && !cpu->nmi_blocked)
        return leave_by(cpu, VMX_EXIT_NMI_WINDOW);
    if (cpu->nmi_pending && ON(PIN_NMI) &&
        (!cpu->nmi_blocked || ON(PIN_VIRTUAL_NMIS)))
        return take_nmi(cpu);
    if (cpu->nmi_pending && !cpu->nmi_blocked)
        return 0; /* the driver delivers it, and asks again */
    if (ON(PRIMARY_INTERRUPT_WINDOW) && (cpu->state.rflags & X86_FLAG_IF))
        return leave_by(cpu, VMX_EXIT_INTERRUPT_WINDOW);
    if (cpu->interrupt_line && ON(PIN_EXTERNAL_INTERRUPT))
        return take_interrupt(cpu);
    return 0;
}

static bool wakes(const struct x86_cpu *cpu)
{
    const struct vmcs *v = vtx_of(cpu)->v;

    if (vtx_of(cpu)->shut_down) /* SDM vol. 3, 25.4.2 */
        return false;
    return ON(PIN_EXTERNAL_INTERRUPT) || (cpu->state.rflags & X86_FLAG_IF);
}

/* ---- Task switches ---- always leave (26.4.2) */

static int task_switch(struct x86_cpu *cpu, uint16_t selector, unsigned how)
{
    static const uint8_t by[] = {2, 0, 1}; /* JMP, CALL, IRET */
    uint64_t length = cpu->next_rip - cpu->state.rip;

    vtx_exits(cpu, NULL, VMX_EXIT_TASK_SWITCH,
              selector | (uint64_t)by[how] << 30);
    vtx_of(cpu)->exit.length = length <= 15 ? (uint32_t)length : 0;
    vtx_of(cpu)->exit.rf = VTX_RF_OFF;
    return X86_FAULT;
}

const struct x86_guest vtx_guest = {
    .instruction = vtx_intercept,
    .deliver = deliver,
    .shutdown = shutdown,
    .between = between,
    .wakes = wakes,
    .task_switch = task_switch,
    .translate = vtx_ept,
};
