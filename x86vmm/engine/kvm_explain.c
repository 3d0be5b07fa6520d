/* Why KVM gave up on a guest, in a sentence. */
#include "x86vmm/engine/kvm_host.h"

#if KVM_HOST
#include "base/format.h"
#include "x86vmm/engine/vmcs_state.h"
#include "x86vmm/machine/length.h"
#include "x86vmm/machine/translate.h"
#include "x86vmm/vtx/entry_check.h"

/* Which rule of VM entry the guest's state breaks.  AMD-V has fewer of them,
 * and other words; what breaks those breaks one of these, too. */
static bool explain_entry(struct vcpu *v, char *text, size_t cap)
{
    struct vmcs vmcs;
    struct entry_failure failure;
    struct entry e = {.vmcs = &vmcs,
                      .host_long = true}; /* KVM's own, on x86-64 */

    vmcs_make_controls(&vmcs);
    vmcs_put_state(&vmcs, kvm_arch(v));
    if (entry_check_until(&e, ENTRY_GUEST, ENTRY_PDPTE, &failure))
        return false;
    entry_failure_words(&failure, text, cap);
    return true;
}

/* KVM_INTERNAL_ERROR_*, Linux Documentation/virt/kvm/api.rst. */
static const char *suberror(uint32_t number)
{
    switch (number) {
#define KVM_ROW(number, name, reason, words)
#define KVM_OTHER(number, name, words)
#define KVM_INTERNAL(number, name, words) \
    case number:                          \
        return words;
#include "x86vmm/engine/kvm_exit.def"
#undef KVM_ROW
#undef KVM_OTHER
#undef KVM_INTERNAL
    default:
        return "an internal error without a name";
    }
}

static void explain_internal(struct vcpu *v, char *text, size_t cap)
{
    const struct x86_state *s = kvm_arch(v);
    uint32_t number = kvm_cpu(v)->run->internal.suberror;
    uint8_t bytes[X86_INSN_MAX];
    size_t at = format(text, cap, "%s", suberror(number));

    if (number != KVM_INTERNAL_ERROR_EMULATION)
        return;
    size_t n = x86_fetch(s, &v->vm->mem, 0, bytes, sizeof(bytes));
    size_t len = x86_length(bytes, n, x86_code_bits(s));
    at += format(text + at, cap - at, "%s", n ? ":" : ", at no storage");
    for (size_t i = 0; i < (len ? len : n); i++)
        at += format(text + at, cap - at, " %02x", bytes[i]);
}

void kvm_explain(struct vcpu *v, struct vm_exit *x)
{
    struct kvm_cpu *cpu = kvm_cpu(v);

    cpu->why[0] = '\0';
    if (x->reason == EXIT_ENTRY_FAILED)
        explain_entry(v, cpu->why, sizeof(cpu->why));
    else if (x->raw == KVM_EXIT_INTERNAL_ERROR)
        explain_internal(v, cpu->why, sizeof(cpu->why));
    x->why = cpu->why[0] ? cpu->why : NULL;
}
#else
typedef int kvm_explain_is_not_on_this_host;
#endif
