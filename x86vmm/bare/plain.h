/* A monitor of a dozen lines, to measure the other by. */
#ifndef X86VMM_BARE_PLAIN_H
#define X86VMM_BARE_PLAIN_H

#include "monitor/vm.h"

/* Run the guest, which has not been entered (and whose VMCS is current),
 * answering its CPUIDs by the processor's own, until it makes another exit;
 * returns how many there were. */
uint64_t plain_run(struct vcpu *v);

#endif
