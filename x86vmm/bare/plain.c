#include "x86vmm/bare/plain.h"

#include "x86vmm/bare/cpu.h"
#include "x86vmm/bare/vmx.h"
#include "x86vmm/machine/state.h"
#include "x86vmm/vtx/exit.h"

uint64_t plain_run(struct vcpu *v)
{
    uint64_t *gpr = ((struct x86_state *)v->arch)->gpr, reason, rip, len, n = 0;

    vmx_write(VMCS_PREEMPTION_TIMER, UINT32_MAX);
    for (;; n++) {
        uint32_t r[4];

        if (vmx_enter(gpr, n) != VMX_ENTERED)
            return n;
        vmx_read(VMCS_EXIT_REASON, &reason);
        if (reason != VMX_EXIT_CPUID)
            return n;
        cpuid((uint32_t)gpr[X86_RAX], r);
        gpr[X86_RAX] = r[0];
        gpr[X86_RBX] = r[1];
        gpr[X86_RCX] = r[2];
        gpr[X86_RDX] = r[3];
        vmx_read(VMCS_GUEST_RIP, &rip);
        vmx_read(VMCS_EXIT_INSTRUCTION_LENGTH, &len);
        vmx_write(VMCS_GUEST_RIP, rip + len);
    }
}
