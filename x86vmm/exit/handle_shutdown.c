#include "x86vmm/exit/isa.h"

/* A fault while a double fault was delivered (Intel SDM vol. 3, "Interrupt 8 -
 * Double Fault Exception"): a PC would reset; this guest
 * has died, which is no end of its own choice. */
enum verdict handle_x86_shutdown(struct vcpu *v, struct vm_exit *x)
{
    diag_set(&v->vm->diag, STATUS_OK,
             "its processor shut down: a triple fault at %llx",
             (unsigned long long)x->pc);
    return VERDICT_FAIL;
}
