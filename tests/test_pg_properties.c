/* Equivalence, resource control, efficiency: the matrix of techniques, its
 * witnesses, and mutations that must each change the cells that they should. */
#include "popek-goldberg/judge/properties.h"
#include "popek-goldberg/language/machines.h"
#include "tests/command.h"
#include "tests/json.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    struct isa *isa;
    struct pg_judgement j;
    struct pg_properties *p;
};

static void setup_text(struct fixture *f, const char *name, const char *text)
{
    struct diag d = {""};

    ck_assert_msg(isa_parse(name, text, strlen(text), &f->isa, &d) == STATUS_OK,
                  "%s", d.text);
    ck_assert_msg(pg_judge(f->isa, &f->j, &d) == STATUS_OK, "%s", d.text);
    ck_assert_msg(pg_properties_derive(&f->j, &f->p, &d) == STATUS_OK, "%s",
                  d.text);
}

static void setup(struct fixture *f, const char *name)
{
    const struct pg_machine *m = pg_built_in;

    while (m->name && strcmp(m->name, name) != 0)
        m++;
    ck_assert_msg(m->name != NULL, "%s", name);
    setup_text(f, name, m->text);
}

static void teardown(struct fixture *f)
{
    pg_properties_free(f->p);
    pg_judgement_free(&f->j);
    isa_free(f->isa);
}

/* "-s+": equivalence fails, control holds in a setting, efficiency holds. */
static const char *cells_of(const struct pg_method *m)
{
    static char cells[PG_PROPERTIES + 1];

    for (enum pg_property k = 0; k < PG_PROPERTIES; k++)
        cells[k] = "+s-?"[m->cell[k].standing];
    return cells;
}

static const struct pg_method *method(const struct fixture *f,
                                      enum pg_technique t)
{
    for (unsigned i = 0; i < f->p->count; i++)
        if (f->p->methods[i].technique == t)
            return &f->p->methods[i];
    ck_abort_msg("no %s", pg_technique_words[t]);
    return NULL;
}

static void ck_matrix(const struct fixture *f, const char *name,
                      const char *const want[PG_TECHNIQUES])
{
    for (enum pg_technique t = 0; t < PG_TECHNIQUES; t++)
        ck_assert_msg(!strcmp(cells_of(method(f, t)), want[t]),
                      "%s, %s: %s, and not %s", name, pg_technique_words[t],
                      cells_of(method(f, t)), want[t]);
}

/* ---- Machines that are built in ---- */

static const struct {
    const char *name;
    const char *cells[PG_TECHNIQUES];
} matrices[] = {
    {"paper", {"+++", "++-", "++-", "+++", "+++", "+++"}},
    {"toy", {"-++", "-+-", "++-", "+++", "-++", "+++"}},
    {"tutorial", {"-++", "++-", "++-", "+++", "-++", "+++"}},
    {"m68000", {"-++", "-+-", "++-", "+++", "-++", "+++"}},
    {"m68010", {"+++", "++-", "++-", "+++", "+++", "+++"}},
    {"pdp10-ka10", {"-s+", "-s-", "++-", "ss+", "-s+", "+++"}},
    {"vax", {"-++", "++-", "++-", "+++", "-++", "+++"}},
    {"mips", {"++-", "++-", "++-", "++-", "++-", "+++"}},
};

START_TEST(test_matrix)
{
    struct fixture f;

    setup(&f, matrices[_i].name);
    ck_matrix(&f, matrices[_i].name, matrices[_i].cells);
    teardown(&f);
}
END_TEST

