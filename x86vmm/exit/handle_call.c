#include "x86vmm/exit/isa.h"

/* The number and arguments came with the exit; the result goes to RAX.  An
 * undefined call is an undefined instruction: #UD. */
enum verdict handle_x86_call(struct vcpu *v, struct vm_exit *x)
{
    enum verdict verdict = handle_hypercall(v, x);

    if (verdict == VERDICT_ADVANCE)
        x86_state(v)->gpr[X86_RAX] = x->call.result;
    return verdict;
}
