#include "x86vmm/exit/isa.h"

/* RDMSR and WRMSR come here for registers that the engine's processor does
 * not have, and the monitor adds none of its own: "Specifying a reserved or
 * unimplemented MSR address in ECX will also cause a general protection
 * exception" (Intel SDM vol. 2, RDMSR). */
static enum verdict no_such_register(struct vm_exit *x)
{
    x->event = x86_event_gp();
    return VERDICT_REFLECT;
}

enum verdict vm_rdmsr(struct vcpu *v, struct vm_exit *x)
{
    (void)v;
    return no_such_register(x);
}

enum verdict vm_wrmsr(struct vcpu *v, struct vm_exit *x)
{
    (void)v;
    return no_such_register(x);
}
