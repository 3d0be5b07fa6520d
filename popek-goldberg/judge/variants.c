#include "popek-goldberg/judge/variants.h"

#include "popek-goldberg/judge/space.h"
#include "popek-goldberg/language/reform.h"

#include <stdlib.h>
#include <string.h>

/* What a setting of the switches makes of an encoding. */
enum {
    LABEL_KNOWN = 1,
    LABEL_PRIVILEGED = 2,
    LABEL_SENSITIVE = 4,
    LABEL_USER = 8,
    LABEL_SENSITIVE_HIGH = 16, /* with the monitor in high core */
    LABEL_USER_HIGH = 32,
    LABEL_TOO_LARGE = 64 /* to look at */
};

/* An encoding with some duplicates. */
struct pg_variant {
    struct pg_variant *next;
    uint64_t duplicates; /* of those that matter to it */
    bool intercepted;
    unsigned char labels[PG_CONFIGS];
};

/* An answer that was given: with these toggles, of those that matter. */
struct pg_kept_answer {
    struct pg_kept_answer *next;
    uint64_t toggles;
    struct pg_partial partial; /* of the switches that matter */
    unsigned theorem;
    bool intercepted, critical;
};

/* The machine with some duplicates, or with every encoding intercepted too. */
struct pg_variant_machine {
    struct pg_variant_machine *next;
    uint64_t duplicates;
    bool intercepted;
    struct isa *isa; /* NULL: no memory for it */
};

enum { MACHINES_MAX = 64, ANSWER_WORK = 256, MACHINE_WORK = 4096 };

/* ---- Changes ---- */

/* A duplicate of base or bound is a register, which would have all values of
 * an address; in the scaled machine 0 to the number of words tell as much. */
static void narrow(struct isa *isa, unsigned first)
{
    unsigned bits = 1;

    while (isa->cells >> bits)
        bits++;
    for (unsigned i = first; i < isa->element_count; i++)
        if (isa->elements[i].width[ISA_SCALED] > bits)
            isa->elements[i].width[ISA_SCALED] = bits;
}

static bool intercept(struct isa *isa, unsigned encoding)
{
    int trap = isa_privileged_trap(isa);

    return trap >= 0 && isa_intercept(isa, encoding, (unsigned)trap);
}

bool pg_repair_make(struct isa *isa, const struct pg_repair *r)
{
    unsigned elements = isa->element_count;
    bool done = true;

    switch (r->kind) {
    case PG_MAKE_PRIVILEGED:
        return intercept(isa, r->index);
    case PG_NAMED_REPAIR: {
        const struct isa_repair *named = &isa->repairs[r->index];

        for (unsigned i = 0; i < named->count && done; i++)
            done = intercept(isa, named->encodings[i]);
        return done;
    }
    case PG_HIGH_CORE:
        isa->high_core = true;
        return true;
    case PG_DUPLICATE:
        done = isa_duplicate(isa, r->index, NULL);
        narrow(isa, elements);
        return done;
    default:
        return true; /* a switch is set by the monitor, not in the hardware */
    }
}

/* ---- The toggles of a machine ---- */

static uint64_t used_of(const struct isa *isa, unsigned encoding)
{
    struct space s;

    space_open(&s, isa, &isa->encodings[encoding], false);
    return s.used;
}

static void add_toggle(struct pg_variants *v, enum pg_repair_kind kind,
                       unsigned index)
{
    if (v->toggle_count < PG_TOGGLES)
        v->toggles[v->toggle_count++] = (struct pg_repair){kind, index, 0};
}

/* What an encoding names of the built-in elements, rather than only reaches
 * storage through them, is seen when all of these have duplicates. */
static bool find_mentions(const struct isa *isa, uint64_t *mentions)
{
    static const unsigned fixed[] = {ISA_MODE, ISA_BASE, ISA_BOUND};
    struct isa *all = isa_clone(isa);
    unsigned own[ARRAY_LEN(fixed)];
    bool done = all;

    for (unsigned k = 0; k < ARRAY_LEN(fixed) && done; k++) {
        own[k] = all->element_count;
        done = isa_duplicate(all, fixed[k], NULL);
    }
    for (unsigned i = 0; done && i < isa->encoding_count; i++) {
        uint64_t used = used_of(all, i);

        mentions[i] = used_of(isa, i) >> ISA_BUILT_IN << ISA_BUILT_IN;
        for (unsigned k = 0; k < ARRAY_LEN(fixed); k++)
            mentions[i] |= (used >> own[k] & 1) << fixed[k];
    }
    isa_free(all);
    return done;
}

