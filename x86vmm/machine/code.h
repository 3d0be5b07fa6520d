/* Decoded instructions, kept by the physical address that they were read from.
 *
 * A run of instructions without a jump between them, within one page, is a
 * block.  A store to a page that a block was read from makes all of that
 * page's blocks stale: the page has no write tag in the TLB as long as it has
 * blocks, so that every store to it comes past x86_code_written. */
#ifndef X86VMM_MACHINE_CODE_H
#define X86VMM_MACHINE_CODE_H

#include "x86vmm/machine/op.h"

enum { X86_BLOCK_MAX = 32 };

struct x86_block {
    uint64_t gpa; /* of its first byte */
    uint32_t age; /* of the page, when it was read */
    uint8_t bits; /* 16, 32, 64 */
    uint8_t count;
    const struct x86_op *ops; /* count of them; in the cache's pool */
};

/* NULL: no memory. */
struct x86_code_cache *x86_code_new(void);
void x86_code_free(struct x86_code_cache *c);

/* Has the page of this physical address blocks? */
bool x86_code_cached(const struct x86_code_cache *c, uint64_t gpa);

/* The block at CS:RIP, made if there is none; X86_FAULT: it cannot be fetched
 * or decoded.  Valid until the next call, or until *stale of the cache. */
MUST_USE int x86_code_block(struct x86_cpu *cpu,
                            const struct x86_block **block);

/* One instruction at CS:RIP, not kept. */
MUST_USE int x86_fetch_one(struct x86_cpu *cpu, struct x86_op *op);

/* Has a block been dropped since x86_code_block?  Then leave it. */
bool x86_code_stale(const struct x86_code_cache *c);

#endif
