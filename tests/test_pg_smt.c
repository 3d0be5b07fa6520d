/* The evaluator and the solver's translation are two readings of one tree:
 * held against each other on random expressions, on random states of every
 * description, and label by label against the exhausted scaled machines.  Of a
 * large machine some encodings only: `trapline check --all --solver z3` asks
 * about them all. */
#include "popek-goldberg/solver/prove.h"
#include "popek-goldberg/solver/replay.h"
#include "tests/pg_isa.h"
#include "tests/skip.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEST_SECONDS = 200,
    QUERY_MS = 60000,
    TREES = 100,     /* random instructions */
    NODES = 200,     /* of one of them */
    STATE_PAIRS = 6, /* for one instruction and scale */
    SMALL = 20,      /* encodings of a machine of which all are looked at, */
    SAMPLE = 2,      /* and in two settings; of others so many, in one */
};

static struct pg_solver solver;
static struct diag d;
static uint64_t seed;

static void begin(void)
{
    d.text[0] = '\0';
    seed = 1974;
    ck_assert_int_eq(pg_solver_init(&solver, PG_SOLVER_COMMAND, QUERY_MS,
                                    TEST_SECONDS * 1000, &d),
                     STATUS_OK);
}

static void end(void)
{
    pg_solver_close(&solver);
}

static bool has_solver(void)
{
    if (pg_solver_start(&solver, &d) != PG_MISSING)
        return true;
    skip_test("no z3: apt-get install z3");
    return false;
}

