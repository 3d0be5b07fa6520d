/* CPUID of KVM's guests: our profile, so far as this host can keep its word. */
#include "x86vmm/engine/kvm_host.h"

#if KVM_HOST
#include "x86vmm/machine/cpuid.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>

enum {
    SUPPORTED_MAX = 4096, /* rows; more is nonsense */
    APIC = 1 << 9, /* EDX of leaf 1, kept by KVM as IA32_APIC_BASE has it */
    ADDRESS_BITS = 0xFF /* EAX of leaf 8000_0008: of physical addresses */
};
#define HYPERVISOR (UINT32_C(1) << 31) /* ECX of leaf 1 */

/* All that KVM can offer; freed by the caller.  NULL: said in vm->diag. */
static struct kvm_cpuid2 *ask_supported(struct vm *vm)
{
    const struct kvm_guest *g = vm->backing;

    for (unsigned n = 64; n <= SUPPORTED_MAX; n *= 2) {
        struct kvm_cpuid2 *t =
            calloc(1, sizeof(*t) + n * sizeof(t->entries[0]));

        if (!t) {
            diag_set(&vm->diag, STATUS_NO_MEMORY, "no memory for CPUID");
            return NULL;
        }
        t->nent = n;
        if (ioctl(g->kvm, KVM_GET_SUPPORTED_CPUID, t) == 0)
            return t;
        free(t);
        if (errno != E2BIG)
            break;
    }
    kvm_failed(vm, "KVM_GET_SUPPORTED_CPUID");
    return NULL;
}

/* A leaf that KVM does not speak of has no features. */
static struct kvm_cpuid_entry2 find(const struct kvm_cpuid2 *t, uint32_t leaf)
{
    for (unsigned i = 0; i < t->nent; i++)
        if (t->entries[i].function == leaf && t->entries[i].index == 0)
            return t->entries[i];
    return (struct kvm_cpuid_entry2){.function = leaf};
}

/* Of words that are feature bits, those that are there. */
static void keep_word(struct x86_cpuid_row *row, const struct kvm_cpuid2 *t)
{
    const struct kvm_cpuid_entry2 can = find(t, row->leaf);

    switch (row->leaf) {
    case 1:
        row->ecx &= can.ecx | HYPERVISOR;
        row->edx &= can.edx | APIC;
        break;
    case 7:
        row->ebx &= can.ebx;
        row->ecx &= can.ecx;
        row->edx &= can.edx;
        break;
    case 0x80000001:
        row->ecx &= can.ecx;
        row->edx &= can.edx;
        break;
    case 0x80000008:
        if ((can.eax & ADDRESS_BITS) < (row->eax & ADDRESS_BITS))
            row->eax =
                (row->eax & ~(uint32_t)ADDRESS_BITS) | (can.eax & ADDRESS_BITS);
        break;
    }
}

static enum status set(struct vcpu *v, const struct kvm_cpuid2 *supported,
                       struct kvm_cpuid2 *table)
{
    const struct x86_platform *p = v->vm->arch;
    const struct x86_cpuid_world world = {.vendor = p->vendor,
                                          .apic = p->apic,
                                          .monitor = !p->hides_monitor,
                                          .wide = true};

    for (size_t i = 0; i < x86_cpuid_profile.count; i++) {
        uint32_t leaf = x86_cpuid_profile.rows[i].leaf;
        struct x86_cpuid_row row = x86_cpuid_in(leaf, 0, &world);

        if (row.leaf != leaf) /* it is hidden */
            continue;
        keep_word(&row, supported);
        table->entries[table->nent++] = (struct kvm_cpuid_entry2){
            .function = leaf,
            .flags = leaf == 7 ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
            .eax = row.eax,
            .ebx = row.ebx,
            .ecx = row.ecx,
            .edx = row.edx};
    }
    return ioctl(kvm_cpu(v)->fd, KVM_SET_CPUID2, table) < 0
               ? kvm_failed(v->vm, "KVM_SET_CPUID2")
               : STATUS_OK;
}

enum status kvm_set_cpuid(struct vcpu *v)
{
    struct kvm_cpuid2 *supported = ask_supported(v->vm);
    struct kvm_cpuid2 *table =
        calloc(1, sizeof(*table) +
                      x86_cpuid_profile.count * sizeof(table->entries[0]));
    enum status st = STATUS_HOST_FAILED;

    if (!table)
        st = diag_set(&v->vm->diag, STATUS_NO_MEMORY, "no memory for CPUID");
    else if (supported)
        st = set(v, supported, table);
    free(supported);
    free(table);
    return st;
}
#else
typedef int kvm_cpuid_is_not_on_this_host;
#endif
