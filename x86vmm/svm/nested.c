/* Nested paging (AMD APM vol. 2, 15.25): tables in the format of the monitor's
 * own, in the mode that it was in at VMRUN; each access is a user's. */
#include "x86vmm/machine/code.h"
#include "x86vmm/svm/part.h"

/* EXITINFO1 of a nested page fault: as a page fault's error code, and */
#define NPF_FINAL UINT64_C(0x100000000) /* the address that was meant */
#define NPF_TABLE UINT64_C(0x200000000) /* a guest page table's */

/* A walk. */
struct nested {
    struct x86_cpu *cpu;
    const struct svm_nested *as;
    uint64_t gpa;
    bool write, fetch, table;
    const struct mem_slot *slot; /* of the last table: mostly the next's too */
    uint64_t at[PTE_LEVELS], entry[PTE_LEVELS]; /* [0]: the leaf's level */
};

static int nested_fault(const struct nested *w, uint64_t why)
{
    struct x86_cpu *cpu = w->cpu;

    x86_guest_tlb_drop(&svm_of(cpu)->pages, w->gpa);
    why |= PF_U | (w->table ? NPF_TABLE : NPF_FINAL);
    why |= w->write ? PF_W : 0;
    why |= w->fetch && (w->as->nxe || w->as->smep) ? PF_I : 0;
    svm_exits(cpu, NULL, SVM_EXIT_NPF, why, w->gpa);
    if (!w->fetch)
        svm_tell_bytes(cpu);
    return X86_FAULT;
}

/* What is no storage reads as ones. */
static uint64_t read_entry(struct nested *w, uint64_t at)
{
    const uint8_t *p;

    if (!w->slot || at - w->slot->gpa >= w->slot->size - w->as->entry)
        w->slot = mem_find(w->cpu->world.mem, at, w->as->entry);
    if (!w->slot)
        return w->as->entry == 4 ? UINT32_MAX : UINT64_MAX;
    p = w->slot->host + (at - w->slot->gpa);
    return w->as->entry == 4 ? load_le32(p) : load_le64(p);
}

static void write_entry(const struct nested *w, uint64_t at, uint64_t entry)
{
    const struct mem_slot *slot = mem_find(w->cpu->world.mem, at, w->as->entry);
    uint8_t *p;

    if (!slot || (slot->flags & MEM_READ_ONLY))
        return;
    p = slot->host + (at - slot->gpa);
    if (w->as->entry == 4)
        store_le32(p, (uint32_t)entry);
    else
        store_le64(p, entry);
    x86_code_written(w->cpu, at, w->as->entry);
}

/* The entries of PAE paging's first table have bits of their own. */
static bool is_pointer(const struct svm_nested *as, unsigned level)
{
    return as->levels == 3 && level == 2;
}

static bool is_large(const struct nested *w, unsigned level, uint64_t e)
{
    return level == 1 && (e & PTE_PS) && (w->as->entry == 8 || w->as->pse);
}

static uint64_t reserved_bits(const struct svm_nested *as, unsigned level,
                              bool large)
{
    const uint64_t beyond = BITS_MASK(52) & ~BITS_MASK(X86_PHYSICAL_BITS);
    uint64_t bits = beyond;

    if (as->entry == 4)
        return large ? BITS_MASK(22) & ~BITS_MASK(13) : 0;
    if (is_pointer(as, level))
        return PDPTE_RESERVED;
    if (as->levels == 3)
        bits |= BITS_MASK(63) & ~BITS_MASK(52);
    if (!as->nxe)
        bits |= PTE_XD;
    if (large)
        bits |= BITS_MASK(21) & ~BITS_MASK(13);
    if (level >= 2) /* there are no 1-GiB pages */
        bits |= PTE_PS;
    if (level == 3)
        bits |= PTE_G;
    return bits;
}

void svm_nested_shape(struct svm_nested *as)
{
    for (unsigned level = 0; level < as->levels; level++) {
        as->reserved[level][false] = reserved_bits(as, level, false);
        as->reserved[level][true] = reserved_bits(as, level, true);
    }
}

static bool allows(const struct nested *w, unsigned level, uint64_t e)
{
    if (is_pointer(w->as, level))
        return true;
    return (e & PTE_U) && (!w->write || (e & PTE_W)) &&
           !(w->fetch && w->as->entry == 8 && (e & PTE_XD));
}

/* *leaf: the level where it ended. */
static int descend(struct nested *w, unsigned *leaf)
{
    const unsigned bits = w->as->entry == 4 ? 10 : 9;
    unsigned level = w->as->levels - 1u;
    uint64_t table =
        w->as->root &
        (w->as->levels == 3 ? ~UINT64_C(0x1F) & UINT32_MAX
                            : BITS_MASK(X86_PHYSICAL_BITS) & ~BITS_MASK(12));
    bool allowed = true;

    for (;; level--) {
        uint64_t index = w->gpa >> (12 + level * bits) & BITS_MASK(bits);
        uint64_t e;

        w->at[level] = table + index * w->as->entry;
        w->entry[level] = e = read_entry(w, w->at[level]);
        bool large = is_large(w, level, e);

        if (!(e & PTE_P))
            return nested_fault(w, 0);
        if (e & w->as->reserved[level][large])
            return nested_fault(w, PF_P | PF_RSVD);
        allowed = allowed && allows(w, level, e);
        if (!level || large) {
            *leaf = level;
            return allowed ? 0 : nested_fault(w, PF_P);
        }
        table = w->as->entry == 4
                    ? e & 0xFFFFF000
                    : e & BITS_MASK(X86_PHYSICAL_BITS) & ~BITS_MASK(12);
    }
}

static void set_accessed(struct nested *w, unsigned leaf)
{
    for (unsigned level = leaf; level < w->as->levels; level++) {
        uint64_t e = w->entry[level];

        if (!is_pointer(w->as, level))
            e |= PTE_A;
        if (level == leaf && w->write)
            e |= PTE_D;
        if (e != w->entry[level])
            write_entry(w, w->at[level], e);
    }
}

/* 15.25.5: reading a guest page table counts as writing it.  Addresses that the
 * monitor's mode cannot have are not mapped. */
int svm_nested_walk(struct x86_cpu *cpu, uint64_t gpa, uint64_t linear,
                    enum x86_access access, bool entry, uint64_t *physical)
{
    const struct svm_nested *as = &svm_of(cpu)->nested;
    struct nested w = {.cpu = cpu,
                       .as = as,
                       .gpa = gpa,
                       .write = entry || access == X86_WRITE,
                       .fetch = !entry && access == X86_FETCH,
                       .table = entry};
    struct x86_guest_tlb *pages = &svm_of(cpu)->pages;
    const unsigned right = w.write   ? X86_GUEST_WRITE
                           : w.fetch ? X86_GUEST_FETCH
                                     : X86_GUEST_READ;
    unsigned leaf = 0, shift;

    if (x86_guest_tlb_find(pages, gpa, right, physical))
        return 0;
    if (!entry) /* of a page: here is the rest */
        w.gpa |= linear & (X86_PAGE - 1);
    if (gpa >> (as->levels == 4 ? 48 : 32))
        return nested_fault(&w, 0);
    TRY(descend(&w, &leaf));
    set_accessed(&w, leaf);
    shift = 12 + leaf * (as->entry == 4 ? 10 : 9);
    *physical =
        (w.entry[leaf] & BITS_MASK(X86_PHYSICAL_BITS) & ~BITS_MASK(shift)) |
        (gpa & BITS_MASK(shift));
    x86_guest_tlb_put(pages, gpa, right, *physical);
    return 0;
}
