/* A modelled processor with AMD-V and what its suites begin from. */
#ifndef TESTS_X86_SVM_RIG_H
#define TESTS_X86_SVM_RIG_H

#include "tests/x86_bare.h"
#include "x86vmm/svm/part.h"
#include "x86vmm/svm/sample.h"

/* A suite's own; made by svm_rig_set_up for each test: 64-bit mode, AMD-V
 * enabled. */
struct svm_rig {
    struct x86_bare *m;
    struct svm *t;
    struct vmcb *v;
};

enum {
    SVM_PAGE = 0x50000, /* of a VMCB */
    SVM_HSAVE = 0x51000,
    SVM_MSRPM = 0x52000,
    SVM_IOPM = 0x54000,
    SVM_NESTED = 0x60000, /* PML4, PDPT, PD, PT of the first 2 MiB */
    SVM_GUEST = 0x30000
};

struct svm_rig svm_rig_new(void);
void svm_rig_free(struct svm_rig *r);

void svm_code(struct svm_rig *r, uint32_t at, const void *code, size_t n);

/* Nested page tables: identity, 4-KiB pages, all allowed; the entry of one. */
void svm_make_nested(struct svm_rig *r);
uint8_t *svm_nested_of(struct svm_rig *r, uint32_t gpa);

/* r->v is a guest in real-address mode that begins at SVM_GUEST; one in 64-bit
 * mode, in the mode's own tables. */
void svm_make_real(struct svm_rig *r);
void svm_make_long(struct svm_rig *r);

/* Enter; and run until the exit, which has this code: or the test fails. */
void svm_rig_enter(struct svm_rig *r);
void svm_rig_run_to(struct svm_rig *r, enum svm_exit_code code);

#endif
