#include "popek-goldberg/judge/space.h"

static void visit(struct space *s, const struct isa_expr *e)
{
    if (!e)
        return;
    if (e->op == ISA_ELEMENT)
        s->read |= UINT64_C(1) << e->index;
    if (e->op == ISA_MEMORY)
        s->memory = true;
    visit(s, e->a);
    visit(s, e->b);
    visit(s, e->c);
}

static void find_used(struct space *s, const struct isa_encoding *code)
{
    uint64_t written = 0;

    for (unsigned i = 0; i < code->action_count; i++) {
        const struct isa_action *a = &code->actions[i];

        visit(s, a->guard);
        visit(s, a->address);
        visit(s, a->value);
        if (a->kind == ISA_ASSIGN)
            s->assigned |= UINT64_C(1) << a->element;
        if (a->kind == ISA_STORE)
            s->memory = true;
        if (a->kind == ISA_TRAP) /* its new PSW changes them, literally */
            written |= UINT64_C(1) << ISA_BASE | UINT64_C(1) << ISA_BOUND;
    }
    s->used = s->read | s->assigned | written;
    if (s->memory)
        s->used |= UINT64_C(1) << ISA_BASE | UINT64_C(1) << ISA_BOUND;
}

uint64_t space_radix(const struct isa *isa, unsigned element)
{
    switch (isa->elements[element].kind) {
    case ISA_KIND_PC:
    case ISA_KIND_BASE:
        return isa->cells;
    case ISA_KIND_BOUND:
        return isa->cells + 1;
    default:
        return UINT64_C(1) << isa->elements[element].width[ISA_SCALED];
    }
}

/* What is written and not read can show only by what it was before: by being
 * other than what is written, which one of two values always is.  Of what is
 * the machine's it matters also that it can be what one mode writes, and not
 * what the other does. */
static uint64_t values_of(const struct space *s, unsigned element)
{
    uint64_t read = s->read, radix = space_radix(s->isa, element);
    enum isa_kind kind = s->isa->elements[element].kind;

    if (s->memory)
        read |= UINT64_C(1) << ISA_BASE | UINT64_C(1) << ISA_BOUND;
    if (kind != ISA_KIND_REGISTER && kind != ISA_KIND_PC)
        read |= s->assigned;
    return read >> element & 1 || radix < 2 ? radix : 2;
}

static void add(struct space *s, uint64_t *at, uint64_t radix)
{
    s->at[s->dims] = at;
    s->radix[s->dims++] = radix;
    if (__builtin_mul_overflow(s->size, radix, &s->size))
        s->size = UINT64_MAX;
}

/* Does it go through all values, rather than stand still? */
static bool is_free(const struct isa_element *e, bool held)
{
    if (e->kind == ISA_KIND_RESOURCE && e->enforced)
        return !held;
    return e->kind != ISA_KIND_SWITCH;
}

void space_open(struct space *s, const struct isa *isa,
                const struct isa_encoding *code, bool held)
{
    *s = (struct space){.isa = isa, .size = 1};
    find_used(s, code);
    for (unsigned i = 0; i < code->operand_count; i++)
        add(s, &s->operands[i],
            UINT64_C(1) << code->operands[i].width[ISA_SCALED]);
    for (unsigned i = 0; i < isa->cells && s->memory; i++)
        add(s, &s->state.mem[i], UINT64_C(1) << isa->cell_width[ISA_SCALED]);
    for (unsigned i = 1; i < isa->element_count; i++)
        if (s->used >> i & 1 && is_free(&isa->elements[i], held))
            add(s, &s->state.v[i], values_of(s, i));
        else if (isa->elements[i].kind == ISA_KIND_RESOURCE && held)
            s->state.v[i] = isa->elements[i].monitor[ISA_SCALED];
    s->state.q = isa->cells;
    if (!(s->used >> ISA_BOUND & 1))
        s->state.v[ISA_BOUND] = isa->cells;
}

static bool tick(struct space *s)
{
    for (unsigned i = 0; i < s->dims; i++) {
        if (++*s->at[i] < s->radix[i])
            return true;
        *s->at[i] = 0;
    }
    return false;
}

static bool in_reach(const struct space *s)
{
    const struct isa_state *t = &s->state;

    for (unsigned i = 0; i < s->isa->cells; i++)
        if (t->mem[i] &&
            (i >= t->v[ISA_BOUND] || t->v[ISA_BASE] + i >= s->isa->cells))
            return false;
    return true;
}

bool space_next(struct space *s)
{
    while (tick(s))
        if (in_reach(s))
            return true;
    return false;
}
