/* Model-specific registers that are a guest's own, so that hardware's bitmaps
 * let it reach them: all of msr.def but the platform's. */
#ifndef X86VMM_MACHINE_OWN_MSR_H
#define X86VMM_MACHINE_OWN_MSR_H

#include "base/types.h"

struct x86_msr_numbers {
    const uint32_t *numbers;
    size_t count;
};
extern const struct x86_msr_numbers x86_own_msrs;

#endif
