/* The registers that QEMU prints, as the guest's state of a VMCS; the form is
 * told in dump.h. */
#ifndef X86VMM_VTX_REGISTERS_H
#define X86VMM_VTX_REGISTERS_H

#include "x86vmm/machine/settings.h"
#include "x86vmm/vtx/vmcs.h"

/* Is there a segment register's line in it? */
bool registers_are_in(struct span t);

/* A VMCS as KVM sets it, with the guest's state from there; how many registers
 * were found.  What KVM adds to CR0 and CR4 (NE, VMXE) is added. */
unsigned registers_read(struct span t, struct vmcs *v);

#endif
