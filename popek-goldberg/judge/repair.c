#include "popek-goldberg/judge/repair.h"

#include "popek-goldberg/judge/variants.h"
#include "popek-goldberg/language/reform.h"

#include <stdlib.h>
#include <string.h>

enum {
    IMPOSSIBLE = 1u << 20, /* more than any set has */
    STEPS = 32,            /* what a step costs, in states */
    BITS = 64,
    ROWS = ISA_ENCODINGS / BITS
};

/* ---- Sets of encodings ---- */

struct codes {
    uint64_t bits[ROWS];
};

static bool has(const struct codes *c, unsigned i)
{
    return c->bits[i / BITS] >> (i % BITS) & 1;
}

static void put(struct codes *c, unsigned i)
{
    c->bits[i / BITS] |= UINT64_C(1) << (i % BITS);
}

/* ---- The search ---- */

struct found {
    uint64_t toggles;
    struct codes privileged;
};

/* The smallest ways to mend some encodings. */
struct part {
    unsigned cost;
    uint64_t total; /* ways of this cost */
    unsigned count; /* of them in `ways` */
    struct found ways[PG_REPAIR_SETS];
};

struct search {
    struct pg_variants *v;
    const struct pg_partial *partial;
    unsigned theorem;
};

/* Which encodings, with which toggles still to be decided and which made; no
 * way is wanted that costs more than `limit`. */
struct question {
    struct codes codes;
    uint64_t open, made;
    unsigned limit;
};

static const struct part impossible = {.cost = IMPOSSIBLE};
static const struct part nothing = {.total = 1, .count = 1};

static bool critical(const struct search *s, unsigned i, uint64_t made,
                     bool intercepted)
{
    return pg_variant_critical(s->v, i, made, intercepted, s->partial,
                               s->theorem);
}

/* Either of two; what is equally small counts with it. */
static void choose(struct part *a, const struct part *b)
{
    if (b->cost < a->cost) {
        *a = *b;
        return;
    }
    if (b->cost > a->cost || b->cost >= IMPOSSIBLE)
        return;
    a->total += b->total;
    for (unsigned i = 0; i < b->count && a->count < PG_REPAIR_SETS; i++)
        a->ways[a->count++] = b->ways[i];
}

/* Both of two that have nothing to do with one another. */
static void join(struct part *a, const struct part *b)
{
    const struct part old = *a;

    if (a->cost + b->cost >= IMPOSSIBLE) {
        *a = impossible;
        return;
    }
    a->cost += b->cost;
    if (__builtin_mul_overflow(old.total, b->total, &a->total))
        a->total = UINT64_MAX;
    a->count = 0;
    for (unsigned i = 0; i < old.count; i++)
        for (unsigned k = 0; k < b->count && a->count < PG_REPAIR_SETS; k++) {
            struct found *w = &a->ways[a->count++];

            *w = old.ways[i];
            w->toggles |= b->ways[k].toggles;
            for (unsigned r = 0; r < ROWS; r++)
                w->privileged.bits[r] |= b->ways[k].privileged.bits[r];
        }
}

static void solve(const struct search *s, const struct question *q,
                  struct part *out);

/* The open toggle that may mend most of these encodings; the least bound on
 * what they cost in *bound.  -1: none. */
static int pick(const struct search *s, const struct question *q,
                unsigned *bound)
{
    unsigned gains[PG_TOGGLES] = {0}, left = 0, n = s->v->toggle_count;
    int best = -1;

    for (unsigned i = 0; i < s->v->isa->encoding_count; i++) {
        left += has(&q->codes, i);
        for (unsigned t = 0; t < n && has(&q->codes, i); t++)
            gains[t] += (q->open & s->v->matters[i]) >> t & 1;
    }
    for (unsigned t = 0; t < n; t++)
        if (gains[t] && (best < 0 || gains[t] > gains[best]))
            best = (int)t;
    *bound = left;
    for (unsigned cost = 1; left && cost <= n; cost++) {
        unsigned top = 0;

        for (unsigned t = 1; t < n; t++)
            top = gains[t] > gains[top] ? t : top;
        left -= gains[top] < left ? gains[top] : left;
        gains[top] = 0;
        if (cost + left < *bound)
            *bound = cost + left;
    }
    return best;
}

