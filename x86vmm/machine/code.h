/* Decoded instructions, kept by the physical address that they were read from.
 *
 * A run of instructions without a jump between them, within one page, is a
 * block.  A store to a line of a page that a block was read from drops all of
 * that page's blocks: the page has no direct write tag in the TLB as long as
 * it has blocks, so that every store to it comes past x86_code_written. */
#ifndef X86VMM_MACHINE_CODE_H
#define X86VMM_MACHINE_CODE_H

#include "x86vmm/machine/op.h"
#include "x86vmm/machine/paging.h"

enum {
    X86_BLOCK_MAX = 32,       /* instructions */
    X86_BLOCKS = 1 << 15,     /* places for blocks */
    X86_CODE_PAGES = 1 << 16, /* pages further apart share a place, which only
                               * costs time */
    X86_CODE_POOL = 1 << 17,  /* instructions kept */
    X86_LONE = 64             /* places for instructions across two pages */
};

#define X86_NO_BLOCK UINT64_MAX

struct x86_block {
    uint64_t key;  /* x86_code_key of its first byte, or X86_NO_BLOCK */
    uint32_t next; /* of the same page: index + 1, or 0 */
    uint16_t bytes;
    uint8_t count;
    const struct x86_op *ops; /* count of them; in the cache's pool */
};

struct x86_code_cache {
    uint64_t lines[X86_CODE_PAGES]; /* 64 bytes each, that blocks cover */
    uint32_t first[X86_CODE_PAGES]; /* block of the page: index + 1, or 0 */
    struct x86_block blocks[X86_BLOCKS];
    struct x86_op pool[X86_CODE_POOL];
    unsigned used; /* of the pool */
    struct x86_lone {
        uint8_t bytes[16]; /* as decoded; [15]: width of the code */
        struct x86_block block;
        struct x86_op op; /* len 0: none */
    } lone[X86_LONE];
};

/* NULL: no memory. */
struct x86_code_cache *x86_code_new(void);
void x86_code_free(struct x86_code_cache *c);

static inline unsigned x86_code_place(uint64_t gpa)
{
    return (unsigned)(gpa / X86_PAGE % X86_CODE_PAGES);
}

/* Has the page of this physical address blocks?  c NULL: of a processor that
 * keeps none. */
static inline bool x86_code_cached(const struct x86_code_cache *c, uint64_t gpa)
{
    return c && c->lines[x86_code_place(gpa)];
}

/* Blocks differ by the width of the code, 16, 32, 64, too. */
static inline uint64_t x86_code_key(uint64_t gpa, unsigned bits)
{
    return gpa << 2 | bits >> 5;
}

static inline struct x86_block *x86_code_slot(struct x86_code_cache *c,
                                              uint64_t gpa)
{
    return &c->blocks[(gpa ^ gpa >> 15) % X86_BLOCKS];
}

/* Linear address of CS:RIP + delta; #GP past the limit of CS. */
MUST_USE static inline int x86_fetch_linear(struct x86_cpu *cpu, unsigned delta,
                                            uint64_t *linear)
{
    const struct x86_segment *cs = &cpu->state.seg[X86_CS];
    uint64_t rip = cpu->state.rip + delta;

    if (LIKELY(cpu->code_bits == 64)) {
        *linear = rip;
        return 0;
    }
    if (UNLIKELY(rip > cs->limit))
        return x86_raise_gp(cpu);
    *linear = (uint32_t)(cs->base + (uint32_t)rip);
    return 0;
}

/* Does it end within the limit of CS? */
static inline bool x86_block_in_limit(const struct x86_cpu *cpu,
                                      const struct x86_block *b)
{
    return cpu->code_bits == 64 ||
           cpu->state.rip + b->bytes - 1 <= cpu->state.seg[X86_CS].limit;
}

MUST_USE int x86_code_make(struct x86_cpu *cpu, const struct x86_block **block);

/* The block at CS:RIP, made if there is none; X86_FAULT: it cannot be fetched
 * or decoded.  Valid until the next call, or until cpu->code_stale. */
MUST_USE static inline int x86_code_block(struct x86_cpu *cpu,
                                          const struct x86_block **block)
{
    const struct x86_tlb_entry *t;
    uint64_t linear, gpa;

    cpu->code_stale = false;
    TRY(x86_fetch_linear(cpu, 0, &linear));
    t = x86_tlb_slot(cpu, linear, X86_FETCH);
    gpa = x86_tlb_gpa(t) + linear % X86_PAGE;
    *block = x86_code_slot(cpu->code, gpa);
    if (LIKELY(t->tag[0] == x86_tlb_tag(linear, cpu->user) &&
               (*block)->key == x86_code_key(gpa, cpu->code_bits) &&
               x86_block_in_limit(cpu, *block)))
        return 0;
    return x86_code_make(cpu, block);
}

/* One instruction at CS:RIP, not kept. */
MUST_USE int x86_fetch_one(struct x86_cpu *cpu, struct x86_op *op);

#endif
