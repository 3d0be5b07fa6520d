#include "popek-goldberg/judge/classify.h"

#include "popek-goldberg/judge/map.h"
#include "popek-goldberg/judge/space.h"

#include <string.h>

/* 2^24 states of one instruction take a few seconds; 2^27 actions, of all
 * instructions in all their states, a quarter of a minute. */
enum { SIZE_MAX_LOG = 24, WORK_MAX_LOG = 27 };

/* In how many settings of the switches that it reads it is looked at. */
static uint64_t settings_of(const struct isa *isa, const struct space *s)
{
    uint64_t n = 1;

    for (unsigned i = 0; i < isa->element_count; i++)
        if (isa->elements[i].kind == ISA_KIND_SWITCH && (s->used >> i & 1))
            n <<= isa->elements[i].width[ISA_SCALED];
    return n;
}

enum status pg_measure(const struct isa *isa, struct diag *d)
{
    uint64_t work = 0;
    struct space s;

    if (pg_configs(isa) > PG_CONFIGS)
        return diag_set(d, STATUS_BAD_INPUT,
                        "%s: the switches have more than %u settings together; "
                        "scale them down",
                        isa->name, PG_CONFIGS);
    for (unsigned i = 0; i < isa->encoding_count; i++) {
        space_open(&s, isa, &isa->encodings[i], false);
        if (s.size >> SIZE_MAX_LOG)
            return diag_set(d, STATUS_BAD_INPUT,
                            "%s: instruction %s in line %u has more than 2^%u "
                            "states; scale its registers, its operands or the "
                            "word down",
                            isa->name, isa->encodings[i].name,
                            isa->encodings[i].line, SIZE_MAX_LOG);
        work += s.size * settings_of(isa, &s) *
                (1 + isa->encodings[i].action_count);
    }
    if (work >> WORK_MAX_LOG)
        return diag_set(d, STATUS_BAD_INPUT,
                        "%s: all instructions together have too many states "
                        "to go through (2^%u actions is the most); scale "
                        "registers, operands or the word down",
                        isa->name, WORK_MAX_LOG);
    return STATUS_OK;
}

/* ---- Comparing ---- */

/* Elements, bit i for the i-th. */
struct sets {
    uint64_t registers, resources;
    uint64_t control[PG_READINGS]; /* M, R and, corrected, resources, clocks */
};

static struct sets sets_of(const struct isa *isa)
{
    uint64_t fixed = UINT64_C(1) << ISA_MODE | UINT64_C(1) << ISA_BASE |
                     UINT64_C(1) << ISA_BOUND;
    struct sets out = {0, 0, {fixed, fixed}};

    for (unsigned i = ISA_BUILT_IN; i < isa->element_count; i++) {
        enum isa_kind kind = isa->elements[i].kind;

        out.registers |= (uint64_t)(kind == ISA_KIND_REGISTER) << i;
        out.resources |= (uint64_t)(kind == ISA_KIND_RESOURCE) << i;
        out.control[PG_CORRECTED] |= (uint64_t)isa_is_control(kind) << i;
    }
    return out;
}

static bool element_differs(const struct isa_state *a,
                            const struct isa_state *b, unsigned i)
{
    return a->v[i] != b->v[i] || ((a->unknown ^ b->unknown) >> i & 1);
}

/* The first of this set that differs, or -1. */
static int first_of(uint64_t set, const struct isa_state *a,
                    const struct isa_state *b)
{
    for (; set; set &= set - 1) {
        unsigned i = (unsigned)__builtin_ctzll(set);

        if (element_differs(a, b, i))
            return (int)i;
    }
    return -1;
}

/* ---- Witnesses ---- */

/* What is the same of all states that are looked at now. */
struct scan {
    const struct isa *isa;
    const struct isa_encoding *code;
    struct space space;
    struct sets sets;
    unsigned config;
    bool held;             /* enforced resources have the monitor's value */
    struct isa_state s[2]; /* by mode */
    struct isa_result r[2];
    struct pg_labels *out;
};

/* The first of E|R, G and P that differs, or -1. */
static int first_difference(const struct scan *c, const struct isa_state *a,
                            const struct isa_state *b)
{
    int first = first_of(c->sets.registers, a, b);

    for (unsigned i = 0; first < 0 && i < c->isa->cells; i++)
        if (a->mem[i] != b->mem[i] ||
            ((a->unknown_mem ^ b->unknown_mem) >> i & 1))
            first = (int)(PG_WORD + i);
    if (first < 0 && element_differs(a, b, ISA_PC))
        first = ISA_PC;
    return first;
}

