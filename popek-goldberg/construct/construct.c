#include "popek-goldberg/construct/construct.h"

#include "monitor/dispatcher.h"
#include "popek-goldberg/judge/map.h"
#include "popek-goldberg/judge/random.h"

#include <stdlib.h>
#include <string.h>

/* Two machines with the same program: one bare, one with monitors in it. */
struct lockstep {
    const struct isa *isa;
    const struct pg_judgement *j;
    const struct construct_options *o;
    struct construct_design design;
    struct construct_program program;
    struct construct_word *words; /* of bare, then of real */
    struct construct_machine bare, real;
    struct construct_monitor monitor[CONSTRUCT_LEVELS]; /* outermost first */
    struct construct_monitor *top;                      /* the innermost */
    uint64_t step;
    struct construct_result *out;
};

static unsigned real_words(const struct isa *isa, unsigned levels)
{
    return isa->cells + levels * isa->monitor_words;
}

/* ---- The beginning of a program ---- */

/* What stands in the monitors' words: their code, of which we only know that
 * it stays. */
static uint64_t code_word(const struct lockstep *l, unsigned i)
{
    struct pg_random r = pg_random_seeded(l->program.seed + i);
    unsigned width = l->isa->cell_width[ISA_FULL];
    uint64_t v = pg_random_next(&r);

    return width < 64 ? v & ((UINT64_C(1) << width) - 1) : v;
}

static void load_program(const struct lockstep *l, struct construct_machine *m)
{
    const struct construct_program *p = &l->program;

    memcpy(m->s.v, p->start.v, sizeof(m->s.v));
    m->s.unknown = 0;
    for (unsigned i = 0; i < l->isa->cells; i++)
        m->word[i] = (struct construct_word){.value = p->start.mem[i],
                                             .insn = &p->insns[i]};
    m->new = p->new;
    m->old = construct_psw(m);
    m->cause = 0;
}

static struct construct_machine machine(const struct lockstep *l, unsigned q,
                                        struct construct_word *word)
{
    struct construct_machine m = {.isa = l->isa, .word = word};

    m.s.q = q;
    if (l->o->mutation == CONSTRUCT_USER_NOP)
        m.no_op = &l->isa->encodings[l->o->target];
    return m;
}

/* The monitors are there, and the program is about to begin. */
static enum status begin(struct lockstep *l, uint64_t seed)
{
    const struct isa *isa = l->isa;
    unsigned q = real_words(isa, l->o->levels);
    struct construct_machine *host = &l->real;
    struct construct_monitor *outer = NULL;

    construct_program(isa, seed, l->o->levels > 1, &l->program);
    l->step = 0;
    l->bare = machine(l, isa->cells, l->words);
    l->real = machine(l, q, l->words + isa->cells);
    load_program(l, &l->bare);
    for (unsigned i = 0; i < l->o->levels; i++) {
        struct construct_monitor *c = &l->monitor[i];
        enum status st = construct_boot(&l->design, host, outer, c);

        if (st != STATUS_OK)
            return st;
        host = &c->guest;
        outer = l->top = c;
    }
    for (unsigned i = 0; i < q - isa->cells; i++)
        l->real.word[i] = (struct construct_word){.value = code_word(l, i)};
    load_program(l, &l->top->guest);
    for (struct construct_monitor *c = l->top; c; c = c->outer) {
        construct_allocate(c);
        construct_enter(c);
    }
    return STATUS_OK;
}

/* ---- Comparing ---- */

/* False: a difference was kept. */
static bool same(struct construct_divergence *d, enum construct_wrong wrong,
                 unsigned component, struct construct_value want,
                 struct construct_value got)
{
    if (want.v == got.v && want.unknown == got.unknown)
        return true;
    d->wrong = wrong;
    d->component = component;
    d->want = want;
    d->got = got;
    return false;
}

static struct construct_value value(uint64_t v)
{
    return (struct construct_value){.v = v};
}