/* Does the encoding, executed, do what the witness says it does? */
static void ck_witness(const struct pg_method *m, enum pg_property k)
{
    const struct pg_cell *c = &m->cell[k];
    const struct pg_witness *w = &c->witness;
    const struct isa_encoding *code = &m->isa->encodings[c->encoding];
    struct isa_result r;

    ck_assert(w->found);
    ck_assert(c->failing > 0 && c->breaks[c->encoding]);
    ck_assert_str_ne(c->why, "");
    for (unsigned i = 0; i < 2; i++) {
        isa_step(m->isa, code, ISA_SCALED, w->operands, &w->s[i], &r);
        ck_assert_int_eq(r.ending, w->r[i].ending);
        ck_assert_mem_eq(r.state.v, w->r[i].state.v, sizeof(r.state.v));
        ck_assert_mem_eq(r.state.mem, w->r[i].state.mem, sizeof(r.state.mem));
    }
    if (c->proof == PG_ALONE) {
        ck_assert_int_eq(w->r[0].ending, ISA_DONE);
        return;
    }
    ck_assert_uint_eq(w->s[1].v[ISA_MODE], ISA_USER);
    if (k == PG_EFFICIENCY) {
        ck_assert_int_eq(w->r[0].ending, ISA_DONE);
        ck_assert_int_eq(w->r[1].ending, ISA_TRAPPED);
    } else {
        ck_assert_int_ne(w->r[1].ending, ISA_TRAPPED);
    }
}

/* Where a cell points to a witness of the report, that one is about the
 * same encoding under f. */
static void ck_row(const struct fixture *f, const struct pg_method *m,
                   enum pg_property k)
{
    unsigned n = pg_cell_row(f->p, m, &m->cell[k], PG_CORRECTED);
    struct pg_row row;

    if (!n)
        return;
    ck_assert_uint_eq(n <= pg_row_count(&f->j, PG_CORRECTED), true);
    ck_assert(pg_find_row(&f->j, PG_CORRECTED, n, &row));
    ck_assert_uint_eq(row.encoding, m->cell[k].encoding);
    ck_assert_int_eq(row.proof, PG_MAPPED);
}

START_TEST(test_every_failing_cell_has_its_witness)
{
    static const char *const names[] = {"toy", "m68000", "pdp10-ka10", "mips"};
    struct fixture f;

    setup(&f, names[_i]);
    for (unsigned i = 0; i < f.p->count; i++)
        for (enum pg_property k = 0; k < PG_PROPERTIES; k++) {
            const struct pg_method *m = &f.p->methods[i];

            if (m->cell[k].standing == PG_STANDS) {
                ck_assert(!m->cell[k].witness.found && !*m->cell[k].why);
                continue;
            }
            ck_witness(m, k);
            ck_row(&f, m, k);
        }
    teardown(&f);
}
END_TEST

START_TEST(test_exact_criterion_is_equivalence_and_control)
{
    struct fixture f;

    setup(&f, matrices[_i].name);
    const struct pg_method *plain = method(&f, PG_TRAP_EMULATE);
    const struct pg_method *hybrid = method(&f, PG_HYBRID);
    bool vm = plain->cell[PG_EQUIVALENCE].standing != PG_FALLS &&
              plain->cell[PG_CONTROL].standing != PG_FALLS;
    bool user = hybrid->cell[PG_EQUIVALENCE].standing != PG_FALLS &&
                hybrid->cell[PG_CONTROL].standing != PG_FALLS;
    ck_assert_int_eq(vm, f.j.best.vm);
    ck_assert_int_eq(user, f.j.best.hybrid);
    ck_assert_int_eq(plain->cell[PG_EFFICIENCY].standing != PG_FALLS,
                     f.j.best.direct);
    teardown(&f);
}
END_TEST

/* ---- Hardware assist ---- */

START_TEST(test_assisted_machines_point_at_the_one_below)
{
    struct fixture f;

    setup(&f, "vax-vm");
    for (enum pg_technique t = 0; t < PG_ASSIST; t++)
        ck_assert_str_eq(method(&f, t)->isa->name, "vax");
    ck_assert_ptr_eq(method(&f, PG_ASSIST)->isa, f.isa);
    ck_assert_str_eq(cells_of(method(&f, PG_TRAP_EMULATE)), "-++");
    ck_assert_str_eq(cells_of(method(&f, PG_ASSIST)), "+++");
    teardown(&f);
}
END_TEST