/* Encodings that open toggles connect: with the toggle, or without it. */
static void solve_connected(const struct search *s, const struct question *q,
                            struct part *out)
{
    struct question next = *q;
    unsigned bound;
    struct part with;
    int t = pick(s, q, &bound);

    *out = impossible;
    if (bound > q->limit || !pg_variants_work(s->v, STEPS))
        return;
    if (t < 0) { /* a single one */
        for (unsigned i = 0; i < s->v->isa->encoding_count; i++)
            if (has(&q->codes, i) && !critical(s, i, q->made, true)) {
                *out = nothing;
                out->cost = 1;
                put(&out->ways[0].privileged, i);
            }
        return;
    }
    next.open &= ~(UINT64_C(1) << t);
    next.made |= UINT64_C(1) << t;
    next.limit--;
    solve(s, &next, &with);
    with.cost += with.cost < IMPOSSIBLE;
    for (unsigned i = 0; i < with.count; i++)
        with.ways[i].toggles |= UINT64_C(1) << t;
    next.made = q->made;
    next.limit = with.cost < q->limit ? with.cost : q->limit;
    solve(s, &next, out);
    choose(out, &with);
}

/* Take from `from` the encodings that open toggles connect with the first. */
static struct codes take_connected(const struct search *s, uint64_t open,
                                   struct codes *from)
{
    struct codes out = {{0}};
    uint64_t reach = 0;
    bool first = true, grew = true;

    while (grew) {
        grew = false;
        for (unsigned i = 0; i < s->v->isa->encoding_count; i++) {
            uint64_t links = s->v->matters[i] & open;

            if (!has(from, i) || !(first || (links & reach)))
                continue;
            first = false;
            grew = true;
            reach |= links;
            put(&out, i);
            from->bits[i / BITS] &= ~(UINT64_C(1) << (i % BITS));
        }
    }
    return out;
}

static bool is_empty(const struct codes *c)
{
    for (unsigned r = 0; r < ROWS; r++)
        if (c->bits[r])
            return false;
    return true;
}

static void solve(const struct search *s, const struct question *q,
                  struct part *out)
{
    struct codes left = {{0}};
    struct question one = *q;
    struct part more;

    *out = nothing;
    for (unsigned i = 0; i < s->v->isa->encoding_count; i++)
        if (has(&q->codes, i) && critical(s, i, q->made, false))
            put(&left, i);
    while (!is_empty(&left) && out->cost < IMPOSSIBLE) {
        if (out->cost >= q->limit) {
            *out = impossible;
            return;
        }
        one.codes = take_connected(s, q->open, &left);
        one.limit = q->limit - out->cost;
        solve_connected(s, &one, &more);
        join(out, &more);
    }
}

/* ---- Over the monitor's settings ---- */

static unsigned set_count(const struct pg_partial *p)
{
    unsigned n = 0;

    for (unsigned i = 0; i < ISA_ELEMENTS; i++)
        n += p->digit[i] != 0;
    return n;
}

/* The next setting of those switches that a monitor may set and that matter;
 * false after the last. */
static bool next_partial(const struct pg_variants *v, uint64_t matter,
                         struct pg_partial *p)
{
    for (unsigned i = 0; i < v->isa->element_count; i++) {
        if (!(matter >> i & 1))
            continue;
        if (p->digit[i]++ < UINT64_C(1) << v->isa->elements[i].width[1])
            return true;
        p->digit[i] = 0;
    }
    return false;
}

