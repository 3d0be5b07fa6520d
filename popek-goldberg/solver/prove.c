#include "popek-goldberg/solver/prove.h"

#include "popek-goldberg/solver/replay.h"

#include <stdio.h>
#include <string.h>

const struct pg_query pg_queries[PG_QUERIES] = {
    {PG_ASK_UNPRIVILEGED, PG_LITERAL, 0},
    {PG_ASK_UNPRIVILEGED, PG_CORRECTED, 0},
    {PG_ASK_SPEAKING, PG_LITERAL, 0},
    {PG_ASK_SPEAKING, PG_CORRECTED, 0},
    {PG_ASK_CONTROL, PG_LITERAL, ISA_SUPERVISOR},
    {PG_ASK_CONTROL, PG_LITERAL, ISA_USER},
    {PG_ASK_CONTROL, PG_CORRECTED, ISA_SUPERVISOR},
    {PG_ASK_CONTROL, PG_CORRECTED, ISA_USER},
    {PG_ASK_LOCATION, PG_CORRECTED, ISA_SUPERVISOR},
    {PG_ASK_LOCATION, PG_CORRECTED, ISA_USER},
    {PG_ASK_MODE, PG_CORRECTED, 0},
    {PG_ASK_ALONE, PG_CORRECTED, 0},
    {PG_ASK_LEAK, PG_CORRECTED, ISA_SUPERVISOR},
    {PG_ASK_LEAK, PG_CORRECTED, ISA_USER},
    {PG_ASK_LESS, PG_CORRECTED, 0},
    {PG_ASK_VM, PG_CORRECTED, 0},
    {PG_ASK_HYBRID, PG_CORRECTED, 0},
    {PG_ASK_NESTED, PG_CORRECTED, 0},
};

struct proof {
    const struct pg_place *place;
    const struct isa *isa;
    struct smt smt;
    struct smt_world w;
    struct smt_state s[2];
    struct smt_result r[2];
};

static struct smt_term or_to(struct proof *p, struct smt_term *sum,
                             struct smt_term t)
{
    return *sum = smt_or(&p->smt, *sum, t);
}

static struct smt_term element_literal(struct proof *p, unsigned i, uint64_t v)
{
    return smt_literal(&p->smt, p->s[0].element[i].width, v);
}

static bool is_kind(const struct proof *p, unsigned i, enum isa_kind kind)
{
    return p->isa->elements[i].kind == kind;
}

/* ---- States ---- */

static void set_switches(struct proof *p, unsigned k,
                         const struct pg_setting *to)
{
    for (unsigned i = 0; i < p->isa->element_count; i++)
        if (is_kind(p, i, ISA_KIND_SWITCH) && to->mask >> i & 1)
            p->s[k].element[i] =
                element_literal(p, i, pg_config_value(p->isa, to->config, i));
}

static struct smt_term monitor_value(struct proof *p, unsigned i)
{
    return element_literal(p, i, p->isa->elements[i].monitor[p->place->scale]);
}

static void hold_resources(struct proof *p)
{
    for (unsigned i = ISA_BUILT_IN; i < p->isa->element_count; i++)
        if (is_kind(p, i, ISA_KIND_RESOURCE) && p->isa->elements[i].enforced)
            p->s[0].element[i] = monitor_value(p, i);
}

/* The states that are looked at: see isa.h. */
static void declare_bare(struct proof *p)
{
    struct smt_state *s = &p->s[0];

    smt_declare_operands(&p->w);
    smt_declare_state(&p->w, p->isa->cells, s);
    for (unsigned i = ISA_PC; i <= ISA_BOUND; i++)
        if (i != ISA_PC || p->place->scale == ISA_SCALED)
            smt_assert(&p->smt,
                       smt_compare(&p->smt, i == ISA_BOUND ? "bvule" : "bvult",
                                   s->element[i],
                                   element_literal(p, i, p->isa->cells)));
    set_switches(p, 0, &p->place->bare);
    if (p->place->held)
        hold_resources(p);
    p->s[1] = *s;
}

static void set_mode(struct proof *p, unsigned k, unsigned mode)
{
    p->s[k].element[ISA_MODE] = element_literal(p, ISA_MODE, mode);
}

