/* Repairs in words. */
#include "popek-goldberg/judge/variants.h"
#include "popek-goldberg/report/text.h"

#include <stdlib.h>

static const char *verdict(bool holds)
{
    return holds ? "holds" : "fails";
}

static void put_change(struct pg_lines *to, const struct isa *isa,
                       const struct pg_repair *r, const char *after)
{
    switch (r->kind) {
    case PG_MAKE_PRIVILEGED:
        pg_put_words_of(to, "make %s privileged%s",
                        isa->encodings[r->index].name, after);
        return;
    case PG_SET_SWITCH:
        pg_put_words_of(to, "let the monitor set %s to %llu%s",
                        isa->elements[r->index].name,
                        (unsigned long long)r->value, after);
        return;
    case PG_NAMED_REPAIR:
        pg_put_words_of(to, "%s (%s)%s", isa->repairs[r->index].name,
                        isa->repairs[r->index].title, after);
        return;
    case PG_HIGH_CORE:
        pg_put_words_of(to,
                        "put the monitor into high core, so that the guest is "
                        "not moved%s",
                        after);
        return;
    default:
        if (r->index == ISA_MODE)
            pg_put_words_of(to,
                            "make a mode for whole machines, in which the "
                            "guest has a supervisor and a user mode%s",
                            after);
        else
            pg_put_words_of(to, "give the guest its own %s%s",
                            isa->elements[r->index].name, after);
    }
}

/* A set as what pg_variant_critical asks for, without its member k. */
struct without {
    struct pg_partial partial;
    uint64_t toggles;
    bool privileged[ISA_ENCODINGS];
};

static void leave_out(const struct pg_variants *v,
                      const struct pg_repair_set *set, unsigned k,
                      struct without *w)
{
    *w = (struct without){.toggles = 0};
    for (unsigned i = 0; i < set->count; i++) {
        const struct pg_repair *r = &set->repairs[i];

        if (i == k)
            continue;
        if (r->kind == PG_SET_SWITCH)
            w->partial.digit[r->index] = r->value + 1;
        else if (r->kind == PG_MAKE_PRIVILEGED)
            w->privileged[r->index] = true;
        for (unsigned t = 0; t < v->toggle_count; t++)
            if (v->toggles[t].kind == r->kind &&
                v->toggles[t].index == r->index)
                w->toggles |= UINT64_C(1) << t;
    }
}

/* What would be critical without this one of the set. */
static void put_removed(FILE *to, struct pg_variants *v,
                        const struct pg_repair_set *set, unsigned k,
                        unsigned theorem)
{
    struct pg_lines l = {.to = to, .indent = 7};
    bool critical[ISA_ENCODINGS] = {false};
    unsigned left = 0;
    struct without w;

    leave_out(v, set, k, &w);
    for (unsigned i = 0; i < v->isa->encoding_count; i++) {
        critical[i] = pg_variant_critical(v, i, w.toggles, w.privileged[i],
                                          &w.partial, theorem);
        left += critical[i];
    }
    pg_put_words(&l, "Without it critical:");
    for (unsigned i = 0; i < v->isa->encoding_count; i++)
        if (critical[i])
            pg_put_words_of(&l, "%s%s", v->isa->encodings[i].name,
                            --left ? "," : ".");
    pg_end_line(&l);
}

static void put_set(FILE *to, struct pg_variants *v,
                    const struct pg_repair_plan *plan, unsigned n)
{
    const struct pg_repair_set *set = &plan->sets[n];
    bool patches = false;

    fprintf(to, "\n  Set %u:\n", n + 1);
    for (unsigned k = 0; k < set->count; k++) {
        struct pg_lines l = {.to = to, .indent = 7, .column = 7};

        fprintf(to, "    %2u ", k + 1);
        put_change(&l, v->isa, &set->repairs[k], ".");
        pg_end_line(&l);
        if (set->repairs[k].kind == PG_MAKE_PRIVILEGED)
            patches = true;
        else
            put_removed(to, v, set, k, plan->theorem);
    }
    if (patches)
        fputs("    Instead of making an instruction privileged, a monitor may "
              "patch it in the\n    guest's code into one that traps: the "
              "premise becomes true as well.\n",
              to);
}

static bool put_proof(FILE *to, const struct isa *isa,
                      const struct pg_repair_set *set)
{
    struct isa *made = pg_repair_apply(isa, set);
    struct pg_repair_verdict r;

    if (!made)
        return false;
    pg_repair_judge(made, set, &r);
    isa_free(made);
    fprintf(to,
            "    The repaired machine, derived anew: the premise of Theorem 1 "
            "%s, of 2\n    %s, of 3 %s; the exact criterion %s, of f of f %s, "
            "of the hybrid\n    monitor %s.\n",
            verdict(r.holds[PG_T1]), verdict(r.holds[PG_T2]),
            verdict(r.holds[PG_T3]), verdict(r.vm), verdict(r.nested),
            verdict(r.hybrid));
    return true;
}

