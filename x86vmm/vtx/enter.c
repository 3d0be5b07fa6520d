/* Loading the guest's state (Intel SDM vol. 3, 27.3.2), MSRs (27.4), event
 * injection (27.6). */
#include "base/bits.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/vtx/part.h"

#define F(name)  (v->field[VMCS_##name])
#define ON(name) vmcs_has(v, VMX_##name)

/* Bits of CR0 that neither entry nor exit changes: CD NW ET. */
static void load_segments(struct x86_state *s, const struct vmcs *v)
{
    for (unsigned i = 0; i < X86_SEG_COUNT; i++)
        s->seg[i] = vmcs_segment(v, (enum x86_seg)i);
    s->gdt.base = F(GUEST_GDTR_BASE);
    s->gdt.limit = (uint16_t)F(GUEST_GDTR_LIMIT);
    s->idt.base = F(GUEST_IDTR_BASE);
    s->idt.limit = (uint16_t)F(GUEST_IDTR_LIMIT);
}

static void load_control(struct x86_cpu *cpu, const struct vmcs *v)
{
    struct x86_state *s = &cpu->state;
    uint64_t long_mode = ON(ENTRY_IA32E_GUEST) ? X86_EFER_LMA : 0;

    cpu->traced = false; /* TF was the monitor's */
    s->cr0 =
        (F(GUEST_CR0) & ~VTX_CR0_KEPT) | (s->cr0 & VTX_CR0_KEPT) | X86_CR0_ET;
    s->cr3 = F(GUEST_CR3);
    s->cr4 = F(GUEST_CR4);
    if (ON(ENTRY_LOAD_EFER)) {
        s->efer = F(GUEST_EFER);
    } else {
        s->efer = (s->efer & ~X86_EFER_LMA) | long_mode;
        if (s->cr0 & X86_CR0_PG)
            s->efer =
                (s->efer & ~X86_EFER_LME) | (long_mode ? X86_EFER_LME : 0);
    }
    if (ON(ENTRY_LOAD_PAT))
        cpu->msrs->pat = F(GUEST_PAT);
    if (ON(ENTRY_LOAD_DEBUG)) {
        cpu->dr[7] = (F(GUEST_DR7) & 0xFFFF23FF) | X86_DR7_ONE;
        cpu->debugctl = F(GUEST_DEBUGCTL);
    }
    cpu->msrs->sysenter_cs = F(GUEST_SYSENTER_CS);
    cpu->msrs->sysenter_esp = F(GUEST_SYSENTER_ESP);
    cpu->msrs->sysenter_eip = F(GUEST_SYSENTER_EIP);
}

/* 27.3.2.5 to 27.3.2.7: what waits, and what is blocked. */
void vtx_load_waiting(struct x86_cpu *cpu, const struct vmcs *v)
{
    enum { ENABLED = 0x1000 };
    uint64_t blocked = F(GUEST_INTERRUPTIBILITY),
             waiting = F(GUEST_PENDING_DEBUG);

    cpu->shadow = blocked & VMCS_SHADOWED;
    cpu->shadow_ss = blocked & VMCS_BY_MOV_SS;
    cpu->nmi_blocked = blocked & VMCS_BY_NMI;
    cpu->halted = F(GUEST_ACTIVITY) != 0;
    vtx_of(cpu)->shut_down = F(GUEST_ACTIVITY) == VMCS_SHUT_DOWN;
    cpu->debug_hits = waiting & ENABLED ? (uint32_t)waiting & (0xF | X86_DR6_BS)
                                        : (uint32_t)waiting & X86_DR6_BS;
    if (cpu->shadow_ss) /* that of the instruction behind it, which TF makes */
        cpu->debug_hits &= ~(uint32_t)X86_DR6_BS;
}

static void load_state(struct x86_cpu *cpu, const struct vmcs *v)
{
    struct x86_state *s = &cpu->state;

    load_control(cpu, v);
    load_segments(s, v);
    s->gpr[X86_RSP] = F(GUEST_RSP);
    s->rip = cpu->next_rip = F(GUEST_RIP);
    x86_flags_set(cpu, F(GUEST_RFLAGS));
    vtx_load_waiting(cpu, v);
    if (ON(PRIMARY_TSC_OFFSETTING) && !vtx_of(cpu)->emulated)
        cpu->tsc_offset += F(TSC_OFFSET);
}

/* PAE paging's pointers: under EPT they are fields. */
static int load_pdptes(struct x86_cpu *cpu, const struct vmcs *v)
{
    const struct x86_state *s = &cpu->state;

    if (!(s->cr0 & X86_CR0_PG) || !(s->cr4 & X86_CR4_PAE) ||
        (s->efer & X86_EFER_LMA))
        return 0;
    if (!ON(SECONDARY_EPT))
        return x86_load_pdptes(cpu, s->cr3);
    for (unsigned i = 0; i < 4; i++)
        cpu->pdpte[i] = v->field[VMCS_GUEST_PDPTE0 + i];
    return 0;
}

/* ---- Event injection ---- */

/* INT n, INT3, INTO: behind them debug exceptions that waited in the shadow of
 * a load of SS still wait; all other events end them (27.7.3). */
static bool is_by_program(enum vmcs_event_type type)
{
    return type == VMCS_EVENT_SOFTWARE || type == VMCS_EVENT_BREAK;
}

