/* VMCSs that can be entered, to begin from. */
#ifndef X86VMM_VTX_SAMPLE_H
#define X86VMM_VTX_SAMPLE_H

#include "x86vmm/machine/sample.h"
#include "x86vmm/vtx/vmcs.h"

/* Controls as they must be, HLT exiting; a flat 64-bit host, whose addresses
 * are figures only; a flat guest at RIP 0x1000, segments accessed. */
void vmcs_make(struct vmcs *v, enum x86_sample sample);

/* Rights of VMCS_GUEST_*_RIGHTS. */
enum {
    VMCS_RIGHTS_CODE_16 = 0x9B,
    VMCS_RIGHTS_DATA_16 = 0x93,
    VMCS_RIGHTS_CODE_32 = 0xC09B,
    VMCS_RIGHTS_DATA_32 = 0xC093,
    VMCS_RIGHTS_CODE_64 = 0xA09B,
    VMCS_RIGHTS_TSS = 0x8B,
    VMCS_RIGHTS_LDT = 0x82,
    VMCS_RIGHTS_V86 = 0xF3,
    VMCS_RIGHTS_UNUSABLE = 0x10000
};

#endif
