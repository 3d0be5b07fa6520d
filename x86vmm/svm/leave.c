/* #VMEXIT (AMD APM vol. 2, 15.6), and what is kept of the monitor (15.5.1,
 * 15.30.4). */
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/svm/part.h"

#include <string.h>

#define F(name) (v->field[VMCB_##name])

enum {
    GUEST_AREAS =
        1 << VMCB_AREA_STATE | 1 << VMCB_AREA_EXIT | 1 << VMCB_AREA_BOTH
};

/* ---- Information ---- */

uint64_t svm_event(const struct x86_fault *f)
{
    uint64_t type = f->external
                        ? (f->nmi ? VMCB_EVENT_NMI : VMCB_EVENT_INTERRUPT)
                    : f->plain_int ? VMCB_EVENT_SOFTWARE
                                   : VMCB_EVENT_EXCEPTION;

    return f->vector | type << 8 | VMCB_EVENT_VALID |
           (f->has_error ? VMCB_EVENT_ERROR | (uint64_t)f->error << 32 : 0);
}

/* A task switch on the way to a handler takes the error code with it
 * (15.14.1). */
static uint64_t task_error(const struct x86_fault *during)
{
    const uint64_t valid = UINT64_C(1) << 44;

    return during && during->has_error ? valid | during->error : 0;
}

static void tell(const struct svm_exit *x, const struct x86_fault *during,
                 struct vmcb *v)
{
    F(EXITCODE) = x->code;
    F(EXITINFO1) = x->info1;
    F(EXITINFO2) = x->info2;
    if (x->code == SVM_EXIT_TASK_SWITCH)
        F(EXITINFO2) |= task_error(during);
    F(EXITINTINFO) = during ? svm_event(during) : 0;
    F(EVENTINJ) &= ~VMCB_EVENT_VALID;
    F(NRIP) = x->next;
    F(INSN_COUNT) = x->count;
    F(INSN_BYTES) = load_le64(x->bytes);
    F(INSN_BYTES_2) = load_le64(x->bytes + 7) >> 8;
}

/* ---- The monitor's state ---- in its host save area, as a VMCB has a
 * guest's. */

static int shut_down(struct x86_cpu *cpu)
{
    cpu->guest = NULL;
    return X86_SHUTDOWN;
}

/* 15.6: what the area holds is looked at once more. */
static bool holds(const struct x86_cpu *cpu, const struct vmcb *v)
{
    bool paged = F(CR0) & X86_CR0_PG, wide = F(EFER) & X86_EFER_LME;

    return (F(CR0) & X86_CR0_PE) && !(F(CR0) >> 32) &&
           !(F(CR4) & ~x86_cr4_own(cpu)) && !(F(EFER) & ~x86_efer_own(cpu)) &&
           (!paged || !wide || (F(CR4) & X86_CR4_PAE));
}

static int go_to_monitor(struct x86_cpu *cpu)
{
    struct svm *t = svm_of(cpu);
    const struct x86_state *s = &cpu->state;
    struct vmcb host;

    vmcb_load(&host, mem_at(cpu->world.mem, t->hsave_pa, VMCB_PAGE));
    if (!holds(cpu, &host))
        return shut_down(cpu);
    host.field[VMCB_CPL] = 0;
    host.field[VMCB_RFLAGS] &= ~X86_FLAG_VM;
    if (t->v->field[VMCB_NP_CONTROL] & VMCB_NESTED_PAGING)
        cpu->msrs->pat = host.field[VMCB_G_PAT];
    if (t->v->field[VMCB_LBR_CONTROL] & VMCB_LBR)
        svm_load_branches(cpu, &host);
    svm_load_state(cpu, &host);
    cpu->dr[7] = X86_DR7_ONE;
    t->kept.asid = 0;
    x86_tlb_flush(cpu, true);
    if ((s->cr0 & X86_CR0_PG) && (s->cr4 & X86_CR4_PAE) &&
        !(s->efer & X86_EFER_LMA) && x86_load_pdptes(cpu, s->cr3))
        return shut_down(cpu);
    x86_mode_changed(cpu);
    if (t->host_tf)
        cpu->debug_hits = X86_DR6_BS;
    return X86_SYNC;
}

/* ---- The exit ---- */

static void save_guest(struct x86_cpu *cpu, struct vmcb *v)
{
    struct svm *t = svm_of(cpu);

    svm_save_state(cpu, v);
    if (F(NP_CONTROL) & VMCB_NESTED_PAGING)
        F(G_PAT) = cpu->msrs->pat;
    if (F(LBR_CONTROL) & VMCB_LBR)
        svm_save_branches(cpu, v);
    F(INTERRUPT_SHADOW) = (F(INTERRUPT_SHADOW) & ~(uint64_t)VMCB_SHADOW) |
                          (cpu->shadow ? VMCB_SHADOW : 0);
    cpu->tsc_offset -= F(TSC_OFFSET);
    t->kept.cr0 = F(CR0);
    t->kept.cr3 = F(CR3);
    t->kept.cr4 = F(CR4);
    t->kept.efer = F(EFER);
}

int svm_leave(struct x86_cpu *cpu, const struct x86_fault *during)
{
    struct svm *t = svm_of(cpu);
    uint8_t *page;

    tell(&t->exit, during, t->v);
    save_guest(cpu, t->v);
    cpu->guest = NULL;
    cpu->shadow = cpu->shadow_ss = cpu->halted = cpu->traced = false;
    cpu->debug_hits = 0;
    svm_set_gif(cpu, t->outside);
    if (t->outside)
        return X86_EXIT;
    page = svm_page_to_write(cpu, t->address);
    if (page)
        vmcb_store(t->v, GUEST_AREAS, page);
    return go_to_monitor(cpu);
}

void svm_leave_by(struct x86_cpu *cpu, enum svm_exit_code why)
{
    svm_exits(cpu, NULL, (uint64_t)why, 0, 0);
    svm_leave(cpu, NULL);
}
