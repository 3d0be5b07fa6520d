/* EPT on EPT: shadow tables (nested.h).
 *
 * The storage of L1 is at the same addresses of the modelled machine, so what
 * L1's tables translate to is what ours have, as far as it is storage.  A leaf
 * of theirs that is larger than a page is one of ours if all of it is. */
#include "base/bits.h"
#include "base/bytes.h"
#include "x86vmm/engine/vtx_host.h"
#include "x86vmm/machine/assist.h"

#include <string.h>

enum {
    LEVELS = 4,
    ANY = 7,
    LARGE = 0x80,
    WRITE_BACK = 6 << 3,
    WALK = 3 << 3 | 6, /* four levels, write-back */
};

static uint8_t *page_at(const struct vcpu *v, uint64_t address)
{
    return mem_at(&model_machine(v)->mem, address, MODEL_PAGE);
}

/* ---- Tables ---- */

static void forget_all(struct vcpu *v)
{
    struct vtx_vcpu *c = vtx_vcpu(v);

    memset(c->nested.roots, 0, sizeof(c->nested.roots));
    c->nested.used = 0;
    x86_tlb_flush(&c->model.cpu, true);
    x86_guest_tlb_flush(&c->vtx.pages);
}

void nested_forget(struct vcpu *v)
{
    struct nested *n = &vtx_vcpu(v)->nested;

    if (!n->vtx.forgets)
        return;
    for (unsigned i = 0; i < NESTED_ROOTS; i++)
        if (n->vtx.forgotten == VTX_NONE ||
            (n->roots[i].eptp ^ n->vtx.forgotten) >> 12 == 0)
            n->roots[i].eptp = 0;
    x86_guest_tlb_flush(&vtx_vcpu(v)->vtx.pages);
    n->vtx.forgets = false;
}

/* A page of zeros; 0: they are used up.  The first is the MSR bitmap. */
static uint64_t new_page(struct vcpu *v)
{
    struct nested *n = &vtx_vcpu(v)->nested;
    uint64_t address;

    if (n->used == NESTED_PAGES - 1)
        return 0;
    address = model_machine(v)->spare + ++n->used * (uint64_t)MODEL_PAGE;
    memset(page_at(v, address), 0, MODEL_PAGE);
    return address;
}

static uint64_t root_of(struct vcpu *v, uint64_t eptp)
{
    struct nested *n = &vtx_vcpu(v)->nested;
    struct nested_root *r;

    for (unsigned i = 0; i < NESTED_ROOTS; i++)
        if (n->roots[i].eptp == eptp)
            return n->roots[i].table;
    if (n->used == NESTED_PAGES - 1)
        forget_all(v);
    r = &n->roots[n->next_root++ % NESTED_ROOTS];
    *r = (struct nested_root){eptp, new_page(v)};
    return r->table;
}

uint64_t nested_ept_pointer(struct vcpu *v)
{
    uint64_t eptp = vtx_vcpu(v)->nested.vtx.own.field[VMCS_EPT_POINTER];

    return root_of(v, eptp) | WALK | (eptp & VTX_EPTP_AD);
}

/* The entry for gpa at this level, with tables made on the way; NULL: no page
 * is left. */
static uint8_t *entry_at(struct vcpu *v, uint64_t table, uint64_t gpa,
                         unsigned level)
{
    for (unsigned at = LEVELS - 1;; at--) {
        uint8_t *entry = page_at(v, table & ~UINT64_C(0xFFF)) +
                         8 * (gpa >> (12 + 9 * at) & 511);
        uint64_t e = load_le64(entry);

        if (at == level)
            return entry;
        if (!(e & ANY) || (e & LARGE)) {
            e = new_page(v);
            if (!e)
                return NULL;
            e |= ANY;
            store_le64(entry, e);
        }
        table = e & BITS_MASK(X86_PHYSICAL_BITS);
    }
}

/* Translate gpa as the leaf says.  When there is no room for tables all are
 * forgotten, and then there is. */
static void put(struct vcpu *v, uint64_t gpa, uint64_t to, unsigned level,
                unsigned allowed)
{
    struct nested *n = &vtx_vcpu(v)->nested;
    uint8_t *entry = entry_at(v, n->vmcs.field[VMCS_EPT_POINTER], gpa, level);

    if (!entry) {
        forget_all(v);
        n->vmcs.field[VMCS_EPT_POINTER] = nested_ept_pointer(v);
        entry = entry_at(v, n->vmcs.field[VMCS_EPT_POINTER], gpa, level);
    }
    store_le64(entry, to | allowed | WRITE_BACK | (level ? LARGE : 0));
}

/* ---- Violations ---- */

/* What it wanted, from the qualification (SDM vol. 3, 28.2.1). */
static int walk(struct vcpu *v, struct vtx_ept_leaf *leaf)
{
    struct vtx_vcpu *c = vtx_vcpu(v);
    struct x86_cpu *cpu = &c->model.cpu;
    const struct vtx_exit *x = &c->vtx.exit;
    uint64_t q = x->qualification;
    enum x86_access access = q & VTX_EPT_EXECUTE ? X86_FETCH
                             : q & VTX_EPT_READ  ? X86_READ
                                                 : X86_WRITE;
    const struct mem_map *mem = cpu->world.mem;

    cpu->assistant = &c->nested.vtx;
    cpu->world.mem = &v->vm->mem;
    int code = vtx_ept_walk(cpu, x->physical,
                            q & VTX_EPT_LINEAR ? x->linear : X86_NO_LINEAR,
                            access, !(q & VTX_EPT_TRANSLATED), leaf);
    cpu->assistant = &c->vtx;
    cpu->world.mem = mem;
    return code;
}

enum nested_fill nested_fill(struct vcpu *v)
{
    const uint64_t large = BITS_MASK(21), small = BITS_MASK(12);
    struct vtx_vcpu *c = vtx_vcpu(v);
    struct nested *n = &c->nested;
    uint64_t gpa = c->vtx.exit.physical, to;
    bool write = c->vtx.exit.qualification & VTX_EPT_WRITE;
    const struct mem_slot *slot;
    struct vtx_ept_leaf leaf;

    if (walk(v, &leaf)) {
        uint32_t length = n->exit.length;
        uint64_t unblocked = n->exit.qualification & VTX_UNBLOCKED;

        n->exit = n->vtx.exit;
        n->exit.length = length;
        if (n->exit.reason == VMX_EXIT_EPT_VIOLATION)
            n->exit.qualification |= unblocked;
        return NESTED_ITS;
    }
    to = leaf.physical & ~small;
    slot = mem_find(&v->vm->mem, to, MODEL_PAGE);
    if (!slot || (write && (slot->flags & MEM_READ_ONLY)))
        return NESTED_DEVICE;
    if (slot->flags & MEM_READ_ONLY)
        leaf.allowed &= ~(unsigned)VTX_EPT_WRITE;
    if (leaf.level && mem_find(&v->vm->mem, to & ~large, large + 1))
        put(v, gpa & ~large, to & ~large, 1, leaf.allowed);
    else
        put(v, gpa & ~small, to, 0, leaf.allowed);
    return NESTED_FILLED;
}
