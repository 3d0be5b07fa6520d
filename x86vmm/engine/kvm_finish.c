/* Completing an instruction whose exit KVM has reported half-done.
 *
 * KVM does this by itself when it is entered again; but the registers are not
 * consistent before that (Linux, Documentation/virt/kvm/api.rst, KVM_RUN:
 * "re-enter the guest ... to complete pending operations").  An entry with
 * immediate_exit completes and runs nothing. */
#include "x86vmm/engine/kvm_host.h"

#if KVM_HOST
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

/* More exits than any one x86 instruction can make. */
enum { PARTS_MAX = 64 };

enum status kvm_settle(struct vcpu *v, bool *again)
{
    struct kvm_cpu *cpu = kvm_cpu(v);

    kvm_choose_whole(v);
    cpu->run->immediate_exit = 1;
    int rc = ioctl(cpu->fd, KVM_RUN, 0);
    int error = errno;
    kvm_take_time(cpu);
    /* When stepping, the completed instruction is itself a step. */
    *again = rc == 0 && cpu->run->exit_reason != KVM_EXIT_DEBUG &&
             cpu->run->exit_reason != KVM_EXIT_INTR;
    if (rc < 0 && error != EINTR) {
        errno = error;
        return kvm_failed(v->vm, "KVM_RUN (completing)");
    }
    cpu->unfinished = false;
    return kvm_read_state(v);
}

/* Another part of an instruction that somebody has decided against: loads see
 * ones, stores go nowhere. */
static void swallow(struct kvm_run *run)
{
    if (run->exit_reason == KVM_EXIT_MMIO)
        memset(run->mmio.data, 0xFF, sizeof(run->mmio.data));
}

EXIT_PATH enum status kvm_finish(struct vcpu *v, bool *again)
{
    struct kvm_cpu *cpu = kvm_cpu(v);
    bool changed = kvm_state_changed(v);
    enum status st = STATUS_OK;

    *again = false;
    if (!changed && !v->stepping && !cpu->inject && !cpu->msr)
        return STATUS_OK; /* running on completes it */
    st = kvm_complete_state(v);
    if (st)
        return st;
    struct x86_state wanted = *kvm_arch(v);
    if (cpu->msr) { /* what KVM then moves to or from EDX:EAX is there */
        cpu->run->msr.error = 0;
        cpu->run->msr.data =
            wanted.gpr[X86_RDX] << 32 | (uint32_t)wanted.gpr[X86_RAX];
        cpu->msr = false;
    }
    for (unsigned part = 0; part < PARTS_MAX; part++) {
        st = kvm_settle(v, again);
        if (st || !*again || !changed)
            break;
        swallow(cpu->run);
    }
    if (!st && changed) {
        wanted.interruptible = kvm_arch(v)->interruptible && !cpu->inject;
        *kvm_arch(v) = wanted;
        *again = false;
    }
    return st;
}
#else
typedef int kvm_finish_is_not_on_this_host;
#endif
