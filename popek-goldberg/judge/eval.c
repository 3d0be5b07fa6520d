#include "popek-goldberg/judge/eval.h"

struct run {
    const struct isa *isa;
    enum isa_scale scale;
    const uint64_t *operands;
    const struct isa_state *in;
    bool memory_trap, assigned;
};

static uint64_t value_of(struct run *r, const struct isa_expr *e);

static uint64_t cut(uint64_t v, unsigned width)
{
    return width >= 64 ? v : v & ((UINT64_C(1) << width) - 1);
}

static bool reach(struct run *r, uint64_t a)
{
    const struct isa_state *s = r->in;

    if (a >= s->v[ISA_BOUND] || a >= ISA_CELLS || a >= s->q ||
        s->v[ISA_BASE] >= s->q - a)
        r->memory_trap = true;
    return !r->memory_trap;
}

static uint64_t address_of(struct run *r, const struct isa_expr *e)
{
    return cut(value_of(r, e), r->isa->address_width[r->scale]);
}

static uint64_t load(struct run *r, const struct isa_expr *e)
{
    uint64_t a = address_of(r, e->a);

    return reach(r, a) ? r->in->mem[a] : 0;
}

static uint64_t arithmetic(enum isa_op op, uint64_t a, uint64_t b,
                           unsigned width)
{
    switch (op) {
    case ISA_ADD:
        return a + b;
    case ISA_SUB:
        return a - b;
    case ISA_MUL:
        return a * b;
    case ISA_DIV:
        return b ? a / b : UINT64_MAX;
    case ISA_REM:
        return b ? a % b : a;
    case ISA_BITAND:
        return a & b;
    case ISA_BITOR:
        return a | b;
    case ISA_BITXOR:
        return a ^ b;
    case ISA_SHL:
        return b < width ? a << b : 0;
    default:
        return b < width ? a >> b : 0; /* ISA_SHR */
    }
}

static uint64_t compare(enum isa_op op, uint64_t a, uint64_t b)
{
    switch (op) {
    case ISA_EQ:
        return a == b;
    case ISA_NE:
        return a != b;
    case ISA_LT:
        return a < b;
    case ISA_LE:
        return a <= b;
    case ISA_GT:
        return a > b;
    default:
        return a >= b; /* ISA_GE */
    }
}

static uint64_t compound(struct run *r, const struct isa_expr *e)
{
    uint64_t a = value_of(r, e->a);

    switch (e->op) {
    case ISA_NOT:
        return !a;
    case ISA_COMPLEMENT:
        return ~a;
    case ISA_NEGATE:
        return 0 - a;
    case ISA_AND:
        return a && value_of(r, e->b);
    case ISA_OR:
        return a || value_of(r, e->b);
    case ISA_CHOOSE:
        return value_of(r, a ? e->b : e->c);
    case ISA_SLICE:
        return a >> e->low;
    case ISA_CAT:
        return a << e->b->width[r->scale] | value_of(r, e->b);
    default:
        break;
    }
    uint64_t b = value_of(r, e->b);
    if (e->op >= ISA_EQ && e->op <= ISA_GE)
        return compare(e->op, a, b);
    return arithmetic(e->op, a, b, e->width[r->scale]);
}

/* After a memory trap the value does not matter, and the walk is short. */
static uint64_t value_of(struct run *r, const struct isa_expr *e)
{
    uint64_t v;

    if (r->memory_trap)
        return 0;
    switch (e->op) {
    case ISA_LITERAL:
        v = e->value[r->scale];
        break;
    case ISA_ELEMENT:
        v = r->in->v[e->index];
        break;
    case ISA_OPERAND:
        v = r->operands[e->index];
        break;
    case ISA_MEMORY:
        v = load(r, e);
        break;
    case ISA_UNPREDICTABLE:
        v = 0;
        break;
    default:
        v = compound(r, e);
    }
    return cut(v, e->width[r->scale]);
}

static void assign(struct run *r, const struct isa_action *a,
                   struct isa_state *out)
{
    bool unknown = a->value->op == ISA_UNPREDICTABLE;
    uint64_t value = value_of(r, a->value);

    if (a->kind == ISA_STORE) {
        uint64_t at = address_of(r, a->address);

        if (!reach(r, at))
            return;
        out->mem[at] = cut(value, r->isa->cell_width[r->scale]);
        out->unknown_mem &= ~(1u << at);
        out->unknown_mem |= (unsigned)unknown << at;
        return;
    }
    unsigned i = a->element;
    out->v[i] = cut(value, r->isa->elements[i].width[r->scale]);
    out->unknown &= ~(UINT64_C(1) << i);
    out->unknown |= (uint64_t)unknown << i;
}

/* It changes nothing; what it may have changed already is as before. */
static void undo(const struct run *r, struct isa_result *out,
                 enum isa_ending ending, unsigned trap)
{
    if (r->assigned)
        out->state = *r->in;
    out->state.v[ISA_PC] = r->in->v[ISA_PC];
    out->ending = ending;
    out->trap = trap;
}

void isa_step(const struct isa *isa, const struct isa_encoding *code,
              enum isa_scale scale, const uint64_t *operands,
              const struct isa_state *in, struct isa_result *out)
{
    struct run r = {isa, scale, operands, in, false, false};

    out->state = *in;
    out->ending = ISA_DONE;
    out->trap = 0;
    out->state.v[ISA_PC] =
        cut(in->v[ISA_PC] + 1, isa->elements[ISA_PC].width[scale]);
    for (unsigned i = 0; i < code->action_count; i++) {
        const struct isa_action *a = &code->actions[i];
        bool taken = !a->guard || value_of(&r, a->guard);

        if (taken && !r.memory_trap) {
            if (a->kind == ISA_TRAP)
                return undo(&r, out, ISA_TRAPPED, a->trap);
            if (a->kind == ISA_UNPREDICTABLY)
                return undo(&r, out, ISA_ANYTHING, 0);
            assign(&r, a, &out->state);
            r.assigned = true;
        }
        if (r.memory_trap)
            return undo(&r, out, ISA_TRAPPED, 0);
    }
}

bool isa_value(const struct isa *isa, enum isa_scale scale,
               const uint64_t *operands, const struct isa_state *in,
               const struct isa_expr *e, uint64_t *value)
{
    struct run r = {isa, scale, operands, in, false, false};

    *value = value_of(&r, e);
    return !r.memory_trap;
}
