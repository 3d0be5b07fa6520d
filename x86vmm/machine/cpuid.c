#include "x86vmm/machine/cpuid.h"

#include "base/bytes.h"

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

INLINE const struct x86_cpuid_row *find(uint32_t leaf)
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

/* One that is not in the profile: NULL, zeros. */
COLD static const struct x86_cpuid_row *find_other(uint32_t leaf)
{
    const struct x86_cpuid_row *range = find(range_of(leaf));

    return range && leaf <= range->eax ? NULL : find(find(0)->eax);
}

INLINE struct x86_cpuid_row look_up(uint32_t leaf, uint32_t subleaf)
{
    const struct x86_cpuid_row *row = find(leaf);

    if (UNLIKELY(!row))
        row = find_other(leaf);
    return row && !(row->leaf == 7 && subleaf)
               ? *row
               : (struct x86_cpuid_row){.leaf = leaf};
}

struct x86_cpuid_row x86_cpuid(uint32_t leaf)
{
    return look_up(leaf, 0);
}

struct x86_cpuid_row x86_cpuid_sub(uint32_t leaf, uint32_t subleaf)
{
    return look_up(leaf, subleaf);
}

static void put_vendor(struct x86_cpuid_row *row, const char *vendor)
{
    const uint8_t *chars = (const uint8_t *)vendor;

    row->ebx = load_le32(chars);
    row->edx = load_le32(chars + 4);
    row->ecx = load_le32(chars + 8);
}

EXIT_PATH struct x86_cpuid_row x86_cpuid_in(uint32_t leaf, uint32_t subleaf,
                                            const struct x86_cpuid_world *world)
{
    enum { VMX = 5, APIC = 9, SYSCALL = 11, HYPERVISOR = 31 };
    bool monitors = leaf >= 0x40000000 && leaf <= 0x400000FF;
    struct x86_cpuid_row row =
        look_up(monitors && !world->monitor ? 0x3FFFFFFF : leaf, subleaf);

    if (row.leaf == 0 && world->vendor)
        put_vendor(&row, world->vendor);
    if (row.leaf == 1) {
        row.ecx &= ~(world->monitor ? 0 : BIT(HYPERVISOR));
        row.ecx |= world->vtx ? BIT(VMX) : 0;
        row.edx |= world->apic ? BIT(APIC) : 0;
    }
    if (row.leaf == 0x80000001 && !world->wide)
        row.edx &= ~BIT(SYSCALL);
    return row;
}