/* s[1] is s[0] elsewhere, in the same window's words. */
static void move(struct proof *p)
{
    struct smt *s = &p->smt;
    struct smt_term base = p->s[0].element[ISA_BASE];
    struct smt_term other = smt_declare(s, base.width);

    smt_assert(s, smt_not(s, smt_equal(s, base, other)));
    smt_assert(s, smt_compare(s, "bvult", other,
                              element_literal(p, ISA_BASE, p->isa->cells)));
    p->s[1].element[ISA_BASE] = other;
}

/* s[1] is s[0] with another value in one resource register. */
static void change_resource(struct proof *p)
{
    struct smt *s = &p->smt;
    struct smt_term which = smt_declare(s, 8);

    for (unsigned i = ISA_BUILT_IN; i < p->isa->element_count; i++) {
        struct smt_term *e = &p->s[1].element[i];

        if (is_kind(p, i, ISA_KIND_RESOURCE))
            *e = smt_choose(s, smt_equal(s, which, smt_literal(s, 8, i)),
                            smt_declare(s, e->width), *e);
    }
}

/* How many words f moves a program, `levels` times. */
static unsigned distance(const struct proof *p, unsigned levels)
{
    return p->isa->high_core ? 0 : levels * p->isa->monitor_words;
}

/* s[1] = f(s[0]), `levels` times. */
static void map(struct proof *p, unsigned levels)
{
    struct smt *s = &p->smt;
    struct smt_state *f = &p->s[1];

    set_mode(p, 1, ISA_USER);
    f->element[ISA_BASE] =
        smt_apply(s, "bvadd", f->element[ISA_BASE],
                  element_literal(p, ISA_BASE, distance(p, levels)));
    f->q += levels * p->isa->monitor_words;
    for (unsigned i = ISA_BUILT_IN; i < p->isa->element_count; i++)
        if (is_kind(p, i, ISA_KIND_RESOURCE))
            f->element[i] = monitor_value(p, i);
    set_switches(p, 1, &p->place->monitor);
}

/* ---- Of results ---- */

/* Trapped, by a trap whose kind is, or is not, this one. */
static struct smt_term trapped(struct proof *p, unsigned k,
                               enum isa_trap_kind kind, bool is)
{
    struct smt_term any = SMT_FALSE;

    for (unsigned t = 0; t < p->isa->trap_count; t++)
        if ((p->isa->traps[t].kind == kind) == is)
            or_to(p, &any, p->r[k].trap[t]);
    return any;
}

static struct smt_term any_trap(struct proof *p, unsigned k)
{
    return smt_or(&p->smt, trapped(p, k, ISA_TRAP_MEMORY, true),
                  trapped(p, k, ISA_TRAP_MEMORY, false));
}

/* Two places: they differ when their values do, or one is unpredictable. */
static struct smt_term differ(struct proof *p, struct smt_term a,
                              struct smt_term a_free, struct smt_term b,
                              struct smt_term b_free)
{
    struct smt *s = &p->smt;
    struct smt_term either = smt_or(s, a_free, b_free);
    struct smt_term both = smt_and(s, a_free, b_free);

    return smt_and(s, smt_not(s, both),
                   smt_or(s, either, smt_not(s, smt_equal(s, a, b))));
}

/* Has the instruction changed this element? */
static struct smt_term changed(struct proof *p, unsigned k, unsigned i)
{
    return differ(p, p->s[k].element[i], SMT_FALSE, p->r[k].after.element[i],
                  p->r[k].free[i]);
}

static struct smt_term control_changed(struct proof *p, unsigned k,
                                       enum pg_reading reading)
{
    struct smt_term any = changed(p, k, ISA_MODE);

    or_to(p, &any, changed(p, k, ISA_BASE));
    or_to(p, &any, changed(p, k, ISA_BOUND));
    for (unsigned i = ISA_BUILT_IN; i < p->isa->element_count; i++)
        if (reading == PG_CORRECTED && isa_is_control(p->isa->elements[i].kind))
            or_to(p, &any, changed(p, k, i));
    return any;
}

/* E|R, G or P after the one is not that after the other. */
static struct smt_term results_differ(struct proof *p)
{
    const struct smt_result *a = &p->r[0], *b = &p->r[1];
    struct smt_term any = differ(p, a->after.element[ISA_PC], a->free[ISA_PC],
                                 b->after.element[ISA_PC], b->free[ISA_PC]);

