#include "x86vmm/machine/msr.h"

#include <stdlib.h>

struct x86_msrs *x86_msrs_new(void)
{
    return calloc(1, sizeof(struct x86_msrs));
}

void x86_msrs_reset(struct x86_msrs *m)
{
    *m = (struct x86_msrs){.pat = UINT64_C(0x0007040600070406),
                           .apic_base = 0xFEE00900};
}