static bool names(const struct isa_repair *r, unsigned encoding)
{
    for (unsigned i = 0; i < r->count; i++)
        if (r->encodings[i] == encoding)
            return true;
    return false;
}

/* Its trap is the program's own affair once the mode has a duplicate. */
static bool traps_privileged(const struct isa *isa,
                             const struct isa_encoding *code)
{
    for (unsigned i = 0; i < code->action_count; i++)
        if (code->actions[i].kind == ISA_TRAP &&
            isa->traps[code->actions[i].trap].kind == ISA_TRAP_PRIVILEGED)
            return true;
    return false;
}

static bool toggle_matters(const struct isa *isa, const struct pg_repair *t,
                           unsigned encoding, uint64_t mentions)
{
    if (t->kind == PG_NAMED_REPAIR)
        return names(&isa->repairs[t->index], encoding);
    if (t->kind == PG_DUPLICATE && t->index == ISA_MODE &&
        traps_privileged(isa, &isa->encodings[encoding]))
        return true;
    return mentions >> (t->kind == PG_HIGH_CORE ? ISA_BASE : t->index) & 1;
}

static void find_toggles(struct pg_variants *v, const uint64_t *mentions)
{
    const struct isa *isa = v->isa;
    unsigned first;

    for (unsigned i = 0; i < isa->repair_count; i++)
        add_toggle(v, PG_NAMED_REPAIR, i);
    if (!isa->high_core)
        add_toggle(v, PG_HIGH_CORE, 0);
    first = v->toggle_count;
    add_toggle(v, PG_DUPLICATE, ISA_MODE);
    add_toggle(v, PG_DUPLICATE, ISA_BASE);
    add_toggle(v, PG_DUPLICATE, ISA_BOUND);
    for (unsigned i = ISA_BUILT_IN; i < isa->element_count; i++)
        if (isa_is_control(isa->elements[i].kind))
            add_toggle(v, PG_DUPLICATE, i);
    for (unsigned t = first; t < v->toggle_count; t++) {
        unsigned e = v->toggles[t].index;

        v->duplicates |= UINT64_C(1) << t;
        if (e == ISA_MODE || isa->elements[e].enforced)
            v->upsetting |= UINT64_C(1) << t;
    }
    for (unsigned i = 0; i < isa->encoding_count; i++) {
        for (unsigned t = 0; t < v->toggle_count; t++)
            if (toggle_matters(isa, &v->toggles[t], i, mentions[i]))
                v->matters[i] |= UINT64_C(1) << t;
        for (unsigned e = 0; e < isa->element_count; e++)
            if (isa->elements[e].kind == ISA_KIND_SWITCH)
                v->switches[i] |= mentions[i] & UINT64_C(1) << e;
    }
}

enum status pg_variants_open(struct pg_variants *v, const struct isa *isa,
                             struct diag *d)
{
    static const char no_memory[] = "%s: no memory for its repairs";
    uint64_t mentions[ISA_ENCODINGS] = {0};
    enum status st = pg_measure(isa, d);

    memset(v, 0, sizeof(*v));
    v->isa = isa;
    if (st != STATUS_OK)
        return st;
    if (!find_mentions(isa, mentions))
        return diag_set(d, STATUS_NO_MEMORY, no_memory, isa->name);
    find_toggles(v, mentions);
    return STATUS_OK;
}

static void free_machine(struct pg_variant_machine *m)
{
    if (m)
        isa_free(m->isa);
    free(m);
}

void pg_variants_close(struct pg_variants *v)
{
    while (v->machines) {
        struct pg_variant_machine *next = v->machines->next;

        free_machine(v->machines);
        v->machines = next;
    }
    for (unsigned i = 0; i < ISA_ENCODINGS; i++) {
        while (v->known[i]) {
            struct pg_variant *next = v->known[i]->next;

            free(v->known[i]);
            v->known[i] = next;
        }
        while (v->answers[i]) {
            struct pg_kept_answer *next = v->answers[i]->next;

            free(v->answers[i]);
            v->answers[i] = next;
        }
    }
}

/* ---- Deriving ---- */

