#include "popek-goldberg/judge/mistakes.h"

#include "popek-goldberg/judge/mistakes_claims.h"
#include "popek-goldberg/judge/mistakes_machine.h"
#include "popek-goldberg/judge/mistakes_scan.h"

#include <string.h>

/* One instruction that is looked at. */
struct look {
    const struct pg_judgement *j;
    const struct isa *isa;
    const struct isa_encoding *code;
    unsigned index;
    struct pg_endings ends;
    struct pg_mistakes *out;
};

static struct pg_mistake at(const struct look *l, enum pg_mistake_kind kind,
                            unsigned line)
{
    return (struct pg_mistake){.kind = kind,
                               .encoding = l->index,
                               .element = PG_NOTHING,
                               .trap = PG_NOTHING,
                               .line = line};
}

static void add(struct look *l, enum pg_mistake_kind kind, unsigned line,
                unsigned other)
{
    struct pg_mistake one = at(l, kind, line);

    one.other = other;
    for (unsigned i = 0; i < l->out->count; i++)
        if (!memcmp(&l->out->rows[i], &one, sizeof(one)))
            return;
    pg_mistakes_add(l->out, one);
}

static void add_of(struct look *l, enum pg_mistake_kind kind, unsigned element)
{
    struct pg_mistake one = at(l, kind, l->code->line);

    one.element = element < l->isa->element_count ? element : PG_NOTHING;
    pg_mistakes_add(l->out, one);
}

/* ---- Conditions ---- */

/* A description may have more conditions than anybody writes; what is not asked
 * accuses nobody. */
static bool may_ask(struct look *l)
{
    enum { QUESTIONS = 1024 };

    return l->out->asked++ < QUESTIONS;
}

static bool can_hold(struct look *l, struct isa_expr *guard)
{
    return !guard || !may_ask(l) || pg_can_hold(l->isa, l->code, guard);
}

static bool implies(struct look *l, struct isa_expr *a, struct isa_expr *b)
{
    return !b || a == b || (may_ask(l) && pg_implies(l->isa, l->code, a, b));
}

/* Of nested guards the inner one: `outer and inner`. */
static const struct isa_expr *innermost(const struct isa_expr *guard)
{
    return guard->op == ISA_AND ? guard->b : guard;
}

/* Is it one that an action before has had, or the `else` to it? */
static bool is_seen(const struct isa_encoding *code, unsigned action)
{
    const struct isa_expr *g = code->actions[action].guard;
    const struct isa_expr *in = innermost(g);

    for (unsigned i = 0; i < action; i++) {
        const struct isa_expr *before = code->actions[i].guard;

        if (before == g || (before && g->op == ISA_AND && before == g->a) ||
            (before && in->op == ISA_NOT &&
             (in->a == before || in->a == innermost(before))))
            return true;
    }
    return false;
}

static void look_at_guards(struct look *l)
{
    for (unsigned i = 0; i < l->code->action_count; i++) {
        const struct isa_action *a = &l->code->actions[i];

        if (!a->guard || is_seen(l->code, i))
            continue;
        unsigned line = innermost(a->guard)->line;
        if (!can_hold(l, a->guard))
            add(l, PG_NEVER, line ? line : a->line, 0);
        else if (implies(l, NULL, a->guard))
            add(l, PG_ALWAYS, line ? line : a->line, 0);
    }
}

/* user and supervisor alone have one bit beside something wider: a number takes
 * its neighbour's width. */
static bool is_mixed_up(const struct isa_expr *e)
{
    const struct isa_expr *side[] = {e->a, e->b};

    for (unsigned i = 0; i < 2; i++)
        if (side[i]->op == ISA_LITERAL && side[i]->width[ISA_FULL] == 1 &&
            side[!i]->width[ISA_FULL] > 1)
            return true;
    return false;
}

static void look_at_comparisons(struct look *l, const struct isa_expr *e)
{
    if (!e)
        return;
    if (e->op >= ISA_EQ && e->op <= ISA_GE && is_mixed_up(e))
        add(l, PG_MIXED_UP, e->line, 0);
    look_at_comparisons(l, e->a);
    look_at_comparisons(l, e->b);
    look_at_comparisons(l, e->c);
}

static void look_at_values(struct look *l)
{
    for (unsigned i = 0; i < l->code->action_count; i++) {
        const struct isa_action *a = &l->code->actions[i];

        if (a->guard && !is_seen(l->code, i))
            look_at_comparisons(l, a->guard);
        look_at_comparisons(l, a->address);
        look_at_comparisons(l, a->value);
    }
}

/* ---- Assignments ---- */

