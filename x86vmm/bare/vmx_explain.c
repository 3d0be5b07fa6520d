/* The processor says that an entry has failed, and not why.  The rows of
 * vtx/entry_check.def do. */
#include "x86vmm/bare/console.h"
#include "x86vmm/bare/cpu.h"
#include "x86vmm/bare/vmx.h"

static struct vmx_broken last;

const struct vmx_broken *vmx_explain(void)
{
    struct vmcs now;
    struct entry e = {.vmcs = &now,
                      .address = UINT64_MAX,
                      .host_long = true,
                      .capability = rdmsr,
                      .physical_bits = cpu_physical_bits()};
    char words[DIAG_SIZE];

    for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++)
        if (!vmx_read((enum vmcs_field)i, &now.field[i]))
            now.field[i] = 0;
    last.count = entry_check_all(&e, last.rules, VMX_BROKEN_MAX);
    for (size_t i = 0; i < last.count && i < VMX_BROKEN_MAX; i++) {
        entry_failure_words(&last.rules[i], words, sizeof(words));
        say("  %s", words);
    }
    return &last;
}

const struct vmx_broken *vmx_last_broken(void)
{
    return &last;
}
