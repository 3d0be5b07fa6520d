/* DIAGNOSE as a call to the monitor, as VM/370 uses it.  The displacement is
 * the number of the call, R1 receives the result; R3 and the base register
 * are for the call. */
#include "s370/exit/guest_access.h"
#include "s370/exit/interpreter.h"

/* On the bare machine every code is refused with a specification exception;
 * so is one here that monitor/hypercall.def does not have. */
enum verdict vm_diag(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);
    struct vm_exit call = {.reason = EXIT_HYPERCALL, .pc = x->pc};
    unsigned r1 = x->op.r1;

    call.call.number = (x->op.bytes[2] & 0x0Fu) << 8 | x->op.bytes[3];
    call.call.args[0] = x->op.addr;
    call.call.args[1] = g->gr[x->op.r2];
    enum verdict verdict = handle_hypercall(v, &call);
    if (verdict == VERDICT_REFLECT)
        return guest_end(v, x, S370_PGM_SPECIFICATION);
    if (verdict != VERDICT_ADVANCE)
        return verdict;
    guest_set_gr(g, r1, (uint32_t)call.call.result);
    return guest_end(v, x, 0);
}