static bool is_same(const struct isa_expr *a, const struct isa_expr *b)
{
    if (!a || !b)
        return a == b;
    return a->op == b->op && a->index == b->index &&
           a->value[ISA_FULL] == b->value[ISA_FULL] && a->high == b->high &&
           a->low == b->low && is_same(a->a, b->a) && is_same(a->b, b->b) &&
           is_same(a->c, b->c);
}

static bool is_same_place(const struct isa_action *a,
                          const struct isa_action *b)
{
    if (a->kind != b->kind)
        return false;
    return a->kind == ISA_ASSIGN  ? a->element == b->element
           : a->kind == ISA_STORE ? is_same(a->address, b->address)
                                  : false;
}

static void look_at_overwritten(struct look *l)
{
    const struct isa_encoding *code = l->code;

    for (unsigned i = 0; i < code->action_count; i++)
        for (unsigned k = i + 1; k < code->action_count; k++) {
            const struct isa_action *a = &code->actions[i];
            const struct isa_action *b = &code->actions[k];

            if (!is_same_place(a, b) || !pg_can_hold(l->isa, code, a->guard) ||
                !pg_implies(l->isa, code, a->guard, b->guard))
                continue;
            add(l, PG_OVERWRITTEN, a->line, b->line);
            break;
        }
}

/* ---- Traps ---- */

static bool is_refusal(const struct isa *isa, const struct isa_action *a)
{
    return a->kind == ISA_TRAP &&
           isa->traps[a->trap].kind == ISA_TRAP_PRIVILEGED;
}

static bool is_operand_trap(const struct isa *isa, const struct isa_action *a)
{
    return a->kind == ISA_TRAP && isa->traps[a->trap].kind == ISA_TRAP_OPERAND;
}

/* The first action that refuses, or NULL. */
static const struct isa_action *refusal(const struct look *l)
{
    for (unsigned i = 0; i < l->code->action_count; i++)
        if (is_refusal(l->isa, &l->code->actions[i]))
            return &l->code->actions[i];
    return NULL;
}

/* Does another instruction refuse itself to the user by it? */
static bool is_used_to_refuse(const struct look *l, unsigned trap)
{
    for (unsigned i = 0; i < l->isa->encoding_count; i++) {
        const struct isa_encoding *c = &l->isa->encodings[i];

        for (unsigned k = 0; k < c->action_count; k++)
            if (c->actions[k].kind == ISA_TRAP && c->actions[k].trap == trap &&
                l->j->best.labels[i].privileged[PG_CORRECTED])
                return true;
    }
    return false;
}

static bool has_effect(const struct isa_encoding *code)
{
    for (unsigned i = 0; i < code->action_count; i++)
        if (code->actions[i].kind == ISA_ASSIGN ||
            code->actions[i].kind == ISA_STORE)
            return true;
    return false;
}

/* A resource that it reads, whose value is not the monitor's own choice. */
static unsigned resource_in(const struct isa *isa, const struct isa_expr *e)
{
    unsigned found = PG_NOTHING;

    if (!e)
        return found;
    if (e->op == ISA_ELEMENT &&
        isa->elements[e->index].kind == ISA_KIND_RESOURCE &&
        !isa->elements[e->index].enforced)
        return e->index;
    const struct isa_expr *parts[] = {e->a, e->b, e->c};
    for (unsigned i = 0; i < 3 && found == PG_NOTHING; i++)
        found = resource_in(isa, parts[i]);
    return found;
}

static bool holds_in_user_mode(struct look *l, struct isa_expr *guard)
{
    struct isa_expr user = pg_is_user();
    struct isa_expr super = {.op = ISA_NOT, .width = {1, 1}, .a = &user};

    return may_ask(l) && !pg_implies(l->isa, l->code, guard, &super);
}

/* An operand exception that depends on a resource, before the refusal. */
static void look_at_order(struct look *l)
{
    const struct isa_action *last = refusal(l);

    if (!last || pg_is_vouched_for(l->isa, l->index))
        return;
    for (const struct isa_action *a = l->code->actions; a < last; a++) {
        if (!is_operand_trap(l->isa, a) || !a->guard)
            continue;
        unsigned element = resource_in(l->isa, a->guard);
        if (element == PG_NOTHING || !holds_in_user_mode(l, a->guard))
            continue;
        struct pg_mistake one = at(l, PG_LATE_CHECK, a->line);
        one.element = element;
        one.other = last->line;
        pg_mistakes_add(l->out, one);
    }
}

static void look_at_vain(struct look *l)
{
    const struct isa_encoding *code = l->code;

    for (unsigned i = 0; i + 1 < code->action_count; i++) {
        const struct isa_action *a = &code->actions[i];

        if (a->guard || (a->kind != ISA_TRAP && a->kind != ISA_UNPREDICTABLY))
            continue;
        add(l, is_refusal(l->isa, a) ? PG_REFUSED_TO_ALL : PG_IN_VAIN, a->line,
            code->actions[i + 1].line);
        return;
    }
}

