/* The virtual processor: what engines and the exit side share.
 *
 * vcpu->arch is a struct x86_state, vm->arch a struct x86_platform; both are
 * the property of whoever made the virtual machine. */
#ifndef X86VMM_VCPU_H
#define X86VMM_VCPU_H

#include "monitor/vm.h"
#include "x86vmm/machine/exception.h"
#include "x86vmm/machine/platform.h"
#include "x86vmm/machine/state.h"

static inline struct x86_state *x86_state(const struct vcpu *v)
{
    return v->arch;
}

static inline struct x86_platform *x86_platform(const struct vcpu *v)
{
    return v->vm->arch;
}

/* A hypercall as an exit: the same registers on every engine
 * (monitor/hypercall.def has the calls).  Fills *x but for what says where the
 * instruction is; #UD of a call that is none. */
static inline void x86_call_exit(const struct vcpu *v, struct vm_exit *x)
{
    const struct x86_state *s = x86_state(v);

    x->reason = EXIT_HYPERCALL;
    x->event =
        (struct vm_event){.kind = X86_EVENT_EXCEPTION, .code = X86_EXC_UD};
    x->call = (struct exit_call){
        .number = (uint32_t)s->gpr[X86_RAX],
        .args = {s->gpr[X86_RBX], s->gpr[X86_RCX], s->gpr[X86_RDX],
                 s->gpr[X86_RSI]},
    };
    x->raw_info[1] = x->call.number;
}

#endif