START_TEST(test_machines_with_an_assist_are_named)
{
    struct fixture f;

    setup(&f, "vax");
    ck_assert_uint_eq(f.p->count, PG_TECHNIQUES);
    ck_assert_str_eq(method(&f, PG_ASSIST)->isa->name, "vax-vm");
    ck_assert(!method(&f, PG_ASSIST)->imagined);
    teardown(&f);
    setup(&f, "tutorial");
    ck_assert(method(&f, PG_ASSIST)->imagined);
    ck_assert(method(&f, PG_ASSIST)->isa->assisted);
    teardown(&f);
}
END_TEST

/* The guest has a mode of its own, but not a bound: POPF, DECB and CONDPRIV of
 * the toy machine still change the real one. */
START_TEST(test_an_assist_without_a_bound)
{
    static const char text[] = "machine half like toy \"half an assist\"\n"
                               "duplicate mode as m\n"
                               "instruction GROW { bound <- bound + 1 }\n";
    struct fixture f;

    setup_text(&f, "half", text);
    ck_assert_str_eq(method(&f, PG_TRAP_EMULATE)->isa->name, "toy");
    ck_assert_str_eq(cells_of(method(&f, PG_TRAP_EMULATE)), "-++");
    const struct pg_method *m = method(&f, PG_ASSIST);
    ck_assert_str_eq(cells_of(m), "--+");
    int grow = isa_find_encoding(f.isa, "GROW");
    ck_assert(m->cell[PG_CONTROL].breaks[grow]);
    ck_assert(!m->cell[PG_EQUIVALENCE].breaks[grow]);
    teardown(&f);
}
END_TEST

/* ---- Mutations ---- */

static const char head[] =
    "machine m address 8 word 8 scaled 1 memory 2 monitor 2\n"
    "register r : 8 scaled 2\n"
    "resource ie : 1 monitor 1\n"
    "switch open : 1 enforced\n"
    "switch fixed : 1\n"
    "trap priv : privileged\n"
    "trap op : operand\n"
    "trap segment : memory\n"
    "instruction ADD (n : 8 scaled 1) { r <- r + n }\n"
    "instruction LOAD (a : 8 scaled 1) { r <- mem[a] }\n"
    "instruction SETIE { when mode = user: trap priv ie <- r }\n";

#define SAME "++-" /* interpretation, whatever the machine */

