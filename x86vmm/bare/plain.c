#include "x86vmm/bare/plain.h"

#include "x86vmm/bare/cpu.h"
#include "x86vmm/bare/engine_svm_hw.h"
#include "x86vmm/bare/engine_vmx.h"
#include "x86vmm/bare/vmx.h"
#include "x86vmm/machine/state.h"
#include "x86vmm/svm/exit.h"
#include "x86vmm/vtx/exit.h"

static uint64_t by_vmx(struct vcpu *v)
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

static uint64_t by_svm(struct vcpu *v)
{
    struct x86_state *s = v->arch;
    uint64_t *gpr = s->gpr, n = 0;
    uint8_t *page = svm_page(v), *host = svm_host();

    svm_put(page, VMCB_RIP, s->rip);
    svm_put(page, VMCB_RFLAGS, s->rflags);
    for (;;) {
        int64_t code;
        uint32_t r[4];

        svm_enter(gpr, page, host);
        code = (int64_t)svm_get(page, VMCB_EXITCODE);
        if (code == SVM_EXIT_INTR) {
            svm_take_tick();
            continue;
        }
        if (code != SVM_EXIT_CPUID)
            return n;
        cpuid((uint32_t)svm_get(page, VMCB_RAX), r);
        svm_put(page, VMCB_RAX, r[0]);
        gpr[X86_RBX] = r[1];
        gpr[X86_RCX] = r[2];
        gpr[X86_RDX] = r[3];
        svm_put(page, VMCB_RIP, svm_get(page, VMCB_RIP) + 2); /* 0F A2 */
        n++;
    }
}

uint64_t plain_run(struct vcpu *v)
{
    return v->vm->engine == &engine_vmx ? by_vmx(v) : by_svm(v);
}