static uint64_t switches_that_matter(const struct pg_variants *v)
{
    uint64_t mask = 0;

    for (unsigned i = 0; i < v->isa->encoding_count; i++)
        mask |= v->switches[i];
    for (unsigned i = 0; i < v->isa->element_count; i++)
        if (!v->isa->elements[i].enforced)
            mask &= ~(UINT64_C(1) << i);
    return mask;
}

static void add(struct pg_repair_set *set, struct pg_repair r)
{
    set->repairs[set->count++] = r;
}

static void write_set(const struct search *s, const struct found *w,
                      struct pg_repair_set *set)
{
    const struct pg_variants *v = s->v;

    set->count = 0;
    for (unsigned i = 0; i < v->isa->element_count; i++)
        if (s->partial->digit[i])
            add(set,
                (struct pg_repair){PG_SET_SWITCH, i, s->partial->digit[i] - 1});
    for (unsigned t = 0; t < v->toggle_count; t++)
        if (w->toggles >> t & 1)
            add(set, v->toggles[t]);
    for (unsigned i = 0; i < v->isa->encoding_count; i++)
        if (has(&w->privileged, i))
            add(set, (struct pg_repair){PG_MAKE_PRIVILEGED, i, 0});
}

static void keep(const struct search *s, const struct part *p, unsigned extra,
                 struct pg_repair_plan *plan)
{
    unsigned cost = p->cost + extra;

    if (p->cost >= IMPOSSIBLE || cost > plan->smallest)
        return;
    if (cost < plan->smallest)
        plan->total = plan->count = 0;
    plan->possible = true;
    plan->smallest = cost;
    if (__builtin_add_overflow(plan->total, p->total, &plan->total))
        plan->total = UINT64_MAX;
    for (unsigned i = 0; i < p->count && plan->count < PG_REPAIR_SETS; i++)
        write_set(s, &p->ways[i], &plan->sets[plan->count++]);
}

/* Encodings that no toggle mends have to be made privileged. */
static unsigned count_hopeless(const struct search *s, uint64_t toggles)
{
    unsigned n = 0;

    for (unsigned i = 0; i < s->v->isa->encoding_count; i++)
        n += critical(s, i, toggles, false);
    return n;
}

/* With the switches so, and these of the upsetting toggles made: what more is
 * made leaves less critical. */
static void search_with(const struct search *s, uint64_t made,
                        struct pg_repair_plan *plan)
{
    unsigned extra =
        set_count(s->partial) + (unsigned)__builtin_popcountll(made);
    struct question q = {.open = ~s->v->upsetting, .made = made};
    struct part p;

    if (extra > plan->smallest)
        return;
    q.limit = plan->smallest - extra;
    if (count_hopeless(s, q.open | made) > q.limit)
        return;
    for (unsigned i = 0; i < s->v->isa->encoding_count; i++)
        put(&q.codes, i);
    solve(s, &q, &p);
    for (unsigned i = 0; i < p.count; i++)
        p.ways[i].toggles |= made;
    keep(s, &p, extra, plan);
}

static void search_in(const struct search *s, struct pg_repair_plan *plan)
{
    uint64_t all = s->v->upsetting, made = 0;

    do {
        search_with(s, made, plan);
        made = (made - all) & all; /* the next subset; at last the empty one */
    } while (made && pg_variants_work(s->v, 1));
}

void pg_repair_search(struct pg_variants *v, unsigned theorem,
                      struct pg_repair_plan *plan)
{
    struct pg_partial partial = {{0}};
    struct search s = {v, &partial, theorem};
    uint64_t matter = switches_that_matter(v);

    memset(plan, 0, sizeof(*plan));
    plan->theorem = theorem;
    plan->smallest = IMPOSSIBLE - 1;
    v->work = 0;
    v->tired = false;
    if (theorem != PG_T2 || !v->isa->timing)
        do
            search_in(&s, plan);
        while (next_partial(v, matter, &partial) && pg_variants_work(v, 1));
    if (!plan->possible)
        plan->smallest = 0;
    plan->proved = !v->tired;
}

