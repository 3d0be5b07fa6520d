/* A hostile program (x86_hostile.h) on a processor with VT-x or AMD-V that is
 * switched on, with a VMCS or VMCB that is nearly right in its storage. */
#ifndef TESTS_X86_HOSTILE_MONITOR_H
#define TESTS_X86_HOSTILE_MONITOR_H

#include "tests/x86_bare.h"
#include "x86vmm/svm/svm.h"
#include "x86vmm/vtx/vtx.h"

struct hostile_monitor {
    struct x86_bare *m;
    struct vtx vtx;
    struct svm svm;
};

/* It begins by entering that guest.  `resumes`, with VT-x: it adds up why its
 * guest was left, puts it behind that, and resumes it; its guest has pages that
 * may not be read, written or executed, and exceptions that exit. */
struct hostile_monitor *hostile_monitor_new(bool svm, uint64_t seed,
                                            bool resumes);
void hostile_monitor_free(struct hostile_monitor *h);

#endif
