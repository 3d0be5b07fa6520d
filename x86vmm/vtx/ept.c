/* The extended page tables (Intel SDM vol. 3, 29.3). */
#include "base/bits.h"
#include "base/bytes.h"
#include "x86vmm/vtx/part.h"

enum {
    EPT_READ = VTX_EPT_READ,
    EPT_WRITE = VTX_EPT_WRITE,
    EPT_EXECUTE = VTX_EPT_EXECUTE,
    EPT_ANY = 7,
    EPT_LARGE = 0x80,
    EPT_ACCESSED = 0x100,
    EPT_DIRTY = 0x200,
    LEVELS = 4
};

/* What is wanted of a page is what is remembered of it. */
_Static_assert((int)EPT_READ == X86_GUEST_READ, "read");
_Static_assert((int)EPT_WRITE == X86_GUEST_WRITE, "write");
_Static_assert((int)EPT_EXECUTE == X86_GUEST_FETCH, "fetch");

/* A walk. */
struct ept {
    struct x86_cpu *cpu;
    uint64_t gpa, linear;
    unsigned wanted; /* EPT_READ ... */
    bool entry;      /* on behalf of a paging-structure entry */
    uint8_t *at[LEVELS];
    unsigned allowed;
};

/* 29.3.3.1 */
static bool is_misconfigured(uint64_t e, unsigned level)
{
    const uint64_t beyond =
        BITS_MASK(52) & ~BITS_MASK(X86_PHYSICAL_BITS) & ~UINT64_C(0xFFF);
    bool large = level && level < 3 && (e & EPT_LARGE);
    uint64_t reserved = beyond;

    if (!(e & EPT_ANY))
        return false;
    if ((e & 3) == EPT_WRITE) /* writable, not readable */
        return true;
    if (level && !large)
        reserved |= level == 3 ? 0xF8 : 0x78;
    if (large)
        reserved |= BITS_MASK(12 + 9 * level) & ~BITS_MASK(12);
    if (!level || large) {
        unsigned type = e >> 3 & 7;

        if (type == 2 || type == 3 || type == 7)
            return true;
    }
    return e & reserved;
}

/* Translations are of pages; what is told is the byte's address. */
static uint64_t exact(const struct ept *p)
{
    return p->entry ? p->gpa : (p->gpa & ~BITS_MASK(12)) | (p->linear & 0xFFF);
}

static int violation(const struct ept *p)
{
    struct vtx *t = vtx_of(p->cpu);
    bool linear = p->linear != X86_NO_LINEAR;

    x86_guest_tlb_drop(&t->pages, p->gpa); /* 29.4.3.1: and of both at once */
    if (!p->entry)
        x86_tlb_invalidate(p->cpu, p->linear);
    vtx_exits(p->cpu, NULL, VMX_EXIT_EPT_VIOLATION,
              p->wanted | p->allowed << 3 | (linear ? VTX_EPT_LINEAR : 0) |
                  (p->entry ? 0 : VTX_EPT_TRANSLATED));
    t->exit.linear = linear ? p->linear : 0;
    t->exit.rf = VTX_RF_ON;
    t->exit.physical = exact(p);
    return X86_FAULT;
}

static int misconfiguration(const struct ept *p)
{
    vtx_exits(p->cpu, NULL, VMX_EXIT_EPT_MISCONFIGURATION, 0);
    vtx_of(p->cpu)->exit.rf = VTX_RF_ON;
    vtx_of(p->cpu)->exit.physical = exact(p);
    return X86_FAULT;
}

/* *leaf: the level where it ended, and its entry. */
static int descend(struct ept *p, uint64_t table, unsigned *leaf,
                   uint64_t *entry)
{
    for (unsigned level = LEVELS - 1;; level--) {
        uint64_t index = p->gpa >> (12 + 9 * level) & 0x1FF;
        uint64_t e;

        p->at[level] =
            mem_at(p->cpu->world.mem,
                   (table & BITS_MASK(36) & ~BITS_MASK(12)) + 8 * index, 8);
        e = p->at[level] ? load_le64(p->at[level]) : UINT64_MAX;
        if (is_misconfigured(e, level))
            return misconfiguration(p);
        p->allowed &= e & EPT_ANY;
        if (!(e & EPT_ANY)) {
            p->allowed = 0;
            return violation(p);
        }
        if (!level || (level < 3 && (e & EPT_LARGE))) {
            *leaf = level;
            *entry = e;
            return 0;
        }
        table = e;
    }
}

static void set_flags(const struct ept *p, unsigned leaf)
{
    for (unsigned level = leaf; level < LEVELS; level++) {
        uint64_t e = load_le64(p->at[level]), to = e | EPT_ACCESSED;

        if (level == leaf && (p->wanted & EPT_WRITE))
            to |= EPT_DIRTY;
        if (to != e)
            store_le64(p->at[level], to);
    }
}

/* EPT_READ and so on.  With these flags each use of a guest's entry counts as a
 * write. */
static unsigned wanted_by(enum x86_access access, bool entry, uint64_t eptp)
{
    static const uint8_t wants[X86_ACCESS_COUNT] = {[X86_READ] = EPT_READ,
                                                    [X86_WRITE] = EPT_WRITE,
                                                    [X86_FETCH] = EPT_EXECUTE};

    return wants[access] | (entry && (eptp & VTX_EPTP_AD) ? EPT_WRITE : 0);
}

int vtx_ept_walk(struct x86_cpu *cpu, uint64_t gpa, uint64_t linear,
                 enum x86_access access, bool entry, struct vtx_ept_leaf *leaf)
{
    uint64_t eptp = vtx_of(cpu)->v->field[VMCS_EPT_POINTER], e = 0;
    struct ept p = {.cpu = cpu,
                    .gpa = gpa,
                    .linear = linear,
                    .wanted = wanted_by(access, entry, eptp),
                    .entry = entry,
                    .allowed = EPT_ANY};

    TRY(descend(&p, eptp, &leaf->level, &e));
    if ((p.allowed & p.wanted) != p.wanted)
        return violation(&p);
    leaf->allowed = p.allowed;
    if (eptp & VTX_EPTP_AD) {
        set_flags(&p, leaf->level);
        if (!(e & EPT_DIRTY) && !(p.wanted & EPT_WRITE))
            leaf->allowed &= ~(unsigned)EPT_WRITE;
    }
    unsigned bits = 12 + 9 * leaf->level;
    leaf->physical = (e & BITS_MASK(X86_PHYSICAL_BITS) & ~BITS_MASK(bits)) |
                     (gpa & BITS_MASK(bits));
    return 0;
}

int vtx_ept(struct x86_cpu *cpu, uint64_t gpa, uint64_t linear,
            enum x86_access access, bool entry, uint64_t *physical)
{
    struct vtx *t = vtx_of(cpu);
    unsigned wanted = wanted_by(access, entry, t->v->field[VMCS_EPT_POINTER]);
    struct vtx_ept_leaf leaf;

    *physical = gpa;
    if (!vmcs_has(t->v, VMX_SECONDARY_EPT) ||
        x86_guest_tlb_find(&t->pages, gpa, wanted, physical))
        return 0;
    TRY(vtx_ept_walk(cpu, gpa, linear, access, entry, &leaf));
    *physical = leaf.physical;
    x86_guest_tlb_put(&t->pages, gpa, wanted, leaf.physical);
    return 0;
}
