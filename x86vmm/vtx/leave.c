/* VM exits: saving the guest's state, information, loading the monitor's
 * (Intel SDM vol. 3, chapter 28). */
#include "base/bits.h"
#include "base/bytes.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/machine/segment.h"
#include "x86vmm/vtx/part.h"

#define F(name)  (v->field[VMCS_##name])
#define ON(name) vmcs_has(v, VMX_##name)

/* ---- Saving ---- 28.3 */

static void save_control(const struct x86_cpu *cpu, struct vmcs *v)
{
    const struct x86_state *s = &cpu->state;

    F(GUEST_CR0) = s->cr0;
    F(GUEST_CR3) = s->cr3;
    F(GUEST_CR4) = s->cr4;
    if (ON(EXIT_SAVE_EFER))
        F(GUEST_EFER) = s->efer;
    if (ON(SECONDARY_UNRESTRICTED_GUEST))
        vmcs_put(v, VMX_ENTRY_IA32E_GUEST, s->efer & X86_EFER_LMA);
    if (ON(EXIT_SAVE_PAT))
        F(GUEST_PAT) = cpu->msrs->pat;
    if (ON(EXIT_SAVE_DEBUG)) {
        F(GUEST_DR7) = cpu->dr[7];
        F(GUEST_DEBUGCTL) = cpu->debugctl;
    }
    F(GUEST_SYSENTER_CS) = cpu->msrs->sysenter_cs;
    F(GUEST_SYSENTER_ESP) = cpu->msrs->sysenter_esp;
    F(GUEST_SYSENTER_EIP) = cpu->msrs->sysenter_eip;
    if (ON(SECONDARY_EPT))
        for (unsigned i = 0; i < 4; i++)
            v->field[VMCS_GUEST_PDPTE0 + i] = cpu->pdpte[i];
}

void vtx_save_waiting(const struct x86_cpu *cpu, struct vmcs *v)
{
    enum { ENABLED = 0x1000 };
    uint64_t hits = cpu->debug_hits & (0xF | X86_DR6_BS);

    /* What TF would have made of a load of SS waits for the instruction behind
     * it (28.3.4), and an entry wants to see that. */
    if (cpu->shadow_ss && x86_debug_steps(cpu, cpu->state.rflags))
        hits |= X86_DR6_BS;
    F(GUEST_INTERRUPTIBILITY) = (cpu->shadow_ss ? VMCS_BY_MOV_SS
                                 : cpu->shadow  ? VMCS_BY_STI
                                                : 0) |
                                (cpu->nmi_blocked ? VMCS_BY_NMI : 0);
    F(GUEST_ACTIVITY) = vtx_of(cpu)->shut_down ? VMCS_SHUT_DOWN : cpu->halted;
    F(GUEST_PENDING_DEBUG) = hits | (hits & 0xF ? ENABLED : 0);
    if (ON(EXIT_SAVE_TIMER)) {
        uint64_t now = x86_tsc(cpu) - cpu->tsc_offset,
                 end = vtx_of(cpu)->timer_end;

        F(PREEMPTION_TIMER) = now < end ? end - now : 0;
    }
}

static void save_state(struct x86_cpu *cpu, struct vmcs *v)
{
    save_control(cpu, v);
    vmcs_put_segments(v, &cpu->state);
    F(GUEST_RSP) = cpu->state.gpr[X86_RSP];
    F(GUEST_RIP) = cpu->state.rip;
    F(GUEST_RFLAGS) = x86_flags_between(cpu);
    vtx_save_waiting(cpu, v);
}

/* ---- Information ---- 28.2 */

uint32_t vtx_event_info(const struct x86_fault *f)
{
    enum vmcs_event_type type =
        f->external    ? (f->nmi ? VMCS_EVENT_NMI : VMCS_EVENT_INTERRUPT)
        : f->plain_int ? VMCS_EVENT_SOFTWARE
        : f->software  ? VMCS_EVENT_BREAK
        : f->int1      ? VMCS_EVENT_PRIVILEGED
                       : VMCS_EVENT_EXCEPTION;

    return VMCS_EVENT_VALID | (f->has_error ? VMCS_EVENT_ERROR : 0) |
           (uint32_t)type << 8 | f->vector;
}

/* A task switch in the midst of a delivery is by a task gate of the IDT. */
#define BY_GATE (UINT64_C(3) << 30)

static void tell(const struct vtx_exit *x, const struct x86_fault *during,
                 struct vmcs *v)
{
    bool gate = during && x->reason == VMX_EXIT_TASK_SWITCH;