static struct construct_value element(const struct isa_state *s, unsigned i)
{
    return (struct construct_value){s->v[i], s->unknown >> i & 1};
}

static struct construct_value of_psw(const struct construct_psw *p, unsigned i)
{
    return (struct construct_value){p->v[i], p->unknown >> i & 1};
}

static struct construct_value word(const struct construct_word *w)
{
    return (struct construct_value){w->value, w->unknown};
}

static bool same_elements(const struct isa *isa, const struct isa_state *want,
                          const struct isa_state *got,
                          enum construct_wrong wrong,
                          struct construct_divergence *d)
{
    for (unsigned i = 0; i < isa->element_count; i++)
        if (!same(d, wrong, i, element(want, i), element(got, i)))
            return false;
    return true;
}

/* Is the virtual machine the bare one, as a program could find out? */
static bool same_virtual(const struct lockstep *l,
                         struct construct_divergence *d)
{
    const struct construct_machine *a = &l->bare, *b = &l->top->guest;

    if (!same_elements(l->isa, &a->s, &b->s, CONSTRUCT_VIRTUAL, d))
        return false;
    for (unsigned i = 0; i < l->isa->cells; i++)
        if (!same(d, CONSTRUCT_VIRTUAL, PG_WORD + i, word(&a->word[i]),
                  word(&b->word[i])))
            return false;
    for (unsigned i = 0; i < ISA_BUILT_IN; i++)
        if (!same(d, CONSTRUCT_OLD, i, of_psw(&a->old, i), of_psw(&b->old, i)))
            return false;
    return same(d, CONSTRUCT_CAUSE, 0, value(a->cause), value(b->cause));
}

/* Is the machine that a monitor stands on f of the bare one, so many times as
 * there are monitors from there on? */
static bool same_mapped(const struct lockstep *l, unsigned level,
                        struct construct_divergence *d)
{
    struct isa_state want;

    pg_map(l->isa, ISA_FULL, l->o->levels - level, &l->bare.s, &want);
    for (unsigned i = ISA_BUILT_IN; i < l->isa->element_count; i++)
        if (l->isa->elements[i].kind == ISA_KIND_SWITCH &&
            l->isa->elements[i].enforced)
            want.v[i] = pg_setting_value(l->j, i);
    d->level = level + 1;
    return same_elements(l->isa, &want, &l->monitor[level].host->s,
                         CONSTRUCT_REAL, d);
}

/* With the virtual machine's words these are all words of storage. */
static bool same_monitors(const struct lockstep *l,
                          struct construct_divergence *d)
{
    unsigned n = l->real.s.q - l->isa->cells;

    for (unsigned i = 0; i < n; i++) {
        d->level = i / l->isa->monitor_words + 1;
        if (!same(d, CONSTRUCT_OVERWRITE, PG_WORD + i, value(code_word(l, i)),
                  word(&l->real.word[i])))
            return false;
    }
    return true;
}

/* What the program took without asking, though both machines agree. */
static bool was_told(const struct lockstep *l, struct construct_divergence *d)
{
    const struct isa_state *now = &l->real.s;

    if (l->top->did != CONSTRUCT_DIRECT || !d->step)
        return true;
    if (now->v[ISA_BOUND] > d->real.v[ISA_BOUND])
        return same(d, CONSTRUCT_UNTOLD, ISA_BOUND,
                    element(&d->real, ISA_BOUND), element(now, ISA_BOUND));
    for (unsigned i = ISA_BUILT_IN; i < l->isa->element_count; i++)
        if (l->isa->elements[i].kind == ISA_KIND_CLOCK &&
            !same(d, CONSTRUCT_UNTOLD, i, element(&d->real, i),
                  element(now, i)))
            return false;
    return true;
}

static bool agree(struct lockstep *l, struct construct_divergence *d)
{
    construct_observe(l->top);
    if (!same_monitors(l, d) || !same_virtual(l, d))
        return false;
    for (unsigned i = 0; i < l->o->levels && !l->o->blind; i++)
        if (!same_mapped(l, i, d))
            return false;
    return l->o->blind || was_told(l, d);
}

