#include "x86vmm/exit/isa.h"

/* Ports and memory: the bus does it, unless a device has ended the machine.  A
 * local APIC's task priority is CR8, too. */
EXIT_PATH enum verdict handle_x86_io(struct vcpu *v, struct vm_exit *x)
{
    const struct x86_platform *p = x86_platform(v);
    enum verdict verdict = handle_bus(v, x);

    if (p->apic && x->reason == EXIT_MMIO)
        x86_state(v)->cr8 = p->cr8;
    return p->stopped ? VERDICT_STOP : verdict;
}