    for (unsigned i = ISA_BUILT_IN; i < p->isa->element_count; i++)
        if (is_kind(p, i, ISA_KIND_REGISTER))
            or_to(p, &any,
                  differ(p, a->after.element[i], a->free[i],
                         b->after.element[i], b->free[i]));
    for (unsigned j = 0; j < p->isa->cells; j++)
        or_to(p, &any,
              differ(p, a->after.cell[j], a->free_cell[j], b->after.cell[j],
                     b->free_cell[j]));
    return any;
}

/* ---- The definitions ---- */

static struct smt_term no_memory_trap(struct proof *p)
{
    return smt_not(&p->smt,
                   smt_or(&p->smt, trapped(p, 0, ISA_TRAP_MEMORY, true),
                          trapped(p, 1, ISA_TRAP_MEMORY, true)));
}

/* The same exception, not for the mode's sake, in both modes. */
static struct smt_term same_exception(struct proof *p)
{
    struct smt_term any = SMT_FALSE;

    for (unsigned t = 0; t < p->isa->trap_count; t++)
        if (p->isa->traps[t].kind != ISA_TRAP_PRIVILEGED)
            or_to(p, &any, smt_and(&p->smt, p->r[0].trap[t], p->r[1].trap[t]));
    return any;
}

/* Of r[0] in supervisor mode and r[1] in user mode. */
static struct smt_term unprivileged(struct proof *p, enum pg_reading reading)
{
    struct smt *s = &p->smt;
    struct smt_term stays = smt_not(s, any_trap(p, 1));

    if (reading == PG_LITERAL)
        return smt_and(s, no_memory_trap(p), smt_or(s, stays, any_trap(p, 0)));
    return smt_and(s,
                   smt_and(s, no_memory_trap(p), smt_not(s, same_exception(p))),
                   smt_or(s, stays, trapped(p, 0, ISA_TRAP_PRIVILEGED, true)));
}

static struct smt_term speaking(struct proof *p, enum pg_reading reading)
{
    struct smt *s = &p->smt;

    if (reading == PG_LITERAL)
        return no_memory_trap(p);
    return smt_and(s,
                   smt_and(s, no_memory_trap(p), smt_not(s, same_exception(p))),
                   smt_or(s, smt_not(s, any_trap(p, 1)),
                          trapped(p, 1, ISA_TRAP_PRIVILEGED, true)));
}

static struct smt_term control(struct proof *p, enum pg_reading reading)
{
    struct smt *s = &p->smt;
    const struct smt_term *before = p->s[0].element;
    struct smt_term any =
        smt_or(s, p->r[0].unpredictable,
               smt_and(s, p->r[0].done, control_changed(p, 0, reading)));

    if (reading == PG_CORRECTED)
        return any;
    /* The trap's new PSW: supervisor, and all of storage. */
    struct smt_term whole = smt_and(
        s, smt_not(s, smt_is_set(s, before[ISA_MODE])),
        smt_and(s, smt_not(s, smt_is_set(s, before[ISA_BASE])),
                smt_equal(s, before[ISA_BOUND],
                          element_literal(p, ISA_BOUND, p->isa->cells))));
    return smt_or(
        s, any,
        smt_and(s, trapped(p, 0, ISA_TRAP_MEMORY, false), smt_not(s, whole)));
}

static struct smt_term behaviour(struct proof *p)
{
    struct smt *s = &p->smt;
    struct smt_term keep = SMT_TRUE;

    for (unsigned k = 0; k < 2; k++)
        keep =
            smt_and(s, keep,
                    smt_and(s, p->r[k].done,
                            smt_not(s, control_changed(p, k, PG_CORRECTED))));
    return smt_and(s, keep, results_differ(p));
}

/* The first of R and the resources that supervisor mode changes, mode itself
 * unchanged, stays as it was in user mode. */
static struct smt_term less(struct proof *p)
{
    struct smt *s = &p->smt;
    struct smt_term none = smt_not(s, changed(p, 0, ISA_MODE));
    struct smt_term any = SMT_FALSE;

