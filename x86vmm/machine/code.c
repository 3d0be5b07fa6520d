#include "x86vmm/machine/code.h"

#include "x86vmm/machine/written.h"

#include <stdlib.h>
#include <string.h>

enum { INSN_MAX = 15, LINE = 64 };

static void start_over(struct x86_code_cache *c)
{
    memset(c->lines, 0, sizeof(c->lines));
    memset(c->first, 0, sizeof(c->first));
    for (unsigned i = 0; i < X86_BLOCKS; i++)
        c->blocks[i].key = X86_NO_BLOCK;
    c->used = 0;
}

struct x86_code_cache *x86_code_new(void)
{
    struct x86_code_cache *c = calloc(1, sizeof(*c));

    if (c)
        start_over(c);
    return c;
}

void x86_code_free(struct x86_code_cache *c)
{
    free(c);
}

/* ---- Stores ---- */

/* The lines of offset from..last of a page, as bits. */
static uint64_t lines_of(uint64_t from, uint64_t last)
{
    unsigned first = (unsigned)(from % X86_PAGE / LINE);
    unsigned end = (unsigned)(last % X86_PAGE / LINE);

    return UINT64_MAX << first & UINT64_MAX >> (63 - end);
}

/* Stores find out by themselves that the page has no code any more. */
static void drop(struct x86_cpu *cpu, unsigned place)
{
    struct x86_code_cache *c = cpu->code;

    for (uint32_t i = c->first[place]; i; i = c->blocks[i - 1].next)
        c->blocks[i - 1].key = X86_NO_BLOCK;
    c->first[place] = 0;
    c->lines[place] = 0;
    cpu->code_stale = true;
}

void x86_code_written(struct x86_cpu *cpu, uint64_t gpa, size_t size)
{
    if (UNLIKELY(cpu->written))
        x86_written_note(cpu->written, gpa, size);
    while (size) {
        size_t here = X86_PAGE - gpa % X86_PAGE;
        unsigned place = x86_code_place(gpa);

        if (here > size)
            here = size;
        if (cpu->code->lines[place] & lines_of(gpa, gpa + here - 1))
            drop(cpu, place);
        gpa += here;
        size -= here;
    }
}

/* From here on stores to this page have to be seen. */
static void watch(struct x86_cpu *cpu, uint64_t gpa, size_t size)
{
    unsigned place = x86_code_place(gpa);
    bool watched = cpu->code->lines[place];

    cpu->code->lines[place] |= lines_of(gpa, gpa + size - 1);
    for (unsigned i = 0; !watched && i < X86_TLB_SIZE; i++)
        if (x86_code_place(cpu->tlb[i].gpa) == place &&
            cpu->tlb[i].tag[1] != X86_TLB_NONE)
            cpu->tlb[i].tag[1] |= X86_TLB_SLOW;
}

/* ---- Fetching ---- */

/* Copy what lies at CS:RIP + done, to the end of the page or of the limit. */
static int fetch_some(struct x86_cpu *cpu, uint8_t *bytes, unsigned *done)
{
    struct x86_tlb_entry *t;
    uint64_t linear;

    TRY(x86_fetch_linear(cpu, *done, &linear));
    TRY(x86_tlb_find(cpu, linear, X86_FETCH, cpu->user, &t));
    do {
        uint64_t offset = linear % X86_PAGE;
        const uint8_t *at =
            t->host ? t->host + offset
                    : mem_at(cpu->world.mem, x86_tlb_gpa(t) + offset, 1);

        bytes[(*done)++] = at ? *at : 0xFF; /* nobody answers */
        linear++;
    } while (*done < INSN_MAX && linear % X86_PAGE &&
             (cpu->code_bits == 64 ||
              cpu->state.rip + *done <= cpu->state.seg[X86_CS].limit));
    return 0;
}

/* The bytes of one instruction; the next page is asked for only if it goes on
 * there. */
static int fetch(struct x86_cpu *cpu, uint8_t *bytes, struct x86_op *op)
{
    unsigned n = 0;
    int code = -1;

    while (code == -1) {
        TRY(fetch_some(cpu, bytes, &n));
        code = x86_op_decode(bytes, n, cpu->code_bits, op);
    }
    if (code == -2)
        return x86_raise(cpu, X86_EXC_UD);
    return code ? x86_raise_gp(cpu) : 0;
}