/* splitmix64 */
static uint64_t draw(void)
{
    uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static unsigned below(unsigned n)
{
    return (unsigned)(draw() % n);
}

/* Small, great, or anything: where arithmetic goes wrong. */
static uint64_t draw_value(unsigned width)
{
    uint64_t all = width < 64 ? (UINT64_C(1) << width) - 1 : UINT64_MAX;

    switch (below(4)) {
    case 0:
        return draw() & 3 & all;
    case 1:
        return all - (draw() & 3 & all);
    default:
        return draw() & all;
    }
}

/* ---- One instruction on random states ---- */

/* Spread over the machine, from one on that its name decides. */
static bool is_sampled(const struct isa *isa, unsigned encoding)
{
    unsigned step = isa->encoding_count / SAMPLE, first = 0;

    if (isa->encoding_count <= SMALL)
        return true;
    for (const char *c = isa->name; *c; c++)
        first += (unsigned char)*c;
    return encoding % step == first % step;
}

static struct smt_term literal(const struct smt_world *w, unsigned width,
                               uint64_t v)
{
    return smt_literal(w->smt, width, v);
}

static void draw_state(const struct smt_world *w, struct smt_state *s)
{
    const struct isa *isa = w->isa;

    memset(s, 0, sizeof(*s));
    s->q = isa->cells + below(3) * isa->monitor_words;
    for (unsigned i = 0; i < isa->element_count; i++) {
        unsigned n = isa->elements[i].width[w->scale];
        uint64_t v = i == ISA_BASE    ? below(s->q)
                     : i == ISA_BOUND ? below(isa->cells + 1)
                                      : draw_value(n);
        s->element[i] = literal(w, n, v);
    }
    for (unsigned j = 0; j < isa->cells; j++)
        s->cell[j] = literal(w, isa->cell_width[w->scale],
                             draw_value(isa->cell_width[w->scale]));
}

/* Both find the same of all states, or the replay says that they do not. */
static void compare_code(const struct isa *isa, const struct isa_encoding *code,
                         enum isa_scale scale, unsigned endings[3])
{
    static struct smt_state s[STATE_PAIRS][2];
    static struct smt_result r[STATE_PAIRS][2];
    struct pg_witness found;
    struct smt smt;
    struct smt_world w = {&smt, isa, scale, code, {{0}}};

    smt_open(&smt);
    for (unsigned i = 0; i < code->operand_count; i++)
        w.operand[i] = literal(&w, code->operands[i].width[scale],
                               draw_value(code->operands[i].width[scale]));
    for (unsigned n = 0; n < STATE_PAIRS * 2; n++) {
        draw_state(&w, &s[n / 2][n % 2]);
        smt_run(&w, &s[n / 2][n % 2], &r[n / 2][n % 2]);
    }
    ck_assert_msg(pg_solver_ask(&solver, smt.text, &d) == PG_SAT, "%s", d.text);
    for (unsigned n = 0; n < STATE_PAIRS; n++) {
        enum pg_answer a = pg_replay(&w, s[n], r[n], &solver, &found, &d);
        ck_assert_msg(a == PG_SAT, "%s: %s: %s", isa->name, code->name, d.text);
        endings[found.r[0].ending]++;
        endings[found.r[1].ending]++;
    }
    smt_close(&smt);
}

/* What the machines in the house need not have: switches, resources, values
 * that nobody knows. */
static const char odd_machine[] =
    "machine odd \"a corner of each kind\"\n"
    "address 9 word 5 scaled 2 memory 3 monitor 3\n"
    "register a : 7 scaled 3\n"
    "resource r : 6 scaled 2 monitor 2\n"
    "resource t : 3 scaled 1 monitor 1\n"
    "switch open : 1\n"
    "switch umip : 1 enforced\n"
    "trap privileged : privileged\n"
    "trap operand : operand\n"
    "instruction GETR { when umip = 1 and mode = user: trap privileged\n"
    "  a <- r }\n"
    "instruction SETR { when open = 0 and mode = user: trap privileged\n"
    "  r <- a }\n"
    "instruction QUIET { when mode = supervisor: t <- ~t }\n"
    "instruction SHRINK (n : 9 scaled 2) {\n"
    "  when mode = user and n > bound: trap operand\n"
    "  bound <- n }\n"
    "instruction GROW (n : 9 scaled 2) { bound <- n }\n"
    "instruction MAYBE { when mode = user: unpredictable\n"
    "  a <- a + 1 }\n"
    "instruction LOST { a <- unpredictable when mode = user: a <- 1 }\n"
    "instruction DUST { mem[1] <- unpredictable }\n"
    "instruction FOG { base <- unpredictable }\n"
    "instruction HAZE { bound <- unpredictable }\n"
    "instruction MIST { when mode = supervisor: r <- unpredictable }\n"
    "instruction MOVE { base <- base + mem[a[1]] }\n"
    "instruction SWAP { mem[0] <- mem[1] mem[1] <- mem[0] }\n"
    "instruction WALL { mem[bound - 1] <- a }\n"
    "instruction VAIN { when mem[2] = 0: trap operand trap operand }\n"
    "instruction EDGE { when mem[0] = 1: trap memory\n"
    "  when mode = user: trap privileged }\n"
    "instruction BOTH { trap privileged }\n"
    "instruction WHERE { pc <- pc + base }\n"
    "instruction TELL { when t = 1: pc <- pc }\n";

static struct isa *odd(void)
{
    struct isa *isa = NULL;

    ck_assert_msg(isa_parse("odd", odd_machine, sizeof(odd_machine) - 1, &isa,
                            &d) == STATUS_OK,
                  "%s", d.text);
    return isa;
}

START_TEST(test_descriptions_mean_the_same_to_both)
{
    struct isa *machines[PG_MACHINES + 1];
    unsigned endings[3] = {0};

    if (!has_solver())
        return;
    unsigned n = pg_machines(machines);
    machines[n++] = odd();
    ck_assert_uint_ge(n, 2);
    for (unsigned m = 0; m < n; m++) {
        for (unsigned i = 0; i < machines[m]->encoding_count * 2; i++)
            if (is_sampled(machines[m], i / 2))
                compare_code(machines[m], &machines[m]->encodings[i / 2],
                             i % 2 ? ISA_FULL : ISA_SCALED, endings);
        isa_free(machines[m]);
    }
    ck_assert_uint_gt(endings[ISA_DONE], 50);
    ck_assert_uint_gt(endings[ISA_TRAPPED], 50);
    ck_assert_uint_gt(endings[ISA_ANYTHING], 3);
}
END_TEST

/* ---- Random instructions, which use every operation there is ---- */

struct tree {
    struct isa isa;
    struct isa_encoding code;
    struct isa_action actions[8];
    struct isa_expr nodes[NODES];
    unsigned count, ops[ISA_OP_COUNT];
};

static void set_width(unsigned width[ISA_SCALES], unsigned n)
{
    width[ISA_FULL] = width[ISA_SCALED] = n;
}

static void make_machine(struct tree *t)
{
    static const char *const names[] = {"mode", "pc", "base", "bound",
                                        "a",    "b",  "c",    "e"};
    static const unsigned widths[] = {1, 0, 0, 0, 8, 64, 13, 1};

    memset(t, 0, sizeof(*t));
    t->isa.cells = 1 + below(ISA_CELLS);
    t->isa.monitor_words = 2;
    set_width(t->isa.cell_width, 1 + below(64));
    set_width(t->isa.address_width, 5 + below(60));
    strcpy(t->isa.name, "random");
    strcpy(t->code.name, "tree");
    t->isa.trap_count = 2;
    t->isa.traps[0].kind = ISA_TRAP_MEMORY;
    t->isa.traps[1].kind = ISA_TRAP_OPERAND;
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        struct isa_element *e = &t->isa.elements[t->isa.element_count++];
        strcpy(e->name, names[i]);
        e->kind = i < ISA_BUILT_IN ? (enum isa_kind)i : ISA_KIND_REGISTER;
        set_width(e->width,
                  widths[i] ? widths[i] : t->isa.address_width[ISA_FULL]);
    }
    t->code.operand_count = 1;
    set_width(t->code.operands[0].width, 6);
    t->code.actions = t->actions;
}

