#include "tests/x86_hostile_judge.h"

#include "base/format.h"
#include "x86vmm/machine/insn.h"
#include "x86vmm/machine/op.h"
#include "x86vmm/machine/translate.h"

#include <stdlib.h>

/* Places where translations are dropped. */
enum { ROUNDS = 64 };
struct places {
    struct hostile_drop *at;
    unsigned count, room;
};

static void add(struct places *d, struct hostile_drop drop)
{
    if (d->count == d->room) {
        d->room = d->room ? 2 * d->room : 64;
        d->at = realloc(d->at, d->room * sizeof(*d->at));
        if (!d->at)
            abort();
    }
    d->at[d->count++] = drop;
}

static bool alike_at(const struct hostile_guest *g, uint64_t insns,
                     const struct places *d, char *words)
{
    struct hostile_pair *p = hostile_pair_new(g);
    bool alike = hostile_pair_run(p, insns, d->at, d->count, words);

    hostile_pair_free(p);
    return alike;
}

/* Of two places, alike at the first, the last one at which they are. */
static uint64_t last_alike(const struct hostile_guest *g,
                           const struct places *d, char *words)
{
    uint64_t low = 0, high = g->insns;

    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;

        if (alike_at(g, middle, d, words))
            low = middle;
        else
            high = middle;
    }
    alike_at(g, high, d, words);
    return low;
}

/* ---- What the program drops ---- */

static bool decode(struct x86_bare *m, struct x86_op *op, char *text,
                   size_t size)
{
    const struct x86_state *s = &m->cpu.state;
    uint8_t bytes[X86_INSN_MAX];
    size_t n = x86_fetch(s, &m->mem, 0, bytes, sizeof(bytes));

    if (text)
        x86_op_text(bytes, n, x86_code_bits(s), s->rip, text, size);
    return !x86_op_decode(bytes, n, x86_code_bits(s), op);
}

static bool pages_otherwise(const struct x86_state *a,
                            const struct x86_state *b)
{
    return a->cr0 != b->cr0 || a->cr3 != b->cr3 || a->cr4 != b->cr4 ||
           a->efer != b->efer ||
           a->seg[X86_TR].selector != b->seg[X86_TR].selector;
}

/* Has it been executed?  With TF its trap is behind it, so that this cannot be
 * seen; then it counts as executed. */
static bool is_done(const struct x86_state *before, const struct x86_op *op,
                    const struct x86_state *now)
{
    return (before->rflags & X86_FLAG_TF) || now->rip == before->rip + op->len;
}

static bool loads_cr3(const struct x86_op *op)
{
    return op->id == X86_INSN_MOV && op->operand[0].kind == X86_CREG &&
           op->operand[0].reg == 3;
}

/* Of one that has been executed. */
static bool drops(const struct x86_op *op, struct hostile_drop *drop)
{
    switch (op->id) {
    case X86_INSN_INVLPG:
        drop->what = HOSTILE_DROP_PAGE;
        return true;
    case X86_INSN_INVEPT:
        drop->what = HOSTILE_DROP_ALL;
        return true;
    default:
        return loads_cr3(op);
    }
}

/* One instruction of the bare machine; what it drops of what is kept.  False:
 * it has shut down. */
static bool watch(struct x86_bare *m, struct places *to)
{
    struct x86_state before = m->cpu.state;
    struct x86_op op = {0};
    bool decoded = decode(m, &op, NULL, 0);
    struct hostile_drop drop = {.after = m->cpu.ran + 1,
                                .what = HOSTILE_DROP_LINEAR};

    if (decoded && op.id == X86_INSN_INVLPG)
        drop.linear = x86_fast_linear(&m->cpu, (enum x86_seg)op.seg,
                                      x86_offset(&m->cpu, &op));
    enum x86_outcome out = x86_run(&m->cpu, 1);
    if (pages_otherwise(&before, &m->cpu.state) ||
        (decoded && is_done(&before, &op, &m->cpu.state) && drops(&op, &drop)))
        add(to, drop);
    return out != X86_SHUTDOWN;
}

/* All of them before `insns`; beside those that are made from outside. */
static struct places dropped_by(const struct hostile_guest *g, uint64_t insns,
                                const struct places *outside)
{
    struct hostile_pair *p = hostile_pair_new(g);
    struct x86_bare *m = hostile_pair_bare(p);
    struct places all = {0};
    unsigned next = 0;

    while (m->cpu.ran < insns) {
        bool arrives = hostile_pair_arrives(p, m->cpu.ran, m->cpu.halted);

        while (next < outside->count && outside->at[next].after <= m->cpu.ran) {
            x86_tlb_flush(&m->cpu, true);
            add(&all, outside->at[next++]);
        }
        uint64_t ran = m->cpu.ran;
        if (!watch(m, &all) || (m->cpu.ran == ran && !arrives))
            break;
    }
    hostile_pair_free(p);
    return all;
}

/* ---- Judging ---- */

static void tell(const struct hostile_guest *g, uint64_t after,
                 const struct places *d, const char *why, char *words)
{
    struct hostile_pair *p = hostile_pair_new(g);
    struct x86_bare *m = hostile_pair_bare(p);
    const struct x86_state *s = &m->cpu.state;
    char what[HOSTILE_WORDS], text[80] = "";
    struct x86_op op;

    hostile_pair_run(p, after, d->at, d->count, what);
    decode(m, &op, text, sizeof(text));
    format(what, sizeof(what), "%s", words);
    format(words, HOSTILE_WORDS,
           "instruction %llu, %04x:%llx %s (%u bits, CPL %u): %s; %s",
           (unsigned long long)after + 1, s->seg[X86_CS].selector,
           (unsigned long long)s->rip, text, x86_code_bits(s), m->cpu.cpl, what,
           why);
    hostile_pair_free(p);
}