    F(EXIT_REASON) = x->reason;
    F(EXIT_QUALIFICATION) = x->qualification | (gate ? BY_GATE : 0);
    F(EXIT_INTERRUPTION_INFO) = x->interruption;
    F(EXIT_INTERRUPTION_ERROR) = x->error;
    F(EXIT_INSTRUCTION_LENGTH) = x->length;
    F(EXIT_INSTRUCTION_INFO) = x->info;
    F(GUEST_LINEAR_ADDRESS) = x->linear;
    F(GUEST_PHYSICAL_ADDRESS) = x->physical;
    F(IDT_VECTORING_INFO) = during ? vtx_event_info(during) : 0;
    F(IDT_VECTORING_ERROR) = during ? during->error : 0;
    F(ENTRY_INTERRUPTION_INFO) &= ~(uint64_t)VMCS_EVENT_VALID;
}

/* ---- MSR lists ---- 28.4, 28.6 */

/* False: a VMX abort. */
static bool each_msr(struct x86_cpu *cpu, uint64_t address, uint64_t count,
                     bool store)
{
    count = min_u64(count, VMX_MSR_LIST_MAX);
    for (uint64_t i = 0; i < count; i++) {
        uint8_t *p = mem_at(cpu->world.mem, address + 16 * i, 16);
        uint64_t value;

        if (!p || load_le32(p + 4))
            return false;
        if (store ? x86_msr_read(cpu, load_le32(p), &value)
                  : x86_msr_write(cpu, load_le32(p), load_le64(p + 8)))
            return false;
        if (store)
            store_le64(p + 8, value);
    }
    return true;
}

/* ---- The monitor's state ---- 28.5 */

static void load_host_segments(struct x86_state *s, const struct vmcs *v)
{
    const bool wide = ON(EXIT_HOST_64);
    const uint16_t data =
        X86_ATTR_P | X86_ATTR_S | X86_ATTR_DB | X86_ATTR_G | 3;

    for (unsigned i = X86_ES; i <= X86_GS; i++) {
        uint16_t selector = (uint16_t)v->field[VMCS_HOST_ES_SELECTOR + i];

        s->seg[i] =
            (struct x86_segment){.selector = selector,
                                 .limit = UINT32_MAX,
                                 .attr = selector ? data : X86_ATTR_UNUSABLE};
    }
    s->seg[X86_CS].attr = (uint16_t)(X86_ATTR_P | X86_ATTR_S | X86_ATTR_G | 11 |
                                     (wide ? X86_ATTR_L : X86_ATTR_DB));
    s->seg[X86_FS].base = F(HOST_FS_BASE);
    s->seg[X86_GS].base = F(HOST_GS_BASE);
    s->seg[X86_LDTR] = (struct x86_segment){.attr = X86_ATTR_UNUSABLE};
    s->seg[X86_TR] =
        (struct x86_segment){.selector = (uint16_t)F(HOST_TR_SELECTOR),
                             .base = F(HOST_TR_BASE),
                             .limit = 0x67,
                             .attr = X86_ATTR_P | X86_TSS_32_BUSY};
    s->gdt = (struct x86_table_reg){F(HOST_GDTR_BASE), 0xFFFF};
    s->idt = (struct x86_table_reg){F(HOST_IDTR_BASE), 0xFFFF};
}

static void load_host(struct x86_cpu *cpu, const struct vmcs *v)
{
    const uint64_t long_mode = X86_EFER_LMA | X86_EFER_LME;
    struct x86_state *s = &cpu->state;

    s->cr0 =
        (F(HOST_CR0) & ~VTX_CR0_KEPT) | (s->cr0 & VTX_CR0_KEPT) | X86_CR0_ET;
    s->cr3 = F(HOST_CR3);
    s->cr4 = F(HOST_CR4);
    s->efer = ON(EXIT_LOAD_EFER)
                  ? F(HOST_EFER)
                  : (s->efer & ~long_mode) | (ON(EXIT_HOST_64) ? long_mode : 0);
    if (ON(EXIT_LOAD_PAT))
        cpu->msrs->pat = F(HOST_PAT);
    cpu->dr[7] = X86_DR7_ONE;
    cpu->debugctl = 0;
    cpu->msrs->sysenter_cs = F(HOST_SYSENTER_CS);
    cpu->msrs->sysenter_esp = F(HOST_SYSENTER_ESP);
    cpu->msrs->sysenter_eip = F(HOST_SYSENTER_EIP);
    load_host_segments(s, v);
    s->gpr[X86_RSP] = F(HOST_RSP);
    s->rip = cpu->next_rip = F(HOST_RIP);
    x86_flags_set(cpu, X86_FLAG_ONE);
    cpu->shadow = cpu->shadow_ss = cpu->halted = cpu->traced = false;
    cpu->debug_hits = 0;
    x86_tlb_flush(cpu, true);
    x86_guest_tlb_flush(&vtx_of(cpu)->pages); /* INVEPT finds nothing to drop */
    x86_mode_changed(cpu);
}