enum status pg_repair_find(const struct isa *isa, unsigned theorem,
                           struct pg_repair_plan **out, struct diag *d)
{
    struct pg_variants v;
    enum status st = pg_variants_open(&v, isa, d);

    *out = st == STATUS_OK ? malloc(sizeof(**out)) : NULL;
    if (*out)
        pg_repair_search(&v, theorem, *out);
    if (st == STATUS_OK && (!*out || v.failed)) {
        free(*out);
        *out = NULL;
        st = diag_set(d, STATUS_NO_MEMORY, "%s: no memory for its repairs",
                      isa->name);
    }
    pg_variants_close(&v);
    return st;
}

/* Duplicates first: what is intercepted afterwards asks the real mode. */
struct isa *pg_repair_apply(const struct isa *isa,
                            const struct pg_repair_set *set)
{
    struct isa *made = isa_clone(isa);
    bool done = made;

    for (unsigned pass = 0; pass < 2; pass++)
        for (unsigned i = 0; i < set->count && done; i++)
            if ((set->repairs[i].kind == PG_DUPLICATE) == !pass)
                done = pg_repair_make(made, &set->repairs[i]);
    if (done)
        return made;
    isa_free(made);
    return NULL;
}

/* This setting, but for the switches that the set names. */
static unsigned setting_with(const struct isa *isa, unsigned config,
                             const struct pg_repair_set *set)
{
    unsigned at = 0;

    for (unsigned i = 0; i < isa->element_count; i++) {
        unsigned width = isa->elements[i].width[ISA_SCALED];

        if (isa->elements[i].kind != ISA_KIND_SWITCH)
            continue;
        for (unsigned k = 0; k < set->count; k++)
            if (set->repairs[k].kind == PG_SET_SWITCH &&
                set->repairs[k].index == i) {
                config &= ~(((1u << width) - 1) << at);
                config |= (unsigned)set->repairs[k].value << at;
            }
        at += width;
    }
    return config;
}

/* Labels and the exact criterion, united over the guest's settings. */
static void judge_code(const struct isa *isa, unsigned encoding,
                       const struct pg_repair_set *set, struct pg_labels *l,
                       struct pg_exact *x)
{
    const struct isa_encoding *code = &isa->encodings[encoding];
    struct pg_labels more;
    struct pg_exact one;
    bool first = true;

    memset(x, 0, sizeof(*x));
    for (unsigned c = 0; c < pg_configs(isa); c++) {
        unsigned monitor = setting_with(isa, c, set);

        pg_decide_exact(isa, code, c, monitor, &one);
        pg_unite_exact(x, &one);
        if (c != monitor)
            continue;
        pg_classify(isa, code, c, true, first ? l : &more);
        if (!first)
            pg_unite(l, &more);
        first = false;
    }
}

void pg_repair_judge(const struct isa *repaired,
                     const struct pg_repair_set *set,
                     struct pg_repair_verdict *out)
{
    struct pg_labels l;
    struct pg_exact x;

    *out = (struct pg_repair_verdict){
        {true, !repaired->timing, true}, true, true, true};
    for (unsigned i = 0; i < repaired->encoding_count; i++) {
        judge_code(repaired, i, set, &l, &x);
        out->holds[PG_T2] = out->holds[PG_T2] && !pg_critical(&l, PG_CORRECTED);
        out->nested = out->nested && !x.nested.found;
        if (repaired->encodings[i].needed)
            continue; /* the monitor's own level, for Theorem 2 only */
        if (pg_critical(&l, PG_CORRECTED))
            out->holds[PG_T1] = false;
        if (pg_user_sensitive(&l, PG_CORRECTED) && !l.privileged[PG_CORRECTED])
            out->holds[PG_T3] = false;
        out->vm = out->vm && !x.vm.found;
        out->hybrid = out->hybrid && !x.hybrid.found;
    }
}
