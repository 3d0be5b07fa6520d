/* Repairs: what is found repairs, nothing smaller does, and nothing of the same
 * size is forgotten.  The brute force here knows nothing of the search: it
 * makes every set, and judges the machine anew. */
#include "popek-goldberg/judge/repair.h"
#include "popek-goldberg/language/machines.h"
#include "tests/command.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct isa *parse(const char *name, const char *text)
{
    struct isa *isa = NULL;
    struct diag d = {""};

    ck_assert_msg(isa_parse(name, text, strlen(text), &isa, &d) == STATUS_OK,
                  "%s", d.text);
    return isa;
}

static struct isa *find(const char *name)
{
    const struct pg_machine *m = pg_built_in;

    while (m->name && strcmp(m->name, name) != 0)
        m++;
    ck_assert_msg(m->name != NULL, "%s", name);
    return parse(name, m->text);
}

static struct pg_repair_plan *plan_for(const struct isa *isa, unsigned theorem)
{
    struct pg_repair_plan *plan = NULL;
    struct diag d = {""};

    ck_assert_msg(pg_repair_find(isa, theorem, &plan, &d) == STATUS_OK, "%s",
                  d.text);
    return plan;
}

static bool repairs(const struct isa *isa, const struct pg_repair_set *set,
                    unsigned theorem)
{
    struct isa *made = pg_repair_apply(isa, set);
    struct pg_repair_verdict v;

    ck_assert(made != NULL);
    pg_repair_judge(made, set, &v);
    isa_free(made);
    return v.holds[theorem];
}

/* ---- Machines that are built in ---- */

static const struct {
    const char *name;
    unsigned theorem;
    bool possible;
    unsigned smallest;
    uint64_t total;
} known[] = {
    {"paper", PG_T1, true, 0, 1},
    {"tutorial", PG_T1, true, 1, 1}, /* CLRIE */
    {"tutorial", PG_T3, true, 0, 1},
    {"m68000", PG_T1, true, 1, 2}, /* MOVE from SR, or the 68010 */
    {"m68000", PG_T3, true, 1, 2},
    {"toy", PG_T1, true, 3, 2}, /* a mode, a bound; a base or high core */
    {"toy", PG_T3, true, 2, 6}, /* GETL in three ways, DECB in two */
    {"pdp10-ka10", PG_T3, true, 1, 1}, /* User In-Out is never granted */
    {"riscv-mu", PG_T1, true, 1, 2},   /* high core, or a base */
};

START_TEST(test_known)
{
    struct isa *isa = find(known[_i].name);
    struct pg_repair_plan *plan = plan_for(isa, known[_i].theorem);

    ck_assert(plan->proved);
    ck_assert_int_eq(plan->possible, known[_i].possible);
    ck_assert_uint_eq(plan->smallest, known[_i].smallest);
    ck_assert_uint_eq(plan->total, known[_i].total);
    free(plan);
    isa_free(isa);
}
END_TEST

static void ck_has(const struct pg_repair_plan *plan, enum pg_repair_kind kind,
                   unsigned index, uint64_t value)
{
    for (unsigned n = 0; n < plan->count; n++)
        for (unsigned k = 0; k < plan->sets[n].count; k++) {
            const struct pg_repair *r = &plan->sets[n].repairs[k];

            if (r->kind == kind && r->index == index && r->value == value)
                return;
        }
    ck_abort_msg("no repair of kind %u", kind);
}

START_TEST(test_kinds_of_repair)
{
    struct isa *isa = find("riscv-mu");
    struct pg_repair_plan *plan = plan_for(isa, PG_T1);

    ck_has(plan, PG_HIGH_CORE, 0, 0);
    ck_has(plan, PG_DUPLICATE, ISA_BASE, 0);
    free(plan);
    isa_free(isa);
    isa = find("pdp10-ka10");
    plan = plan_for(isa, PG_T3);
    ck_has(plan, PG_SET_SWITCH, (unsigned)isa_find_element(isa, "uio", 3), 0);
    free(plan);
    isa_free(isa);
    isa = find("m68000");
    plan = plan_for(isa, PG_T1);
    ck_has(plan, PG_MAKE_PRIVILEGED,
           (unsigned)isa_find_encoding(isa, "MOVE_from_SR"), 0);
    ck_has(plan, PG_NAMED_REPAIR, 0, 0);
    free(plan);
    isa_free(isa);
    isa = find("toy");
    plan = plan_for(isa, PG_T1);
    ck_has(plan, PG_DUPLICATE, ISA_MODE, 0);
    free(plan);
    isa_free(isa);
}
END_TEST

