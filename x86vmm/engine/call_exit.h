/* A hypercall as an exit, on the engines of this folder: the same registers
 * (monitor/hypercall.def has the calls). */
#ifndef X86VMM_ENGINE_CALL_EXIT_H
#define X86VMM_ENGINE_CALL_EXIT_H

#include "monitor/exit.h"
#include "x86vmm/machine/exception.h"
#include "x86vmm/machine/state.h"

/* Fills *x but for what says where the instruction is; #UD of a call that is
 * none. */
static inline void x86_call_exit(const struct x86_state *s, struct vm_exit *x)
{
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
