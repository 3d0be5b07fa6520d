#include "x86vmm/machine/paging.h"

#include "x86vmm/machine/assist.h"
#include "x86vmm/machine/code.h"
#include "x86vmm/machine/written.h"

#include <string.h>

/* A walk in progress. */
struct walk {
    struct x86_cpu *cpu;
    uint64_t linear;
    enum x86_access access;
    bool user, implicit;
    unsigned size; /* of an entry, bytes */
    /* Guest-physical address and contents; [0] is the leaf's level. */
    uint64_t at[PTE_LEVELS], entry[PTE_LEVELS];
    bool user_ok, write_ok, execute_ok;
};

static int page_fault(const struct walk *w, unsigned why)
{
    const struct x86_state *s = &w->cpu->state;
    bool nx = (s->efer & X86_EFER_NXE) && (s->cr4 & X86_CR4_PAE);
    bool tells_fetch = nx || (s->cr4 & X86_CR4_SMEP);
    unsigned error = why;

    error |= w->access == X86_WRITE ? PF_W : 0;
    error |= w->user ? PF_U : 0;
    error |= w->access == X86_FETCH && tells_fetch ? PF_I : 0;
    w->cpu->fault = (struct x86_fault){.vector = X86_EXC_PF,
                                       .has_error = true,
                                       .error = error,
                                       .cr2 = w->linear};
    return X86_FAULT;
}

/* What is no storage reads as ones. */
static uint64_t read_entry(const struct walk *w, uint64_t at)
{
    at &= ~w->cpu->masked;
    const uint8_t *p = mem_at(w->cpu->world.mem, at, w->size);

    if (!p)
        return w->size == 4 ? UINT32_MAX : UINT64_MAX;
    return w->size == 4 ? load_le32(p) : load_le64(p);
}

static void write_entry(const struct walk *w, uint64_t at, uint64_t entry)
{
    at &= ~w->cpu->masked;
    const struct mem_slot *slot = mem_find(w->cpu->world.mem, at, w->size);

    if (!slot || (slot->flags & MEM_READ_ONLY))
        return;
    uint8_t *p = slot->host + (at - slot->gpa);
    if (w->size == 4)
        store_le32(p, (uint32_t)entry);
    else
        store_le64(p, entry);
    x86_code_written(w->cpu, at, w->size);
}

/* A guest's tables are where the second level of translation says (SDM vol. 3,
 * "The Extended Page Table Mechanism"). */
static int second_level(const struct walk *w, enum x86_access access,
                        uint64_t *at)
{
    struct x86_cpu *cpu = w->cpu;

    if (LIKELY(!cpu->guest))
        return 0;
    return cpu->guest->translate(cpu, *at, w->linear, access, true, at);
}

/* Reserved bits of an entry (SDM vol. 3, the formats of entries). */
static uint64_t reserved_bits(const struct walk *w, unsigned level, bool large)
{
    uint64_t bits = 0;

    if (w->size == 4) /* bits 13 to 20 are an address with PSE-36 only */
        return large ? BITS_MASK(22) & ~BITS_MASK(13) : 0;
    bits = BITS_MASK(52) & ~BITS_MASK(X86_PHYSICAL_BITS);
    if (!(w->cpu->state.efer & X86_EFER_LMA))
        bits |= BITS_MASK(63) & ~BITS_MASK(52);
    if (!(w->cpu->state.efer & X86_EFER_NXE))
        bits |= PTE_XD;
    if (large)
        bits |= BITS_MASK(12 + 9 * level) & ~BITS_MASK(13);
    if (level >= 2) /* there are no 1-GiB pages */
        bits |= PTE_PS;
    return bits;
}

static bool may_be_large(const struct walk *w, unsigned level)
{
    const struct x86_state *s = &w->cpu->state;

    return level == 1 && (w->size == 8 || (s->cr4 & X86_CR4_PSE));
}

/* Go down from `level`, whose table is at `table`; *leaf is the level where it
 * ended. */
