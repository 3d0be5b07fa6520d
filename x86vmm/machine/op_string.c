/* String instructions (Intel SDM vol. 2, each instruction's page, and REP).
 *
 * One iteration is one execution: a repeated instruction that is not done goes
 * to itself, so that interrupts, faults and traps find the registers as that
 * iteration left them.  Moves and stores upwards within a page, which nothing
 * can interrupt or observe, are done many at a time. */
#include "base/bits.h"
#include "x86vmm/machine/op.h"
#include "x86vmm/machine/paging.h"
#include "x86vmm/machine/segment.h"

#include <string.h>

enum { REPEATED = X86_REP | X86_REPNE };

static uint64_t cut(uint64_t v, unsigned size)
{
    return v & BITS_MASK(size * 8);
}

/* Is there an iteration to do? */
static bool has_work(const struct x86_cpu *cpu, const struct x86_op *op)
{
    return !(op->flags & REPEATED) || x86_gpr(cpu, X86_RCX, op->asize);
}

/* Move an index register past n elements. */
static void advance(struct x86_cpu *cpu, const struct x86_op *op, unsigned reg,
                    uint64_t n)
{
    uint64_t by = n * op->size;

    if (cpu->state.rflags & X86_FLAG_DF)
        by = -by;
    x86_set_gpr(cpu, reg, op->asize, cpu->state.gpr[reg] + by);
}

/* n iterations are done; come back for the next one if `again`. */
static void count(struct x86_cpu *cpu, const struct x86_op *op, uint64_t n,
                  bool again)
{
    if (!(op->flags & REPEATED))
        return;
    x86_set_gpr(cpu, X86_RCX, op->asize, cpu->state.gpr[X86_RCX] - n);
    if (again && x86_gpr(cpu, X86_RCX, op->asize)) {
        cpu->next_rip = cpu->state.rip;
        cpu->repeats_at = cpu->ran;
    }
}

static uint64_t index_of(const struct x86_cpu *cpu, const struct x86_op *op,
                         unsigned reg)
{
    return x86_gpr(cpu, reg, op->asize);
}

/* ---- Many at a time ---- */

/* Elements in one page of storage that has been translated. */
struct stretch {
    const struct x86_tlb_entry *t;
    uint8_t *at;
    uint64_t gpa, n;
};

/* May this page be touched directly?  Where code is cached, too: whether it is,
 * and what the TLB held, must not be seen in how many iterations one execution
 * does. */
static bool is_direct(const struct x86_cpu *cpu, const struct x86_tlb_entry *t,
                      uint64_t linear, unsigned way)
{
    uint64_t tag = x86_tlb_tag(linear, cpu->user);
    const struct mem_slot *slot;

    if (t->tag[way] == tag)
        return true;
    if (!way || t->tag[way] != (tag | X86_TLB_SLOW) || !t->host)
        return false;
    slot = mem_find(cpu->world.mem, x86_tlb_gpa(t), X86_PAGE);
    return slot && !(slot->flags & MEM_READ_ONLY);
}

/* At most n elements from this offset on that lie in one page and need no more
 * checks; s->n of 0 or 1: do it slowly. */
static int find_stretch(struct x86_cpu *cpu, const struct x86_op *op,
                        enum x86_seg seg, uint64_t offset,
                        enum x86_access access, uint64_t n, struct stretch *s)
{
    unsigned way = x86_tlb_way(access);
    uint64_t end = cpu->fast[seg].end[way];
    uint64_t linear = x86_fast_linear(cpu, seg, offset);
    uint64_t room = X86_PAGE - linear % X86_PAGE;
    struct x86_tlb_entry *t;

    *s = (struct stretch){0};
    if (offset >= end ||
        (cpu->code_bits == 64 &&
         (!x86_canonical(linear) || !x86_canonical(linear + op->size - 1))))
        return 0;
    TRY(x86_tlb_find(cpu, linear, access, cpu->user, &t));
    if (!is_direct(cpu, t, linear, way))
        return 0;
    room = min_u64(room, end - offset);
    if (op->asize < 8) /* where the index register wraps */
        room = min_u64(room, BITS_MASK(op->asize * 8) + 1 - offset);
    *s = (struct stretch){.t = t,
                          .at = t->host + linear % X86_PAGE,
                          .gpa = x86_tlb_gpa(t) + linear % X86_PAGE,
                          .n = min_u64(n, room / op->size)};
    return 0;
}

static void stored(struct x86_cpu *cpu, const struct stretch *s, size_t size)
{
    if (s->t->tag[1] & X86_TLB_SLOW)
        x86_code_written(cpu, s->gpa, size);
}

