#include "popek-goldberg/judge/decide.h"

#include "popek-goldberg/judge/space.h"

#include <stdlib.h>
#include <string.h>

bool pg_critical(const struct pg_labels *l, enum pg_reading r)
{
    return pg_sensitive(l, r) && !l->privileged[r];
}

/* The setting with zero for the switches that this mask does not name. */
static unsigned only(const struct isa *isa, unsigned config, uint64_t mask)
{
    unsigned out = 0, at = 0;

    for (unsigned i = 0; i < isa->element_count; i++) {
        unsigned width = isa->elements[i].width[ISA_SCALED];

        if (isa->elements[i].kind != ISA_KIND_SWITCH)
            continue;
        if (mask >> i & 1)
            out |= config & ((1u << width) - 1) << at;
        at += width;
    }
    return out;
}

/* The switches that a monitor sets; `resources`: and the registers that it
 * holds. */
static uint64_t enforced_mask(const struct isa *isa, bool resources)
{
    uint64_t mask = 0;

    for (unsigned i = 0; i < isa->element_count; i++)
        if (isa->elements[i].enforced &&
            (resources || isa->elements[i].kind == ISA_KIND_SWITCH))
            mask |= UINT64_C(1) << i;
    return mask;
}

static uint64_t used_mask(const struct isa *isa,
                          const struct isa_encoding *code)
{
    struct space s;

    space_open(&s, isa, code, false);
    return s.used;
}

void pg_label_in(const struct isa *isa, unsigned encoding, unsigned monitor,
                 struct pg_labels *out)
{
    const struct isa_encoding *code = &isa->encodings[encoding];
    uint64_t used = used_mask(isa, code), mask = enforced_mask(isa, false);
    struct pg_labels one;
    bool first = true;

    for (unsigned c = 0; c < pg_configs(isa); c++) {
        unsigned relevant = only(isa, c, used);

        if (monitor < PG_CONFIGS) {
            if (only(isa, c, mask & used) != only(isa, monitor, mask & used) ||
                only(isa, c, ~(mask | used)) || only(isa, c, mask & ~used))
                continue;
        } else if (relevant != c) {
            continue;
        }
        pg_classify(isa, code, relevant, monitor < PG_CONFIGS,
                    first ? out : &one);
        if (!first)
            pg_unite(out, &one);
        first = false;
    }
}

/* The monitor's setting, when the bare machine has c. */
static unsigned setting_for(const struct isa *isa, unsigned c, unsigned monitor)
{
    uint64_t mask = enforced_mask(isa, false);

    return monitor < PG_CONFIGS ? only(isa, c, ~mask) | only(isa, monitor, mask)
                                : c;
}

void pg_decide_in(const struct isa *isa, unsigned encoding, unsigned monitor,
                  struct pg_exact *out)
{
    const struct isa_encoding *code = &isa->encodings[encoding];
    uint64_t used = used_mask(isa, code);
    struct pg_exact one;

    memset(out, 0, sizeof(*out));
    for (unsigned c = 0; c < pg_configs(isa); c++) {
        if (only(isa, c, used) != c)
            continue;
        pg_decide_exact(isa, code, c, setting_for(isa, c, monitor), &one);
        pg_unite_exact(out, &one);
    }
}

/* Is it privileged or sensitive where the monitor's setting alone counts, and
 * the resources have any value?  Then its traps are what the monitor wants. */
static bool is_wanted(const struct isa *isa, unsigned encoding, unsigned set)
{
    const struct isa_encoding *code = &isa->encodings[encoding];
    struct pg_labels l;

    pg_classify(isa, code, only(isa, set, used_mask(isa, code)), false, &l);
    return l.privileged[PG_CORRECTED] || pg_sensitive(&l, PG_CORRECTED);
}