static int inject(struct x86_cpu *cpu, const struct vmcs *v)
{
    struct vtx *t = vtx_of(cpu);
    uint32_t info = (uint32_t)F(ENTRY_INTERRUPTION_INFO);
    enum vmcs_event_type type = vmcs_event_type(info);
    bool after = is_by_program(type) || type == VMCS_EVENT_PRIVILEGED;

    if (type == VMCS_EVENT_OTHER) {
        t->trap_flag_pending = true;
        return X86_SYNC;
    }
    cpu->halted = t->shut_down = false;
    if (!is_by_program(type) || !cpu->shadow_ss)
        cpu->debug_hits = 0;
    cpu->nmi_blocked = cpu->nmi_blocked || type == VMCS_EVENT_NMI;
    cpu->next_rip = cpu->state.rip;
    if (after)
        cpu->next_rip += F(ENTRY_INSTRUCTION_LENGTH);
    cpu->next_rip &= cpu->rip_mask;
    cpu->fault = (struct x86_fault){.vector = (uint8_t)info,
                                    .has_error = info & VMCS_EVENT_ERROR,
                                    .error = (uint32_t)F(ENTRY_EXCEPTION_ERROR),
                                    .cr2 = cpu->state.cr2,
                                    .software = is_by_program(type),
                                    .plain_int = type == VMCS_EVENT_SOFTWARE,
                                    .int1 = type == VMCS_EVENT_PRIVILEGED,
                                    .external = type == VMCS_EVENT_INTERRUPT ||
                                                type == VMCS_EVENT_NMI,
                                    .nmi = type == VMCS_EVENT_NMI,
                                    .trap = after,
                                    .keep_rf = true};
    /* 26.5.2: pending behind it, before an instruction of its handler */
    t->trap_flag_pending = ON(PRIMARY_MONITOR_TRAP_FLAG);
    return x86_inject_fault(cpu);
}

/* ---- The entry ---- */

/* Translations are the guest's own if its VPID says so and it was the last. */
static void drop_translations(struct x86_cpu *cpu, const struct vmcs *v)
{
    struct vtx *t = vtx_of(cpu);
    uint32_t vpid = ON(SECONDARY_VPID) ? (uint32_t)F(VPID) : 0;
    uint64_t eptp = ON(SECONDARY_EPT) ? F(EPT_POINTER) : 0;

    if (!vpid || t->vpid != vpid || t->eptp != eptp)
        x86_tlb_flush(cpu, true);
    if (t->eptp != eptp)
        x86_guest_tlb_flush(&t->pages);
    t->vpid = vpid;
    t->eptp = eptp;
}

static void start_watching(struct x86_cpu *cpu, const struct vmcs *v)
{
    struct vtx *t = vtx_of(cpu);

    t->in_guest = true;
    t->entered = cpu->ran;
    t->trap_flag_pending = false;
    t->timer_end = x86_tsc(cpu) - cpu->tsc_offset + F(PREEMPTION_TIMER);
    if (t->emulated)
        return;
    /* Windows open by instructions that end a block anyhow; when the timer is
     * out is known. */
    cpu->watched = ON(PRIMARY_MONITOR_TRAP_FLAG);
    cpu->guest_due = UINT64_MAX;
    cpu->guest = &vtx_guest;
}

static bool load_msr(void *who, uint32_t msr, uint64_t value)
{
    return !x86_msr_write(who, msr, value);
}

static struct entry_memo *memo_of(struct vtx *t)
{
    return t->other ? t->other : &t->memo;
}

int vtx_load_guest(struct x86_cpu *cpu, struct entry *e, bool *failed)
{
    struct vtx *t = vtx_of(cpu);
    const struct vmcs *v = t->v;

    *failed =
        !entry_memo_until(memo_of(t), e, ENTRY_GUEST, ENTRY_LINK, &t->why);
    if (*failed)
        return vtx_fail_entry(cpu);
    entry_memo_end(memo_of(t), e);
    load_state(cpu, v);
    if (!t->emulated)
        drop_translations(cpu, v);
    x86_mode_changed(cpu);
    e->load = load_msr;
    e->who = cpu;
    if (F(ENTRY_MSR_LOAD_COUNT))
        *failed = !entry_check_until(e, ENTRY_MSR, ENTRY_MSR, &t->why);
    if (*failed)
        return vtx_fail_entry(cpu);
    if (load_pdptes(cpu, v))
        return X86_SHUTDOWN; /* they changed after they were checked */
    start_watching(cpu, v);
    if ((F(ENTRY_INTERRUPTION_INFO) & VMCS_EVENT_VALID) && !t->emulated)
        return inject(cpu, v);
    return X86_SYNC;
}

bool vtx_enter(struct x86_cpu *cpu, struct vmcs *v, bool *exited)
{
    struct vtx *t = vtx_of(cpu);
    struct entry e = {.vmcs = v,
                      .mem = cpu->world.mem,
                      .address = VTX_NONE,
                      .host_long = ON(EXIT_HOST_64)};
    bool failed;

    *exited = false;
    entry_memo_begin(memo_of(t), &e);
    if (!entry_memo_until(memo_of(t), &e, ENTRY_CONTROLS, ENTRY_HOST, &t->why))
        return false;
    t->v = v;
    t->outside = true;
    t->on = true;
    *exited = vtx_load_guest(cpu, &e, &failed) == X86_EXIT;
    return !failed;
}