    for (unsigned i = ISA_BASE; i < p->isa->element_count; i++) {
        if (i >= ISA_BUILT_IN && !isa_is_control(p->isa->elements[i].kind))
            continue;
        struct smt_term here = changed(p, 0, i);
        or_to(p, &any,
              smt_and(s, smt_and(s, none, here), smt_not(s, changed(p, 1, i))));
        none = smt_and(s, none, smt_not(s, here));
    }
    return smt_and(s, smt_and(s, p->r[0].done, p->r[1].done), any);
}

/* The end of a state's window, in n bits. */
static struct smt_term reach(struct proof *p, const struct smt_state *state,
                             unsigned n)
{
    return smt_apply(&p->smt, "bvadd",
                     smt_fit(&p->smt, state->element[ISA_BASE], n),
                     smt_fit(&p->smt, state->element[ISA_BOUND], n));
}

/* Is what the monitor holds other than f of what the bare machine holds? */
static struct smt_term seized(struct proof *p, unsigned levels)
{
    struct smt *s = &p->smt;
    const struct smt_result *bare = &p->r[0], *virtual = &p->r[1];
    unsigned n = p->isa->address_width[p->place->scale];
    struct smt_term any = changed(p, 1, ISA_MODE), want, other;

    n = n < 8 ? 9 : n < 64 ? n + 1 : 64; /* f's sum is not cut to n */
    want = smt_apply(s, "bvadd", smt_fit(s, bare->after.element[ISA_BASE], n),
                     smt_literal(s, n, distance(p, levels)));
    other = smt_or(
        s, smt_or(s, bare->free[ISA_BASE], virtual->free[ISA_BASE]),
        smt_not(s, smt_equal(s, want,
                             smt_fit(s, virtual->after.element[ISA_BASE], n))));
    or_to(p, &any, other);
    or_to(p, &any,
          differ(p, bare->after.element[ISA_BOUND], bare->free[ISA_BOUND],
                 virtual->after.element[ISA_BOUND], virtual->free[ISA_BOUND]));
    /* It may shrink untold, never grow: the words above are another's. */
    or_to(p, &any,
          smt_or(s, virtual->free[ISA_BOUND],
                 smt_compare(s, "bvugt", virtual->after.element[ISA_BOUND],
                             p->s[1].element[ISA_BOUND])));
    or_to(p, &any,
          smt_and(s, changed(p, 1, ISA_BASE),
                  smt_compare(s, "bvugt", reach(p, &virtual->after, n),
                              reach(p, &p->s[1], n))));
    for (unsigned i = ISA_BUILT_IN; i < p->isa->element_count; i++)
        if (isa_is_control(p->isa->elements[i].kind))
            or_to(p, &any, changed(p, 1, i));
    return any;
}

/* The virtual mode and resources are the monitor's to change, not told. */
static struct smt_term hidden(struct proof *p)
{
    struct smt_term any = changed(p, 0, ISA_MODE);

    for (unsigned i = ISA_BUILT_IN; i < p->isa->element_count; i++)
        if (isa_is_control(p->isa->elements[i].kind))
            or_to(p, &any, changed(p, 0, i));
    return any;
}

/* No trap in f(S), and i(f(S)) is not f(i(S)). */
static struct smt_term not_exact(struct proof *p, unsigned levels)
{
    struct smt *s = &p->smt;
    struct smt_term wrong = smt_or(s, hidden(p), results_differ(p));

    wrong = smt_or(s, seized(p, levels), smt_and(s, p->r[0].done, wrong));
    wrong = smt_or(s, wrong, any_trap(p, 0));
    return smt_or(s, p->r[1].unpredictable, smt_and(s, p->r[1].done, wrong));
}

/* ---- One question ---- */

static void choose_states(struct proof *p, const struct pg_query *q)
{
    switch (q->what) {
    case PG_ASK_VM:
    case PG_ASK_NESTED:
        return map(p, q->what == PG_ASK_NESTED ? 2 : 1);
    case PG_ASK_HYBRID:
        set_mode(p, 0, ISA_USER);
        return map(p, 1);
    case PG_ASK_CONTROL:
    case PG_ASK_LOCATION:
    case PG_ASK_LEAK:
        set_mode(p, 0, q->mode);
        set_mode(p, 1, q->mode);
        if (q->what == PG_ASK_LOCATION)
            move(p);
        if (q->what == PG_ASK_LEAK)
            change_resource(p);
        return;
    default:
        set_mode(p, 0, ISA_SUPERVISOR);
        set_mode(p, 1, ISA_USER);
    }
}

