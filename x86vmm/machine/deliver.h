/* How a processor delivers an interrupt or exception, for the cases where the
 * monitor does it in the processor's stead. */
#ifndef X86VMM_MACHINE_DELIVER_H
#define X86VMM_MACHINE_DELIVER_H

#include "base/mem.h"
#include "x86vmm/machine/state.h"

/* Push the frame and go to the handler (Intel SDM vol. 3, "Interrupt and
 * Exception Handling"; "Real-Address Mode").  Done for real mode, and for gates
 * of 32 and 64 bits that lead from CPL 0 to the same code segment; false, and
 * no register changed, where a task, a stack switch, another segment or a
 * fault on the way is involved. */
bool x86_deliver(struct x86_state *s, const struct mem_map *mem,
                 unsigned vector, bool has_error, uint32_t error);

#endif