int x86_fetch_one(struct x86_cpu *cpu, struct x86_op *op)
{
    uint8_t bytes[INSN_MAX];

    return fetch(cpu, bytes, op);
}

/* ---- Blocks ---- */

/* Decode from here until a branch or near the end of the page. */
static void read_block(const struct x86_cpu *cpu, const uint8_t *at,
                       size_t left, struct x86_block *b)
{
    struct x86_op *op = &cpu->code->pool[cpu->code->used];
    const uint8_t *start = at;

    b->ops = op;
    for (b->count = 0; b->count < X86_BLOCK_MAX; op++) {
        size_t n = left < INSN_MAX ? left : INSN_MAX;

        if (!n || x86_op_decode(at, n, cpu->code_bits, op))
            break;
        at += op->len;
        left -= op->len;
        b->count++;
        if (op->flags & X86_ENDS)
            break;
    }
    b->bytes = (uint16_t)(at - start);
}

/* Are the bytes at CS:RIP those that this was decoded from?  The next page is
 * asked for only if the first part is. */
static int is_same(struct x86_cpu *cpu, const struct x86_lone *l, bool *same)
{
    uint8_t bytes[INSN_MAX];
    unsigned n = 0, len = l->op.len;

    *same = len && l->bytes[INSN_MAX] == cpu->code_bits;
    while (*same && n < len) {
        TRY(fetch_some(cpu, bytes, &n));
        *same = !memcmp(bytes, l->bytes, n < len ? n : len);
    }
    return 0;
}

/* The one that blocks do not hold, because it lies across two pages or is in
 * no storage: its bytes are fetched each time, but not decoded if they are as
 * they were. */
static int lone_block(struct x86_cpu *cpu, const struct x86_block **block)
{
    struct x86_lone *l = &cpu->code->lone[cpu->state.rip % X86_LONE];
    bool same;

    TRY(is_same(cpu, l, &same));
    *block = &l->block;
    if (same)
        return 0;
    l->op.len = 0;
    TRY(fetch(cpu, l->bytes, &l->op));
    l->bytes[INSN_MAX] = cpu->code_bits;
    l->block = (struct x86_block){
        .key = X86_NO_BLOCK, .bytes = l->op.len, .count = 1, .ops = &l->op};
    return 0;
}

/* Take a block out of its page's list. */
static void unlink_block(struct x86_code_cache *c, struct x86_block *b)
{
    uint32_t index = (uint32_t)(b - c->blocks) + 1;
    uint32_t *at = &c->first[x86_code_place(b->key >> 2)];

    if (b->key == X86_NO_BLOCK)
        return;
    while (*at && *at != index)
        at = &c->blocks[*at - 1].next;
    if (*at)
        *at = b->next;
}

static void link_block(struct x86_code_cache *c, const struct x86_block *b)
{
    struct x86_block *to = x86_code_slot(c, b->key >> 2);
    uint32_t *first = &c->first[x86_code_place(b->key >> 2)];

    unlink_block(c, to);
    *to = *b;
    to->next = *first;
    *first = (uint32_t)(to - c->blocks) + 1;
}

int x86_code_make(struct x86_cpu *cpu, const struct x86_block **block)
{
    struct x86_code_cache *c = cpu->code;
    struct x86_tlb_entry *t;
    struct x86_block b;
    uint64_t linear, gpa;

    TRY(x86_fetch_linear(cpu, 0, &linear));
    TRY(x86_tlb_find(cpu, linear, X86_FETCH, cpu->user, &t));
    gpa = x86_tlb_gpa(t) + linear % X86_PAGE;
    b.key = x86_code_key(gpa, cpu->code_bits);
    *block = x86_code_slot(c, gpa);
    if (LIKELY((*block)->key == b.key && x86_block_in_limit(cpu, *block)))
        return 0;
    if (!t->host || (*block)->key == b.key)
        return lone_block(cpu, block);
    if (c->used + X86_BLOCK_MAX > X86_CODE_POOL)
        start_over(c);
    read_block(cpu, t->host + linear % X86_PAGE, X86_PAGE - linear % X86_PAGE,
               &b);
    if (!b.count)
        return lone_block(cpu, block);
    c->used += b.count;
    watch(cpu, gpa, b.bytes);
    link_block(c, &b);
    if (!x86_block_in_limit(cpu, *block))
        return lone_block(cpu, block);
    return 0;
}