static unsigned stale_at(const struct hostile_guest *g, uint64_t after,
                         const struct places *d)
{
    struct hostile_pair *p = hostile_pair_new(g);
    char words[HOSTILE_WORDS];
    unsigned count;

    hostile_pair_run(p, after, d->at, d->count, words);
    count = hostile_pair_stale(p);
    hostile_pair_free(p);
    return count;
}

/* NULL: the rules allow that they differ behind instruction `after`; else the
 * one that does not.  `d` ends with a drop there. */
static const char *broken_rule(const struct hostile_guest *g, uint64_t after,
                               struct places *d)
{
    char words[HOSTILE_WORDS];
    struct places without = {.at = d->at, .count = d->count - 1}, all;

    if (!alike_at(g, after + 1, d, words))
        return "with no translations kept, too";
    if (!stale_at(g, after, &without) && !stale_at(g, after + 1, &without))
        return "not with nothing kept, yet what is kept is what the tables say";
    all = dropped_by(g, after, &without);
    bool vanishes = alike_at(g, after + 1, &all, words);
    free(all.at);
    return vanishes ? "a translation was kept that the program had dropped"
                    : NULL;
}

/* Have accessed and dirty flags come into the code of the instruction after
 * this one by executing it? */
static bool flags_own_code(const struct hostile_guest *g, uint64_t after,
                           const struct places *d)
{
    enum { FLAGS = 0x60 };
    struct hostile_pair *p = hostile_pair_new(g);
    struct x86_bare *m = hostile_pair_bare(p);
    uint8_t old[X86_INSN_MAX], now[X86_INSN_MAX], changed = 0;
    char words[HOSTILE_WORDS];

    hostile_pair_run(p, after, d->at, d->count, words);
    struct x86_state before = m->cpu.state;
    size_t n = x86_fetch(&before, &m->mem, 0, old, sizeof(old));
    hostile_pair_run(p, after + 1, NULL, 0, words);
    if (x86_fetch(&before, &m->mem, 0, now, n) != n)
        n = 0;
    for (size_t i = 0; i < n; i++)
        changed |= old[i] ^ now[i];
    hostile_pair_free(p);
    return changed && !(changed & ~FLAGS);
}

/* Was the instruction before this place in the shadow of a load of SS, and has
 * cast one itself, which AMD-V counts? */
static bool shadows_meet_at(const struct hostile_guest *g, uint64_t insns,
                            const struct places *d)
{
    struct hostile_pair *p = hostile_pair_new(g);
    char words[HOSTILE_WORDS];
    bool shadowed;

    hostile_pair_run(p, insns ? insns - 1 : 0, d->at, d->count, words);
    shadowed = hostile_pair_bare(p)->cpu.shadow_ss;
    hostile_pair_run(p, insns, d->at, d->count, words);
    shadowed &= hostile_pair_shadowed(p);
    hostile_pair_free(p);
    return shadowed;
}

/* Before the instruction after this one, or by it, behind which TF traps. */
static bool shadows_meet(const struct hostile_guest *g, uint64_t after,
                         const struct places *d)
{
    return shadows_meet_at(g, after, d) || shadows_meet_at(g, after + 1, d);
}

/* By the instruction after this one, which loads the pointers, or in endless
 * debug exceptions. */
static bool has_parted(const struct hostile_guest *g, uint64_t after,
                       const struct places *d)
{
    struct hostile_pair *p = hostile_pair_new(g);
    char words[HOSTILE_WORDS];
    struct x86_op op = {0};

    hostile_pair_run(p, after, d->at, d->count, words);
    bool stuck = hostile_pair_between(p);
    bool loads = decode(hostile_pair_bare(p), &op, NULL, 0) &&
                 op.id == X86_INSN_MOV && op.operand[0].kind == X86_CREG;
    hostile_pair_run(p, after + 1, NULL, 0, words);
    stuck |= hostile_pair_between(p);
    bool parted = stuck || hostile_pair_unchecked(p, loads);
    hostile_pair_free(p);
    return parted;
}

enum hostile_verdict hostile_judge(const struct hostile_guest *g,
                                   char words[HOSTILE_WORDS])
{
    struct places d = {0};
    const char *why = NULL;
    char now[HOSTILE_WORDS];
    unsigned round = 0;
    bool parted = false;

    while (!why && !alike_at(g, g->insns, &d, now)) {
        uint64_t after = last_alike(g, &d, words);

        parted = has_parted(g, after, &d) || flags_own_code(g, after, &d) ||
                 shadows_meet(g, after, &d);
        if (parted)
            break;
        add(&d, (struct hostile_drop){.after = after});
        why = round++ < ROUNDS ? broken_rule(g, after, &d)
                               : "and so many times before";
        d.count -= why != NULL;
        if (why)
            tell(g, after, &d, why, words);
    }
    free(d.at);
    return why      ? HOSTILE_DIFFERENT
           : parted ? HOSTILE_PARTED
           : round  ? HOSTILE_STALE
                    : HOSTILE_ALIKE;
}