bool pg_variants_work(struct pg_variants *v, uint64_t steps)
{
    v->work += steps;
    if (v->work > PG_WORK)
        v->tired = true;
    return !v->tired && !v->failed;
}

static struct isa *make_machine(const struct pg_variants *v,
                                uint64_t duplicates, bool intercepted)
{
    struct isa *isa = isa_clone(v->isa);
    bool done = isa;

    for (unsigned t = 0; t < v->toggle_count && done; t++)
        if (duplicates >> t & 1)
            done = pg_repair_make(isa, &v->toggles[t]);
    for (unsigned i = 0; i < v->isa->encoding_count && done; i++)
        if (intercepted)
            done = intercept(isa, i);
    if (done)
        return isa;
    isa_free(isa);
    return NULL;
}

/* Room for one more, by forgetting the oldest. */
static void forget_machine(struct pg_variants *v)
{
    struct pg_variant_machine **at = &v->machines;
    unsigned n = 0;

    while (*at && n++ < MACHINES_MAX)
        at = &(*at)->next;
    free_machine(*at);
    *at = NULL;
}

/* Valid until the next call. */
static const struct isa *machine_with(struct pg_variants *v,
                                      uint64_t duplicates, bool intercepted)
{
    struct pg_variant_machine *m = v->machines;

    while (m && (m->duplicates != duplicates || m->intercepted != intercepted))
        m = m->next;
    if (m)
        return m->isa;
    m = calloc(1, sizeof(*m));
    if (!m)
        return NULL;
    m->duplicates = duplicates;
    m->intercepted = intercepted;
    m->isa = make_machine(v, duplicates, intercepted);
    pg_variants_work(v, MACHINE_WORK);
    m->next = v->machines;
    v->machines = m;
    forget_machine(v);
    return m->isa;
}

static struct pg_variant *variant_with(struct pg_variants *v, unsigned encoding,
                                       uint64_t duplicates, bool intercepted)
{
    struct pg_variant *k = v->known[encoding];

    while (k && (k->duplicates != duplicates || k->intercepted != intercepted))
        k = k->next;
    if (k)
        return k;
    k = calloc(1, sizeof(*k));
    if (k) {
        k->duplicates = duplicates;
        k->intercepted = intercepted;
        k->next = v->known[encoding];
        v->known[encoding] = k;
    }
    return k;
}

/* What duplicates make too large to look at is called critical: that is then no
 * repair. */
static unsigned derive(struct pg_variants *v, const struct isa *isa,
                       unsigned encoding, unsigned config)
{
    enum { SIZE_MAX_LOG = 22 };
    const struct isa_encoding *code = &isa->encodings[encoding];
    unsigned labels = LABEL_KNOWN;
    struct pg_labels l;
    struct space s;

    space_open(&s, isa, code, true);
    if (s.size >> SIZE_MAX_LOG || !pg_variants_work(v, s.size))
        return labels | LABEL_TOO_LARGE | LABEL_SENSITIVE | LABEL_USER |
               LABEL_SENSITIVE_HIGH | LABEL_USER_HIGH;
    pg_classify(isa, code, config, true, &l);
    labels |= l.privileged[PG_CORRECTED] ? LABEL_PRIVILEGED : 0;
    labels |= pg_sensitive(&l, PG_CORRECTED) ? LABEL_SENSITIVE : 0;
    labels |= pg_user_sensitive(&l, PG_CORRECTED) ? LABEL_USER : 0;
    l.location[ISA_SUPERVISOR].found = l.location[ISA_USER].found = false;
    labels |= pg_sensitive(&l, PG_CORRECTED) ? LABEL_SENSITIVE_HIGH : 0;
    labels |= pg_user_sensitive(&l, PG_CORRECTED) ? LABEL_USER_HIGH : 0;
    return labels;
}

/* Is it one of the settings that the encoding can tell apart, and as the
 * monitor has it? */
static bool is_setting(const struct pg_variants *v, unsigned encoding,
                       const struct pg_partial *p, unsigned config)
{
    const struct isa *isa = v->isa;

    for (unsigned i = ISA_BUILT_IN; i < isa->element_count; i++) {
        uint64_t value = pg_config_value(isa, config, i);

        if (isa->elements[i].kind != ISA_KIND_SWITCH)
            continue;
        if (!(v->switches[encoding] >> i & 1) && value)
            return false;
        if ((v->switches[encoding] >> i & 1) && p->digit[i] &&
            p->digit[i] != value + 1)
            return false;
    }
    return true;
}

