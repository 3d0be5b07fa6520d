#include "x86vmm/svm/exit.h"

static const struct svm_exit_desc rows[] = {
#define SVM_EXIT(code, name, words, info1, info2) \
    {code, #name, words, info1, info2},
#include "x86vmm/svm/exit.def"
#undef SVM_EXIT
};
const struct svm_exit_table svm_exits_all = {rows, ARRAY_LEN(rows)};

const struct svm_exit_desc *svm_exit_of(uint64_t code)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].code == (int64_t)code)
            return &rows[i];
    return NULL;
}

static const struct svm_intercept_desc intercepts[] = {
#define INTERCEPT(field, bit, name, exit, section, words) \
    {SVM_INTERCEPT_##name, SVM_EXIT_##exit, #name, section, words},
#include "x86vmm/svm/intercept.def"
#undef INTERCEPT
};
const struct svm_intercept_table svm_intercepts = {intercepts,
                                                   ARRAY_LEN(intercepts)};

struct x86_fault vmcb_delivered(uint64_t info, uint64_t cr2)
{
    unsigned type = info >> 8 & 7, vector = info & 0xFF;
    bool by_insn = type == VMCB_EVENT_SOFTWARE ||
                   (type == VMCB_EVENT_EXCEPTION &&
                    (vector == X86_EXC_BP || vector == X86_EXC_OF));

    return (struct x86_fault){.vector = (uint8_t)vector,
                              .has_error = info & VMCB_EVENT_ERROR,
                              .error = (uint32_t)(info >> 32),
                              .cr2 = cr2,
                              .software = by_insn,
                              .plain_int = type == VMCB_EVENT_SOFTWARE,
                              .external = type == VMCB_EVENT_INTERRUPT ||
                                          type == VMCB_EVENT_NMI,
                              .nmi = type == VMCB_EVENT_NMI,
                              .trap = by_insn,
                              /* RFLAGS of the VMCB is of before it; 3.1.6 */
                              .keep_rf = vector == X86_EXC_DB};
}