/* Each set that is shown repairs, and without any one of it does not. */
static const struct {
    const char *name;
    unsigned theorem;
} shown[] = {{"toy", PG_T1},        {"toy", PG_T3},     {"m68000", PG_T1},
             {"pdp10-ka10", PG_T1}, {"vax", PG_T1},     {"pdp11-45", PG_T1},
             {"sparc-v9", PG_T1},   {"riscv-mu", PG_T2}};

START_TEST(test_what_is_shown_repairs)
{
    struct isa *isa = find(shown[_i].name);
    struct pg_repair_plan *plan = plan_for(isa, shown[_i].theorem);

    ck_assert(plan->possible && plan->count > 0);
    for (unsigned n = 0; n < plan->count; n++) {
        const struct pg_repair_set *set = &plan->sets[n];

        ck_assert_uint_eq(set->count, plan->smallest);
        ck_assert_msg(repairs(isa, set, shown[_i].theorem), "set %u", n);
        for (unsigned k = 0; k < set->count; k++) {
            struct pg_repair_set less = *set;

            less.repairs[k] = less.repairs[--less.count];
            ck_assert_msg(!repairs(isa, &less, shown[_i].theorem),
                          "set %u without %u", n, k);
        }
    }
    free(plan);
    isa_free(isa);
}
END_TEST

/* ---- Brute force ---- */

#define HEAD                                                   \
    "machine m address 8 word 8 scaled 1 memory 2 monitor 2\n" \
    "register r : 8 scaled 2\n"                                \
    "trap priv : privileged\n"                                 \
    "instruction ADD (n : 8 scaled 1) { r <- r + n }\n"
#define REGISTERS "resource ie, pl : 1\n"
#define SWITCHES  "switch umip : 1 enforced\n"

static const char *const small[] = {
    /* One leak: privileged, or a register of its own. */
    HEAD REGISTERS "instruction A { r <- ie }\n",
    /* Two of one register: the register alone does it. */
    HEAD REGISTERS "instruction A { r <- ie }\n"
                   "instruction B { r <- ie + 1 }\n",
    /* One that reads two registers: one change at once, or two. */
    HEAD REGISTERS "instruction A { r <- cat(ie, pl) }\n"
                   "instruction B { r <- pl }\n",
    /* Mode and register: the mode makes SETIE critical. */
    HEAD REGISTERS "instruction SETIE { when mode = user: trap priv ie <- 1 }\n"
                   "instruction A { r <- cat(mode, ie) }\n"
                   "instruction B { r <- mode }\n"
                   "instruction C { when mode = supervisor: ie <- 0 }\n",
    /* Location: the monitor in high core, or a base. */
    HEAD REGISTERS "instruction A { r <- base }\n"
                   "instruction B { r <- base + 1 }\n"
                   "instruction C { r <- pl }\n",
    /* A change of the hardware for two, and one that it does not reach. */
    HEAD REGISTERS "instruction A { r <- ie }\n"
                   "instruction B { r <- pl }\n"
                   "instruction C { r <- mode }\n"
                   "repair fix \"both\" { A B }\n",
    /* The monitor's setting, as UMIP: what it makes trap, and one beside. */
    HEAD SWITCHES
    "instruction A { when mode = user and umip = 1: trap priv r <- base }\n"
    "instruction B { when mode = user and umip = 1: trap priv r <- mode }\n"
    "instruction C { r <- mode }\n",
    /* A switch that each setting of spoils something else. */
    HEAD SWITCHES
    "instruction A { when mode = user and umip = 1: trap priv r <- base }\n"
    "instruction B { when mode = user and umip = 0: trap priv r <- mode }\n",
    /* It traps in supervisor mode too: made privileged it is not, by the
     * letter, unless a mode of the guest's own takes that trap. */
    HEAD REGISTERS "instruction A { when r = 1: trap priv unpredictable }\n",
    HEAD REGISTERS "instruction A { when r = 1: trap priv ie <- 0 }\n",
    /* A register that the monitor holds: with one of its own the guest's CLI
     * no longer traps. */
    HEAD "resource iopl : 1 enforced resource ie : 1\n"
         "instruction A { r <- iopl }\n"
         "instruction CLI { when mode = user and iopl != 1: trap priv ie <- 0 "
         "}\n",
    /* The monitor's own level counts for Theorem 2 only. */
    HEAD REGISTERS "instruction A { r <- ie }\n"
                   "instruction B { r <- pl }\n"
                   "needs { B } \"its level\"\n",
    /* Bound and base, written. */
    HEAD "instruction A { bound <- r }\n"
         "instruction B { when mode = user: trap priv base <- r bound <- 1 }\n"
         "instruction C { when mode = supervisor: bound <- 0 }\n",
    /* Nothing repairs a dependence on time. */
    HEAD "timing \"it must be fast\"\ninstruction A { r <- mode }\n",
};

