#include "popek-goldberg/judge/mistakes_scan.h"

#include "popek-goldberg/judge/classify.h"
#include "popek-goldberg/judge/random.h"
#include "popek-goldberg/judge/space.h"

#include <string.h>

/* ---- Settings of the switches ---- */

/* Put setting c into the state; false when it differs from another one only in
 * switches that make no difference. */
static bool set_config(const struct isa *isa, unsigned c, uint64_t used,
                       struct isa_state *s)
{
    for (unsigned i = 0; i < isa->element_count; i++) {
        if (isa->elements[i].kind != ISA_KIND_SWITCH)
            continue;
        s->v[i] = pg_config_value(isa, c, i);
        if (s->v[i] && !(used >> i & 1))
            return false;
    }
    return true;
}

/* ---- Endings ---- */

static bool has_endings(const struct isa_encoding *code)
{
    for (unsigned i = 0; i < code->action_count; i++) {
        const struct isa_action *a = &code->actions[i];

        if (a->kind == ISA_TRAP || a->kind == ISA_UNPREDICTABLY ||
            (a->kind == ISA_ASSIGN && a->element == ISA_MODE))
            return true;
    }
    return false;
}

static bool is_refused(const struct isa *isa, const struct isa_result *r)
{
    return r->ending == ISA_TRAPPED &&
           isa->traps[r->trap].kind == ISA_TRAP_PRIVILEGED;
}

static void look_at_pair(const struct isa *isa, const struct isa_result *r,
                         struct pg_endings *out)
{
    const struct isa_result *super = &r[ISA_SUPERVISOR], *user = &r[ISA_USER];

    for (unsigned m = 0; m < 2; m++) {
        out->refused[m] = out->refused[m] || is_refused(isa, &r[m]);
        out->done[m] = out->done[m] || r[m].ending != ISA_TRAPPED;
    }
    if (user->ending == ISA_ANYTHING)
        out->anything = true;
    if (is_refused(isa, super) && user->ending != ISA_TRAPPED)
        out->inverted = true;
    if (super->ending != ISA_TRAPPED && user->ending == ISA_TRAPPED &&
        isa->traps[user->trap].kind != ISA_TRAP_MEMORY &&
        !is_refused(isa, user)) {
        out->wrong_trap = true;
        out->by = user->trap;
    }
    if (user->ending == ISA_DONE && user->state.v[ISA_MODE] == ISA_SUPERVISOR)
        out->takes_mode = true;
    if (super->ending == ISA_DONE && super->state.v[ISA_MODE] == ISA_USER)
        out->leaves_mode = true;
}

void pg_look_at_endings(const struct isa *isa, const struct isa_encoding *code,
                        struct pg_endings *out)
{
    struct space space;
    struct isa_result r[2];

    *out = (struct pg_endings){.done = {true, true}};
    if (!has_endings(code))
        return;
    *out = (struct pg_endings){0};
    for (unsigned c = 0; c < pg_configs(isa); c++) {
        space_open(&space, isa, code, false);
        if (!set_config(isa, c, space.used, &space.state))
            continue;
        do {
            for (unsigned m = 0; m < 2; m++) {
                space.state.v[ISA_MODE] = m;
                isa_step(isa, code, ISA_SCALED, space.operands, &space.state,
                         &r[m]);
            }
            look_at_pair(isa, r, out);
        } while (space_next(&space));
    }
}

/* ---- Conditions ---- */

struct isa_expr pg_is_user(void)
{
    return (struct isa_expr){
        .op = ISA_ELEMENT, .width = {1, 1}, .index = ISA_MODE};
}

/* An instruction that is unpredictable where the condition holds: the evaluator
 * tells it so. */
struct question {
    const struct isa *isa;
    struct isa_encoding code[2];
    struct isa_action action[2];
};

static void ask(struct question *q, const struct isa *isa,
                const struct isa_encoding *code, struct isa_expr *a,
                struct isa_expr *b)
{
    struct isa_expr *guard[] = {a, b};