/* Leave those of the needless traps that no setting makes wanted. */
static void review_stopped(const struct isa *isa, unsigned encoding,
                           unsigned monitor, struct pg_exact *x)
{
    const struct isa_encoding *code = &isa->encodings[encoding];
    uint64_t used = used_mask(isa, code);
    struct pg_exact left, one;

    memset(&left, 0, sizeof(left));
    for (unsigned c = 0; c < pg_configs(isa); c++) {
        unsigned set = setting_for(isa, c, monitor);

        if (only(isa, c, used) != c || is_wanted(isa, encoding, set))
            continue;
        pg_decide_exact(isa, code, c, set, &one);
        pg_unite_exact(&left, &one);
    }
    x->stopped = left.stopped;
}

/* How many critical instructions a monitor's setting leaves, of those that it
 * makes a difference to. */
static unsigned count_critical(const struct isa *isa, unsigned monitor,
                               struct pg_labels *scratch)
{
    uint64_t mask = enforced_mask(isa, false);
    unsigned n = 0;

    for (unsigned i = 0; i < isa->encoding_count; i++) {
        if (!(used_mask(isa, &isa->encodings[i]) & mask))
            continue;
        pg_label_in(isa, i, monitor, scratch);
        n += pg_critical(scratch, PG_CORRECTED);
    }
    return n;
}

static void choose_setting(struct pg_judgement *j)
{
    uint64_t mask = enforced_mask(j->isa, false);
    unsigned least = ISA_ENCODINGS + 1;

    j->enforced = enforced_mask(j->isa, true) != 0;
    for (unsigned m = 0; mask && m < pg_configs(j->isa); m++) {
        if (only(j->isa, m, mask) != m)
            continue;
        unsigned n = count_critical(j->isa, m, j->best.labels);
        if (n < least) {
            least = n;
            j->setting = m;
        }
    }
}

unsigned pg_monitor_of(const struct pg_judgement *j)
{
    return j->enforced ? j->setting : PG_CONFIGS;
}

/* What only a monitor has is no part of a virtual machine; a monitor in one
 * would need it. */
static void conclude(const struct isa *isa, struct pg_case *c)
{
    c->vm = c->hybrid = c->nested = c->direct = true;
    memset(c->holds, true, sizeof(c->holds));
    for (unsigned i = 0; i < isa->encoding_count; i++) {
        const struct pg_labels *l = &c->labels[i];
        const struct pg_exact *x = &c->exact[i];
        bool needed = isa->encodings[i].needed;

        for (enum pg_reading r = 0; r < PG_READINGS; r++) {
            if (pg_critical(l, r) || isa->timing)
                c->holds[r][PG_T2] = false;
            if (pg_critical(l, r) && !needed)
                c->holds[r][PG_T1] = false;
            if (pg_user_sensitive(l, r) && !l->privileged[r] && !needed)
                c->holds[r][PG_T3] = false;
        }
        c->nested = c->nested && !x->nested.found;
        c->vm = c->vm && (needed || !x->vm.found);
        c->hybrid = c->hybrid && (needed || !x->hybrid.found);
        c->direct = c->direct && (needed || !pg_needlessly_stopped(l, x));
    }
}

/* `worst`: that case, once it is there; NULL before.  What the monitor has no
 * part in is the same in both. */
static void judge_case(const struct isa *isa, unsigned monitor,
                       const struct pg_case *worst, struct pg_case *c)
{
    uint64_t mask = enforced_mask(isa, true);

    for (unsigned i = 0; i < isa->encoding_count; i++) {
        if (worst && !(used_mask(isa, &isa->encodings[i]) & mask)) {
            c->labels[i] = worst->labels[i];
            c->exact[i] = worst->exact[i];
            continue;
        }
        pg_label_in(isa, i, monitor, &c->labels[i]);
        pg_decide_in(isa, i, monitor, &c->exact[i]);
        if (pg_needlessly_stopped(&c->labels[i], &c->exact[i]))
            review_stopped(isa, i, monitor, &c->exact[i]);
    }
    conclude(isa, c);
}

static bool case_open(const struct isa *isa, struct pg_case *c)
{
    c->labels = calloc(isa->encoding_count, sizeof(*c->labels));
    c->exact = calloc(isa->encoding_count, sizeof(*c->exact));
    return c->labels && c->exact;
}