/* Everything that may be done, at most this many. */
enum { CHANGES_MAX = 40, SIZE_MAX_TRIED = 3 };

static unsigned find_changes(const struct isa *isa, struct pg_repair *all)
{
    unsigned n = 0;

    all[n++] = (struct pg_repair){PG_HIGH_CORE, 0, 0};
    for (unsigned i = 0; i < isa->repair_count; i++)
        all[n++] = (struct pg_repair){PG_NAMED_REPAIR, i, 0};
    for (unsigned i = 0; i < isa->element_count; i++) {
        enum isa_kind kind = isa->elements[i].kind;

        if (i == ISA_MODE || i == ISA_BASE || i == ISA_BOUND ||
            isa_is_control(kind))
            all[n++] = (struct pg_repair){PG_DUPLICATE, i, 0};
        for (uint64_t v = 0; v < 2 && kind == ISA_KIND_SWITCH; v++)
            all[n++] = (struct pg_repair){PG_SET_SWITCH, i, v};
    }
    for (unsigned i = 0; i < isa->encoding_count; i++)
        all[n++] = (struct pg_repair){PG_MAKE_PRIVILEGED, i, 0};
    ck_assert_uint_le(n, CHANGES_MAX);
    return n;
}

struct force {
    const struct isa *isa;
    unsigned theorem, count;
    struct pg_repair all[CHANGES_MAX];
    uint64_t found; /* sets of the wanted size that repair */
};

static bool contradicts(const struct pg_repair_set *set)
{
    for (unsigned i = 0; i < set->count; i++)
        for (unsigned k = 0; k < i; k++)
            if (set->repairs[i].kind == PG_SET_SWITCH &&
                set->repairs[k].kind == PG_SET_SWITCH &&
                set->repairs[i].index == set->repairs[k].index)
                return true;
    return false;
}

static void try_all(struct force *f, struct pg_repair_set *set, unsigned from,
                    unsigned left)
{
    if (!left) {
        f->found += !contradicts(set) && repairs(f->isa, set, f->theorem);
        return;
    }
    for (unsigned i = from; i < f->count; i++) {
        set->repairs[set->count++] = f->all[i];
        try_all(f, set, i + 1, left - 1);
        set->count--;
    }
}

START_TEST(test_nothing_smaller_and_nothing_forgotten)
{
    struct isa *isa = parse("m", small[_i]);
    struct pg_repair_set *set = calloc(1, sizeof(*set));

    ck_assert(set != NULL);
    for (unsigned t = 0; t < PG_THEOREMS; t++) {
        if (t == PG_T2 && !isa->needs && !isa->timing)
            continue; /* the same as Theorem 1 */
        struct pg_repair_plan *plan = plan_for(isa, t);
        struct force f = {.isa = isa, .theorem = t};

        f.count = find_changes(isa, f.all);
        for (unsigned size = 0; size <= SIZE_MAX_TRIED; size++) {
            bool smallest = plan->possible && size == plan->smallest;

            f.found = 0;
            try_all(&f, set, 0, size);
            ck_assert_msg(f.found == (smallest ? plan->total : 0),
                          "Theorem %u: %llu sets of %u, and %llu of %u said",
                          t + 1, (unsigned long long)f.found, size,
                          (unsigned long long)plan->total, plan->smallest);
            if (smallest)
                break;
        }
        if (plan->possible)
            ck_assert_uint_le(plan->smallest, SIZE_MAX_TRIED);
        free(plan);
    }
    free(set);
    isa_free(isa);
}
END_TEST

START_TEST(test_timing_is_not_repaired)
{
    struct isa *isa = parse("m", small[ARRAY_LEN(small) - 1]);
    struct pg_repair_plan *plan = plan_for(isa, PG_T2);

    ck_assert(!plan->possible);
    free(plan);
    plan = plan_for(isa, PG_T1);
    ck_assert(plan->possible);
    free(plan);
    isa_free(isa);
}
END_TEST

