/* Interrupt controllers: ours, which the monitor asks before each entry, or
 * KVM's own in the kernel, with a timer of its own. */
#include "x86vmm/engine/kvm_host.h"

#if KVM_HOST
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

static void line_changed(void *who, unsigned line, bool raised)
{
    struct vm *vm = who;
    const struct kvm_guest *g = vm->backing;
    struct kvm_irq_level level = {.irq = line, .level = raised};

    if (line != X86_LINE_TIMER && kvm_cpu(&vm->vcpu) &&
        ioctl(g->vm, KVM_IRQ_LINE, &level) < 0)
        kvm_cpu(&vm->vcpu)->line_error = errno;
}

static bool nothing_waits(void *who)
{
    (void)who;
    return false;
}

static int nothing_comes(void *who)
{
    (void)who;
    return -1;
}

/* Its PIT has port 61h, too: who measures time with counter 2 needs it. */
enum status kvm_irqchip_start(struct vm *vm)
{
    const struct kvm_guest *g = vm->backing;
    struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};
    struct x86_platform *p = vm->arch;

    if (!p->outside_irqchip)
        return STATUS_OK;
    if (ioctl(g->vm, KVM_CREATE_IRQCHIP, 0) < 0)
        return kvm_failed(vm, "KVM_CREATE_IRQCHIP");
    if (ioctl(g->vm, KVM_CREATE_PIT2, &pit) < 0)
        return kvm_failed(vm, "KVM_CREATE_PIT2");
    p->controller = vm;
    p->line_changed = line_changed;
    p->waits = nothing_waits;
    p->acknowledge = nothing_comes;
    p->apic_changed = NULL;
    return STATUS_OK;
}

/* A local APIC of ours shares two registers with KVM's processor. */
EXIT_PATH static struct x86_platform *shared_apic(const struct vcpu *v)
{
    struct x86_platform *p = v->vm->arch;

    return p && p->apic && !p->outside_irqchip ? p : NULL;
}

EXIT_PATH void kvm_apic_tell(struct vcpu *v)
{
    struct x86_platform *p = shared_apic(v);
    uint64_t base = kvm_cpu(v)->sregs.apic_base, cr8 = kvm_arch(v)->cr8;

    if (!p || (p->apic_base == base && p->cr8 == cr8))
        return;
    p->apic_base = base;
    p->cr8 = cr8;
    if (p->apic_changed)
        p->apic_changed(p->controller);
}

EXIT_PATH void kvm_apic_heed(struct vcpu *v)
{
    const struct x86_platform *p = shared_apic(v);

    if (p)
        kvm_arch(v)->cr8 = p->cr8;
    if (!kvm_cpu(v)->lacks) /* else it is there, as KVM left it */
        kvm_cpu(v)->run->cr8 = kvm_arch(v)->cr8; /* what KVM_RUN takes */
}
#else
typedef int kvm_irqchip_is_not_on_this_host;
#endif
