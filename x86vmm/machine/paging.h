/* Linear to physical (Intel SDM vol. 3, "Paging"). */
#ifndef X86VMM_MACHINE_PAGING_H
#define X86VMM_MACHINE_PAGING_H

#include "x86vmm/machine/access.h"
#include "x86vmm/machine/page_entry.h"

/* What a walk has found. */
struct x86_page {
    uint64_t gpa;        /* of the 4-KiB page that holds the address */
    bool user, writable; /* by the entries, all levels together */
    bool dirty, global;
    bool opened; /* but for AC, SMAP would have forbidden this access */
};

/* Walk for one access: checks rights, sets A, and D for a write; the page
 * fault of SDM vol. 3, "Page-Fault Exceptions", otherwise.  `kind`:
 * X86_TLB_USER, X86_TLB_IMPLICIT, or 0 for a supervisor's program. */
MUST_USE int x86_page_walk(struct x86_cpu *cpu, uint64_t linear,
                           enum x86_access access, unsigned kind,
                           struct x86_page *page);

/* Load the four PDPTEs at CR3, as MOV to CR0, CR3, CR4 does in PAE paging;
 * #GP(0) where a reserved bit of a present one is set. */
MUST_USE int x86_load_pdptes(struct x86_cpu *cpu, uint64_t cr3);

/* Which tag of an entry an access has. */
static inline unsigned x86_tlb_way(enum x86_access access)
{
    return access == X86_WRITE;
}

static inline struct x86_tlb_entry *x86_tlb_slot(struct x86_cpu *cpu,
                                                 uint64_t linear,
                                                 enum x86_access access)
{
    uint64_t page = linear / X86_PAGE;

    return access == X86_FETCH ? &cpu->itlb[page % X86_ITLB_SIZE]
                               : &cpu->tlb[page % X86_TLB_SIZE];
}

static inline uint64_t x86_tlb_tag(uint64_t linear, unsigned kind)
{
    return (linear & ~(uint64_t)(X86_PAGE - 1)) | (kind & X86_TLB_USER);
}

/* A new processor's: empty. */
void x86_tlb_init(struct x86_cpu *cpu);

/* Walk, and make the entry of this page valid for this access. */
MUST_USE int x86_tlb_fill(struct x86_cpu *cpu, uint64_t linear,
                          enum x86_access access, unsigned kind,
                          struct x86_tlb_entry **entry);

/* The entry of a page, valid for this access; or the page fault.  `kind`
 * as above. */
MUST_USE static inline int x86_tlb_find(struct x86_cpu *cpu, uint64_t linear,
                                        enum x86_access access, unsigned kind,
                                        struct x86_tlb_entry **entry)
{
    struct x86_tlb_entry *t = x86_tlb_slot(cpu, linear, access);
    uint64_t tag = t->tag[x86_tlb_way(access)];

    if (LIKELY((tag & ~(uint64_t)X86_TLB_SLOW) == x86_tlb_tag(linear, kind))) {
        *entry = t;
        return 0;
    }
    return x86_tlb_fill(cpu, linear, access, kind, entry);
}

static inline uint64_t x86_tlb_gpa(const struct x86_tlb_entry *t)
{
    return t->gpa & ~(uint64_t)(X86_PAGE - 1);
}

#endif