/* ---- The exit ---- */

/* SDM vol. 3, 28.7: the processor stops; the region says why. */
static int abort_vmx(struct x86_cpu *cpu, uint32_t why)
{
    struct vtx *t = vtx_of(cpu);
    uint8_t *region = mem_at(cpu->world.mem, t->current, VMCS_REGION);

    if (region)
        store_le32(region + VMCS_AT_ABORT, why);
    t->in_guest = false;
    cpu->guest = NULL;
    cpu->watched = false;
    return X86_SHUTDOWN;
}

enum {
    ABORT_SAVING_MSRS = 1,
    ABORT_LOADING_PDPTES = 2,
    ABORT_LOADING_MSRS = 4
};

static int go_to_monitor(struct x86_cpu *cpu)
{
    struct vtx *t = vtx_of(cpu);
    const struct vmcs *v = t->v;
    const struct x86_state *s = &cpu->state;

    t->in_guest = false;
    cpu->guest = NULL;
    cpu->watched = false;
    if (t->outside) {
        cpu->halted = false;
        return X86_EXIT;
    }
    t->vpid = 0;
    /* Blocked were the guest's virtual NMIs; real ones never are there. */
    if (ON(PIN_VIRTUAL_NMIS))
        cpu->nmi_blocked = false;
    load_host(cpu, v);
    if ((s->cr4 & X86_CR4_PAE) && !(s->efer & X86_EFER_LMA) &&
        x86_load_pdptes(cpu, s->cr3))
        return abort_vmx(cpu, ABORT_LOADING_PDPTES);
    if (!each_msr(cpu, F(EXIT_MSR_LOAD_ADDR), F(EXIT_MSR_LOAD_COUNT), false))
        return abort_vmx(cpu, ABORT_LOADING_MSRS);
    x86_mode_changed(cpu);
    return X86_SYNC;
}

/* 28.3.3 */
static void save_rf(const struct vtx *t, const struct x86_fault *during,
                    struct vmcs *v)
{
    enum vtx_rf rf = during ? vtx_rf_of(during) : t->exit.rf;

    if (rf != VTX_RF_AS_IS)
        F(GUEST_RFLAGS) &= ~(uint64_t)X86_FLAG_RF;
    if (rf == VTX_RF_ON)
        F(GUEST_RFLAGS) |= X86_FLAG_RF;
}

int vtx_leave(struct x86_cpu *cpu, const struct x86_fault *during)
{
    struct vtx *t = vtx_of(cpu);
    struct vmcs *v = t->v;

    tell(&t->exit, during, v);
    save_state(cpu, v);
    save_rf(t, during, v);
    if (ON(PRIMARY_TSC_OFFSETTING) && !t->emulated)
        cpu->tsc_offset -= F(TSC_OFFSET);
    if (!each_msr(cpu, F(EXIT_MSR_STORE_ADDR), F(EXIT_MSR_STORE_COUNT), true))
        return abort_vmx(cpu, ABORT_SAVING_MSRS);
    return go_to_monitor(cpu);
}

int vtx_reflect(struct x86_cpu *cpu, const struct vtx_exit *x,
                const struct x86_fault *during)
{
    vtx_of(cpu)->exit = *x;
    return vtx_leave(cpu, during);
}

/* Nothing of the guest is saved, and of the information only this is told
 * (27.8). */
int vtx_fail_entry(struct x86_cpu *cpu)
{
    struct vtx *t = vtx_of(cpu);
    struct vmcs *v = t->v;

    F(EXIT_REASON) =
        entry_stage_number(t->why.check->stage) | VMX_EXIT_ENTRY_FAILED;
    F(EXIT_QUALIFICATION) = entry_qualification(&t->why);
    if (ON(PRIMARY_TSC_OFFSETTING) && !t->emulated &&
        t->why.check->stage == ENTRY_MSR)
        cpu->tsc_offset -= F(TSC_OFFSET);
    return go_to_monitor(cpu);
}
