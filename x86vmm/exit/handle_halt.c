#include "x86vmm/exit/isa.h"

/* HLT is complete, and an interrupt's handler returns to the instruction
 * behind it (Intel SDM vol. 2, HLT). */
enum verdict handle_x86_halt(struct vcpu *v, struct vm_exit *x)
{
    v->vm->isa->set_pc(v, x->pc + x->insn_len);
    return VERDICT_WAIT;
}
