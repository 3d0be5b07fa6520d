/* VMCBs that can be entered, to begin from. */
#ifndef X86VMM_SVM_SAMPLE_H
#define X86VMM_SVM_SAMPLE_H

#include "x86vmm/machine/sample.h"
#include "x86vmm/svm/vmcb.h"

/* Intercepts of VMRUN, HLT and shutdown; ASID 1; a flat guest at RIP 0x1000;
 * the root of nested page tables at 0. */
void vmcb_make(struct vmcb *v, enum x86_sample sample);

/* Attributes of segments. */
enum {
    VMCB_ATTR_CODE_16 = 0x09B,
    VMCB_ATTR_DATA_16 = 0x093,
    VMCB_ATTR_CODE_32 = 0xC9B,
    VMCB_ATTR_DATA_32 = 0xC93,
    VMCB_ATTR_CODE_64 = 0xA9B,
    VMCB_ATTR_TSS = 0x08B,
    VMCB_ATTR_LDT = 0x082,
    VMCB_ATTR_V86 = 0x0F3
};

#endif
