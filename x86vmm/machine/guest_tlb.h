/* What a second level of translation has come to: guest-physical pages and the
 * physical ones that they are.  Hardware keeps these apart from translations of
 * linear addresses, so that a guest that changes CR3 does not lose them (Intel
 * SDM vol. 3, 29.4.1, "guest-physical mappings"; AMD APM vol. 2, 15.16).
 * Whoever walks the tables owns one, and drops them when its manual says so. */
#ifndef X86VMM_MACHINE_GUEST_TLB_H
#define X86VMM_MACHINE_GUEST_TLB_H

#include "base/types.h"

enum { X86_GUEST_TLB_SIZE = 512 };

/* The kinds of access that a walk has allowed and noted in the tables. */
enum x86_guest_right {
    X86_GUEST_READ = 1,
    X86_GUEST_WRITE = 2,
    X86_GUEST_FETCH = 4,
    X86_GUEST_RIGHTS = 7
};

struct x86_guest_tlb {
    uint32_t age; /* below X86_GUEST_AGES; entries of another are empty */
    struct {
        uint64_t tag; /* page, age << 3, rights */
        uint64_t physical;
    } entry[X86_GUEST_TLB_SIZE];
};

enum { X86_GUEST_AGES = 512, X86_GUEST_OFFSET = 0xFFF };

static inline uint64_t x86_guest_tag(const struct x86_guest_tlb *t,
                                     uint64_t gpa)
{
    return (gpa & ~(uint64_t)X86_GUEST_OFFSET) | (uint64_t)t->age << 3;
}

static inline unsigned x86_guest_slot(uint64_t gpa)
{
    return (gpa >> 12) % X86_GUEST_TLB_SIZE;
}

/* All of these rights for this address: *physical is where it is. */
static inline bool x86_guest_tlb_find(const struct x86_guest_tlb *t,
                                      uint64_t gpa, unsigned rights,
                                      uint64_t *physical)
{
    uint64_t tag = t->entry[x86_guest_slot(gpa)].tag;

    if ((tag & ~(uint64_t)X86_GUEST_RIGHTS) != x86_guest_tag(t, gpa) ||
        (~tag & rights))
        return false;
    *physical =
        t->entry[x86_guest_slot(gpa)].physical | (gpa & X86_GUEST_OFFSET);
    return true;
}

static inline void x86_guest_tlb_put(struct x86_guest_tlb *t, uint64_t gpa,
                                     unsigned rights, uint64_t physical)
{
    uint64_t tag = x86_guest_tag(t, gpa), *is;

    is = &t->entry[x86_guest_slot(gpa)].tag;
    physical &= ~(uint64_t)X86_GUEST_OFFSET;
    if ((*is & ~(uint64_t)X86_GUEST_RIGHTS) == tag &&
        t->entry[x86_guest_slot(gpa)].physical == physical)
        tag = *is;
    *is = tag | rights;
    t->entry[x86_guest_slot(gpa)].physical = physical;
}

/* Of this address; all. */
static inline void x86_guest_tlb_drop(struct x86_guest_tlb *t, uint64_t gpa)
{
    t->entry[x86_guest_slot(gpa)].tag = 0;
}

static inline void x86_guest_tlb_flush(struct x86_guest_tlb *t)
{
    if (++t->age < X86_GUEST_AGES)
        return;
    for (unsigned i = 0; i < X86_GUEST_TLB_SIZE; i++)
        t->entry[i].tag = 0;
    t->age = 0;
}

#endif
