/* CPUID as our guests see it. */
#ifndef X86VMM_MACHINE_CPUID_H
#define X86VMM_MACHINE_CPUID_H

#include "base/types.h"

struct x86_cpuid_row {
    uint32_t leaf;
    uint32_t eax, ebx, ecx, edx;
    const char *words;
};

struct x86_cpuid_table {
    const struct x86_cpuid_row *rows;
    size_t count;
};

/* The rows of cpuid.def, for engines whose processor answers by itself. */
extern const struct x86_cpuid_table x86_cpuid_profile;

/* What CPUID leaves in the four registers for this leaf.  A leaf above the
 * highest one of its range gives the highest basic leaf's data, as on Intel's
 * processors; one that is in range but not in the profile gives zeros. */
struct x86_cpuid_row x86_cpuid(uint32_t leaf);

/* The same of a subleaf: 0, or one of leaf 7, which has no others. */
struct x86_cpuid_row x86_cpuid_sub(uint32_t leaf, uint32_t subleaf);

/* What the answer depends on beside the profile. */
struct x86_cpuid_world {
    const char *vendor; /* twelve characters; NULL: the profile's */
    bool apic;          /* there is a local APIC, and it is on */
    bool monitor;       /* a monitor is there, and shows itself */
    bool vtx;           /* of a guest of a monitor: it has VT-x of its own */
    bool wide;          /* CPUID is executed by 64-bit code */
};
struct x86_cpuid_row x86_cpuid_in(uint32_t leaf, uint32_t subleaf,
                                  const struct x86_cpuid_world *world);

#endif
