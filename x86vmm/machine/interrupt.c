/* Exceptions and interrupts on their way. */
#include "x86vmm/machine/op.h"

/* Without tables nothing can be delivered: not the fault, nor what that would
 * raise. */
int x86_deliver_fault(struct x86_cpu *cpu)
{
    (void)cpu;
    return X86_SHUTDOWN;
}
