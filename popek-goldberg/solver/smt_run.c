/* What an instruction means, as terms.  The rules are those beside the tree in
 * isa.h: laziness, the old state, the first trap, the later assignment. */
#include "popek-goldberg/solver/smt.h"

#include <string.h>

void smt_declare_state(const struct smt_world *w, unsigned q,
                       struct smt_state *state)
{
    memset(state, 0, sizeof(*state));
    state->q = q;
    for (unsigned i = 0; i < w->isa->element_count; i++)
        state->element[i] =
            smt_declare(w->smt, w->isa->elements[i].width[w->scale]);
    for (unsigned i = 0; i < w->isa->cells; i++)
        state->cell[i] = smt_declare(w->smt, w->isa->cell_width[w->scale]);
}

void smt_declare_operands(struct smt_world *w)
{
    for (unsigned i = 0; i < w->code->operand_count; i++)
        w->operand[i] =
            smt_declare(w->smt, w->code->operands[i].width[w->scale]);
}

/* ---- Memory ---- */

struct smt_term smt_outside(const struct smt_world *w,
                            const struct smt_state *state,
                            struct smt_term address)
{
    struct smt *s = w->smt;
    unsigned n = w->isa->address_width[w->scale];
    struct smt_term at;

    n = (n < 8 ? 8 : n) + 1; /* wide enough for base + a and for q */
    at = smt_apply(s, "bvadd", smt_fit(s, address, n),
                   smt_fit(s, state->element[ISA_BASE], n));
    return smt_or(s,
                  smt_compare(s, "bvuge", address, state->element[ISA_BOUND]),
                  smt_compare(s, "bvuge", at, smt_literal(s, n, state->q)));
}

static struct smt_term is_cell(const struct smt_world *w,
                               struct smt_term address, unsigned j)
{
    /* An address that is too narrow for j never is it. */
    if (address.width < 8 && j >> address.width)
        return SMT_FALSE;
    return smt_equal(w->smt, address, smt_literal(w->smt, address.width, j));
}

static struct smt_term fetch(const struct smt_world *w,
                             const struct smt_state *state,
                             struct smt_term address)
{
    struct smt_term v = state->cell[w->isa->cells - 1];

    for (unsigned j = w->isa->cells - 1; j-- > 0;)
        v = smt_choose(w->smt, is_cell(w, address, j), state->cell[j], v);
    return v;
}

/* ---- Expressions ---- */

/* A translation of one state: nodes are shared, so it remembers some. */
enum { REMEMBERED = 256 };

struct walk {
    const struct smt_world *w;
    const struct smt_state *state;
    struct {
        const struct isa_expr *e;
        struct smt_term value, fault;
    } known[REMEMBERED];
};

static const char *const plain_ops[ISA_OP_COUNT] = {
    [ISA_ADD] = "bvadd",  [ISA_SUB] = "bvsub",    [ISA_MUL] = "bvmul",
    [ISA_DIV] = "bvudiv", [ISA_REM] = "bvurem",   [ISA_BITAND] = "bvand",
    [ISA_BITOR] = "bvor", [ISA_BITXOR] = "bvxor", [ISA_SHL] = "bvshl",
    [ISA_SHR] = "bvlshr",
};

static const char *const compare_ops[ISA_OP_COUNT] = {
    [ISA_LT] = "bvult", [ISA_LE] = "bvule", [ISA_GT] = "bvugt",
    [ISA_GE] = "bvuge", [ISA_EQ] = "=",     [ISA_NE] = "distinct",
};

static struct smt_term translate(struct walk *k, const struct isa_expr *e,
                                 struct smt_term *fault);

/* A part that is always looked at: its trouble is added to `fault`. */
static struct smt_term part(struct walk *k, const struct isa_expr *e,
                            struct smt_term *fault)
{
    struct smt_term own, v = translate(k, e, &own);

    *fault = smt_or(k->w->smt, *fault, own);
    return v;
}

/* One that is looked at only where `when` is true. */
static struct smt_term part_when(struct walk *k, const struct isa_expr *e,
                                 struct smt_term when, struct smt_term *fault)
{
    struct smt_term own, v = translate(k, e, &own);

    *fault = smt_or(k->w->smt, *fault, smt_and(k->w->smt, when, own));
    return v;
}