/* The first of M, R and, corrected, the resources that changed, or -1. */
static int first_control(const struct scan *c, enum pg_reading reading,
                         const struct isa_state *before,
                         const struct isa_state *after)
{
    return first_of(c->sets.control[reading], before, after);
}

/* Most values are small. */
static unsigned ones(uint64_t v)
{
    unsigned n = 0;

    for (; v; v &= v - 1)
        n++;
    return n;
}

static unsigned weigh(const struct isa *isa, const struct isa_state *s)
{
    unsigned n = 0;

    for (unsigned i = 0; i < isa->element_count; i++)
        n += ones(s->v[i]);
    for (unsigned i = 0; i < isa->cells; i++)
        n += ones(s->mem[i]);
    return n;
}

struct pair {
    const struct isa_state *s[2];
    const struct isa_result *r[2];
};

/* Keep the pair as a witness, if it is smaller than the one there. */
static void keep(const struct scan *c, struct pg_witness *w, enum pg_why why,
                 unsigned component, struct pair p)
{
    unsigned weight = weigh(c->isa, p.s[0]);

    for (unsigned i = 0; i < ISA_OPERANDS; i++)
        weight += ones(c->space.operands[i]);
    if (w->found && w->weight <= weight)
        return;
    weight += weigh(c->isa, p.s[1]);
    if (w->found && w->weight <= weight)
        return;
    w->found = true;
    w->why = why;
    w->component = component;
    w->config = c->config;
    w->weight = weight;
    memcpy(w->operands, c->space.operands, sizeof(w->operands));
    for (unsigned i = 0; i < 2; i++) {
        w->s[i] = *p.s[i];
        w->r[i] = *p.r[i];
    }
}

static enum isa_trap_kind kind_of(const struct scan *c,
                                  const struct isa_result *r)
{
    return c->isa->traps[r->trap].kind;
}

static bool memory_trap(const struct scan *c, const struct isa_result *r)
{
    return r->ending == ISA_TRAPPED && kind_of(c, r) == ISA_TRAP_MEMORY;
}

static bool keeps_control(const struct scan *c, const struct isa_state *before,
                          const struct isa_result *r)
{
    return r->ending == ISA_DONE &&
           first_control(c, PG_CORRECTED, before, &r->state) < 0;
}

/* ---- The definitions ---- */

static void look_privileged(struct scan *c, struct pair p)
{
    const struct isa_result *super = &c->r[ISA_SUPERVISOR];
    const struct isa_result *user = &c->r[ISA_USER];
    struct pg_labels *l = c->out;
    bool user_traps = user->ending == ISA_TRAPPED;
    bool super_traps = super->ending == ISA_TRAPPED;

    if (memory_trap(c, super) || memory_trap(c, user))
        return;
    l->vacuous[PG_LITERAL] = false;
    if (!user_traps)
        keep(c, &l->unprivileged[PG_LITERAL], PG_NO_TRAP, 0, p);
    else if (super_traps)
        keep(c, &l->unprivileged[PG_LITERAL], PG_TRAPS_TOO, 0, p);
    if (user_traps && super_traps && user->trap == super->trap &&
        kind_of(c, user) != ISA_TRAP_PRIVILEGED)
        return; /* the same exception in both modes says nothing */
    if (!user_traps)
        keep(c, &l->unprivileged[PG_CORRECTED], PG_NO_TRAP, 0, p);
    else if (super_traps && kind_of(c, super) == ISA_TRAP_PRIVILEGED)
        keep(c, &l->unprivileged[PG_CORRECTED], PG_TRAPS_TOO, 0, p);
    if (!user_traps || kind_of(c, user) == ISA_TRAP_PRIVILEGED)
        l->vacuous[PG_CORRECTED] = false;
}

/* The trap's new PSW is the monitor's: supervisor, and all of storage. */
static int trap_controls(const struct scan *c, const struct isa_state *s)
{
    if (s->v[ISA_MODE] != ISA_SUPERVISOR)
        return ISA_MODE;
    if (s->v[ISA_BASE])
        return ISA_BASE;
    return s->v[ISA_BOUND] != c->isa->cells ? ISA_BOUND : -1;
}