static const struct {
    const char *code;
    const char *cells[PG_TECHNIQUES];
} mutations[] = {
    {"", {"+++", "++-", SAME, "+++", "+++", "+++"}},
    /* Reads the mode: only a guest's supervisor mode is cheated. */
    {"instruction X { r <- mode }", {"-++", "++-", SAME, "+++", "-++", "+++"}},
    /* Reads where it lies. */
    {"instruction X { r <- base }", {"-++", "-+-", SAME, "+++", "-++", "+++"}},
    /* Reads the real register of the monitor. */
    {"instruction X { r <- ie }", {"-++", "-+-", SAME, "+++", "-++", "+++"}},
    /* Silently nothing in user mode: the real machine stays as it is. */
    {"instruction X { when mode = supervisor: ie <- 0 }",
     {"-++", "++-", SAME, "+++", "-++", "+++"}},
    {"instruction X { when mode = supervisor: bound <- 0 }",
     {"-++", "++-", SAME, "+++", "-++", "+++"}},
    /* Any program may: the virtual one is not told, and the real one lost. */
    {"instruction X { ie <- 0 }", {"--+", "---", SAME, "+++", "--+", "+++"}},
    /* More storage in both machines alike: only control is lost. */
    {"instruction X { bound <- bound + 1 }",
     {"+-+", "+--", SAME, "+++", "--+", "+++"}},
    /* Less of it does no harm, as the paper says. */
    {"instruction X { when bound > 0: bound <- bound - 1 }",
     {"+++", "++-", SAME, "+++", "+++", "+++"}},
    /* The program would go on in the monitor's words. */
    {"instruction X { base <- 0 }", {"--+", "---", SAME, "+++", "--+", "+++"}},
    /* Unpredictable on the bare machine, too: equivalence cannot break. */
    {"instruction X { unpredictable }",
     {"+-+", "+--", SAME, "+++", "--+", "+-+"}},
    {"instruction X { when mode = user: unpredictable r <- 1 }",
     {"--+", "+--", SAME, "+++", "--+", "+-+"}},
    /* An address that the bare supervisor reaches, and user mode does not. */
    {"instruction X { when mode = user: trap segment r <- 1 }",
     {"++-", "++-", SAME, "++-", "++-", "+++"}},
    /* The bare machine's trap is missed: the other way round. */
    {"instruction X { when mode = supervisor: trap op r <- 1 }",
     {"-++", "++-", SAME, "+++", "-++", "+++"}},
    /* As UMIP: a setting of the monitor's makes it trap. */
    {"instruction X { when mode = user and open = 0: trap priv r <- base }",
     {"s++", "s+-", SAME, "s++", "s++", "+++"}},
    {"instruction X { when mode = user and open = 0: trap priv ie <- r }",
     {"ss+", "ss-", SAME, "ss+", "ss+", "+++"}},
    /* The same, and nobody may set the switch. */
    {"instruction X { when mode = user and fixed = 0: trap priv r <- base }",
     {"-++", "-+-", SAME, "+++", "-++", "+++"}},
    /* The guest reads a switch that the monitor has set for itself: it is not
     * critical, so that patching does not reach it. */
    {"instruction Y { when mode = user and open = 1: trap priv ie <- r }\n"
     "instruction X { r <- open }",
     {"-s+", "-s-", SAME, "-s+", "-s+", "+++"}},
    /* Traps where it does harm: a wanted trap, and no loss. */
    {"instruction X { when r = 1 and mode = user: trap priv "
     "when r = 1: bound <- 0 }",
     {"+++", "++-", SAME, "+++", "+++", "+++"}},
};

START_TEST(test_mutations)
{
    char text[2048];
    struct fixture f;

    snprintf(text, sizeof(text), "%s%s", head, mutations[_i].code);
    setup_text(&f, "m", text);
    ck_matrix(&f, mutations[_i].code, mutations[_i].cells);
    for (unsigned i = 0; i < f.p->count; i++)
        for (enum pg_property k = 0; k < PG_PROPERTIES; k++)
            if (f.p->methods[i].cell[k].standing != PG_STANDS)
                ck_witness(&f.p->methods[i], k);
    teardown(&f);
}
END_TEST

/* Nothing innocuous is interpreted where nothing is innocuous. */
START_TEST(test_efficiency_asks_for_an_innocuous_instruction)
{
    static const char text[] =
        "machine m address 8 word 8 scaled 1 memory 2 monitor 2\n"
        "resource ie : 1\n"
        "trap priv : privileged\n"
        "instruction SETIE { when mode = user: trap priv ie <- 1 }\n";
    struct fixture f;

    setup_text(&f, "m", text);
    ck_assert_str_eq(cells_of(method(&f, PG_INTERPRET)), "+++");
    ck_assert_str_eq(cells_of(method(&f, PG_HYBRID)), "+++");
    teardown(&f);
}
END_TEST

/* What is the monitor's own level is no part of its machines. */
START_TEST(test_what_only_a_monitor_has_breaks_nothing)
{
    static const char text[] =
        "machine m address 8 word 8 scaled 1 memory 2 monitor 2\n"
        "register r : 8 scaled 1\n"
        "instruction ADD (n : 8 scaled 1) { r <- r + n }\n"
        "instruction LEVEL { r <- mode }\n"
        "%s\n";
    char with[1024], without[1024];
    struct fixture f;

    snprintf(without, sizeof(without), text, "");
    snprintf(with, sizeof(with), text, "needs { LEVEL } \"its own level\"");
    setup_text(&f, "m", without);
    ck_assert_str_eq(cells_of(method(&f, PG_TRAP_EMULATE)), "-++");
    teardown(&f);
    setup_text(&f, "m", with);
    ck_assert_str_eq(cells_of(method(&f, PG_TRAP_EMULATE)), "+++");
    ck_assert_str_eq(cells_of(method(&f, PG_PARAVIRTUAL)), "+++");
    teardown(&f);
}
END_TEST

