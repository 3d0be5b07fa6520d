#include "x86vmm/machine/own_msr.h"

static const uint32_t numbers[] = {
#define MSR_PLAIN(number, ...) number,
#define MSR_OWN(number, ...)   number,
#define MSR_PLATFORM(...)
#include "x86vmm/machine/msr.def"
#undef MSR_PLAIN
#undef MSR_OWN
#undef MSR_PLATFORM
};

const struct x86_msr_numbers x86_own_msrs = {numbers, ARRAY_LEN(numbers)};