static void look_control(struct scan *c, unsigned mode)
{
    const struct isa_state *s = &c->s[mode];
    const struct isa_result *r = &c->r[mode];
    struct pair alone = {{s, s}, {r, r}};

    for (enum pg_reading k = 0; k < PG_READINGS; k++) {
        struct pg_witness *w = &c->out->control[k][mode];
        int what = -1;

        if (r->ending == ISA_ANYTHING)
            keep(c, w, PG_UNPREDICTABLE, ISA_MODE, alone);
        if (r->ending == ISA_DONE &&
            (what = first_control(c, k, s, &r->state)) >= 0)
            keep(c, w, PG_DIFFERS, (unsigned)what, alone);
        if (r->ending == ISA_TRAPPED && k == PG_LITERAL && !memory_trap(c, r) &&
            (what = trap_controls(c, s)) >= 0)
            keep(c, w, PG_TRAP_CONTROLS, (unsigned)what, alone);
    }
}

/* Behaviour: both keep M and R, and E|R, G or P is not the same. */
static bool look_behaviour(struct scan *c, struct pg_witness *w, struct pair p)
{
    if (!keeps_control(c, p.s[0], p.r[0]) || !keeps_control(c, p.s[1], p.r[1]))
        return false;
    int what = first_difference(c, &p.r[0]->state, &p.r[1]->state);
    if (what < 0)
        return false;
    keep(c, w, PG_DIFFERS, (unsigned)what, p);
    return true;
}

static void look_alone(struct scan *c, struct pair p)
{
    if (p.r[0]->ending == ISA_TRAPPED && p.r[1]->ending == ISA_DONE)
        keep(c, &c->out->alone, PG_REAL_TRAPS, 0, p);
}

/* Compare with the same state but for other values of one element: greater
 * ones, as the others were looked at from the other side, unless it is held. */
static bool look_moved(struct scan *c, unsigned mode, unsigned element,
                       struct pg_witness *w)
{
    uint64_t radix = space_radix(c->isa, element), own = c->s[mode].v[element];
    struct isa_state moved;
    struct isa_result r;
    bool found = false;

    if (!keeps_control(c, &c->s[mode], &c->r[mode]))
        return false; /* no behaviour to compare */
    moved = c->s[mode];
    if (c->held && c->isa->elements[element].enforced)
        moved.v[element] = UINT64_MAX;
    while (++moved.v[element] < radix) {
        if (moved.v[element] == own)
            continue;
        isa_step(c->isa, c->code, ISA_SCALED, c->space.operands, &moved, &r);
        if (look_behaviour(
                c, w, (struct pair){{&c->s[mode], &moved}, {&c->r[mode], &r}}))
            found = true;
    }
    return found;
}

static void look_leaks(struct scan *c, unsigned mode)
{
    for (unsigned i = ISA_BUILT_IN; i < c->isa->element_count; i++)
        if ((c->sets.resources & c->space.read) >> i & 1 &&
            look_moved(c, mode, i, &c->out->leak[mode]))
            c->out->leaked = i;
}

/* Something that supervisor mode changes, and user mode neither traps for nor
 * changes. */
static void look_less(struct scan *c, struct pair p)
{
    int what;

    if (p.r[0]->ending != ISA_DONE || p.r[1]->ending != ISA_DONE)
        return;
    what = first_control(c, PG_CORRECTED, p.s[0], &p.r[0]->state);
    if (what > 0 && !element_differs(p.s[1], &p.r[1]->state, (unsigned)what) &&
        p.s[1]->v[what] == p.s[0]->v[what])
        keep(c, &c->out->less, PG_DIFFERS, (unsigned)what, p);
}

static void look(struct scan *c)
{
    struct pair modes = {{&c->s[0], &c->s[1]}, {&c->r[0], &c->r[1]}};

    for (unsigned m = 0; m < 2; m++) {
        c->s[m] = c->space.state;
        c->s[m].v[ISA_MODE] = m;
        isa_step(c->isa, c->code, ISA_SCALED, c->space.operands, &c->s[m],
                 &c->r[m]);
    }
    c->out->states += 2;
    look_privileged(c, modes);
    look_behaviour(c, &c->out->mode, modes);
    look_alone(c, modes);
    look_less(c, modes);
    for (unsigned m = 0; m < 2; m++) {
        look_control(c, m);
        if (c->space.used >> ISA_BASE & 1 && !c->isa->high_core)
            look_moved(c, m, ISA_BASE, &c->out->location[m]);
        look_leaks(c, m);
    }
}