static int descend(struct walk *w, uint64_t table, unsigned level,
                   unsigned *leaf)
{
    unsigned bits = w->size == 4 ? 10 : 9;

    for (;; level--) {
        uint64_t index = w->linear >> (12 + level * bits) & BITS_MASK(bits);
        uint64_t at = table + index * w->size, e;

        w->at[level] = at;
        TRY(second_level(w, X86_READ, &at));
        e = read_entry(w, at);
        bool large = level && (e & PTE_PS) && may_be_large(w, level);

        if (!(e & PTE_P))
            return page_fault(w, 0);
        if (e & reserved_bits(w, level, large))
            return page_fault(w, PF_P | PF_RSVD);
        w->entry[level] = e;
        w->user_ok = w->user_ok && (e & PTE_U);
        w->write_ok = w->write_ok && (e & PTE_W);
        w->execute_ok = w->execute_ok && !(w->size == 8 && (e & PTE_XD));
        if (!level || large) {
            *leaf = level;
            return 0;
        }
        table = w->size == 4
                    ? e & 0xFFFFF000
                    : e & BITS_MASK(X86_PHYSICAL_BITS) & ~BITS_MASK(12);
    }
}

/* SMAP keeps a supervisor's data accesses off this page, unless AC says
 * otherwise. */
static bool is_kept_off(const struct walk *w)
{
    return !w->user && w->user_ok && w->access != X86_FETCH &&
           (w->cpu->state.cr4 & X86_CR4_SMAP);
}

/* Access rights (SDM vol. 3, "Determination of Access Rights"). */
static bool may_access(const struct walk *w)
{
    const struct x86_state *s = &w->cpu->state;

    if (w->access == X86_FETCH && !w->execute_ok)
        return false;
    if (w->user)
        return w->user_ok && (w->access != X86_WRITE || w->write_ok);
    if (w->user_ok && w->access == X86_FETCH && (s->cr4 & X86_CR4_SMEP))
        return false;
    if (is_kept_off(w) && (w->implicit || !(s->rflags & X86_FLAG_AC)))
        return false;
    return w->access != X86_WRITE || w->write_ok || !(s->cr0 & X86_CR0_WP);
}

/* SDM vol. 3, "Accessed and Dirty Flags". */
static int set_accessed(struct walk *w, unsigned leaf, unsigned top)
{
    for (unsigned level = leaf; level <= top; level++) {
        uint64_t e = w->entry[level] | PTE_A;

        if (level == leaf && w->access == X86_WRITE)
            e |= PTE_D;
        if (e == w->entry[level])
            continue;
        uint64_t at = w->at[level];
        TRY(second_level(w, X86_WRITE, &at));
        w->entry[level] = e;
        write_entry(w, at, e);
    }
    return 0;
}

static uint64_t frame_of(const struct walk *w, unsigned leaf)
{
    unsigned shift = 12 + leaf * (w->size == 4 ? 10 : 9);
    uint64_t e = w->entry[leaf], frame;

    frame = w->size == 4 ? e & 0xFFFFFFFF : e & BITS_MASK(X86_PHYSICAL_BITS);
    frame &= ~BITS_MASK(shift);
    return frame | (w->linear & BITS_MASK(shift) & ~BITS_MASK(12));
}

static bool walks_pdptes(const struct x86_cpu *cpu)
{
    return UNLIKELY(cpu->guest) && cpu->guest->walks_pdptes;
}

/* The pointer to this address's directory, of PAE paging. */
static int pdpte_of(const struct walk *w, uint64_t *e)
{
    const struct x86_cpu *cpu = w->cpu;
    uint64_t at = (cpu->state.cr3 & 0xFFFFFFE0) + (w->linear >> 30 & 3) * 8;

    *e = cpu->pdpte[w->linear >> 30 & 3];
    if (!walks_pdptes(cpu))
        return 0;
    TRY(second_level(w, X86_READ, &at));
    *e = read_entry(w, at);
    return (*e & PTE_P) && (*e & PDPTE_RESERVED) ? page_fault(w, PF_P | PF_RSVD)
                                                 : 0;
}

