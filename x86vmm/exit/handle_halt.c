#include "x86vmm/exit/isa.h"

/* HLT is complete, and an interrupt's handler returns to the instruction
 * behind it (Intel SDM vol. 2, HLT).  With IF off the dispatcher then ends the
 * machine, as nothing can wake it. */
enum verdict handle_x86_halt(struct vcpu *v, struct vm_exit *x)
{
    if (x->insn_len) /* else a guest's guest was entered so */
        v->vm->isa->set_pc(v, x->pc + x->insn_len);
    if (!(x86_state(v)->rflags & X86_FLAG_IF))
        diag_set(&v->vm->diag, STATUS_OK, "in HLT with interrupts off");
    return VERDICT_WAIT;
}
