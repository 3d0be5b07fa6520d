/* Private to engine_svm.c and svm_*.c. */
#ifndef X86VMM_ENGINE_SVM_HOST_H
#define X86VMM_ENGINE_SVM_HOST_H

#include "x86vmm/engine/model_host.h"
#include "x86vmm/svm/svm.h"

/* vcpu->backing */
struct svm_vcpu {
    struct model_vcpu model;
    struct svm svm;
    struct vmcb vmcb;
};

extern const struct model_ops svm_ops;

static inline struct svm_vcpu *svm_vcpu(const struct vcpu *v)
{
    return v->backing;
}

/* ---- svm_tables.c ---- */

enum status svm_make_tables(struct vm *vm);
uint64_t svm_nested_root(void);
uint64_t svm_io_map(void);
uint64_t svm_msr_map(void);

/* ---- svm_state.c ---- */

/* A VMCB with this engine's intercepts. */
void svm_make_vmcb(struct vmcb *m);
void svm_prepare(struct vcpu *v, bool changed);
enum model_shadow svm_take_state(struct vcpu *v);
void svm_block(struct vcpu *v, enum model_shadow shadow);

/* ---- svm_told.c ---- */

void svm_tell(struct vcpu *v, struct model_told *t);

#endif