static struct smt_term define_question(struct proof *p,
                                       const struct pg_query *q)
{
    switch (q->what) {
    case PG_ASK_UNPRIVILEGED:
        return unprivileged(p, q->reading);
    case PG_ASK_SPEAKING:
        return speaking(p, q->reading);
    case PG_ASK_CONTROL:
        return control(p, q->reading);
    case PG_ASK_ALONE:
        return smt_and(&p->smt, any_trap(p, 0), p->r[1].done);
    case PG_ASK_LESS:
        return less(p);
    case PG_ASK_VM:
    case PG_ASK_HYBRID:
        return not_exact(p, 1);
    case PG_ASK_NESTED:
        return not_exact(p, 2);
    case PG_ASK_LOCATION: /* of no consequence where nothing is moved */
        return p->isa->high_core ? SMT_FALSE : behaviour(p);
    default:
        return behaviour(p);
    }
}

enum pg_answer pg_prove(const struct pg_place *place,
                        const struct pg_query *query, struct pg_solver *solver,
                        struct pg_witness *w, struct diag *d)
{
    struct proof p = {.place = place, .isa = place->isa};
    enum pg_answer a = PG_MISSING;

    memset(w, 0, sizeof(*w));
    smt_open(&p.smt);
    p.w = (struct smt_world){
        &p.smt, place->isa, place->scale, place->code, {{0}}};
    declare_bare(&p);
    choose_states(&p, query);
    for (unsigned k = 0; k < 2; k++)
        smt_run(&p.w, &p.s[k], &p.r[k]);
    smt_assert(&p.smt, define_question(&p, query));
    if (p.smt.no_memory)
        diag_set(d, STATUS_NO_MEMORY, "solver: no memory for the question");
    else
        a = pg_solver_ask(solver, p.smt.text, d);
    if (a == PG_SAT)
        a = pg_replay(&p.w, p.s, p.r, solver, w, d);
    smt_close(&p.smt);
    return a;
}

bool pg_exhausted_says(const struct pg_labels *l, const struct pg_exact *x,
                       const struct pg_query *q)
{
    switch (q->what) {
    case PG_ASK_UNPRIVILEGED:
        return l->unprivileged[q->reading].found;
    case PG_ASK_SPEAKING:
        return !l->vacuous[q->reading];
    case PG_ASK_CONTROL:
        return l->control[q->reading][q->mode].found;
    case PG_ASK_LOCATION:
        return l->location[q->mode].found;
    case PG_ASK_MODE:
        return l->mode.found;
    case PG_ASK_ALONE:
        return l->alone.found;
    case PG_ASK_LEAK:
        return l->leak[q->mode].found;
    case PG_ASK_LESS:
        return l->less.found;
    case PG_ASK_VM:
        return x->vm.found;
    case PG_ASK_HYBRID:
        return x->hybrid.found;
    default:
        return x->nested.found;
    }
}

void pg_query_name(const struct pg_query *q, char *out, size_t cap)
{
    static const char *const what[PG_QUESTIONS] = {
        [PG_ASK_UNPRIVILEGED] = "not privileged",
        [PG_ASK_SPEAKING] = "not vacuously privileged",
        [PG_ASK_CONTROL] = "control sensitive",
        [PG_ASK_LOCATION] = "location sensitive",
        [PG_ASK_MODE] = "mode sensitive",
        [PG_ASK_ALONE] = "traps in supervisor mode only",
        [PG_ASK_LEAK] = "leaks a resource register",
        [PG_ASK_LESS] = "silently does less in user mode",
        [PG_ASK_VM] = "not exact under f",
        [PG_ASK_HYBRID] = "not exact under f in user mode",
        [PG_ASK_NESTED] = "not exact under f of f",
    };
    bool by_reading = q->what <= PG_ASK_CONTROL;
    bool by_mode = q->what == PG_ASK_CONTROL || q->what == PG_ASK_LOCATION ||
                   q->what == PG_ASK_LEAK;

    snprintf(out, cap, "%s%s%s", what[q->what],
             !by_mode              ? ""
             : q->mode == ISA_USER ? " in user mode"
                                   : " in supervisor mode",
             !by_reading                ? ""
             : q->reading == PG_LITERAL ? ", literally"
                                        : ", corrected");
}