static struct smt_term lazy(struct walk *k, const struct isa_expr *e,
                            struct smt_term *fault)
{
    struct smt *s = k->w->smt;
    struct smt_term a = smt_is_set(s, part(k, e->a, fault));
    struct smt_term not_a = smt_not(s, a);

    if (e->op == ISA_CHOOSE) {
        struct smt_term b = part_when(k, e->b, a, fault);
        struct smt_term c = part_when(k, e->c, not_a, fault);
        unsigned n = e->width[k->w->scale];
        return smt_choose(s, a, smt_fit(s, b, n), smt_fit(s, c, n));
    }
    bool and = e->op == ISA_AND;
    struct smt_term b =
        smt_is_set(s, part_when(k, e->b, and? a : not_a, fault));
    return smt_bit(s, and? smt_and(s, a, b) : smt_or(s, a, b));
}

static struct smt_term binary(struct walk *k, const struct isa_expr *e,
                              struct smt_term *fault)
{
    struct smt *s = k->w->smt;
    struct smt_term a = part(k, e->a, fault), b = part(k, e->b, fault);
    unsigned n = a.width > b.width ? a.width : b.width;

    if (compare_ops[e->op])
        return smt_bit(s, smt_compare(s, compare_ops[e->op], smt_fit(s, a, n),
                                      smt_fit(s, b, n)));
    if (e->op == ISA_CAT)
        return smt_cat(s, a, b);
    n = e->width[k->w->scale];
    return smt_apply(s, plain_ops[e->op], smt_fit(s, a, n), smt_fit(s, b, n));
}

static struct smt_term unary(struct walk *k, const struct isa_expr *e,
                             struct smt_term *fault)
{
    struct smt *s = k->w->smt;
    struct smt_term a = part(k, e->a, fault);

    switch (e->op) {
    case ISA_NOT:
        return smt_bit(s, smt_not(s, smt_is_set(s, a)));
    case ISA_SLICE:
        return smt_slice(s, a, e->high, e->low);
    case ISA_MEMORY:
        a = smt_fit(s, a, k->w->isa->address_width[k->w->scale]);
        *fault = smt_or(s, *fault, smt_outside(k->w, k->state, a));
        return fetch(k->w, k->state, a);
    default:
        a = smt_fit(s, a, e->width[k->w->scale]);
        return smt_negate(s, e->op == ISA_NEGATE ? "bvneg" : "bvnot", a);
    }
}

static struct smt_term translate_new(struct walk *k, const struct isa_expr *e,
                                     struct smt_term *fault)
{
    unsigned n = e->width[k->w->scale];

    switch (e->op) {
    case ISA_LITERAL:
        return smt_literal(k->w->smt, n, e->value[k->w->scale]);
    case ISA_ELEMENT:
        return k->state->element[e->index];
    case ISA_OPERAND:
        return k->w->operand[e->index];
    case ISA_AND:
    case ISA_OR:
    case ISA_CHOOSE:
        return lazy(k, e, fault);
    case ISA_NOT:
    case ISA_SLICE:
    case ISA_MEMORY:
    case ISA_COMPLEMENT:
    case ISA_NEGATE:
        return unary(k, e, fault);
    default:
        return binary(k, e, fault);
    }
}

static struct smt_term translate(struct walk *k, const struct isa_expr *e,
                                 struct smt_term *fault)
{
    size_t at = ((uintptr_t)e >> 4) % REMEMBERED;

    if (k->known[at].e != e) {
        struct smt_term own = SMT_FALSE, v = translate_new(k, e, &own);

        k->known[at].e = e;
        k->known[at].value = v;
        k->known[at].fault = own;
    }
    *fault = k->known[at].fault;
    return k->known[at].value;
}

struct smt_term smt_expression(const struct smt_world *w,
                               const struct smt_state *state,
                               const struct isa_expr *e, struct smt_term *fault)
{
    struct walk k = {.w = w, .state = state};

    return translate(&k, e, fault);
}

/* ---- Actions ---- */

/* So far: `going` while nothing has ended the instruction. */
struct progress {
    struct walk *k;
    struct smt_result *r;
    struct smt_term going;
    struct smt_term pc_written;
};

static void end_with(struct progress *p, struct smt_term *how,
                     struct smt_term when)
{
    struct smt *s = p->k->w->smt;

    *how = smt_or(s, *how, smt_and(s, p->going, when));
    p->going = smt_and(s, p->going, smt_not(s, when));
}

