/* VMRUN (AMD APM vol. 2, 15.5), translations (15.15, 15.16), event injection
 * (15.20). */
#include "base/bits.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/svm/part.h"

#define F(name) (v->field[VMCB_##name])

/* ---- Checks ---- */

bool svm_check(struct x86_cpu *cpu, bool host_paging)
{
    struct svm *t = svm_of(cpu);
    struct vmcb *v = t->v;
    const struct vmrun r = {.vmcb = v,
                            .mem = cpu->world.mem,
                            .efer = x86_efer_own(cpu),
                            .cr4 = x86_cr4_own(cpu),
                            .host_paging = host_paging};

    if (vmrun_check(&r, &t->why))
        return true;
    F(EXITCODE) = (uint64_t)SVM_EXIT_INVALID;
    F(EXITINFO1) = F(EXITINFO2) = F(EXITINTINFO) = 0;
    return false;
}

/* ---- Translations ---- */

/* They are the guest's own if its ASID was the last, and nothing that they
 * depend on has changed: the monitor's own are never kept with them. */
static void drop_translations(struct x86_cpu *cpu, const struct vmcb *v)
{
    struct svm *t = svm_of(cpu);
    const struct svm_kept now = {
        .asid = (uint32_t)F(ASID),
        .n_cr3 = F(NP_CONTROL) & VMCB_NESTED_PAGING ? F(N_CR3) : UINT64_MAX,
        .cr0 = F(CR0),
        .cr3 = F(CR3),
        .cr4 = F(CR4),
        .efer = F(EFER)};

    const bool all = F(TLB_CONTROL) == VMCB_TLB_DROP_ALL ||
                     F(TLB_CONTROL) == VMCB_TLB_DROP_ASID ||
                     now.asid != t->kept.asid || now.n_cr3 != t->kept.n_cr3 ||
                     now.cr0 != t->kept.cr0 || now.cr3 != t->kept.cr3 ||
                     now.cr4 != t->kept.cr4 || now.efer != t->kept.efer;

    if (all || F(TLB_CONTROL) == VMCB_TLB_DROP_ASID_LOCAL) {
        x86_tlb_flush(cpu, all);
        x86_guest_tlb_flush(&t->pages);
    }
    t->kept = now;
}

/* ---- Event injection ---- */

/* The return address of a software interrupt, #BP or #OF is the next
 * instruction's, which NRIP has. */
static int inject(struct x86_cpu *cpu, const struct vmcb *v)
{
    unsigned type = F(EVENTINJ) >> 8 & 7, vector = F(EVENTINJ) & 0xFF;
    bool by_insn = type == VMCB_EVENT_SOFTWARE ||
                   (type == VMCB_EVENT_EXCEPTION &&
                    (vector == X86_EXC_BP || vector == X86_EXC_OF));

    if (type == VMCB_EVENT_NMI) {
        vector = 2;
        cpu->nmi_blocked = true;
    }
    cpu->next_rip = (by_insn ? F(NRIP) : cpu->state.rip) & cpu->rip_mask;
    cpu->fault = (struct x86_fault){.vector = (uint8_t)vector,
                                    .has_error = F(EVENTINJ) & VMCB_EVENT_ERROR,
                                    .error = (uint32_t)(F(EVENTINJ) >> 32),
                                    .cr2 = cpu->state.cr2,
                                    .software = by_insn,
                                    .plain_int = type == VMCB_EVENT_SOFTWARE,
                                    .external = type == VMCB_EVENT_INTERRUPT ||
                                                type == VMCB_EVENT_NMI,
                                    .nmi = type == VMCB_EVENT_NMI,
                                    .trap = by_insn,
                                    .keep_rf = true};
    return x86_inject_fault(cpu);
}

/* ---- The entry ---- */

static void load_guest(struct x86_cpu *cpu, const struct vmcb *v)
{
    svm_load_state(cpu, v);
    cpu->state.cr2 = F(CR2);
    cpu->dr[6] = (F(DR6) & 0xE00F) | X86_DR6_ONES;
    cpu->dr[7] = (F(DR7) & 0xFFFF23FF) | X86_DR7_ONE;
    if (F(NP_CONTROL) & VMCB_NESTED_PAGING)
        cpu->msrs->pat = F(G_PAT);
    if (F(LBR_CONTROL) & VMCB_LBR)
        svm_load_branches(cpu, v);
    cpu->tsc_offset += F(TSC_OFFSET);
    cpu->shadow = F(INTERRUPT_SHADOW) & VMCB_SHADOW;
    cpu->shadow_ss = cpu->halted = cpu->traced = false;
    cpu->debug_hits = 0;
}

/* Without nested paging the PDPTEs of PAE paging have been checked. */
int svm_go(struct x86_cpu *cpu)
{
    struct svm *t = svm_of(cpu);
    const struct vmcb *v = t->v;
    bool nested = F(NP_CONTROL) & VMCB_NESTED_PAGING;
    const struct x86_state *s = &cpu->state;

    load_guest(cpu, v);
    drop_translations(cpu, v);
    t->nested.root = F(N_CR3);
    svm_nested_shape(&t->nested);
    cpu->guest = nested ? &svm_guest_nested : &svm_guest;
    cpu->guest_due = UINT64_MAX;
    svm_set_gif(cpu, true);
    if ((s->cr0 & X86_CR0_PG) && (s->cr4 & X86_CR4_PAE) &&
        !(s->efer & X86_EFER_LMA) && x86_load_pdptes(cpu, s->cr3))
        return cpu->guest->shutdown(cpu);
    if (F(EVENTINJ) & VMCB_EVENT_VALID)
        return inject(cpu, v);
    return X86_SYNC;
}

bool svm_enter(struct x86_cpu *cpu, struct vmcb *v, bool *exited)
{
    struct svm *t = svm_of(cpu);

    *exited = false;
    t->v = v;
    t->outside = true;
    if (!svm_check(cpu, true))
        return false;
    t->host_if = true;
    t->nested = (struct svm_nested){.levels = 4, .entry = 8, .nxe = true};
    *exited = svm_go(cpu) == X86_EXIT;
    return true;
}