    q->isa = isa;
    for (unsigned i = 0; i < 2; i++) {
        q->action[i] =
            (struct isa_action){.kind = ISA_UNPREDICTABLY, .guard = guard[i]};
        q->code[i] = *code;
        q->code[i].actions = &q->action[i];
        q->code[i].action_count = 1;
    }
}

static bool holds(const struct question *q, unsigned i, enum isa_scale scale,
                  const uint64_t *operands, const struct isa_state *s)
{
    struct isa_result r;

    isa_step(q->isa, &q->code[i], scale, operands, s, &r);
    return r.ending == ISA_ANYTHING;
}

/* Does the first hold here and the second not? */
static bool refuted(const struct question *q, enum isa_scale scale,
                    const uint64_t *operands, const struct isa_state *s)
{
    return holds(q, 0, scale, operands, s) && !holds(q, 1, scale, operands, s);
}

/* Or it may be: there are too many states. */
static bool refuted_scaled(const struct question *q)
{
    enum { STATES_MAX = 1 << 16 };
    const struct isa_encoding both = {
        .operand_count = q->code[0].operand_count,
        .actions = (struct isa_action[]){q->action[0], q->action[1]},
        .action_count = 2};
    struct isa_encoding code = both;
    struct space space;

    memcpy(code.operands, q->code[0].operands, sizeof(code.operands));
    for (unsigned c = 0; c < pg_configs(q->isa); c++) {
        space_open(&space, q->isa, &code, false);
        if (space.size > STATES_MAX)
            return true;
        if (!set_config(q->isa, c, space.used, &space.state))
            continue;
        do
            for (unsigned m = 0; m < 2; m++) {
                space.state.v[ISA_MODE] = m;
                if (refuted(q, ISA_SCALED, space.operands, &space.state))
                    return true;
            }
        while (space_next(&space));
    }
    return false;
}

/* Numbers as they come: small, all ones, a single bit, anything. */
static uint64_t draw(struct pg_random *random, unsigned width)
{
    uint64_t v = pg_random_next(random);

    switch (pg_random_below(random, 4)) {
    case 0:
        v &= 3;
        break;
    case 1:
        v = ~(v & 1);
        break;
    case 2:
        v = UINT64_C(1) << v % width;
        break;
    default:
        break;
    }
    return width < 64 ? v & ((UINT64_C(1) << width) - 1) : v;
}

static bool refuted_full(const struct question *q)
{
    enum { TRIES = 4096 };
    const struct isa *isa = q->isa;
    const struct isa_encoding *code = &q->code[0];
    struct pg_random random = pg_random_seeded(1974);
    uint64_t operands[ISA_OPERANDS] = {0};
    struct isa_state s = {.q = isa->cells};

    for (unsigned n = 0; n < TRIES; n++) {
        for (unsigned i = 0; i < isa->element_count; i++)
            s.v[i] = draw(&random, isa->elements[i].width[ISA_FULL]);
        for (unsigned i = 0; i < isa->cells; i++)
            s.mem[i] = draw(&random, isa->cell_width[ISA_FULL]);
        for (unsigned i = 0; i < code->operand_count; i++)
            operands[i] = draw(&random, code->operands[i].width[ISA_FULL]);
        if (n & 1) { /* mem[] is in reach */
            s.v[ISA_BASE] = 0;
            s.v[ISA_BOUND] = isa->cells;
        }
        if (refuted(q, ISA_FULL, operands, &s))
            return true;
    }
    return false;
}

bool pg_implies(const struct isa *isa, const struct isa_encoding *code,
                struct isa_expr *a, struct isa_expr *b)
{
    struct question q;

    ask(&q, isa, code, a, b);
    return !b || a == b || (!refuted_scaled(&q) && !refuted_full(&q));
}

bool pg_can_hold(const struct isa *isa, const struct isa_encoding *code,
                 struct isa_expr *a)
{
    struct isa_expr never = {.op = ISA_LITERAL, .width = {1, 1}};

    return !pg_implies(isa, code, a, &never);
}
