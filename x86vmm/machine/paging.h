/* Linear to physical (Intel SDM vol. 3, "Paging"). */
#ifndef X86VMM_MACHINE_PAGING_H
#define X86VMM_MACHINE_PAGING_H

#include "x86vmm/machine/access.h"

enum { X86_PHYSICAL_BITS = 40 }; /* MAXPHYADDR, as CPUID says */

/* What a walk has found. */
struct x86_page {
    uint64_t gpa;        /* of the 4-KiB page that holds the address */
    bool user, writable; /* by the entries, all levels together */
    bool dirty, global;
};

/* Walk for one access: checks rights, sets A, and D for a write; the page
 * fault of SDM vol. 3, "Page-Fault Exceptions", otherwise. */
MUST_USE int x86_page_walk(struct x86_cpu *cpu, uint64_t linear,
                           enum x86_access access, bool user,
                           struct x86_page *page);

/* Load the four PDPTEs at CR3, as MOV to CR0, CR3, CR4 does in PAE paging;
 * #GP(0) where a reserved bit of a present one is set. */
MUST_USE int x86_load_pdptes(struct x86_cpu *cpu, uint64_t cr3);

/* The entry of a page, valid for this access; or the page fault. */
MUST_USE int x86_tlb_fill(struct x86_cpu *cpu, uint64_t linear,
                          enum x86_access access, bool user,
                          struct x86_tlb_entry **entry);

static inline struct x86_tlb_entry *x86_tlb_slot(struct x86_cpu *cpu,
                                                 uint64_t linear)
{
    return &cpu->tlb[linear / X86_PAGE % X86_TLB_SIZE];
}

static inline uint64_t x86_tlb_tag(uint64_t linear, bool user)
{
    return (linear & ~(uint64_t)(X86_PAGE - 1)) | user;
}

#endif