static void put_head(FILE *to, const struct pg_repair_plan *plan,
                     const struct isa *isa)
{
    fprintf(to, "Machine %s: %s\nRepair of Theorem %u, corrected reading: ",
            isa->name, isa->title, plan->theorem + 1);
    if (!plan->possible && plan->theorem == PG_T2 && isa->timing)
        fprintf(to, "none does it; a monitor depends on timing: %s.\n",
                isa->timing);
    else if (!plan->possible)
        fputs(plan->proved ? "no set of these repairs makes its premise true.\n"
                           : "none was found before the search was given up.\n",
              to);
    else if (!plan->smallest)
        fputs("its premise holds in every setting, and none is needed.\n", to);
    else
        fprintf(to, "%u change%s, and %s.\nSets of this size: %llu%s.\n",
                plan->smallest, plan->smallest == 1 ? "" : "s",
                plan->proved ? "no fewer"
                             : "perhaps fewer: the search was given up",
                (unsigned long long)plan->total,
                plan->total > plan->count ? "; the first of them" : "");
}

static enum status no_memory(const struct isa *isa, struct diag *d)
{
    return diag_set(d, STATUS_NO_MEMORY, "%s: no memory for its repairs",
                    isa->name);
}

static enum status put_plan(FILE *to, struct pg_variants *v, unsigned theorem,
                            struct diag *d)
{
    struct pg_repair_plan *plan = malloc(sizeof(*plan));
    bool done = plan;

    if (done) {
        pg_repair_search(v, theorem, plan);
        done = !v->failed;
    }
    if (done) {
        put_head(to, plan, v->isa);
        for (unsigned n = 0; plan->smallest && n < plan->count && done; n++) {
            put_set(to, v, plan, n);
            done = put_proof(to, v->isa, &plan->sets[n]) && !v->failed;
        }
    }
    free(plan);
    return done ? STATUS_OK : no_memory(v->isa, d);
}

enum status pg_repair_put(FILE *to, const struct pg_judgement *j,
                          unsigned theorem, struct diag *d)
{
    struct pg_variants v;
    enum status st = pg_variants_open(&v, j->isa, d);

    if (st == STATUS_OK)
        st = put_plan(to, &v, theorem, d);
    pg_variants_close(&v);
    return st;
}

/* ---- A line ---- */

static void put_line(FILE *to, const struct isa *isa,
                     const struct pg_repair_plan *plan)
{
    enum { NAMED = 5 };
    const struct pg_repair_set *set = &plan->sets[0];
    struct pg_lines l = {.to = to, .indent = 4, .column = 2};

    fputs("  ", to);
    pg_put_words_of(&l, "Theorem %u:", plan->theorem + 1);
    if (!plan->possible)
        pg_put_words(&l, plan->proved ? "no set of repairs makes its premise "
                                        "true."
                                      : "none was found before the search was "
                                        "given up.");
    else if (!plan->proved)
        pg_put_words(&l, "(perhaps not the smallest)");
    for (unsigned k = 0; k < set->count && k < NAMED && plan->possible; k++)
        put_change(&l, isa, &set->repairs[k], k + 1 == set->count ? "." : ";");
    if (plan->possible && set->count > NAMED)
        pg_put_words_of(&l, "and %u more.", set->count - NAMED);
    if (plan->possible && plan->total > 1)
        pg_put_words_of(&l, "%llu other set%s as small.",
                        (unsigned long long)plan->total - 1,
                        plan->total > 2 ? "s are" : " is");
    pg_end_line(&l);
}

enum status pg_repair_put_lines(FILE *to, const struct pg_judgement *j,
                                struct diag *d)
{
    const bool *holds = j->best.holds[PG_CORRECTED];
    struct pg_repair_plan *plan = malloc(sizeof(*plan));
    struct pg_variants v;
    enum status st = pg_variants_open(&v, j->isa, d);

    if (st == STATUS_OK && !plan)
        st = no_memory(j->isa, d);
    if (st == STATUS_OK && !(holds[PG_T1] && holds[PG_T2] && holds[PG_T3]))
        fputs("\nThe smallest repair that makes a premise true (more: "
              "--repair):\n",
              to);
    for (unsigned t = 0; t < PG_THEOREMS && st == STATUS_OK; t++) {
        if (holds[t])
            continue;
        if (t == PG_T2 && !holds[PG_T1] && !j->isa->timing && !j->isa->needs) {
            fputs("  Theorem 2: as Theorem 1.\n", to);
            continue;
        }
        pg_repair_search(&v, t, plan);
        if (v.failed)
            st = no_memory(j->isa, d);
        else
            put_line(to, j->isa, plan);
    }
    free(plan);
    pg_variants_close(&v);
    return st;
}