void pg_classify(const struct isa *isa, const struct isa_encoding *code,
                 unsigned config, bool held, struct pg_labels *out)
{
    struct scan c = {
        .isa = isa, .code = code, .config = config, .held = held, .out = out};

    c.sets = sets_of(isa);

    memset(out, 0, sizeof(*out));
    out->vacuous[PG_LITERAL] = out->vacuous[PG_CORRECTED] = true;
    space_open(&c.space, isa, code, held);
    pg_set_config(isa, &c.space.state, config);
    do
        look(&c);
    while (space_next(&c.space));
    for (enum pg_reading r = 0; r < PG_READINGS; r++)
        out->privileged[r] = !out->unprivileged[r].found && !out->vacuous[r];
}

/* ---- The exact criterion ---- */

struct mapping {
    struct scan scan; /* s[0], r[0]: the bare machine; s[1], r[1]: f of it */
    unsigned monitor; /* setting of the switches that the monitor makes */
};

/* f, `levels` times, in the setting that the monitor makes. */
static void map(const struct mapping *m, unsigned levels,
                const struct isa_state *s, struct isa_state *f)
{
    pg_map(m->scan.isa, ISA_SCALED, levels, s, f);
    /* In high core the monitor sees to it that no window reaches its words, so
     * that storage ends below them. */
    if (m->scan.isa->high_core)
        f->q = s->q;
    if (m->monitor != m->scan.config)
        pg_set_config(m->scan.isa, f, m->monitor);
}

/* What is wrong with i(f(S)), where it should be f(i(S)). */
struct wrong {
    bool found;
    enum pg_why why;
    unsigned component;
};

static struct wrong wrong(enum pg_why why, unsigned component)
{
    return (struct wrong){true, why, component};
}

enum pg_property pg_breaks(const struct pg_witness *w)
{
    return w->why == PG_SEIZED || w->why == PG_UNPREDICTABLE ? PG_CONTROL
                                                             : PG_EQUIVALENCE;
}

/* Resources and clocks. */
static uint64_t kept_by_monitor(const struct scan *c)
{
    return c->sets.control[PG_CORRECTED] & ~c->sets.control[PG_LITERAL];
}

/* Of what is the monitor's, that which f(i(S)) has. */
static void map_outcome(const struct mapping *m, unsigned levels,
                        struct isa_state *want)
{
    const struct scan *c = &m->scan;

    map(m, levels, &c->r[0].state, want);
    if (c->r[0].ending != ISA_DONE)
        *want = c->s[1];
    /* Time goes on by itself only. */
    for (uint64_t left = kept_by_monitor(c); left; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctzll(left);

        want->v[i] = c->s[1].v[i];
    }
}

static uint64_t reach(const struct isa_state *s)
{
    return s->v[ISA_BASE] + s->v[ISA_BOUND];
}

/* Has the program changed this one, of what is the monitor's?  The words above
 * those of this machine are another's: a window may shrink untold, not grow,
 * nor move up. */
static bool is_seized(const struct scan *c, const struct isa_state *want,
                      unsigned i)
{
    const struct isa_state *real = &c->r[1].state;
    bool unknown = real->unknown >> i & 1;

    if (i == ISA_BOUND)
        return unknown || real->v[i] > c->s[1].v[i];
    if (!element_differs(&c->s[1], real, i))
        return false;
    return element_differs(want, real, i) ||
           (i == ISA_BASE && (unknown || reach(real) > reach(&c->s[1])));
}

static struct wrong look_control_kept(const struct scan *c,
                                      const struct isa_state *want)
{
    uint64_t left = c->sets.control[PG_CORRECTED];

    for (; left; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctzll(left);

        if (is_seized(c, want, i))
            return wrong(PG_SEIZED, i);
    }
    return (struct wrong){.found = false};
}

/* The program, or its machine as the monitor keeps it, goes on otherwise than
 * on the bare machine. */
static struct wrong look_equivalent(const struct scan *c,
                                    const struct isa_state *want)
{
    const struct isa_state *s = c->s, *real = &c->r[1].state;
    const struct isa_result *r = c->r;
    int what;

    if (r[0].ending == ISA_TRAPPED)
        return wrong(PG_REAL_TRAPS, 0);
    /* The monitor keeps the virtual mode and resources, and did not run. */
    if (element_differs(&s[0], &r[0].state, ISA_MODE))
        return wrong(PG_HIDDEN, ISA_MODE);
    for (unsigned i = ISA_BASE; i <= ISA_BOUND; i++) {
        enum pg_why changed = i == ISA_BASE ? PG_SEIZED : PG_DIFFERS;

        if (element_differs(want, real, i))
            return wrong(element_differs(&s[1], real, i) ? changed : PG_HIDDEN,
                         i);
    }
    if (r[0].ending == ISA_ANYTHING)
        return (struct wrong){.found = false}; /* so may the virtual one */
    what = first_of(kept_by_monitor(c), &s[0], &r[0].state);
    if (what >= 0)
        return wrong(PG_HIDDEN, (unsigned)what);
    what = first_difference(c, &r[0].state, real);
    if (what < 0)
        return (struct wrong){.found = false};
    return wrong(PG_DIFFERS, (unsigned)what);
}

