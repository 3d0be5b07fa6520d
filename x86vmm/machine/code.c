#include "x86vmm/machine/code.h"

#include "x86vmm/machine/paging.h"

#include <stdlib.h>
#include <string.h>

/* Pages share a place when they are 2^16 pages apart: then a store to one
 * drops the other's blocks too, which only costs time. */
enum { PAGES = 1 << 16, BLOCKS = 1 << 13, POOL = 1 << 16, INSN_MAX = 15 };

struct x86_code_cache {
    uint32_t age[PAGES];
    bool cached[PAGES];
    struct x86_block blocks[BLOCKS];
    struct x86_op pool[POOL];
    unsigned used;         /* of the pool */
    struct x86_block lone; /* an instruction across two pages */
    struct x86_op lone_op;
    bool stale;
};

struct x86_code_cache *x86_code_new(void)
{
    return calloc(1, sizeof(struct x86_code_cache));
}

void x86_code_free(struct x86_code_cache *c)
{
    free(c);
}

static unsigned place(uint64_t gpa)
{
    return (unsigned)(gpa / X86_PAGE % PAGES);
}

bool x86_code_cached(const struct x86_code_cache *c, uint64_t gpa)
{
    return c->cached[place(gpa)];
}

bool x86_code_stale(const struct x86_code_cache *c)
{
    return c->stale;
}

static void drop(struct x86_code_cache *c, unsigned at)
{
    if (!c->cached[at])
        return;
    c->cached[at] = false;
    c->age[at]++;
    c->stale = true;
}

void x86_code_written(struct x86_cpu *cpu, uint64_t gpa, size_t size)
{
    for (uint64_t page = gpa / X86_PAGE; page <= (gpa + size - 1) / X86_PAGE;
         page++)
        drop(cpu->code, place(page * X86_PAGE));
}

/* From here on stores to this page have to be seen. */
static void watch(struct x86_cpu *cpu, uint64_t gpa)
{
    uint64_t page = gpa - gpa % X86_PAGE;

    if (cpu->code->cached[place(gpa)])
        return;
    cpu->code->cached[place(gpa)] = true;
    for (unsigned i = 0; i < X86_TLB_SIZE; i++)
        if (place(cpu->tlb[i].gpa) == place(page))
            cpu->tlb[i].tag[X86_WRITE] = X86_TLB_NONE;
}

/* ---- Fetching ---- */

/* Linear address of CS:RIP + delta; #GP past the limit of CS. */
static int fetch_linear(struct x86_cpu *cpu, unsigned delta, uint64_t *linear)
{
    const struct x86_segment *cs = &cpu->state.seg[X86_CS];
    uint64_t rip = cpu->state.rip + delta;

    if (cpu->code_bits == 64) {
        *linear = rip;
        return 0;
    }
    if (rip > cs->limit)
        return x86_raise_gp(cpu);
    *linear = (uint32_t)(cs->base + (uint32_t)rip);
    return 0;
}

static int fetch_page(struct x86_cpu *cpu, uint64_t linear,
                      struct x86_tlb_entry **t)
{
    *t = x86_tlb_slot(cpu, linear);
    if ((*t)->tag[X86_FETCH] == x86_tlb_tag(linear, cpu->cpl == 3))
        return 0;
    return x86_tlb_fill(cpu, linear, X86_FETCH, cpu->cpl == 3, t);
}

/* As much of one instruction as is needed to decode it, byte by byte where it
 * may cross a page: an instruction that ends before the fault has none. */
int x86_fetch_one(struct x86_cpu *cpu, struct x86_op *op)
{
    uint8_t bytes[INSN_MAX];
    int code = -1;

    for (unsigned n = 0; code == -1 && n < INSN_MAX; n++) {
        struct x86_tlb_entry *t;
        uint64_t linear;

        TRY(fetch_linear(cpu, n, &linear));
        TRY(fetch_page(cpu, linear, &t));
        const uint8_t *at =
            t->host ? t->host + linear % X86_PAGE
                    : mem_at(cpu->world.mem, t->gpa + linear % X86_PAGE, 1);
        bytes[n] = at ? *at : 0xFF;
        code = x86_op_decode(bytes, n + 1, cpu->code_bits, op);
    }
    if (code == -2)
        return x86_raise(cpu, X86_EXC_UD);
    return code ? x86_raise_gp(cpu) : 0;
}

/* ---- Blocks ---- */

static void start_over(struct x86_code_cache *c)
{
    memset(c->blocks, 0, sizeof(c->blocks));
    c->used = 0;
    c->stale = true;
}

static struct x86_block *slot_of(struct x86_code_cache *c, uint64_t gpa)
{
    return &c->blocks[(gpa ^ gpa >> 13) % BLOCKS];
}

/* Decode from here until a branch or near the end of the page; how many. */
static unsigned read_block(struct x86_cpu *cpu, const uint8_t *at, size_t left,
                           uint64_t in_limit)
{
    struct x86_code_cache *c = cpu->code;
    unsigned n = 0;

    if (left > in_limit)
        left = (size_t)in_limit;
    while (n < X86_BLOCK_MAX) {
        struct x86_op *op = &c->pool[c->used + n];

        if (!left || x86_op_decode(at, left < INSN_MAX ? left : INSN_MAX,
                                   cpu->code_bits, op))
            break;
        at += op->len;
        left -= op->len;
        n++;
        if (op->flags & X86_ENDS)
            break;
    }
    return n;
}

/* The one that blocks do not hold. */
static int lone_block(struct x86_cpu *cpu, const struct x86_block **block)
{
    struct x86_code_cache *c = cpu->code;

    TRY(x86_fetch_one(cpu, &c->lone_op));
    c->lone = (struct x86_block){.count = 1, .ops = &c->lone_op};
    *block = &c->lone;
    return 0;
}

int x86_code_block(struct x86_cpu *cpu, const struct x86_block **block)
{
    struct x86_code_cache *c = cpu->code;
    struct x86_tlb_entry *t;
    uint64_t linear, gpa;

    TRY(fetch_linear(cpu, 0, &linear));
    TRY(fetch_page(cpu, linear, &t));
    gpa = t->gpa + linear % X86_PAGE;
    struct x86_block *b = slot_of(c, gpa);
    c->stale = false;
    if (LIKELY(b->count && b->gpa == gpa && b->bits == cpu->code_bits &&
               b->age == c->age[place(gpa)])) {
        uint64_t end = cpu->state.rip + X86_BLOCK_MAX * INSN_MAX;

        if (cpu->code_bits == 64 || end <= cpu->state.seg[X86_CS].limit) {
            *block = b;
            return 0;
        }
        return lone_block(cpu, block);
    }
    if (!t->host)
        return lone_block(cpu, block);
    if (c->used + X86_BLOCK_MAX > POOL) {
        start_over(c);
        c->stale = false;
    }
    uint64_t room = cpu->code_bits == 64 ? X86_PAGE
                                         : cpu->state.seg[X86_CS].limit -
                                               cpu->state.rip + UINT64_C(1);
    unsigned n = read_block(cpu, t->host + linear % X86_PAGE,
                            X86_PAGE - linear % X86_PAGE, room);
    if (!n)
        return lone_block(cpu, block);
    watch(cpu, gpa);
    *b = (struct x86_block){.gpa = gpa,
                            .age = c->age[place(gpa)],
                            .bits = cpu->code_bits,
                            .count = (uint8_t)n,
                            .ops = &c->pool[c->used]};
    c->used += n;
    *block = b;
    return 0;
}
