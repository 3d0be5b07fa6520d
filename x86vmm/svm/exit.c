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
