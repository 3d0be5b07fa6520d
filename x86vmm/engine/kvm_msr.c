/* Which model-specific registers KVM keeps for its guest: those of the profile,
 * as the other engines' bitmaps have it.  All others are the monitor's. */
#include "x86vmm/engine/kvm_host.h"

#if KVM_HOST
#include "x86vmm/machine/msr.h"
#include "x86vmm/machine/own_msr.h"

#include <string.h>
#include <sys/ioctl.h>

/* The two halves of the numbers, as hardware's bitmaps have them; of these KVM
 * takes as many at a time as we need. */
enum { HALVES = 2, NUMBERS = 0x400 };
static const uint32_t first_of[HALVES] = {0, 0xC0000000};

static void allow(uint8_t bitmap[HALVES][NUMBERS / 8], uint32_t number)
{
    for (unsigned i = 0; i < HALVES; i++)
        if (number - first_of[i] < NUMBERS)
            bitmap[i][number % NUMBERS / 8] |= (uint8_t)(1 << number % 8);
}

/* IA32_APIC_BASE is shared where there is a local APIC (kvm_irqchip.c). */
void kvm_filter_msrs(struct vm *vm)
{
    const struct kvm_guest *g = vm->backing;
    const struct x86_platform *p = vm->arch;
    uint8_t bitmap[HALVES][NUMBERS / 8] = {{0}};
    struct kvm_msr_filter filter = {.flags = KVM_MSR_FILTER_DEFAULT_DENY};
    struct kvm_enable_cap exits = {
        .cap = KVM_CAP_X86_USER_SPACE_MSR,
        .args = {KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_FILTER}};

    for (size_t i = 0; i < x86_own_msrs.count; i++)
        allow(bitmap, x86_own_msrs.numbers[i]);
    if (p && (p->apic || p->outside_irqchip))
        allow(bitmap, X86_MSR_APIC_BASE);
    for (unsigned i = 0; i < HALVES; i++)
        filter.ranges[i] = (struct kvm_msr_filter_range){
            .flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
            .nmsrs = NUMBERS,
            .base = first_of[i],
            .bitmap = bitmap[i],
        };
    /* Without the exit, what is filtered would be #GP by KVM's own. */
    if (ioctl(g->vm, KVM_ENABLE_CAP, &exits) == 0)
        ioctl(g->vm, KVM_X86_SET_MSR_FILTER, &filter);
}
#else
typedef int kvm_msr_is_not_on_this_host;
#endif