/* Is i(f(S)) what f(i(S)) is?  What is wrong goes to `found`, by property. */
static void look_exact(struct mapping *m, unsigned levels,
                       struct wrong found[PG_EFFICIENCY])
{
    struct scan *c = &m->scan;
    struct isa_result *r = c->r;
    struct isa_state want;

    memset(found, 0, PG_EFFICIENCY * sizeof(*found));
    map(m, levels, &c->s[0], &c->s[1]);
    isa_step(c->isa, c->code, ISA_SCALED, c->space.operands, &c->s[1], &r[1]);
    if (r[1].ending == ISA_TRAPPED)
        return;
    if (r[1].ending == ISA_ANYTHING) {
        found[PG_CONTROL] = wrong(PG_UNPREDICTABLE, ISA_MODE);
        if (r[0].ending != ISA_ANYTHING)
            found[PG_EQUIVALENCE] = found[PG_CONTROL];
        return;
    }
    map_outcome(m, levels, &want);
    found[PG_CONTROL] = look_control_kept(c, &want);
    found[PG_EQUIVALENCE] = look_equivalent(c, &want);
}

/* The first reason in w, and the first against each property in `breaks`,
 * unless that is NULL. */
static void keep_wrong(const struct scan *c,
                       const struct wrong found[PG_EFFICIENCY],
                       struct pg_witness *w, struct pg_witness *breaks)
{
    struct pair p = {{&c->s[0], &c->s[1]}, {&c->r[0], &c->r[1]}};

    for (unsigned i = PG_EFFICIENCY; i-- > 0;) {
        if (!found[i].found)
            continue;
        if (i == PG_CONTROL || !found[PG_CONTROL].found)
            keep(c, w, found[i].why, found[i].component, p);
        if (breaks)
            keep(c, &breaks[i], found[i].why, found[i].component, p);
    }
}

static void look_mapped(struct mapping *m, struct pg_exact *out)
{
    struct scan *c = &m->scan;
    struct wrong found[PG_EFFICIENCY];

    for (unsigned mode = 0; mode < 2; mode++) {
        c->s[0] = c->space.state;
        c->s[0].v[ISA_MODE] = mode;
        isa_step(c->isa, c->code, ISA_SCALED, c->space.operands, &c->s[0],
                 &c->r[0]);
        look_exact(m, 2, found);
        keep_wrong(c, found, &out->nested, NULL);
        look_exact(m, 1, found);
        keep_wrong(c, found, &out->vm, out->breaks);
        if (mode == ISA_USER)
            keep_wrong(c, found, &out->hybrid, out->hybrid_breaks);
        if (c->r[0].ending == ISA_DONE && c->r[1].ending == ISA_TRAPPED)
            keep(c, &out->stopped, PG_VIRTUAL_TRAPS, 0,
                 (struct pair){{&c->s[0], &c->s[1]}, {&c->r[0], &c->r[1]}});
        out->states++;
    }
}

void pg_decide_exact(const struct isa *isa, const struct isa_encoding *code,
                     unsigned config, unsigned monitor, struct pg_exact *out)
{
    struct mapping m = {.monitor = monitor};

    memset(out, 0, sizeof(*out));
    m.scan.isa = isa;
    m.scan.code = code;
    m.scan.config = config;
    m.scan.sets = sets_of(isa);
    space_open(&m.scan.space, isa, code, false);
    pg_set_config(isa, &m.scan.space.state, config);
    do
        look_mapped(&m, out);
    while (space_next(&m.scan.space));
}

/* ---- What follows ---- */

bool pg_user_sensitive(const struct pg_labels *l, enum pg_reading r)
{
    return l->control[r][ISA_USER].found || l->location[ISA_USER].found ||
           (r == PG_CORRECTED && l->leak[ISA_USER].found);
}

bool pg_sensitive(const struct pg_labels *l, enum pg_reading r)
{
    return pg_user_sensitive(l, r) || l->mode.found ||
           l->control[r][ISA_SUPERVISOR].found ||
           l->location[ISA_SUPERVISOR].found ||
           (r == PG_CORRECTED &&
            (l->leak[ISA_SUPERVISOR].found || l->alone.found));
}