/* Where the walk begins: root table and its level. */
static int begin(struct walk *w, uint64_t *table, unsigned *top)
{
    const struct x86_state *s = &w->cpu->state;

    w->size = s->cr4 & X86_CR4_PAE ? 8 : 4;
    if (s->efer & X86_EFER_LMA) {
        *top = 3;
        *table = s->cr3 & BITS_MASK(X86_PHYSICAL_BITS) & ~BITS_MASK(12);
        return 0;
    }
    *top = 1;
    *table = s->cr3 & 0xFFFFF000;
    if (w->size == 4)
        return 0;
    uint64_t e;
    TRY(pdpte_of(w, &e));
    *table = e & BITS_MASK(X86_PHYSICAL_BITS) & ~BITS_MASK(12);
    return e & PTE_P ? 0 : page_fault(w, 0);
}

/* To the guest-physical address. */
static int walk(struct x86_cpu *cpu, uint64_t linear, enum x86_access access,
                unsigned kind, struct x86_page *page)
{
    struct walk w = {.cpu = cpu,
                     .linear = linear,
                     .access = access,
                     .user = kind & X86_TLB_USER,
                     .implicit = kind & X86_TLB_IMPLICIT,
                     .user_ok = true,
                     .write_ok = true,
                     .execute_ok = true};
    unsigned top, leaf = 0;
    uint64_t table;

    if (!(cpu->state.cr0 & X86_CR0_PG)) {
        *page = (struct x86_page){.gpa = linear & ~BITS_MASK(12),
                                  .user = true,
                                  .writable = true,
                                  .dirty = true};
        return 0;
    }
    TRY(begin(&w, &table, &top));
    TRY(descend(&w, table, top, &leaf));
    if (!may_access(&w))
        return page_fault(&w, PF_P);
    TRY(set_accessed(&w, leaf, top));
    page->gpa = frame_of(&w, leaf);
    page->user = w.user_ok;
    page->writable = w.write_ok;
    page->dirty = w.entry[leaf] & PTE_D;
    page->opened = is_kept_off(&w);
    page->global = (w.entry[leaf] & PTE_G) && (cpu->state.cr4 & X86_CR4_PGE);
    return 0;
}

int x86_page_walk(struct x86_cpu *cpu, uint64_t linear, enum x86_access access,
                  unsigned kind, struct x86_page *page)
{
    TRY(walk(cpu, linear, access, kind, page));
    if (UNLIKELY(cpu->guest))
        TRY(cpu->guest->translate(cpu, page->gpa, linear, access, false,
                                  &page->gpa));
    page->gpa &= ~cpu->masked;
    return 0;
}

int x86_load_pdptes(struct x86_cpu *cpu, uint64_t cr3)
{
    struct walk w = {.cpu = cpu, .linear = X86_NO_LINEAR, .size = 8};
    uint64_t e[4];

    if (walks_pdptes(cpu))
        return 0;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t at = (cr3 & 0xFFFFFFE0) + 8 * i;

        TRY(second_level(&w, X86_READ, &at));
        e[i] = read_entry(&w, at);
        if ((e[i] & PTE_P) && (e[i] & PDPTE_RESERVED))
            return x86_raise_gp(cpu);
    }
    memcpy(cpu->pdpte, e, sizeof(e));
    return 0;
}

/* ---- The cache ---- */

/* May not be touched directly: X86_TLB_SLOW. */
static unsigned is_slow(const struct x86_cpu *cpu, const struct mem_slot *slot,
                        uint64_t gpa, enum x86_access access)
{
    if (!slot)
        return X86_TLB_SLOW;
    if (access != X86_WRITE)
        return 0;
    if (UNLIKELY(cpu->written) && !x86_written_has(cpu->written, gpa))
        return X86_TLB_SLOW;
    return (slot->flags & MEM_READ_ONLY) || x86_code_cached(cpu->code, gpa)
               ? X86_TLB_SLOW
               : 0;
}

static void mark_used(struct x86_cpu *cpu, uint64_t linear,
                      enum x86_access access)
{
    uint64_t page = linear / X86_PAGE, bit = UINT64_C(1) << page % 64;

