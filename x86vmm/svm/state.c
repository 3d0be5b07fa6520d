/* The state-save area: what VMRUN and #VMEXIT, and VMLOAD and VMSAVE, move (AMD
 * APM vol. 2, 15.5.1, 15.5.2, 15.6). */
#include "base/bits.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/machine/segment.h"
#include "x86vmm/svm/part.h"

#define F(name) (v->field[VMCB_##name])

#define RFLAGS_OWN UINT64_C(0x3F7FD5)

static uint64_t canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16);
}

static void load_table(struct x86_table_reg *to, uint64_t base, uint64_t limit)
{
    *to = (struct x86_table_reg){canonical(base), (uint16_t)limit};
}

/* The privilege level is a field of its own; here SS has it. */
static void load_cpl(struct x86_cpu *cpu, const struct vmcb *v)
{
    struct x86_state *s = &cpu->state;
    uint16_t *attr = &s->seg[X86_SS].attr;
    unsigned cpl = F(CPL) & 3;

    if (x86_real_mode(s))
        return;
    if (s->rflags & X86_FLAG_VM)
        cpl = 3;
    *attr = (uint16_t)((*attr & ~(unsigned)X86_ATTR_DPL) | cpl << 5);
}

static void load_control(struct x86_state *s, const struct vmcb *v)
{
    s->cr0 = F(CR0) | X86_CR0_ET;
    s->cr3 = F(CR3);
    s->cr4 = F(CR4);
    s->efer = F(EFER) & ~X86_EFER_LMA;
    if ((s->efer & X86_EFER_LME) && (s->cr0 & X86_CR0_PG))
        s->efer |= X86_EFER_LMA;
}

void svm_load_state(struct x86_cpu *cpu, const struct vmcb *v)
{
    struct x86_state *s = &cpu->state;
    uint64_t flags = (F(RFLAGS) & RFLAGS_OWN) | X86_FLAG_ONE;

    load_control(s, v);
    for (unsigned i = X86_ES; i <= X86_DS; i++)
        s->seg[i] = vmcb_get_segment(v, (enum x86_seg)i);
    load_table(&s->gdt, F(GDTR_BASE), F(GDTR_LIMIT));
    load_table(&s->idt, F(IDTR_BASE), F(IDTR_LIMIT));
    if (x86_real_mode(s) || (s->efer & X86_EFER_LMA))
        flags &= ~X86_FLAG_VM; /* there is no such mode */
    x86_flags_set(cpu, flags);
    load_cpl(cpu, v);
    s->gpr[X86_RAX] = F(RAX);
    s->gpr[X86_RSP] = F(RSP);
    x86_mode_changed(cpu);
    s->rip = cpu->next_rip = F(RIP) & cpu->rip_mask;
}

void svm_save_state(struct x86_cpu *cpu, struct vmcb *v)
{
    const struct x86_state *s = &cpu->state;

    for (unsigned i = X86_ES; i <= X86_DS; i++)
        vmcb_put_segment(v, (enum x86_seg)i, &s->seg[i]);
    F(GDTR_BASE) = s->gdt.base;
    F(GDTR_LIMIT) = s->gdt.limit;
    F(IDTR_BASE) = s->idt.base;
    F(IDTR_LIMIT) = s->idt.limit;
    F(CPL) = cpu->cpl;
    F(EFER) = s->efer;
    F(CR0) = s->cr0;
    F(CR2) = s->cr2;
    F(CR3) = s->cr3;
    F(CR4) = s->cr4;
    F(DR6) = cpu->dr[6];
    F(DR7) = cpu->dr[7];
    F(RFLAGS) = x86_flags_between(cpu);
    F(RIP) = s->rip;
    F(RSP) = s->gpr[X86_RSP];
    F(RAX) = s->gpr[X86_RAX];
}

/* ---- Records of branches ---- 15.23 */

void svm_load_branches(struct x86_cpu *cpu, const struct vmcb *v)
{
    struct x86_msrs *m = cpu->msrs;

    cpu->debugctl = F(DBGCTL) & X86_DEBUGCTL_OWN;
    m->branch_from = F(BR_FROM);
    m->branch_to = F(BR_TO);
    m->before_from = F(LAST_EXCP_FROM);
    m->before_to = F(LAST_EXCP_TO);
}

void svm_save_branches(const struct x86_cpu *cpu, struct vmcb *v)
{
    const struct x86_msrs *m = cpu->msrs;

    F(DBGCTL) = cpu->debugctl;
    F(BR_FROM) = m->branch_from;
    F(BR_TO) = m->branch_to;
    F(LAST_EXCP_FROM) = m->before_from;
    F(LAST_EXCP_TO) = m->before_to;
}

/* ---- VMLOAD, VMSAVE ---- */

static const uint8_t more[] = {X86_FS, X86_GS, X86_LDTR, X86_TR};

void svm_load_more(struct x86_cpu *cpu, const struct vmcb *v)
{
    struct x86_msrs *m = cpu->msrs;

    for (unsigned i = 0; i < ARRAY_LEN(more); i++)
        cpu->state.seg[more[i]] = vmcb_get_segment(v, (enum x86_seg)more[i]);
    m->kernel_gs_base = canonical(F(KERNEL_GS_BASE));
    m->star = F(STAR);
    m->lstar = canonical(F(LSTAR));
    m->cstar = canonical(F(CSTAR));
    m->fmask = (uint32_t)F(SFMASK);
    m->sysenter_cs = (uint32_t)F(SYSENTER_CS);
    m->sysenter_esp = canonical(F(SYSENTER_ESP));
    m->sysenter_eip = canonical(F(SYSENTER_EIP));
    x86_mode_changed(cpu);
}

void svm_save_more(const struct x86_cpu *cpu, struct vmcb *v)
{
    const struct x86_msrs *m = cpu->msrs;

    for (unsigned i = 0; i < ARRAY_LEN(more); i++)
        vmcb_put_segment(v, (enum x86_seg)more[i], &cpu->state.seg[more[i]]);
    F(KERNEL_GS_BASE) = m->kernel_gs_base;
    F(STAR) = m->star;
    F(LSTAR) = m->lstar;
    F(CSTAR) = m->cstar;
    F(SFMASK) = m->fmask;
    F(SYSENTER_CS) = m->sysenter_cs;
    F(SYSENTER_ESP) = m->sysenter_esp;
    F(SYSENTER_EIP) = m->sysenter_eip;
}