/* How many iterations at most are one: never with the trap flag on. */
static uint64_t bulk(const struct x86_cpu *cpu, const struct x86_op *op)
{
    if (!(op->flags & REPEATED) ||
        (cpu->state.rflags & (X86_FLAG_DF | X86_FLAG_TF)))
        return 1;
    return x86_gpr(cpu, X86_RCX, op->asize);
}

static void store_many(uint8_t *to, unsigned size, uint64_t n, uint64_t v)
{
    if (size == 1)
        memset(to, (int)(v & 0xFF), n);
    else
        for (uint64_t i = 0; i < n; i++)
            x86_store(to + i * size, size, v);
}

/* One element after the other: an overlap is seen. */
static void copy_many(uint8_t *to, const uint8_t *from, unsigned size,
                      uint64_t n)
{
    if (to + n * size <= from || from + n * size <= to)
        memcpy(to, from, n * size);
    else
        for (uint64_t i = 0; i < n; i++)
            x86_store(to + i * size, size, x86_load(from + i * size, size));
}

/* ---- Bodies ---- */

int op_movs(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t si = index_of(cpu, op, X86_RSI), di = index_of(cpu, op, X86_RDI);
    enum x86_seg seg = (enum x86_seg)op->seg;
    uint64_t n = bulk(cpu, op), v;
    struct stretch from, to;

    if (!has_work(cpu, op))
        return 0;
    if (n > 1) {
        TRY(find_stretch(cpu, op, seg, si, X86_READ, n, &from));
        n = from.n;
    }
    if (n > 1) {
        TRY(find_stretch(cpu, op, X86_ES, di, X86_WRITE, n, &to));
        n = to.n;
    }
    if (n > 1) {
        copy_many(to.at, from.at, op->size, n);
        stored(cpu, &to, n * op->size);
    } else {
        n = 1;
        TRY(x86_read(cpu, seg, si, op->size, &v));
        TRY(x86_write(cpu, X86_ES, di, op->size, v));
    }
    advance(cpu, op, X86_RSI, n);
    advance(cpu, op, X86_RDI, n);
    count(cpu, op, n, true);
    return 0;
}

int op_stos(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t di = index_of(cpu, op, X86_RDI), v = cpu->state.gpr[X86_RAX];
    uint64_t n = bulk(cpu, op);
    struct stretch to;

    if (!has_work(cpu, op))
        return 0;
    if (n > 1) {
        TRY(find_stretch(cpu, op, X86_ES, di, X86_WRITE, n, &to));
        n = to.n;
    }
    if (n > 1) {
        store_many(to.at, op->size, n, v);
        stored(cpu, &to, n * op->size);
    } else {
        n = 1;
        TRY(x86_write(cpu, X86_ES, di, op->size, v));
    }
    advance(cpu, op, X86_RDI, n);
    count(cpu, op, n, true);
    return 0;
}

int op_lods(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t v;

    if (!has_work(cpu, op))
        return 0;
    TRY(x86_read(cpu, (enum x86_seg)op->seg, index_of(cpu, op, X86_RSI),
                 op->size, &v));
    x86_set_gpr(cpu, X86_RAX, op->size, v);
    advance(cpu, op, X86_RSI, 1);
    count(cpu, op, 1, true);
    return 0;
}

/* Compare, and say whether REPE or REPNE goes on. */
static bool compare(struct x86_cpu *cpu, const struct x86_op *op, uint64_t a,
                    uint64_t b)
{
    x86_flags_sub(cpu, op->size, a, b, cut(a - b, op->size));
    return (a == b) == !(op->flags & X86_REPNE);
}

int op_cmps(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t a, b;

    if (!has_work(cpu, op))
        return 0;
    TRY(x86_read(cpu, (enum x86_seg)op->seg, index_of(cpu, op, X86_RSI),
                 op->size, &a));
    TRY(x86_read(cpu, X86_ES, index_of(cpu, op, X86_RDI), op->size, &b));
    advance(cpu, op, X86_RSI, 1);
    advance(cpu, op, X86_RDI, 1);
    count(cpu, op, 1, compare(cpu, op, a, b));
    return 0;
}

int op_scas(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t v;

    if (!has_work(cpu, op))
        return 0;
    TRY(x86_read(cpu, X86_ES, index_of(cpu, op, X86_RDI), op->size, &v));
    advance(cpu, op, X86_RDI, 1);
    count(cpu, op, 1, compare(cpu, op, x86_gpr(cpu, X86_RAX, op->size), v));
    return 0;
}
