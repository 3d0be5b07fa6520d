/* The engine that runs guests by AMD-V of the processor below; as engine_vmx.h,
 * but for these:
 *
 * CR0 is wholly the guest's.  Its writes to CR4, and EFER, in which SVME must
 * stay set, are ours to do.  A turn ends by a physical interrupt, of the
 * machine's 8254: AMD-V has no timer of its own.  Where the processor does not
 * tell where the next instruction is (NRIP), its length is found in its bytes.
 */
#ifndef X86VMM_BARE_ENGINE_SVM_HW_H
#define X86VMM_BARE_ENGINE_SVM_HW_H

#include "monitor/engine.h"
#include "x86vmm/svm/vmrun_check.h"

extern const struct engine_ops engine_svm_hw;

/* Turn it on.  STATUS_UNSUPPORTED with what is missing. */
MUST_USE enum status svm_on(struct diag *d);

/* A field of a VMCB, which is plain storage. */
uint64_t svm_get(const uint8_t *page, enum vmcb_field f);
void svm_put(uint8_t *page, enum vmcb_field f, uint64_t value);

/* The exit that the VMCB tells of, whose state has been fetched.  False: it has
 * been settled, go on.  svm_exit.c. */
bool svm_translate_exit(struct vcpu *v, uint8_t *vmcb, struct vm_exit *x);

/* Its VMCB; VMRUN of it just as it is, and the exit code. */
uint8_t *svm_page(const struct vcpu *v);
int64_t svm_try(struct vcpu *v);

/* The rules of VMRUN that a VMCB breaks: one sentence a line of the console.
 * Valid until the next call.  svm_explain.c. */
enum { SVM_BROKEN_MAX = 8 };
struct svm_broken {
    struct vmrun_failure rules[SVM_BROKEN_MAX];
    size_t count; /* 0: it could be entered */
};
const struct svm_broken *svm_explain(const uint8_t *page);

#define SVM_HW_EFER_SVME UINT64_C(0x1000)

#endif
