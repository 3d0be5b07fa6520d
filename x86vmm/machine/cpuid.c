#include "x86vmm/machine/cpuid.h"

#define BIT(n) (UINT32_C(1) << (n))
#define CHARS(a, b, c, d)                                       \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | \
     (uint32_t)(d) << 24)

static const struct x86_cpuid_row rows[] = {
#define CPUID(leaf, a, b, c, d, words) {leaf, a, b, c, d, words},
#include "x86vmm/machine/cpuid.def"
#undef CPUID
};

const struct x86_cpuid_table x86_cpuid_profile = {rows, ARRAY_LEN(rows)};

static const struct x86_cpuid_row *find(uint32_t leaf)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].leaf == leaf)
            return &rows[i];
    return NULL;
}

/* The leaf whose EAX is the highest one of this leaf's range. */
static uint32_t range_of(uint32_t leaf)
{
    if (leaf >= 0x40000000 && leaf <= 0x4FFFFFFF)
        return leaf & 0xFFFFFF00;
    return leaf & 0x80000000;
}

struct x86_cpuid_row x86_cpuid(uint32_t leaf)
{
    const struct x86_cpuid_row *row = find(leaf), *range = find(range_of(leaf));

    if (!row && (!range || leaf > range->eax))
        row = find(find(0)->eax);
    return row ? *row : (struct x86_cpuid_row){.leaf = leaf};
}

struct x86_cpuid_row x86_cpuid_sub(uint32_t leaf, uint32_t subleaf)
{
    struct x86_cpuid_row row = x86_cpuid(leaf);

    return row.leaf == 7 && subleaf ? (struct x86_cpuid_row){.leaf = leaf}
                                    : row;
}