static struct isa_expr *leaf(struct tree *t, struct isa_expr *e)
{
    e->op = (enum isa_op)below(ISA_MEMORY);
    if (e->op == ISA_LITERAL) {
        set_width(e->width, 1 + below(64));
        e->value[0] = e->value[1] = draw_value(e->width[0]);
    } else if (e->op == ISA_ELEMENT) {
        e->index = below(t->isa.element_count);
        set_width(e->width, t->isa.elements[e->index].width[0]);
    } else {
        set_width(e->width, t->code.operands[0].width[0]);
    }
    t->ops[e->op]++;
    return e;
}

static struct isa_expr *grow(struct tree *t, unsigned depth);

/* As the parser gives them: see its infer(). */
static void grow_parts(struct tree *t, struct isa_expr *e, unsigned depth)
{
    bool one = e->op == ISA_MEMORY || e->op == ISA_NOT ||
               e->op == ISA_COMPLEMENT || e->op == ISA_NEGATE ||
               e->op == ISA_SLICE;
    e->a = grow(t, depth - 1);
    e->b = one ? NULL : grow(t, depth - 1);
    e->c = e->op == ISA_CHOOSE ? grow(t, depth - 1) : NULL;
    unsigned a = e->a->width[0], b = e->b ? e->b->width[0] : 0;
    unsigned c = e->c ? e->c->width[0] : 0;
    unsigned n = e->op == ISA_CHOOSE ? (b > c ? b : c) : (a > b ? a : b);

    if (e->op == ISA_NOT || (e->op >= ISA_EQ && e->op <= ISA_OR))
        n = 1;
    if (e->op == ISA_MEMORY)
        n = t->isa.cell_width[0];
    if (e->op == ISA_CAT && a + b > 64)
        e->op = ISA_BITOR;
    else if (e->op == ISA_CAT)
        n = a + b;
    if (e->op == ISA_SLICE) {
        e->low = below(a);
        e->high = e->low + below(a - e->low);
        n = e->high - e->low + 1;
    }
    set_width(e->width, n);
}

static struct isa_expr *grow(struct tree *t, unsigned depth)
{
    struct isa_expr *e = &t->nodes[t->count++];

    ck_assert_uint_le(t->count, NODES);
    if (!depth || !below(5))
        return leaf(t, e);
    e->op = (enum isa_op)(ISA_MEMORY + below(ISA_UNPREDICTABLE - ISA_MEMORY));
    grow_parts(t, e, depth);
    t->ops[e->op]++;
    return e;
}

static void grow_actions(struct tree *t)
{
    t->code.action_count = 1 + below(6);
    for (unsigned i = 0; i < t->code.action_count; i++) {
        struct isa_action *a = &t->actions[i];

        a->kind = below(4) ? (enum isa_action_kind)below(2)
                           : (enum isa_action_kind)below(4);
        a->guard = below(2) ? grow(t, 2) : NULL;
        /* Nodes may be shared. */
        if (i && !below(3))
            a->guard = t->actions[i - 1].guard;
        a->trap = 1;
        a->element = below(t->isa.element_count);
        a->value = grow(t, 3);
        if (!below(8))
            a->value->op = ISA_UNPREDICTABLE;
        a->address = grow(t, 1);
        a->address->op = below(4) ? ISA_OPERAND : a->address->op;
        if (a->address->op == ISA_OPERAND)
            set_width(a->address->width, t->code.operands[0].width[0]);
        a->address->index = 0;
    }
}