/* ---- One instruction ---- */

static const struct construct_insn *next_insn(const struct construct_machine *m)
{
    const uint64_t *v = m->s.v;
    const struct construct_word *w =
        construct_reach(m, v[ISA_BASE], v[ISA_BOUND], v[ISA_PC]);

    return w ? w->insn : NULL;
}

static void count(struct construct_count *n, const struct construct_monitor *c)
{
    n->direct += c->did == CONSTRUCT_DIRECT;
    n->emulated += c->did == CONSTRUCT_EMULATED;
    n->asked += c->did == CONSTRUCT_EMULATED && c->asked;
    n->reflected += c->did == CONSTRUCT_REFLECTED;
}

static unsigned weigh(const struct isa *isa,
                      const struct construct_divergence *d)
{
    unsigned n = 0;

    for (unsigned i = 0; i < isa->element_count; i++)
        n += (unsigned)__builtin_popcountll(d->bare.v[i]);
    for (unsigned i = 0; i < ISA_CELLS; i++)
        n += (unsigned)__builtin_popcountll(d->bare.mem[i]);
    for (unsigned i = 0; i < ISA_OPERANDS; i++)
        n += (unsigned)__builtin_popcountll(d->at.operands[i]);
    return n;
}

static void keep(struct lockstep *l, struct construct_divergence *d)
{
    struct construct_divergence *first = &l->out->first;

    d->weight = weigh(l->isa, d);
    if (!l->out->diverged++ || d->step < first->step ||
        (d->step == first->step && d->weight < first->weight))
        *first = *d;
}

static void observe(const struct lockstep *l, struct construct_divergence *d)
{
    *d =
        (struct construct_divergence){.seed = l->program.seed, .step = l->step};
    construct_window(&l->bare, &d->bare);
    construct_window(&l->real, &d->real);
}

/* Nothing has changed, and so nothing will: a trap whose handler traps, or a
 * jump to itself. */
static bool stands_still(const struct lockstep *l,
                         const struct construct_psw *old,
                         const struct isa_state *before)
{
    const struct construct_machine *m = &l->bare;
    struct isa_state now;

    construct_window(m, &now);
    return !memcmp(now.v, before->v, sizeof(now.v)) &&
           !memcmp(now.mem, before->mem, sizeof(now.mem)) &&
           !memcmp(&m->old, old, sizeof(*old));
}

/* Both go on by one instruction.  False: the program is over, one way or the
 * other. */
static bool step(struct lockstep *l)
{
    const struct construct_insn *insn = next_insn(&l->bare);
    struct construct_count *n =
        insn ? &l->out->code[insn->code - l->isa->encodings] : &l->out->fetch;
    struct construct_psw old = l->bare.old;
    struct construct_divergence d;
    struct construct_step bare;

    l->step++;
    observe(l, &d);
    if (insn)
        d.at = *insn;
    construct_step(&l->bare, &bare);
    (void)vcpu_once(&l->top->vm.vcpu);
    d.ended = bare.ending;
    d.trap = bare.trap;
    d.real_ended = l->monitor[0].ended;
    d.did = l->top->did;
    if (l->top->vm.state == VM_FAILED) {
        d.wrong = CONSTRUCT_GAVE_UP;
        d.text = l->top->vm.diag;
    } else if (bare.ending == CONSTRUCT_ANYTHING) {
        l->out->unfinished++;
        return false;
    } else if (agree(l, &d)) {
        l->out->steps++;
        count(n, l->top);
        return !stands_still(l, &old, &d.bare);
    }
    n->diverged++;
    keep(l, &d);
    return false;
}

static enum status run_program(struct lockstep *l, uint64_t seed)
{
    struct construct_divergence d;
    enum status st = begin(l, seed);

