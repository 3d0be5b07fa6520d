#include "cli/pc_assist.h"

#include "x86vmm/svm/svm.h"
#include "x86vmm/vtx/vtx.h"

#include <stdlib.h>
#include <string.h>

/* One of them is used. */
struct pc_assisted {
    struct vtx vtx;
    struct svm svm;
};

bool pc_assist_find(const char *word, enum pc_assist *assist)
{
    *assist = !strcmp(word, "vtx")   ? PC_ASSIST_VTX
              : !strcmp(word, "svm") ? PC_ASSIST_SVM
                                     : PC_ASSIST_NONE;
    return *assist != PC_ASSIST_NONE;
}

struct pc_assisted *pc_assist_new(enum pc_assist assist, struct x86_cpu *cpu)
{
    struct pc_assisted *a = calloc(1, sizeof(*a));

    if (a && assist == PC_ASSIST_VTX)
        vtx_attach(&a->vtx, cpu);
    else if (a)
        svm_attach(&a->svm, cpu);
    return a;
}

void pc_assist_free(struct pc_assisted *a)
{
    free(a);
}
