#include "popek-goldberg/solver/replay.h"

#include <stdio.h>
#include <string.h>

/* Of two states and two results; a name is at most "t4294967295 ". */
enum {
    OF_STATE = ISA_ELEMENTS + ISA_CELLS,
    TERMS_MAX = ISA_OPERANDS + 2 * (3 * OF_STATE + ISA_TRAPS + 1),
    NAME_MAX_SIZE = 16,
};

/* The terms in the order of reading them: what is asked for first, and then
 * taken from the answer, by the same walk. */
struct reading {
    char names[TERMS_MAX * NAME_MAX_SIZE];
    size_t len;
    uint64_t values[TERMS_MAX];
    size_t count;
    bool taking;
};

static uint64_t next(struct reading *r, struct smt_term t)
{
    if (!r->taking)
        r->len += (size_t)snprintf(r->names + r->len, sizeof(r->names) - r->len,
                                   "t%u ", t.id);
    return r->values[r->count++];
}

static void walk_state(struct reading *r, const struct isa *isa,
                       const struct smt_state *terms, struct isa_state *s)
{
    for (unsigned i = 0; i < isa->element_count; i++)
        s->v[i] = next(r, terms->element[i]);
    for (unsigned j = 0; j < isa->cells; j++)
        s->mem[j] = next(r, terms->cell[j]);
    s->q = terms->q;
}

static void walk_result(struct reading *r, const struct isa *isa,
                        const struct smt_result *terms, struct isa_result *out)
{
    out->ending = ISA_DONE;
    for (unsigned t = 0; t < isa->trap_count; t++)
        if (next(r, terms->trap[t])) {
            out->ending = ISA_TRAPPED;
            out->trap = t;
        }
    if (next(r, terms->unpredictable))
        out->ending = ISA_ANYTHING;
    walk_state(r, isa, &terms->after, &out->state);
    for (unsigned i = 0; i < isa->element_count; i++)
        if (next(r, terms->free[i])) {
            out->state.unknown |= UINT64_C(1) << i;
            out->state.v[i] = 0;
        }
    for (unsigned j = 0; j < isa->cells; j++)
        if (next(r, terms->free_cell[j])) {
            out->state.unknown_mem |= 1u << j;
            out->state.mem[j] = 0;
        }
}

static void walk(struct reading *r, const struct smt_world *world,
                 const struct smt_state s[2], const struct smt_result res[2],
                 struct pg_witness *w)
{
    r->count = 0;
    for (unsigned i = 0; i < world->code->operand_count; i++)
        w->operands[i] = next(r, world->operand[i]);
    for (unsigned k = 0; k < 2; k++) {
        walk_state(r, world->isa, &s[k], &w->s[k]);
        walk_result(r, world->isa, &res[k], &w->r[k]);
    }
}

static bool same_state(const struct isa *isa, const struct isa_state *a,
                       const struct isa_state *b)
{
    bool same = a->unknown == b->unknown && a->unknown_mem == b->unknown_mem;

    for (unsigned i = 0; i < isa->element_count; i++)
        same = same && a->v[i] == b->v[i];
    for (unsigned j = 0; j < isa->cells; j++)
        same = same && a->mem[j] == b->mem[j];
    return same;
}

static bool same_result(const struct isa *isa, const struct isa_result *a,
                        const struct isa_result *b)
{
    return a->ending == b->ending &&
           (a->ending != ISA_TRAPPED || a->trap == b->trap) &&
           same_state(isa, &a->state, &b->state);
}

enum pg_answer pg_replay(const struct smt_world *world,
                         const struct smt_state s[2],
                         const struct smt_result r[2], struct pg_solver *solver,
                         struct pg_witness *w, struct diag *d)
{
    struct reading read = {.taking = false};

    memset(w, 0, sizeof(*w));
    walk(&read, world, s, r, w);
    enum pg_answer a =
        pg_solver_values(solver, read.names, read.values, read.count, d);
    if (a != PG_SAT)
        return a;
    read.taking = true;
    memset(w, 0, sizeof(*w));
    walk(&read, world, s, r, w);
    for (unsigned k = 0; k < 2; k++) {
        struct isa_result found;

        isa_step(world->isa, world->code, world->scale, w->operands, &w->s[k],
                 &found);
        if (!same_result(world->isa, &found, &w->r[k])) {
            diag_set(d, STATUS_HOST_FAILED,
                     "solver: its model of %s is not what the evaluator finds",
                     world->code->name);
            return PG_GARBLED;
        }
    }
    w->found = true;
    return PG_SAT;
}