static bool same_partial(const struct pg_partial *a, const struct pg_partial *b)
{
    return !memcmp(a, b, sizeof(*a));
}

/* More toggles leave less critical, as long as those that may upset it are the
 * same.  So what was asked before may answer, with more of them or less. */
static bool is_answered(const struct pg_variants *v, unsigned encoding,
                        const struct pg_kept_answer *q, bool *critical)
{
    for (const struct pg_kept_answer *a = v->answers[encoding]; a;
         a = a->next) {
        uint64_t more = a->critical ? a->toggles : q->toggles;
        uint64_t less = a->critical ? q->toggles : a->toggles;

        if ((less & ~more) || ((less ^ more) & v->upsetting) ||
            a->theorem != q->theorem || a->intercepted != q->intercepted ||
            !same_partial(&a->partial, &q->partial))
            continue;
        *critical = a->critical;
        return true;
    }
    return false;
}

static void remember(struct pg_variants *v, unsigned encoding,
                     const struct pg_kept_answer *q, bool critical)
{
    struct pg_kept_answer *a =
        pg_variants_work(v, ANSWER_WORK) ? malloc(sizeof(*a)) : NULL;

    if (!a) {
        v->failed = v->failed || !v->tired;
        return;
    }
    *a = *q;
    a->critical = critical;
    a->next = v->answers[encoding];
    v->answers[encoding] = a;
}

/* Of the variant, united over the settings. */
static unsigned labels_of(struct pg_variants *v, unsigned encoding,
                          const struct pg_kept_answer *q)
{
    uint64_t duplicates = q->toggles & v->duplicates;
    unsigned labels = LABEL_PRIVILEGED;
    bool intercepted = q->intercepted;

    for (unsigned t = 0; t < v->toggle_count; t++)
        if ((q->toggles >> t & 1) && v->toggles[t].kind == PG_NAMED_REPAIR)
            intercepted = true;
    const struct isa *isa = machine_with(v, duplicates, intercepted);
    struct pg_variant *k = variant_with(v, encoding, duplicates, intercepted);
    if (!isa || !k) {
        v->failed = true;
        return labels;
    }
    for (unsigned c = 0; c < pg_configs(v->isa); c++) {
        if (!is_setting(v, encoding, &q->partial, c))
            continue;
        if (!k->labels[c])
            k->labels[c] = (unsigned char)derive(v, isa, encoding, c);
        labels &= ~(unsigned)LABEL_PRIVILEGED | k->labels[c];
        labels |= k->labels[c] & ~(unsigned)LABEL_PRIVILEGED;
    }
    return labels;
}

static bool is_critical(const struct pg_variants *v,
                        const struct pg_kept_answer *q, unsigned labels)
{
    bool user = q->theorem == PG_T3, high = false;

    for (unsigned t = 0; t < v->toggle_count; t++)
        if ((q->toggles >> t & 1) && v->toggles[t].kind == PG_HIGH_CORE)
            high = true;
    if (labels & LABEL_PRIVILEGED)
        return false;
    if (high)
        return labels & (user ? LABEL_USER_HIGH : LABEL_SENSITIVE_HIGH);
    return labels & (user ? LABEL_USER : LABEL_SENSITIVE);
}

bool pg_variant_critical(struct pg_variants *v, unsigned encoding,
                         uint64_t toggles, bool intercepted,
                         const struct pg_partial *p, unsigned theorem)
{
    struct pg_kept_answer q = {.toggles = toggles & v->matters[encoding],
                               .theorem = theorem == PG_T3 ? PG_T3 : PG_T1,
                               .intercepted = intercepted};
    bool critical;

    if (v->isa->encodings[encoding].needed && theorem != PG_T2)
        return false; /* no part of a virtual machine */
    for (unsigned i = ISA_BUILT_IN; i < v->isa->element_count; i++)
        if (v->switches[encoding] >> i & 1)
            q.partial.digit[i] = p->digit[i];
    if (is_answered(v, encoding, &q, &critical))
        return critical;
    unsigned labels = labels_of(v, encoding, &q);
    critical = v->failed || is_critical(v, &q, labels);
    if (!(labels & LABEL_TOO_LARGE))
        remember(v, encoding, &q, critical);
    return critical;
}