/* ---- The command ---- */

static const struct command_case cases[] = {
    {"check paper --technique trap-and-emulate", 0, "equivalence holds."},
    {"check toy --technique hybrid", 1, "GETL: in some state of virtual user"},
    {"check toy --technique patching", 1,
     "made to trap: GETL, GETM, POPF, JRST1, DECB and CONDPRIV"},
    {"check toy --technique assist", 1, "no built-in machine is this one"},
    {"check vax --technique assist", 1, "built in as vax-vm."},
    {"check pdp10-ka10 --technique trap-and-emulate", 1,
     "resource control holds with uio=0, not otherwise:"},
    {"check toy --technique hybird", 2, "did you mean hybrid"},
    {"check toy --technique assist --json", 2, "--technique goes with"},
    {"check toy", 1, "The properties of a monitor, by technique:"},
    {"check vax-vm", 0, "Without its assist the machine is vax"},
};

START_TEST(test_command)
{
    command_expect(&cases[_i]);
}
END_TEST

/* The number in the matrix is that of the witness that --witness prints. */
START_TEST(test_the_report_links_its_witnesses)
{
    const struct command *c =
        command_run(NULL, "check toy --technique trap-and-emulate");
    const char *at = strchr(c->out, '[');

    ck_assert_msg(at != NULL, "%s", c->out);
    int n = atoi(at + 1);
    c = command_run(NULL, "check toy --witness %d", n);
    ck_assert_msg(strstr(c->out, "fails the exact criterion") != NULL, "%s",
                  c->out);
    ck_assert(strstr(c->out, "GETL") != NULL);
}
END_TEST

START_TEST(test_json)
{
    static const char *const wanted[] = {
        "\"properties\":[{\"technique\":\"trap-and-emulate\"",
        "\"resource_control\":{\"verdict\":\"holds with\",\"with\":{\"uio\":0}",
        "\"technique\":\"assist\",\"machine\":\"pdp10-ka10-assisted\"",
        "\"encodings\":[\"JRST1\",\"JRSTF\",\"PUSHJ\",\"JSP\",\"JSR\"]",
    };
    const struct command *c = command_run(NULL, "check pdp10-ka10 --json");

    ck_assert_msg(json_valid(c->out), "%s", c->out);
    for (unsigned i = 0; i < ARRAY_LEN(wanted); i++)
        ck_assert_msg(strstr(c->out, wanted[i]) != NULL, "%s", wanted[i]);
}
END_TEST

Suite *suite_pg_properties(void)
{
    Suite *s = suite_create("pg_properties");
    TCase *t = tcase_create("matrix");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, NULL, command_clean);
    tcase_add_loop_test(t, test_matrix, 0, ARRAY_LEN(matrices));
    tcase_add_loop_test(t, test_every_failing_cell_has_its_witness, 0, 4);
    tcase_add_loop_test(t, test_exact_criterion_is_equivalence_and_control, 0,
                        ARRAY_LEN(matrices));
    tcase_add_test(t, test_assisted_machines_point_at_the_one_below);
    tcase_add_test(t, test_machines_with_an_assist_are_named);
    tcase_add_test(t, test_an_assist_without_a_bound);
    tcase_add_loop_test(t, test_mutations, 0, ARRAY_LEN(mutations));
    tcase_add_test(t, test_efficiency_asks_for_an_innocuous_instruction);
    tcase_add_test(t, test_what_only_a_monitor_has_breaks_nothing);
    tcase_add_loop_test(t, test_command, 0, ARRAY_LEN(cases));
    tcase_add_test(t, test_the_report_links_its_witnesses);
    tcase_add_test(t, test_json);
    suite_add_tcase(s, t);
    return s;
}
