/* Is a kept witness true? */
#include "popek-goldberg/judge/map.h"
#include "popek-goldberg/witness/witness_file.h"

#include <string.h>

static bool no(struct diag *d, const char *what)
{
    (void)diag_set(d, STATUS_BAD_INPUT, "%s", what);
    return false;
}

/* Bit i: element i differs; bit 63: storage does. */
static uint64_t differing(const struct isa *isa, const struct isa_state *a,
                          const struct isa_state *b)
{
    uint64_t bits = a->unknown ^ b->unknown;

    for (unsigned i = 0; i < isa->element_count; i++)
        bits |= (uint64_t)(a->v[i] != b->v[i]) << i;
    if (memcmp(a->mem, b->mem, sizeof(a->mem)) != 0 || a->q != b->q ||
        a->unknown_mem != b->unknown_mem)
        bits |= UINT64_C(1) << 63;
    return bits;
}

static bool component_differs(const struct isa_state *a,
                              const struct isa_state *b, unsigned component)
{
    if (component >= PG_WORD) {
        unsigned i = component - PG_WORD;

        return a->mem[i] != b->mem[i] ||
               ((a->unknown_mem ^ b->unknown_mem) >> i & 1);
    }
    return a->v[component] != b->v[component] ||
           ((a->unknown ^ b->unknown) >> component & 1);
}

/* ---- The states ---- */

/* One thing is varied: the mode, the place, or a resource. */
static bool is_pair(const struct isa *isa, const struct pg_witness *w)
{
    uint64_t bits = differing(isa, &w->s[0], &w->s[1]);

    for (unsigned i = 0; i < isa->element_count; i++) {
        enum isa_kind kind = isa->elements[i].kind;

        if (bits == UINT64_C(1) << i)
            return kind == ISA_KIND_MODE || kind == ISA_KIND_BASE ||
                   kind == ISA_KIND_RESOURCE;
    }
    return false;
}

/* f once or twice; switches as the monitor has set them. */
static bool is_mapped(const struct isa *isa, const struct pg_witness *w)
{
    for (unsigned levels = 1; levels <= 2; levels++) {
        struct isa_state f;

        pg_map(isa, ISA_SCALED, levels, &w->s[0], &f);
        for (unsigned i = 0; i < isa->element_count; i++)
            if (isa->elements[i].kind == ISA_KIND_SWITCH)
                f.v[i] = w->s[1].v[i];
        if (!differing(isa, &f, &w->s[1]))
            return true;
    }
    return false;
}

static bool states_fit(const struct isa *isa, const struct pg_kept *k,
                       struct diag *d)
{
    const struct pg_witness *w = &k->witness;

    switch (k->row.proof) {
    case PG_ALONE:
        return true;
    case PG_PAIR:
        return is_pair(isa, w) ||
               no(d, "the states do not differ in one thing alone: the mode, "
                     "base or one resource");
    case PG_LESS:
        return differing(isa, &w->s[0], &w->s[1]) == 1u << ISA_MODE ||
               no(d, "the states do not differ in the mode alone");
    case PG_MAPPED:
        return is_mapped(isa, w) || no(d, "the second state is not f(S)");
    }
    return false;
}

/* ---- The outcomes ---- */

static bool outcome_fits(const struct isa *isa, const struct pg_kept *k,
                         unsigned side, struct diag *d)
{
    const struct pg_witness *w = &k->witness;
    const struct isa_result *kept = &w->r[side];
    struct isa_result r;

    isa_step(isa, &isa->encodings[k->row.encoding], ISA_SCALED, w->operands,
             &w->s[side], &r);
    if (r.ending == kept->ending &&
        (r.ending != ISA_TRAPPED || r.trap == kept->trap) &&
        (r.ending != ISA_DONE || !differing(isa, &r.state, &kept->state)))
        return true;
    return no(d, side ? "the second outcome is another one"
                      : "the first outcome is another one");
}

static bool traps(const struct isa_result *r)
{
    return r->ending == ISA_TRAPPED;
}

static bool differs_as_kept(const struct pg_kept *k)
{
    const struct pg_witness *w = &k->witness;
    const struct isa_state *first = &w->r[0].state;

    if (k->row.proof == PG_ALONE || k->row.proof == PG_LESS)
        return component_differs(&w->s[0], first, w->component) &&
               (k->row.proof == PG_ALONE ||
                !component_differs(&w->s[1], &w->r[1].state, w->component));
    return component_differs(first, &w->r[1].state, w->component);
}

static bool reason_fits(const struct pg_kept *k)
{
    const struct pg_witness *w = &k->witness;
    const struct isa_result *a = &w->r[0], *b = &w->r[1];

    switch (w->why) {
    case PG_DIFFERS:
        return differs_as_kept(k);
    case PG_TRAP_CONTROLS:
        return traps(a);
    case PG_UNPREDICTABLE:
        return a->ending == ISA_ANYTHING || b->ending == ISA_ANYTHING;
    case PG_NO_TRAP:
        return !traps(b);
    case PG_TRAPS_TOO:
        return traps(a) && traps(b);
    case PG_HIDDEN:
        return !traps(b) &&
               component_differs(&w->s[0], &a->state, w->component);
    case PG_SEIZED:
        return !traps(b) && component_differs(
                                k->row.proof == PG_MAPPED ? &w->s[1] : &w->s[0],
                                &b->state, w->component);
    case PG_REAL_TRAPS:
        return traps(a) && !traps(b);
    case PG_VIRTUAL_TRAPS:
        return !traps(a) && traps(b);
    }
    return false;
}

bool pg_kept_replays(const struct isa *isa, const struct pg_kept *k,
                     struct diag *d)
{
    unsigned sides = k->row.proof == PG_ALONE ? 1 : 2;

    if (!states_fit(isa, k, d))
        return false;
    for (unsigned i = 0; i < sides; i++)
        if (!outcome_fits(isa, k, i, d))
            return false;
    return reason_fits(k) ||
           no(d, "the outcomes are as kept, but the reason is not true of "
                 "them");
}