START_TEST(test_random_instructions_mean_the_same_to_both)
{
    static struct tree t;
    unsigned endings[3] = {0}, ops[ISA_OP_COUNT] = {0};

    if (!has_solver())
        return;
    for (unsigned n = 0; n < TREES; n++) {
        make_machine(&t);
        grow_actions(&t);
        compare_code(&t.isa, &t.code, ISA_FULL, endings);
        for (unsigned i = 0; i < ISA_OP_COUNT; i++)
            ops[i] += t.ops[i];
    }
    for (unsigned i = 0; i < ISA_UNPREDICTABLE; i++)
        ck_assert_msg(ops[i] > 10, "operation %u: %u times", i, ops[i]);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_gt(endings[i], 20);
}
END_TEST

/* ---- The two methods ---- */

/* Every other question on the scaled machine, the others in full width. */
static unsigned agree(const struct pg_place *place, const struct pg_labels *l,
                      const struct pg_exact *x)
{
    unsigned faults = 0;

    for (unsigned i = 0; i < PG_QUERIES; i++) {
        struct pg_place here = *place;
        struct pg_witness w;

        here.scale = (place->scale + i) % 2 ? ISA_FULL : ISA_SCALED;
        if (pg_queries[i].what >= PG_ASK_VM)
            here.held = false; /* f is of every bare machine */
        enum pg_answer a = pg_prove(&here, &pg_queries[i], &solver, &w, &d);
        bool says = pg_exhausted_says(l, x, &pg_queries[i]);
        char name[96];

        if (a == (says ? PG_SAT : PG_UNSAT))
            continue;
        faults++;
        pg_query_name(&pg_queries[i], name, sizeof(name));
        fprintf(stderr, "%s %s (%s, setting %u): %s: exhausted %d, solver %s\n",
                place->isa->name, place->code->name,
                here.scale == ISA_FULL ? "full" : "scaled", place->bare.config,
                name, says, pg_answer_name(a));
        if (a > PG_SAT)
            fprintf(stderr, "    %s\n", d.text);
    }
    return faults;
}

static unsigned agree_in(const struct isa *isa, unsigned i, unsigned config)
{
    unsigned last = pg_configs(isa) - 1;
    struct pg_labels l;
    struct pg_exact x;
    struct pg_place place = {isa,
                             &isa->encodings[i],
                             i % 2 ? ISA_FULL : ISA_SCALED,
                             {config, UINT64_MAX},
                             {last - config, UINT64_MAX},
                             (i / 2 + config) % 2};

    pg_classify(isa, place.code, config, place.held, &l);
    pg_decide_exact(isa, place.code, config, place.monitor.config, &x);
    return agree(&place, &l, &x);
}

static unsigned agree_on_machine(const struct isa *isa)
{
    unsigned configs = pg_configs(isa), faults = 0;

    for (unsigned i = 0; i < isa->encoding_count; i++) {
        if (!is_sampled(isa, i))
            continue;
        faults += agree_in(isa, i, i % configs);
        if (isa->encoding_count <= SMALL && configs > 1)
            faults += agree_in(isa, i, (i + configs / 2) % configs);
    }
    return faults;
}

START_TEST(test_the_two_methods_agree_wherever_both_run)
{
    struct isa *machines[PG_MACHINES + 1];
    unsigned faults = 0;

    if (!has_solver())
        return;
    unsigned n = pg_machines(machines);
    machines[n++] = odd();
    for (unsigned m = 0; m < n; m++) {
        faults += agree_on_machine(machines[m]);
        isa_free(machines[m]);
    }
    ck_assert_msg(!faults, "%u disagreements (see above)", faults);
    ck_assert_uint_gt(solver.answers[PG_SAT], 50);
    ck_assert_uint_gt(solver.answers[PG_UNSAT], 50);
}
END_TEST

Suite *suite_pg_smt(void)
{
    Suite *s = suite_create("pg_smt");
    TCase *t = tcase_create("solver");

    tcase_set_timeout(t, TEST_SECONDS);
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, test_descriptions_mean_the_same_to_both);
    tcase_add_test(t, test_random_instructions_mean_the_same_to_both);
    tcase_add_test(t, test_the_two_methods_agree_wherever_both_run);
    suite_add_tcase(s, t);
    return s;
}
