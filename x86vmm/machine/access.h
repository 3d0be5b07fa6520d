/* Reading and writing storage as an instruction does: segmentation, paging,
 * exceptions.  (Intel SDM vol. 3, "Protected-Mode Memory Management",
 * "Paging".)  All return 0 or X86_FAULT. */
#ifndef X86VMM_MACHINE_ACCESS_H
#define X86VMM_MACHINE_ACCESS_H

#include "base/bytes.h"
#include "x86vmm/machine/cpu.h"

enum x86_access { X86_READ, X86_WRITE, X86_FETCH, X86_ACCESS_COUNT };

/* In whose name: the program's, or the processor's own (descriptor tables, TSS,
 * interrupt frames), which is a supervisor's at any CPL. */
enum x86_in_name { X86_AS_CPL, X86_AS_SYSTEM };

/* ---- By segment and offset ---- size 1, 2, 4, 8 bytes, others through the
 * _bytes forms; the value in the low bytes.  The offset has been cut to the
 * address size already.  Checks: limit, type, canonical form (#GP, #SS for
 * SS), alignment if AC applies, paging. */
static inline int x86_read(struct x86_cpu *cpu, enum x86_seg seg,
                           uint64_t offset, unsigned size, uint64_t *value);
static inline int x86_write(struct x86_cpu *cpu, enum x86_seg seg,
                            uint64_t offset, unsigned size, uint64_t value);
MUST_USE int x86_read_bytes(struct x86_cpu *cpu, enum x86_seg seg,
                            uint64_t offset, size_t size, void *to);
MUST_USE int x86_write_bytes(struct x86_cpu *cpu, enum x86_seg seg,
                             uint64_t offset, size_t size, const void *from);
/* Would x86_write of this much work?  Raises what it would raise: for
 * read-modify-write and for all-or-nothing instructions. */
MUST_USE int x86_check_write(struct x86_cpu *cpu, enum x86_seg seg,
                             uint64_t offset, size_t size);

/* ---- By linear address ---- no segment checks, canonical form not checked. */
MUST_USE int x86_read_linear(struct x86_cpu *cpu, uint64_t linear, size_t size,
                             enum x86_in_name name, void *to);
MUST_USE int x86_write_linear(struct x86_cpu *cpu, uint64_t linear, size_t size,
                              enum x86_in_name name, const void *from);

/* ---- Several stores ---- A guest may be left in the midst of an instruction,
 * which is then begun again, or executed by its monitor.  One whose stores
 * could change what it reads (its own operands, tables) is put between these
 * two: if it leaves, its stores are undone.  Only those are that do not go the
 * short way.  In no guest they do nothing.  Both may be nested. */
void x86_stores_begin(struct x86_cpu *cpu);
/* `code` is the body's, and is returned. */
int x86_stores_end(struct x86_cpu *cpu, int code);
/* The last such instruction's, for who gives it up behind its end. */
void x86_stores_undo(struct x86_cpu *cpu);

/* The physical address of one linear one, with A and D set as the access sets
 * them, or the page fault that it raises. */
MUST_USE int x86_walk(struct x86_cpu *cpu, uint64_t linear,
                      enum x86_access access, enum x86_in_name name,
                      uint64_t *gpa);

/* Drop translations: all, all but global ones, one page. */
void x86_tlb_flush(struct x86_cpu *cpu, bool globals_too);
void x86_tlb_invalidate(struct x86_cpu *cpu, uint64_t linear);
/* Those that AC alone has let through SMAP. */
void x86_tlb_close(struct x86_cpu *cpu);

/* Storage at this physical page was written from outside the processor (DMA,
 * a loader): what was decoded from it is stale. */
void x86_code_written(struct x86_cpu *cpu, uint64_t gpa, size_t size);

/* ---- The stack ---- width 2, 4 or 8 bytes; ESP, SP or RSP as the stack's
 * size says.  Push changes the register only when the write has worked; pop
 * leaves it to the caller: *sp is what it becomes (x86_set_sp). */
MUST_USE static inline int x86_push(struct x86_cpu *cpu, unsigned width,
                                    uint64_t value);
MUST_USE static inline int x86_pop(struct x86_cpu *cpu, unsigned width,
                                   uint64_t *value);
static inline uint64_t x86_sp(const struct x86_cpu *cpu)
{
    return cpu->state.gpr[X86_RSP] & cpu->sp_mask;
}

