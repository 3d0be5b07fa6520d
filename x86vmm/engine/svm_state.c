/* Between struct x86_state, the modelled processor and the VMCB. */
#include "x86vmm/engine/svm_host.h"
#include "x86vmm/engine/vmcb_state.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/svm/sample.h"

#include <string.h>

#define F(name) (m->field[VMCB_##name])

static const uint8_t intercepts[] = {
    SVM_INTERCEPT_INTR,   SVM_INTERCEPT_NMI,     SVM_INTERCEPT_VINTR,
    SVM_INTERCEPT_CPUID,  SVM_INTERCEPT_HLT,     SVM_INTERCEPT_INVLPGA,
    SVM_INTERCEPT_IOIO,   SVM_INTERCEPT_MSR,     SVM_INTERCEPT_SHUTDOWN,
    SVM_INTERCEPT_VMRUN,  SVM_INTERCEPT_VMMCALL, SVM_INTERCEPT_VMLOAD,
    SVM_INTERCEPT_VMSAVE, SVM_INTERCEPT_STGI,    SVM_INTERCEPT_CLGI,
    SVM_INTERCEPT_SKINIT, SVM_INTERCEPT_RDPMC,   SVM_INTERCEPT_ICEBP};

void svm_make_vmcb(struct vmcb *m)
{
    vmcb_make(m, X86_SAMPLE_REAL);
    for (size_t i = 0; i < ARRAY_LEN(intercepts); i++)
        vmcb_put(m, (enum svm_intercept)intercepts[i], true);
    F(INTERCEPT_EXCEPTIONS) = 1u << X86_EXC_GP;
    F(N_CR3) = svm_nested_root();
    F(IOPM_BASE) = svm_io_map();
    F(MSRPM_BASE) = svm_msr_map();
}

/* ---- In ---- */

/* What VMLOAD loads stays in the processor. */
static void put_segments(struct x86_cpu *cpu, struct vmcb *m,
                         const struct x86_state *s)
{
    for (unsigned i = X86_ES; i <= X86_DS; i++)
        vmcb_put_segment(m, (enum x86_seg)i, &s->seg[i]);
    for (unsigned i = X86_FS; i <= X86_TR; i++)
        cpu->state.seg[i] = s->seg[i];
    F(GDTR_BASE) = s->gdt.base;
    F(GDTR_LIMIT) = s->gdt.limit;
    F(IDTR_BASE) = s->idt.base;
    F(IDTR_LIMIT) = s->idt.limit;
}

static void put_state(struct vcpu *v)
{
    const struct x86_state *s = model_arch(v);
    struct svm_vcpu *c = svm_vcpu(v);
    struct x86_cpu *cpu = &c->model.cpu;
    struct vmcb *m = &c->vmcb;

    put_segments(cpu, m, s);
    F(CPL) = s->rflags & X86_FLAG_VM ? 3 : x86_cpl(s);
    F(EFER) = s->efer | SVM_EFER_SVME;
    F(CR0) = s->cr0;
    F(CR2) = s->cr2;
    F(CR3) = s->cr3;
    F(CR4) = s->cr4;
    F(RFLAGS) = s->rflags;
    F(RIP) = s->rip;
    F(RSP) = s->gpr[X86_RSP];
    F(RAX) = s->gpr[X86_RAX];
    memcpy(cpu->state.gpr, s->gpr, sizeof(s->gpr));
    cpu->state.cr8 = s->cr8;
}

/* A virtual interrupt that waits, whatever its priority, and exits before it is
 * taken: that is the window. */
static void put_window(struct vmcb *m, bool wanted)
{
    F(V_INTR) = wanted ? VMCB_V_IRQ | VMCB_V_IGNORE_TPR : 0;
}

void svm_prepare(struct vcpu *v, bool changed)
{
    struct svm_vcpu *c = svm_vcpu(v);
    struct vmcb *m = &c->vmcb;

    if (changed)
        put_state(v);
    F(DR6) = (uint32_t)c->model.cpu.dr[6];
    F(DR7) = (uint32_t)c->model.cpu.dr[7];
    F(G_PAT) = c->model.cpu.msrs->pat;
    put_window(m, model_wants_window(v));
    F(EVENTINJ) = c->model.inject ? vmcb_injection(&c->model.event) : 0;
}

/* ---- Out ---- */

enum model_shadow svm_take_state(struct vcpu *v)
{
    struct svm_vcpu *c = svm_vcpu(v);
    struct x86_state *s = model_arch(v);
    const struct vmcb *m = &c->vmcb;

    *s = c->model.cpu.state;
    s->rflags = F(RFLAGS);
    s->efer &= ~SVM_EFER_SVME;
    return F(INTERRUPT_SHADOW) & VMCB_SHADOW ? MODEL_BY_STI : MODEL_OPEN;
}

/* One bit for STI and MOV SS (15.21.5). */
void svm_block(struct vcpu *v, enum model_shadow shadow)
{
    struct vmcb *m = &svm_vcpu(v)->vmcb;

    F(INTERRUPT_SHADOW) = shadow == MODEL_OPEN ? 0 : VMCB_SHADOW;
}
