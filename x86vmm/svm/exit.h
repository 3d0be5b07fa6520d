/* Exit codes, and what makes the guest exit by them. */
#ifndef X86VMM_SVM_EXIT_H
#define X86VMM_SVM_EXIT_H

#include "x86vmm/machine/cpu.h"
#include "x86vmm/svm/vmcb.h"

enum svm_exit_code {
#define SVM_EXIT(code, name, words, info1, info2) SVM_EXIT_##name = code,
#include "x86vmm/svm/exit.def"
#undef SVM_EXIT
};

struct svm_exit_desc {
    int64_t code;
    const char *name, *words, *info1, *info2;
};

struct svm_exit_table {
    const struct svm_exit_desc *rows;
    size_t count;
};

extern const struct svm_exit_table svm_exits_all;

/* The row of EXITCODE, or NULL. */
const struct svm_exit_desc *svm_exit_of(uint64_t code);

/* What was being delivered when the exit came, by EXITINTINFO, whose valid bit
 * is set.  f.software: the instruction at RIP has asked for it. */
struct x86_fault vmcb_delivered(uint64_t info, uint64_t cr2);

/* SVM_INTERCEPT_HLT ...: 32 * word + bit.  Its exit code is so much more. */
enum { SVM_EXIT_INTERCEPTS = 0x60 };
enum svm_intercept {
#define INTERCEPT(field, bit, name, exit, section, words) \
    SVM_INTERCEPT_##name = 32 * (VMCB_##field - VMCB_INTERCEPT_1) + (bit),
#include "x86vmm/svm/intercept.def"
#undef INTERCEPT
};

struct svm_intercept_desc {
    enum svm_intercept intercept;
    enum svm_exit_code exit;
    const char *name, *section, *words;
};

struct svm_intercept_table {
    const struct svm_intercept_desc *rows;
    size_t count;
};

extern const struct svm_intercept_table svm_intercepts;

static inline bool vmcb_has(const struct vmcb *v, enum svm_intercept i)
{
    return v->field[VMCB_INTERCEPT_1 + i / 32] >> (i % 32) & 1;
}

static inline void vmcb_put(struct vmcb *v, enum svm_intercept i, bool on)
{
    uint64_t bit = UINT64_C(1) << (i % 32);
    uint64_t *f = &v->field[VMCB_INTERCEPT_1 + i / 32];

    *f = on ? *f | bit : *f & ~bit;
}

#endif
