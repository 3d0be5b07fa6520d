/* What leaves a guest between instructions and on the way to its handlers, and
 * virtual interrupts (AMD APM vol. 2, 15.12, 15.13, 15.14, 15.21). */
#include "x86vmm/machine/debug.h"
#include "x86vmm/svm/part.h"

#define F(name)  (v->field[VMCB_##name])
#define ON(name) vmcb_has(v, SVM_INTERCEPT_##name)

int svm_exits(struct x86_cpu *cpu, const struct x86_op *op, uint64_t code,
              uint64_t info1, uint64_t info2)
{
    svm_of(cpu)->exit = (struct svm_exit){.code = code,
                                          .info1 = info1,
                                          .info2 = info2,
                                          .next = op ? cpu->next_rip : 0};
    cpu->fault = (struct x86_fault){.exits = true};
    return X86_FAULT;
}

/* Of a page from which instructions have just been fetched. */
void svm_tell_bytes(struct x86_cpu *cpu)
{
    struct svm_exit *x = &svm_of(cpu)->exit;
    uint64_t linear =
        x86_fast_linear(cpu, X86_CS, cpu->state.rip & cpu->rip_mask);

    for (x->count = 0; x->count < sizeof(x->bytes); x->count++, linear++) {
        const struct x86_tlb_entry *e = x86_tlb_slot(cpu, linear, X86_FETCH);

        if (e->tag[0] != x86_tlb_tag(linear, cpu->user) || !e->host)
            break;
        x->bytes[x->count] = e->host[linear % X86_PAGE];
    }
}

/* ---- Exceptions ---- */

static bool is_wanted(const struct vmcb *v, const struct x86_fault *f)
{
    return !f->external && !f->plain_int && f->vector < 32 &&
           (F(INTERCEPT_EXCEPTIONS) >> f->vector & 1);
}

/* 15.12: of #DB the registers are as its handler would see them; CR2 is not
 * written. */
static void exit_by(struct x86_cpu *cpu)
{
    struct x86_fault f = cpu->fault;
    bool page = f.vector == X86_EXC_PF;
    enum { FETCH = 0x10 };

    if (x86_real_mode(&cpu->state))
        f.has_error = false;
    if (f.debug)
        x86_debug_delivered(cpu, f.debug);
    if (f.trap && !f.software) /* it is complete */
        cpu->state.rip = cpu->next_rip;
    svm_exits(cpu, NULL, SVM_EXIT_EXCP_DE + f.vector, f.has_error ? f.error : 0,
              page ? f.cr2 : 0);
    if (f.software)
        svm_of(cpu)->exit.next = cpu->next_rip;
    if (page && !(f.error & FETCH))
        svm_tell_bytes(cpu);
}

static int deliver(struct x86_cpu *cpu, const struct x86_fault *during)
{
    if (cpu->fault.exits)
        return svm_leave(cpu, during);
    if (!is_wanted(svm_of(cpu)->v, &cpu->fault))
        return 0;
    exit_by(cpu);
    return svm_leave(cpu, during);
}

static int shutdown(struct x86_cpu *cpu)
{
    const struct vmcb *v = svm_of(cpu)->v;

    if (!ON(SHUTDOWN))
        return X86_SHUTDOWN;
    svm_exits(cpu, NULL, SVM_EXIT_SHUTDOWN, 0, 0);
    return svm_leave(cpu, NULL);
}

/* ---- Between instructions ---- */

static int leave_by(struct x86_cpu *cpu, enum svm_exit_code why)
{
    svm_exits(cpu, NULL, (uint64_t)why, 0, 0);
    return svm_leave(cpu, NULL);
}

static int deliver_vector(struct x86_cpu *cpu, unsigned vector)
{
    cpu->fault =
        (struct x86_fault){.vector = (uint8_t)vector, .external = true};
    return x86_deliver_fault(cpu);
}

/* 15.21.1: with V_INTR_MASKING the monitor's IF masks them; else the guest's,
 * and the driver takes what does not exit. */
