#include "x86vmm/exit/isa.h"
#include "x86vmm/machine/cpu.h"

/* VMX instructions of a guest that is a monitor itself.  What they do to its
 * VMCS, and that VMLAUNCH and VMRESUME go on as its guest, is the engine's to
 * see to (struct x86_own_vtx). */
enum verdict vm_vmx(struct vcpu *v, struct vm_exit *x)
{
    const struct x86_own_vtx *own = &x86_platform(v)->own;
    struct x86_fault fault = {.vector = X86_EXC_UD};
    enum x86_own_end end =
        own->instruction ? own->instruction(own->who, &fault) : X86_OWN_FAULT;

    if (end == X86_OWN_FAULT) {
        x->event = (struct vm_event){.kind = X86_EVENT_EXCEPTION,
                                     .code = fault.vector,
                                     .has_error = fault.has_error,
                                     .info = {fault.error, fault.cr2}};
        return VERDICT_REFLECT;
    }
    return end == X86_OWN_DONE ? VERDICT_ADVANCE : VERDICT_RESUME;
}
