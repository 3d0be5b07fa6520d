#include "x86vmm/engine/engine_svm.h"

#include "x86vmm/engine/svm_host.h"
#include "x86vmm/machine/debug.h"

enum { CR8_WRITES = 1 << (16 + 8) }; /* of the field INTERCEPT_CR */

/* Whatever can leave the guest. */
static void watch(struct vmcb *m)
{
    static const uint8_t intercepts[] = {
        SVM_INTERCEPT_IDTR_READ,  SVM_INTERCEPT_GDTR_READ,
        SVM_INTERCEPT_LDTR_READ,  SVM_INTERCEPT_TR_READ,
        SVM_INTERCEPT_IDTR_WRITE, SVM_INTERCEPT_GDTR_WRITE,
        SVM_INTERCEPT_LDTR_WRITE, SVM_INTERCEPT_TR_WRITE,
        SVM_INTERCEPT_RDTSC,      SVM_INTERCEPT_RDTSCP,
        SVM_INTERCEPT_INVD,       SVM_INTERCEPT_PAUSE,
        SVM_INTERCEPT_INVLPG,     SVM_INTERCEPT_WBINVD};

    for (size_t i = 0; i < ARRAY_LEN(intercepts); i++)
        vmcb_put(m, (enum svm_intercept)intercepts[i], true);
    m->field[VMCB_INTERCEPT_CR] = UINT32_MAX;
    m->field[VMCB_INTERCEPT_DR] = UINT32_MAX;
    m->field[VMCB_INTERCEPT_EXCEPTIONS] = (uint32_t)MODEL_WATCHED;
}

static void attach(struct vcpu *v)
{
    struct svm_vcpu *c = svm_vcpu(v);

    svm_attach(&c->svm, &c->model.cpu);
    svm_make_vmcb(&c->vmcb);
    if (c->model.platform->apic)
        c->vmcb.field[VMCB_INTERCEPT_CR] |= CR8_WRITES;
    if (c->model.platform->watched)
        watch(&c->vmcb);
}

static bool enter(struct vcpu *v, bool *exited, struct vm_exit *x)
{
    struct svm_vcpu *c = svm_vcpu(v);
    const struct vmrun_failure *why = &c->svm.why;

    if (svm_enter(&c->model.cpu, &c->vmcb, exited))
        return true;
    x->raw = (uint32_t)SVM_EXIT_INVALID;
    x->raw_name = why->check->name;
    x->raw_info[0] = why->value;
    vmrun_failure_words(why, c->model.why, sizeof(c->model.why));
    x->why = c->model.why;
    return false;
}

/* A debug trap that waits comes before an interrupt (AMD APM vol. 2, 8.5): a
 * VMCB cannot keep it. */
static enum x86_outcome interrupt(struct vcpu *v, enum x86_outcome out)
{
    struct x86_cpu *cpu = &svm_vcpu(v)->model.cpu;

    if (cpu->debug_hits && !cpu->shadow_ss && x86_take_debug(cpu) > X86_SYNC)
        return X86_EXIT; /* that has left the guest */
    svm_leave_by(cpu, SVM_EXIT_INTR);
    return out;
}

const struct model_ops svm_ops = {
    .vcpu_bytes = sizeof(struct svm_vcpu),
    .walks_pdptes = true,
    .make_tables = svm_make_tables,
    .attach = attach,
    .prepare = svm_prepare,
    .enter = enter,
    .interrupt = interrupt,
    .take_state = svm_take_state,
    .tell = svm_tell,
    .block = svm_block,
};

static enum status probe(struct diag *d)
{
    return model_probe(engine_svm.name, d);
}

static enum status vm_init(struct vm *vm)
{
    return model_vm_init(vm, &svm_ops);
}

const struct engine_ops engine_svm = {
    .name = "svm",
    .title = "x86 hardware assistance of the modelled processor: AMD-V",
    .probe = probe,
    .vm_init = vm_init,
    MODEL_ENGINE,
};