/* A 32-bit stack's ESP is written as any 32-bit register: the rest is 0. */
static inline void x86_set_sp(struct x86_cpu *cpu, uint64_t sp)
{
    uint64_t *r = &cpu->state.gpr[X86_RSP];

    if (LIKELY(cpu->sp_mask != UINT16_MAX))
        *r = sp & cpu->sp_mask;
    else
        *r = (*r & ~(uint64_t)UINT16_MAX) | (uint16_t)sp;
}

/* ---- Segments ---- */

/* SDM vol. 3, "Type Checking": is there a segment at all, may it be read,
 * written?  Does it expand down?  Are accesses to be aligned (CR0.AM, AC, CPL
 * 3)? */
static inline bool x86_segment_allows(const struct x86_cpu *cpu,
                                      const struct x86_segment *s,
                                      enum x86_access access)
{
    bool code = s->attr & 8, second = s->attr & 2;

    if (s->attr & X86_ATTR_UNUSABLE)
        return false;
    if (x86_real_mode(&cpu->state) || (cpu->state.rflags & X86_FLAG_VM))
        return true;
    if (access == X86_WRITE)
        return !code && second;
    return !code || second;
}

static inline bool x86_segment_down(const struct x86_segment *s)
{
    return (s->attr & (X86_ATTR_S | 0xC)) == (X86_ATTR_S | 0x4);
}

bool x86_aligns(const struct x86_cpu *cpu);

/* ---- The short way ---- 1, 2, 4, 8 bytes within a page of storage that has
 * been translated before.  A page in the TLB is canonical. */

static inline uint64_t x86_fast_linear(const struct x86_cpu *cpu,
                                       enum x86_seg seg, uint64_t offset)
{
    return (offset + (cpu->state.seg[seg].base & cpu->fast[seg].base_mask)) &
           cpu->linear_mask;
}

static inline uint8_t *x86_at(const struct x86_cpu *cpu, enum x86_seg seg,
                              uint64_t offset, unsigned size, unsigned way)
{
    uint64_t linear = x86_fast_linear(cpu, seg, offset);
    uint64_t last = linear + size - 1;
    const struct x86_tlb_entry *t = &cpu->tlb[linear / X86_PAGE % X86_TLB_SIZE];

    if (UNLIKELY(offset >= cpu->fast[seg].end[way] ||
                 t->tag[way] !=
                     ((last & ~(uint64_t)(X86_PAGE - 1)) | cpu->user)))
        return NULL;
    return t->host + linear % X86_PAGE;
}

MUST_USE int x86_read_slow(struct x86_cpu *cpu, enum x86_seg seg,
                           uint64_t offset, unsigned size, uint64_t *value);
MUST_USE int x86_write_slow(struct x86_cpu *cpu, enum x86_seg seg,
                            uint64_t offset, unsigned size, uint64_t value);

static inline uint64_t x86_load(const uint8_t *at, unsigned size)
{
    return size == 8   ? load_le64(at)
           : size == 4 ? load_le32(at)
           : size == 2 ? load_le16(at)
                       : *at;
}

static inline void x86_store(uint8_t *at, unsigned size, uint64_t value)
{
    if (size == 8)
        store_le64(at, value);
    else if (size == 4)
        store_le32(at, (uint32_t)value);
    else if (size == 2)
        store_le16(at, (uint16_t)value);
    else
        *at = (uint8_t)value;
}

MUST_USE static inline int x86_read(struct x86_cpu *cpu, enum x86_seg seg,
                                    uint64_t offset, unsigned size,
                                    uint64_t *value)
{
    const uint8_t *at = x86_at(cpu, seg, offset, size, 0);

    if (UNLIKELY(!at))
        return x86_read_slow(cpu, seg, offset, size, value);
    *value = x86_load(at, size);
    return 0;
}

MUST_USE static inline int x86_write(struct x86_cpu *cpu, enum x86_seg seg,
                                     uint64_t offset, unsigned size,
                                     uint64_t value)
{
    uint8_t *at = x86_at(cpu, seg, offset, size, 1);

    if (UNLIKELY(!at))
        return x86_write_slow(cpu, seg, offset, size, value);
    x86_store(at, size, value);
    return 0;
}

MUST_USE static inline int x86_push(struct x86_cpu *cpu, unsigned width,
                                    uint64_t value)
{
    uint64_t sp = (x86_sp(cpu) - width) & cpu->sp_mask;

    TRY(x86_write(cpu, X86_SS, sp, width, value));
    x86_set_sp(cpu, sp);
    return 0;
}

MUST_USE static inline int x86_pop(struct x86_cpu *cpu, unsigned width,
                                   uint64_t *value)
{
    return x86_read(cpu, X86_SS, x86_sp(cpu), width, value);
}

#endif
