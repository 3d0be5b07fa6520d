#include "x86vmm/exit/isa.h"

/* Where no monitor is to be seen there is nobody to call: the port is nobody's,
 * and VMCALL is undefined, or fails in a guest that has VT-x. */
static enum verdict call_nobody(struct vcpu *v, struct vm_exit *x)
{
    bool port =
        x->insn && (x->insn->id == X86_OP_OUT || x->insn->id == X86_OP_OUT_DX);

    if (!port && x86_platform(v)->own.instruction)
        return vm_vmx(v, x);
    return port ? VERDICT_ADVANCE : VERDICT_REFLECT;
}

/* The number and arguments came with the exit; the result goes to RAX.  An
 * undefined call is an undefined instruction: #UD. */
enum verdict handle_x86_call(struct vcpu *v, struct vm_exit *x)
{
    enum verdict verdict;

    if (x86_platform(v)->hides_monitor)
        return call_nobody(v, x);
    verdict = handle_hypercall(v, x);
    if (verdict == VERDICT_ADVANCE)
        x86_state(v)->gpr[X86_RAX] = x->call.result;
    return verdict;
}