/* Set `place` to the value where `when` is true; NULL: to anything. */
static void put(struct progress *p, struct smt_term when,
                const struct smt_term *value, struct smt_term *place,
                struct smt_term *free)
{
    struct smt *s = p->k->w->smt;

    if (value) {
        *place = smt_choose(s, when, smt_fit(s, *value, place->width), *place);
        *free = smt_and(s, *free, smt_not(s, when));
    } else {
        *free = smt_or(s, *free, when);
    }
}

static void assign(struct progress *p, const struct isa_action *a,
                   struct smt_term taken)
{
    struct smt *s = p->k->w->smt;
    struct smt_term fault = SMT_FALSE, v = {0};
    bool known = a->value->op != ISA_UNPREDICTABLE;

    if (known)
        v = translate(p->k, a->value, &fault);
    end_with(p, &p->r->trap[0], smt_and(s, taken, fault));
    put(p, taken, known ? &v : NULL, &p->r->after.element[a->element],
        &p->r->free[a->element]);
    if (a->element == ISA_PC)
        p->pc_written = smt_or(s, p->pc_written, taken);
}

static void store(struct progress *p, const struct isa_action *a,
                  struct smt_term taken)
{
    const struct smt_world *w = p->k->w;
    struct smt *s = w->smt;
    struct smt_term fault = SMT_FALSE, v = {0};
    bool known = a->value->op != ISA_UNPREDICTABLE;
    struct smt_term address = part(p->k, a->address, &fault);

    address = smt_fit(s, address, w->isa->address_width[w->scale]);
    if (known)
        v = part(p->k, a->value, &fault);
    fault = smt_or(s, fault, smt_outside(w, p->k->state, address));
    end_with(p, &p->r->trap[0], smt_and(s, taken, fault));
    for (unsigned j = 0; j < w->isa->cells; j++)
        put(p, smt_and(s, taken, is_cell(w, address, j)), known ? &v : NULL,
            &p->r->after.cell[j], &p->r->free_cell[j]);
}

static void act(struct progress *p, const struct isa_action *a)
{
    struct smt *s = p->k->w->smt;
    struct smt_term fault = SMT_FALSE, taken = SMT_TRUE;

    if (a->guard)
        taken = smt_is_set(s, translate(p->k, a->guard, &fault));
    end_with(p, &p->r->trap[0], fault);
    switch (a->kind) {
    case ISA_ASSIGN:
        assign(p, a, taken);
        break;
    case ISA_STORE:
        store(p, a, taken);
        break;
    case ISA_TRAP:
        end_with(p, &p->r->trap[a->trap], taken);
        break;
    case ISA_UNPREDICTABLY:
        end_with(p, &p->r->unpredictable, taken);
        break;
    }
}

/* What was ended has changed nothing. */
static void undo_ended(struct progress *p)
{
    const struct smt_world *w = p->k->w;
    const struct smt_state *old = p->k->state;
    struct smt_result *r = p->r;

    for (unsigned i = 0; i < w->isa->element_count; i++) {
        r->after.element[i] =
            smt_choose(w->smt, p->going, r->after.element[i], old->element[i]);
        r->free[i] = smt_and(w->smt, p->going, r->free[i]);
    }
    for (unsigned j = 0; j < w->isa->cells; j++) {
        r->after.cell[j] =
            smt_choose(w->smt, p->going, r->after.cell[j], old->cell[j]);
        r->free_cell[j] = smt_and(w->smt, p->going, r->free_cell[j]);
    }
}

void smt_run(const struct smt_world *w, const struct smt_state *state,
             struct smt_result *r)
{
    struct walk k = {.w = w, .state = state};
    struct progress p = {&k, r, SMT_TRUE, SMT_FALSE};

    memset(r, 0, sizeof(*r)); /* all false: SMT_FALSE is zeros */
    r->after = *state;
    for (unsigned i = 0; i < w->code->action_count; i++)
        act(&p, &w->code->actions[i]);
    struct smt_term pc = state->element[ISA_PC];
    struct smt_term next =
        smt_apply(w->smt, "bvadd", pc, smt_literal(w->smt, pc.width, 1));
    r->after.element[ISA_PC] =
        smt_choose(w->smt, p.pc_written, r->after.element[ISA_PC], next);
    undo_ended(&p);
    r->done = p.going;
}