static bool physical_waits(const struct x86_cpu *cpu)
{
    const struct svm *t = svm_of(cpu);
    const struct vmcb *v = t->v;

    return cpu->interrupt_line &&
           (F(V_INTR) & VMCB_V_MASKING
                ? t->host_if
                : (cpu->state.rflags & X86_FLAG_IF) != 0);
}

static int take_physical(struct x86_cpu *cpu)
{
    const struct vmcb *v = svm_of(cpu)->v;
    int vector;

    if (ON(INTR))
        return leave_by(cpu, SVM_EXIT_INTR);
    if (!(F(V_INTR) & VMCB_V_MASKING))
        return 0;
    vector = cpu->world.acknowledge(cpu->world.who);
    return vector < 0 ? 0 : deliver_vector(cpu, (unsigned)vector);
}

static bool virtual_waits(const struct x86_cpu *cpu, const struct vmcb *v)
{
    unsigned priority = (F(V_INTR) & VMCB_V_PRIORITY) >> 16;

    return (F(V_INTR) & VMCB_V_IRQ) && (cpu->state.rflags & X86_FLAG_IF) &&
           ((F(V_INTR) & VMCB_V_IGNORE_TPR) ||
            priority > (F(V_INTR) & VMCB_V_TPR & 0xF));
}

static int take_virtual(struct x86_cpu *cpu)
{
    struct vmcb *v = svm_of(cpu)->v;

    if (!virtual_waits(cpu, v))
        return 0;
    if (ON(VINTR))
        return leave_by(cpu, SVM_EXIT_VINTR);
    F(V_INTR) &= ~(uint64_t)VMCB_V_IRQ;
    return deliver_vector(cpu, vmcb_v_vector(v));
}

/* In the order of their priorities.  What exits stays pending. */
static int between(struct x86_cpu *cpu)
{
    const struct svm *t = svm_of(cpu);
    const struct vmcb *v = t->v;

    if ((cpu->debug_hits && !cpu->shadow_ss) || cpu->shadow || !t->gif)
        return 0; /* a debug trap is the driver's, and first */
    if (cpu->nmi_pending && !cpu->nmi_blocked)
        return ON(NMI) ? leave_by(cpu, SVM_EXIT_NMI) : 0;
    return physical_waits(cpu) ? take_physical(cpu) : take_virtual(cpu);
}

/* A virtual one that waits has been taken, or IF masks it. */
static bool wakes(const struct x86_cpu *cpu)
{
    const struct svm *t = svm_of(cpu);
    const struct vmcb *v = t->v;

    if (!t->gif)
        return false;
    return F(V_INTR) & VMCB_V_MASKING ? t->host_if
                                      : (cpu->state.rflags & X86_FLAG_IF) != 0;
}

/* ---- Task switches ---- 15.14.1 */

static int task_switch(struct x86_cpu *cpu, uint16_t selector, unsigned how)
{
    static const uint64_t by[] = {/* JMP, CALL, IRET */
                                  UINT64_C(1) << 38, 0, UINT64_C(1) << 36};
    const struct vmcb *v = svm_of(cpu)->v;
    uint64_t resume = cpu->state.rflags & X86_FLAG_RF ? UINT64_C(1) << 48 : 0;

    if (!ON(TASK_SWITCH))
        return 0;
    return svm_exits(cpu, NULL, SVM_EXIT_TASK_SWITCH, selector,
                     by[how] | resume);
}

/* ---- The second level ---- */

static int no_translation(struct x86_cpu *cpu, uint64_t gpa, uint64_t linear,
                          enum x86_access access, bool entry,
                          uint64_t *physical)
{
    (void)cpu, (void)linear, (void)access, (void)entry;
    *physical = gpa;
    return 0;
}

const struct x86_guest svm_guest = {
    .instruction = svm_intercept,
    .deliver = deliver,
    .shutdown = shutdown,
    .between = between,
    .wakes = wakes,
    .task_switch = task_switch,
    .translate = no_translation,
};

const struct x86_guest svm_guest_nested = {
    .walks_pdptes = true,
    .instruction = svm_intercept,
    .deliver = deliver,
    .shutdown = shutdown,
    .between = between,
    .wakes = wakes,
    .task_switch = task_switch,
    .translate = svm_nested_walk,
};
