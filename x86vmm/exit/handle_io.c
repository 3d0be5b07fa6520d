#include "x86vmm/exit/isa.h"

/* Ports and memory: the bus does it, unless a device has ended the machine. */
enum verdict handle_x86_io(struct vcpu *v, struct vm_exit *x)
{
    enum verdict verdict = handle_bus(v, x);

    return x86_platform(v)->stopped ? VERDICT_STOP : verdict;
}