    if (st != STATUS_OK)
        return st;
    observe(l, &d);
    if (!agree(l, &d))
        keep(l, &d);
    else
        while (l->step < l->o->steps && step(l))
            ;
    for (unsigned i = 0; i < l->o->levels; i++) {
        l->out->interventions[i] += l->monitor[i].interventions;
        vm_end(&l->monitor[i].vm);
    }
    return STATUS_OK;
}

/* ---- All programs ---- */

static enum status check_room(const struct isa *isa, unsigned levels,
                              struct diag *d)
{
    unsigned width = isa->address_width[ISA_FULL];

    if (isa->high_core)
        return diag_set(d, STATUS_BAD_INPUT,
                        "%s: only a monitor in the lowest words is built",
                        isa->name);
    if (width < 32 && real_words(isa, levels) >> width)
        return diag_set(d, STATUS_BAD_INPUT,
                        "%s: an address of %u bits is too narrow for %u "
                        "monitors of %u words",
                        isa->name, width, levels, isa->monitor_words);
    return STATUS_OK;
}

static enum status run_programs(struct lockstep *l, struct diag *d)
{
    for (uint64_t i = 0; i < l->o->programs; i++) {
        enum status st = run_program(l, l->o->seed + i);

        if (st != STATUS_OK)
            return diag_set(d, st, "%s: its monitor does not start: %s%s",
                            l->isa->name, l->top ? l->top->vm.diag.text : "",
                            l->top ? l->top->allocator.diag.text : "");
        l->out->programs++;
    }
    return STATUS_OK;
}

enum status construct_run(const struct pg_judgement *j,
                          const struct construct_options *o,
                          struct construct_result *out, struct diag *d)
{
    const struct isa *isa = j->isa;
    size_t words = isa->cells + real_words(isa, o->levels);
    enum status st = check_room(isa, o->levels, d);

    memset(out, 0, sizeof(*out));
    if (st != STATUS_OK)
        return st;
    struct lockstep *l = calloc(1, sizeof(*l));
    struct construct_word *storage = calloc(words, sizeof(*storage));
    if (l && storage) {
        l->isa = isa;
        l->j = j;
        l->o = o;
        l->out = out;
        l->words = storage;
        construct_design(j, o->technique, o->mutation, o->target, &l->design);
        st = run_programs(l, d);
    } else {
        st = diag_set(d, STATUS_NO_MEMORY, "%s: no memory for its machines",
                      isa->name);
    }
    free(storage);
    free(l);
    return st;
}

enum pg_property construct_breaks(const struct construct_divergence *d)
{
    switch (d->wrong) {
    case CONSTRUCT_REAL:
    case CONSTRUCT_UNTOLD:
    case CONSTRUCT_OVERWRITE:
        return PG_CONTROL;
    case CONSTRUCT_GAVE_UP:
        return d->real_ended == CONSTRUCT_ANYTHING ||
                       d->real_ended == CONSTRUCT_LOST
                   ? PG_CONTROL
                   : PG_EQUIVALENCE;
    default:
        return PG_EQUIVALENCE;
    }
}

bool construct_is_absent(const struct isa *isa,
                         const struct construct_options *o, unsigned encoding)
{
    return o->levels < 2 && isa->encodings[encoding].needed;
}

bool construct_is_promised(const struct pg_judgement *j,
                           const struct construct_options *o, unsigned encoding)
{
    const struct pg_exact *x = &j->best.exact[encoding];

    if (construct_is_absent(j->isa, o, encoding))
        return true;
    switch (o->technique) {
    case CONSTRUCT_TRAP:
        return !(o->levels > 1 ? &x->nested : &x->vm)->found;
    case CONSTRUCT_HYBRID:
        return !x->hybrid.found;
    default:
        return true;
    }
}

bool construct_is_as_promised(const struct pg_judgement *j,
                              const struct construct_options *o,
                              const struct construct_result *r)
{
    bool promised = true;

    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        bool one = construct_is_promised(j, o, i);

        if (one && r->code[i].diverged)
            return false;
        promised = promised && one;
    }
    return !r->fetch.diverged && promised == !r->diverged;
}
