/* Clocks and timers (GA22-7000, "Timing").  All are functions of the guest's
 * own time; the dispatcher asks s370_isa when the next of them is due. */
#include "s370/exit/guest_access.h"
#include "s370/exit/interpreter.h"
#include "s370/machine/timer.h"

/* "SET CLOCK".  The TOD-clock switch of the virtual machine is at enable. */
enum verdict vm_sck(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);
    uint64_t value;

    int code = guest_load64(g, (uint32_t)x->op.addr, &value);
    if (!code) {
        s370_tod_set(&g->timers, v->vm->clock.now, value);
        g->psw.cc = 0;
    }
    return guest_end(v, x, code);
}

/* "SET CLOCK COMPARATOR" */
enum verdict vm_sckc(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);
    uint64_t value;

    int code = guest_load64(g, (uint32_t)x->op.addr, &value);
    if (!code)
        s370_comparator_set(&g->timers, value);
    return guest_end(v, x, code);
}

/* "STORE CLOCK COMPARATOR" */
enum verdict vm_stckc(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);

    return guest_end(
        v, x, guest_store64(g, (uint32_t)x->op.addr, g->timers.comparator));
}

/* "SET CPU TIMER" */
enum verdict vm_spt(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);
    uint64_t value;

    int code = guest_load64(g, (uint32_t)x->op.addr, &value);
    if (!code)
        s370_cpu_timer_set(&g->timers, v->vm->clock.now, value);
    return guest_end(v, x, code);
}

/* "STORE CPU TIMER" */
enum verdict vm_stpt(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);
    uint64_t value = s370_cpu_timer(&g->timers, v->vm->clock.now);

    return guest_end(v, x, guest_store64(g, (uint32_t)x->op.addr, value));
}
