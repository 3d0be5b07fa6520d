#include "x86vmm/engine/vmcb_state.h"

#include "x86vmm/machine/exception.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/machine/own_msr.h"

uint64_t vmcb_injection(const struct vm_event *e)
{
    static const uint64_t types[X86_EVENT_COUNT] = {
        [X86_EVENT_INTERRUPT] = VMCB_EVENT_INTERRUPT,
        [X86_EVENT_NMI] = VMCB_EVENT_NMI,
        [X86_EVENT_EXCEPTION] = VMCB_EVENT_EXCEPTION};

    return VMCB_EVENT_VALID | types[e->kind] << 8 |
           (e->kind == X86_EVENT_NMI ? X86_NMI_VECTOR : e->code & 0xFF) |
           (e->has_error ? VMCB_EVENT_ERROR | e->info[0] << 32 : 0);
}

/* Two bits each: reads, writes.  Low MSRs are in the first 2 KiB, those from
 * C000_0000 on in the second. */
void vmcb_make_msr_map(uint8_t *map)
{
    __builtin_memset(map, 0xFF, VMCB_MSR_MAP);
    for (size_t i = 0; i < x86_own_msrs.count; i++) {
        uint32_t number = x86_own_msrs.numbers[i];
        unsigned n = number & 0x1FFF;

        if (number != (uint32_t)X86_MSR_EFER)
            map[(number >> 31 ? 0x800 : 0) + n / 4] &=
                (uint8_t) ~(3u << n % 4 * 2);
    }
}