    if (access == X86_FETCH)
        cpu->itlb_used[page % X86_ITLB_SIZE / 64] |= bit;
    else
        cpu->tlb_used[page % X86_TLB_SIZE / 64] |= bit;
}

static void remember_opened(struct x86_cpu *cpu, uint64_t linear)
{
    uint16_t slot = linear / X86_PAGE % X86_TLB_SIZE;

    if (cpu->opened < X86_TLB_OPENED)
        cpu->opened_slot[cpu->opened] = slot;
    if (cpu->opened <= X86_TLB_OPENED)
        cpu->opened++;
}

int x86_tlb_fill(struct x86_cpu *cpu, uint64_t linear, enum x86_access access,
                 unsigned kind, struct x86_tlb_entry **entry)
{
    struct x86_tlb_entry *t = x86_tlb_slot(cpu, linear, access);
    unsigned way = x86_tlb_way(access);
    uint64_t tag = x86_tlb_tag(linear, kind);
    struct x86_page page;

    TRY(x86_page_walk(cpu, linear, access, kind, &page));
    const struct mem_slot *slot = mem_find(cpu->world.mem, page.gpa, X86_PAGE);
    if (x86_tlb_gpa(t) != page.gpa ||
        (t->tag[!way] & ~(uint64_t)X86_TLB_SLOW) != tag)
        t->tag[!way] = X86_TLB_NONE;
    t->gpa = page.gpa | page.global;
    t->host = slot ? slot->host + (page.gpa - slot->gpa) : NULL;
    t->tag[way] = tag | is_slow(cpu, slot, page.gpa, access);
    mark_used(cpu, linear, access);
    if (UNLIKELY(page.opened))
        remember_opened(cpu, linear);
    *entry = t;
    return 0;
}

/* Empty the entries that are used; global ones stay unless told. */
static void flush(struct x86_tlb_entry *t, uint64_t *used, unsigned words,
                  bool globals_too)
{
    for (unsigned i = 0; i < words; i++) {
        uint64_t keep = 0;

        for (uint64_t left = used[i]; left; left &= left - 1) {
            struct x86_tlb_entry *e =
                &t[64 * i + (unsigned)__builtin_ctzll(left)];

            if (globals_too || !(e->gpa & 1))
                e->tag[0] = e->tag[1] = X86_TLB_NONE;
            else
                keep |= left & -left;
        }
        used[i] = keep;
    }
}

void x86_tlb_flush(struct x86_cpu *cpu, bool globals_too)
{
    flush(cpu->tlb, cpu->tlb_used, ARRAY_LEN(cpu->tlb_used), globals_too);
    flush(cpu->itlb, cpu->itlb_used, ARRAY_LEN(cpu->itlb_used), globals_too);
}

void x86_tlb_invalidate(struct x86_cpu *cpu, uint64_t linear)
{
    struct x86_tlb_entry *data = x86_tlb_slot(cpu, linear, X86_READ);
    struct x86_tlb_entry *code = x86_tlb_slot(cpu, linear, X86_FETCH);

    data->tag[0] = data->tag[1] = X86_TLB_NONE;
    code->tag[0] = code->tag[1] = X86_TLB_NONE;
}

void x86_tlb_close(struct x86_cpu *cpu)
{
    if (cpu->opened > X86_TLB_OPENED) {
        x86_tlb_flush(cpu, true);
    } else {
        for (unsigned i = 0; i < cpu->opened; i++) {
            struct x86_tlb_entry *t = &cpu->tlb[cpu->opened_slot[i]];

            t->tag[0] = t->tag[1] = X86_TLB_NONE;
        }
    }
    cpu->opened = 0;
}

void x86_tlb_init(struct x86_cpu *cpu)
{
    memset(cpu->tlb_used, 0xFF, sizeof(cpu->tlb_used));
    memset(cpu->itlb_used, 0xFF, sizeof(cpu->itlb_used));
    x86_tlb_flush(cpu, true);
}