/* A machine whose search would take for ever: it ends, and says so. */
START_TEST(test_a_search_that_is_given_up)
{
    static char text[16384];
    size_t at = (size_t)snprintf(text, sizeof(text), "%s", HEAD);
    enum { REGISTERS_MAX = 48 };
    struct isa *isa;

    for (unsigned i = 0; i < REGISTERS_MAX; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at,
                               "resource q%u : 1%s\n", i,
                               i % 2 ? " enforced" : "");
    for (unsigned i = 0; i < 2 * REGISTERS_MAX; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at,
                               "instruction A%u { r <- cat(q%u, q%u) }\n", i,
                               i % REGISTERS_MAX,
                               (i * 5 + 1 + i / REGISTERS_MAX) % REGISTERS_MAX);
    isa = parse("m", text);
    struct pg_repair_plan *plan = plan_for(isa, PG_T1);
    ck_assert(!plan->proved);
    for (unsigned n = 0; n < plan->count; n++)
        ck_assert(repairs(isa, &plan->sets[n], PG_T1));
    free(plan);
    isa_free(isa);
}
END_TEST

/* ---- High core ---- */

/* The paper's remark: what shows the location does no harm in high core.  What
 * shows the mode still does. */
START_TEST(test_high_core)
{
    struct isa *isa = find("toy");
    struct pg_repair_set high = {{{PG_HIGH_CORE, 0, 0}}, 1};
    struct isa *made = pg_repair_apply(isa, &high);
    struct pg_judgement j;
    struct diag d;

    ck_assert_int_eq(pg_judge(made, &j, &d), STATUS_OK);
    int getl = isa_find_encoding(made, "GETL");
    int getm = isa_find_encoding(made, "GETM");
    ck_assert(!pg_critical(&j.best.labels[getl], PG_CORRECTED));
    ck_assert(!j.best.exact[getl].vm.found && !j.best.exact[getl].nested.found);
    ck_assert(pg_critical(&j.best.labels[getm], PG_CORRECTED));
    ck_assert(j.best.exact[getm].vm.found);
    for (unsigned i = 0; i < made->encoding_count; i++) /* loads, stores too */
        if (!pg_critical(&j.best.labels[i], PG_CORRECTED))
            ck_assert_msg(!j.best.exact[i].vm.found, "%s",
                          made->encodings[i].name);
    pg_judgement_free(&j);
    isa_free(made);
    isa_free(isa);
}
END_TEST

/* ---- The command ---- */

static const struct command_case cases[] = {
    {"check paper --repair t1", 0, "and none is needed"},
    {"check tutorial --repair t1", 1, "1 make CLRIE privileged."},
    {"check toy --repair t1", 1, "put the monitor into high core"},
    {"check toy --repair t1", 1, "Without it critical: POPF, DECB, CONDPRIV."},
    {"check toy --repair t3", 1, "Sets of this size: 6; the first of them."},
    {"check m68000 --repair t2", 1, "make MOVE_from_SR privileged"},
    {"check pdp10-ka10 --repair t3", 1, "let the monitor set uio to 0."},
    {"check toy --repair t4", 2, "--repair t4: did you mean t1; one of"},
    {"check toy --repair t1 --reading literal", 2, "goes with no other"},
    {"check tutorial", 1, "  Theorem 1: make CLRIE privileged."},
    {"check tutorial", 1, "  Theorem 2: as Theorem 1."},
};

START_TEST(test_command)
{
    command_expect(&cases[_i]);
}
END_TEST

START_TEST(test_nothing_is_said_where_all_holds)
{
    const struct command *c = command_run(NULL, "check paper");

    ck_assert_int_eq(c->status, 0);
    ck_assert(strstr(c->out, "smallest repair") == NULL);
}
END_TEST

Suite *suite_pg_repair(void)
{
    Suite *s = suite_create("pg_repair");
    TCase *t = tcase_create("repair");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, NULL, command_clean);
    tcase_add_loop_test(t, test_known, 0, ARRAY_LEN(known));
    tcase_add_test(t, test_kinds_of_repair);
    tcase_add_loop_test(t, test_what_is_shown_repairs, 0, ARRAY_LEN(shown));
    tcase_add_loop_test(t, test_nothing_smaller_and_nothing_forgotten, 0,
                        ARRAY_LEN(small));
    tcase_add_test(t, test_timing_is_not_repaired);
    tcase_add_test(t, test_a_search_that_is_given_up);
    tcase_add_test(t, test_high_core);
    tcase_add_loop_test(t, test_command, 0, ARRAY_LEN(cases));
    tcase_add_test(t, test_nothing_is_said_where_all_holds);
    suite_add_tcase(s, t);
    return s;
}
