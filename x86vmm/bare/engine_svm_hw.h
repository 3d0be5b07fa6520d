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

#include "base/types.h"
#include "monitor/engine.h"
#include "x86vmm/svm/vmrun_check.h"

extern const struct engine_ops engine_svm_hw;

/* Turn it on.  STATUS_UNSUPPORTED with what is missing. */
MUST_USE enum status svm_on(struct diag *d);

/* Where the fields are, where the compiler sees it. */
static const struct {
    uint16_t offset;
    uint8_t size;
} svm_places[VMCB_FIELD_COUNT] = {
#define FIELD(offset, size, name, area, section, words) {offset, size},
#include "x86vmm/svm/vmcb.def"
#undef FIELD
};

/* A field of a VMCB, which is plain storage. */
static inline uint64_t svm_get(const uint8_t *page, enum vmcb_field f)
{
    uint64_t value = 0;

    __builtin_memcpy(&value, page + svm_places[f].offset, svm_places[f].size);
    return value;
}

static inline void svm_put(uint8_t *page, enum vmcb_field f, uint64_t value)
{
    __builtin_memcpy(page + svm_places[f].offset, &value, svm_places[f].size);
}

/* The exit that the VMCB tells of, whose state has been fetched.  False: it has
 * been settled, go on.  svm_exit.c. */
bool svm_translate_exit(struct vcpu *v, uint8_t *vmcb, struct vm_exit *x);

/* Into the guest and out of it: its registers but RAX and RSP, which the VMCB
 * has; and the monitor's own VMCB.  svm_enter.S. */
void svm_enter(uint64_t gpr[16], uint8_t *vmcb, uint8_t *of_host);
/* The host's; and a physical interrupt, which has ended a turn, taken. */
uint8_t *svm_host(void);
void svm_take_tick(void);

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

#endif