enum status pg_judge(const struct isa *isa, struct pg_judgement *out,
                     struct diag *d)
{
    enum status st = pg_measure(isa, d);

    *out = (struct pg_judgement){.isa = isa};
    if (st != STATUS_OK)
        return st;
    if (!case_open(isa, &out->worst) || !case_open(isa, &out->best)) {
        pg_judgement_free(out);
        return diag_set(d, STATUS_NO_MEMORY, "%s: no memory", isa->name);
    }
    choose_setting(out);
    judge_case(isa, PG_CONFIGS, NULL, &out->worst);
    judge_case(isa, pg_monitor_of(out), &out->worst, &out->best);
    return STATUS_OK;
}

void pg_judgement_free(struct pg_judgement *j)
{
    free(j->worst.labels);
    free(j->worst.exact);
    free(j->best.labels);
    free(j->best.exact);
    *j = (struct pg_judgement){0};
}

uint64_t pg_setting_value(const struct pg_judgement *j, unsigned element)
{
    const struct isa_element *e = &j->isa->elements[element];

    return e->kind == ISA_KIND_SWITCH
               ? pg_config_value(j->isa, j->setting, element)
               : e->monitor[ISA_FULL];
}

bool pg_needlessly_stopped(const struct pg_labels *l, const struct pg_exact *x)
{
    return x->stopped.found && !l->privileged[PG_CORRECTED] &&
           !pg_sensitive(l, PG_CORRECTED);
}

/* ---- Claims ---- */

static enum isa_verdict of_code(const struct pg_labels *l)
{
    if (l->privileged[PG_CORRECTED])
        return ISA_SAYS_PRIVILEGED;
    return pg_sensitive(l, PG_CORRECTED) ? ISA_SAYS_CRITICAL
                                         : ISA_SAYS_INNOCUOUS;
}

enum isa_verdict pg_of_mnemonic(const struct pg_judgement *j, const char *name)
{
    enum isa_verdict all = ISA_SAYS_PRIVILEGED;

    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        if (strcmp(j->isa->encodings[i].mnemonic, name) != 0)
            continue;
        enum isa_verdict one = of_code(&j->best.labels[i]);
        if (one == ISA_SAYS_CRITICAL)
            return one;
        if (one == ISA_SAYS_INNOCUOUS)
            all = one;
    }
    return all;
}

enum isa_verdict pg_derived(const struct pg_judgement *j,
                            const struct isa_claim *c)
{
    const struct pg_case *b = &j->best;
    const bool holds[ISA_ABOUT_CODE] = {
        [ISA_ABOUT_T1] = b->holds[PG_CORRECTED][PG_T1],
        [ISA_ABOUT_T2] = b->holds[PG_CORRECTED][PG_T2],
        [ISA_ABOUT_T3] = b->holds[PG_CORRECTED][PG_T3],
        [ISA_ABOUT_EXACT] = b->vm,
        [ISA_ABOUT_HYBRID] = b->hybrid,
        [ISA_ABOUT_EFFICIENCY] = b->direct};

    if (c->subject < ISA_ABOUT_CODE)
        return holds[c->subject] ? ISA_SAYS_HOLDS : ISA_SAYS_FAILS;
    if (c->subject == ISA_ABOUT_MNEMONIC)
        return pg_of_mnemonic(j, j->isa->encodings[c->encoding].mnemonic);
    return of_code(&b->labels[c->encoding]);
}

bool pg_claim_agrees(const struct pg_judgement *j, const struct isa_claim *c)
{
    return pg_derived(j, c) == c->verdict;
}

const char *pg_claim_subject(const struct isa *isa, const struct isa_claim *c)
{
    static const char *const words[ISA_ABOUT_CODE] = {
        "Theorem 1",       "Theorem 2",  "Theorem 3",
        "exact criterion", "hybrid map", "efficiency"};

    if (c->subject < ISA_ABOUT_CODE)
        return words[c->subject];
    return c->subject == ISA_ABOUT_CODE ? isa->encodings[c->encoding].name
                                        : isa->encodings[c->encoding].mnemonic;
}