/* How it ends is not what anybody means; false: it is. */
static bool look_at_refusal(struct look *l)
{
    const struct isa_action *first = refusal(l);
    const struct pg_endings *e = &l->ends;
    unsigned count = l->out->count;

    look_at_vain(l);
    if (l->out->count > count)
        return true;
    if (e->inverted) {
        add(l, PG_INVERTED, first->line, 0);
    } else if (e->refused[0] && e->refused[1] && !e->done[0] && !e->done[1]) {
        /* A code that is no instruction may be refused by the same trap. */
        if (has_effect(l->code))
            add(l, PG_REFUSED_TO_ALL, first->line, 0);
        else if (!is_used_to_refuse(l, first->trap))
            add(l, PG_CALL_PRIVILEGED, first->line, 0);
    } else if (e->wrong_trap && !e->done[1] && !e->refused[1]) {
        struct pg_mistake one = at(l, PG_WRONG_TRAP, l->code->line);

        one.trap = e->by;
        pg_mistakes_add(l->out, one);
    } else if (first && !e->refused[0] && !e->refused[1] &&
               can_hold(l, first->guard)) {
        add(l, PG_VACUOUS, first->line, 0);
    }
    return l->out->count > count;
}

/* ---- Flaws ---- */

static bool is_unpredictable(struct look *l)
{
    for (unsigned i = 0; i < l->code->action_count; i++) {
        const struct isa_action *a = &l->code->actions[i];

        if ((a->kind == ISA_ASSIGN || a->kind == ISA_STORE) &&
            a->value->op == ISA_UNPREDICTABLE &&
            holds_in_user_mode(l, a->guard))
            return true;
    }
    return l->ends.anything;
}

/* It takes or changes what is the machine's; false: it does not. */
static bool look_at_control(struct look *l, const struct pg_labels *labels)
{
    const struct pg_witness *const w = labels->control[PG_CORRECTED];
    const struct pg_endings *e = &l->ends;

    if (is_unpredictable(l))
        add(l, PG_UNPREDICTED, l->code->line, 0);
    else if (e->refused[ISA_USER] && e->done[ISA_USER])
        add(l, PG_HALF_REFUSED, refusal(l)->line, 0);
    else if (e->takes_mode)
        add(l, PG_MODE_TAKEN, l->code->line, 0);
    else if (w[ISA_USER].found)
        add_of(l, PG_WRITTEN, w[ISA_USER].component);
    else if (labels->less.found)
        add_of(l, PG_NO_OP, labels->less.component);
    else if (e->leaves_mode)
        add(l, PG_MODE_LEFT, l->code->line, 0);
    else
        return false;
    return true;
}

static void look_at_flaws(struct look *l)
{
    const struct pg_labels *labels = &l->j->best.labels[l->index];
    const struct pg_exact *x = &l->j->best.exact[l->index];

    if (!pg_critical(labels, PG_CORRECTED) || l->code->needed ||
        pg_is_known_critical(l->isa, l->index) ||
        (!x->vm.found && !x->hybrid.found) || look_at_control(l, labels))
        return;
    if (labels->location[0].found || labels->location[1].found)
        add(l, PG_LOCATION_READ, l->code->line, 0);
    if (labels->leak[0].found || labels->leak[1].found)
        add_of(l, PG_RESOURCE_READ, labels->leaked);
    if (labels->mode.found || labels->alone.found)
        add(l, PG_MODE_READ, l->code->line, 0);
}

static void look_at_code(struct look *l)
{
    pg_look_at_endings(l->isa, l->code, &l->ends);
    unsigned before = l->out->count;
    look_at_guards(l);
    look_at_values(l);
    look_at_overwritten(l);
    look_at_order(l);
    if (!look_at_refusal(l) && l->out->count == before)
        look_at_flaws(l);
}

enum status pg_find_mistakes(const struct pg_judgement *j,
                             struct pg_mistakes *out)
{
    const struct isa *isa = j->isa;

    *out = (struct pg_mistakes){0};
    for (unsigned i = 0; i < isa->encoding_count; i++) {
        struct look l = {.j = j,
                         .isa = isa,
                         .code = &isa->encodings[i],
                         .index = i,
                         .out = out};

        if (!l.code->inherited)
            look_at_code(&l);
    }
    pg_find_machine_mistakes(j, out);
    pg_mistakes_sort(out);
    return out->no_memory ? STATUS_NO_MEMORY : STATUS_OK;
}
