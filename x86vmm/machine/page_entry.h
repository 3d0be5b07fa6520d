/* Entries of the paging structures (Intel SDM vol. 3, "Paging"; AMD APM vol. 2,
 * 5.3 and 15.25, whose nested tables have the same). */
#ifndef X86VMM_MACHINE_PAGE_ENTRY_H
#define X86VMM_MACHINE_PAGE_ENTRY_H

#include "base/bits.h"
#include "base/bytes.h"
#include "base/mem.h"

enum { X86_PHYSICAL_BITS = 36 }; /* MAXPHYADDR, as CPUID says */

enum {
    PTE_P = 1,
    PTE_W = 2,
    PTE_U = 4,
    PTE_A = 0x20,
    PTE_D = 0x40,
    PTE_PS = 0x80, /* of a directory: a large page */
    PTE_G = 0x100,
    PTE_LEVELS = 4 /* of tables, at most */
};
#define PTE_XD (UINT64_C(1) << 63) /* AMD: NX */

/* Of a present PDPTE in PAE paging: bits that must be 0 (SDM vol. 3, "PDPTE
 * Registers"). */
#define PDPTE_RESERVED (0x1E6 | ~BITS_MASK(X86_PHYSICAL_BITS))

/* Are there four PDPTEs at CR3, and what is present of them without such a bit?
 */
static inline bool x86_pdptes_hold(const struct mem_map *mem, uint64_t cr3)
{
    const uint8_t *p = mem_at(mem, cr3 & 0xFFFFFFE0, 32);

    for (unsigned i = 0; p && i < 4; i++) {
        uint64_t e = load_le64(p + 8 * i);

        if ((e & PTE_P) && (e & PDPTE_RESERVED))
            return false;
    }
    return p != NULL;
}

/* The error code of a page fault (SDM vol. 3, "Page-Fault Exceptions"). */
enum { PF_P = 1, PF_W = 2, PF_U = 4, PF_RSVD = 8, PF_I = 0x10 };

#endif
