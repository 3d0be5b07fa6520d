/* Labels, theorems and witnesses: the toy table of README.md, the paper's
 * machine, and machines with the mistakes that students make. */
#include "popek-goldberg/report/report.h"
#include "tests/command.h"
#include "tests/json.h"
#include "tests/pg_isa.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct isa *find(const char *name)
{
    struct isa *all[PG_MACHINES], *found = NULL;
    unsigned n = pg_machines(all);

    for (unsigned i = 0; i < n; i++)
        if (!strcmp(all[i]->name, name))
            found = all[i];
        else
            isa_free(all[i]);
    ck_assert_msg(found != NULL, "%s", name);
    return found;
}

static void judge(const struct isa *isa, struct pg_judgement *j)
{
    struct diag d = {""};

    ck_assert_msg(pg_judge(isa, j, &d) == STATUS_OK, "%s", d.text);
}

/* T1 and T3 as the letter has them, corrected, and the exact criterion for the
 * monitor and the hybrid one: does the instruction do harm? */
static const struct {
    const char *name;
    bool literal[2], corrected[2], exact[2];
} toys[] = {
    {"DIV", {1, 1}, {0, 0}, {0, 0}},  {"SVC", {1, 1}, {0, 0}, {0, 0}},
    {"LPSW", {1, 1}, {0, 0}, {0, 0}}, {"LPSW_clean", {0}, {0}, {0}},
    {"LRA", {0}, {0}, {0}},           {"GETL", {1, 1}, {1, 1}, {1, 1}},
    {"GETB", {0}, {0}, {0}},          {"GETM", {1, 0}, {1, 0}, {1, 0}},
    {"POPF", {1, 0}, {1, 0}, {1, 0}}, {"JRST1", {1, 0}, {1, 0}, {1, 0}},
    {"DECB", {1, 1}, {1, 1}, {0, 0}}, {"CONDPRIV", {1, 1}, {1, 0}, {0, 0}},
    {"LOAD", {0}, {0}, {0}},          {"STORE", {0}, {0}, {0}},
};

static void check_toy(const struct pg_judgement *j, unsigned i)
{
    const struct pg_labels *l = &j->best.labels[i];
    const struct pg_exact *x = &j->best.exact[i];

    ck_assert_str_eq(j->isa->encodings[i].name, toys[i].name);
    for (enum pg_reading r = 0; r < PG_READINGS; r++) {
        const bool *want =
            r == PG_LITERAL ? toys[i].literal : toys[i].corrected;

        ck_assert_msg(pg_critical(l, r) == want[0] &&
                          (pg_user_sensitive(l, r) && !l->privileged[r]) ==
                              want[1],
                      "%s, reading %u", toys[i].name, r);
    }
    ck_assert_msg(x->vm.found == toys[i].exact[0] &&
                      x->nested.found == toys[i].exact[0] &&
                      x->hybrid.found == toys[i].exact[1],
                  "%s, exact", toys[i].name);
}

START_TEST(test_toy_table)
{
    struct isa *isa = find("toy");
    struct pg_judgement j;

    judge(isa, &j);
    ck_assert_uint_eq(isa->encoding_count, ARRAY_LEN(toys));
    for (unsigned i = 0; i < ARRAY_LEN(toys); i++)
        check_toy(&j, i);
    pg_judgement_free(&j);
    isa_free(isa);
}
END_TEST

START_TEST(test_paper_machine)
{
    struct isa *isa = find("paper");
    struct pg_judgement j;

    judge(isa, &j);
    for (unsigned t = 0; t < PG_THEOREMS; t++)
        ck_assert(j.best.holds[PG_CORRECTED][t]);
    /* DIVIDE's exception alone breaks the letter of the definition. */
    ck_assert(!j.best.holds[PG_LITERAL][PG_T1]);
    ck_assert(j.best.vm && j.best.hybrid && j.best.nested);
    for (unsigned i = 0; i < isa->encoding_count; i++)
        ck_assert_int_eq(pg_critical(&j.best.labels[i], PG_LITERAL),
                         !strcmp(isa->encodings[i].name, "DIVIDE"));
    pg_judgement_free(&j);
    isa_free(isa);
}
END_TEST

/* ---- Witnesses ---- */

/* Do the two states differ in nothing but this element? */
static bool only_differ(const struct isa *isa, const struct pg_witness *w,
                        unsigned element)
{
    for (unsigned i = 0; i < isa->element_count; i++)
        if (i != element && w->s[0].v[i] != w->s[1].v[i])
            return false;
    return w->s[0].v[element] != w->s[1].v[element] &&
           !memcmp(w->s[0].mem, w->s[1].mem, sizeof(w->s[0].mem));
}

static bool is_image(const struct isa *isa, const struct pg_witness *w,
                     unsigned levels)
{
    const struct isa_state *s = &w->s[0], *f = &w->s[1];
    unsigned shift = levels * isa->monitor_words;

    for (unsigned i = ISA_BUILT_IN; i < isa->element_count; i++)
        if (isa->elements[i].kind == ISA_KIND_RESOURCE
                ? f->v[i] != isa->elements[i].monitor[ISA_SCALED]
                : isa->elements[i].kind == ISA_KIND_REGISTER &&
                      f->v[i] != s->v[i])
            return false;
    return f->v[ISA_MODE] == ISA_USER && f->v[ISA_PC] == s->v[ISA_PC] &&
           f->v[ISA_BASE] == s->v[ISA_BASE] + shift &&
           f->v[ISA_BOUND] == s->v[ISA_BOUND] && f->q == s->q + shift;
}

static void check_states(const struct isa *isa, const struct pg_row *row)
{
    const struct pg_witness *w = row->witness;

    if (row->proof == PG_MAPPED)
        ck_assert(is_image(isa, w, strstr(row->label, "twice") ? 2 : 1));
    if (row->proof == PG_LESS || strstr(row->label, "mode sensitive") ||
        strstr(row->label, "not privileged"))
        ck_assert(only_differ(isa, w, ISA_MODE));
    if (strstr(row->label, "location"))
        ck_assert(only_differ(isa, w, ISA_BASE));
}

static void replay(const struct isa *isa, const struct pg_row *row)
{
    const struct pg_witness *w = row->witness;

    for (unsigned i = 0; i < 2; i++) {
        struct isa_result r;

        isa_step(isa, &isa->encodings[row->encoding], ISA_SCALED, w->operands,
                 &w->s[i], &r);
        ck_assert_int_eq(r.ending, w->r[i].ending);
        ck_assert_uint_eq(r.trap, w->r[i].trap);
        ck_assert_mem_eq(&r.state, &w->r[i].state, sizeof(r.state));
    }
    check_states(isa, row);
}

START_TEST(test_witnesses_replay)
{
    struct isa *all[PG_MACHINES];
    struct pg_row rows[PG_ROWS];
    unsigned n = pg_machines(all), witnesses = 0;

    for (unsigned m = 0; m < n; m++) {
        struct pg_judgement j;

        judge(all[m], &j);
        for (unsigned i = 0; i < 2 * all[m]->encoding_count; i++) {
            unsigned count = pg_rows(&j, i / 2, i % 2, rows);

            for (unsigned k = 0; k < count; k++, witnesses++)
                replay(all[m], &rows[k]);
        }
        pg_judgement_free(&j);
        isa_free(all[m]);
    }
    ck_assert_uint_gt(witnesses, 40);
}
END_TEST

/* ---- Mistakes ---- */

#define HEAD                                                               \
    "machine m word 8 register ac : 8 scaled 2 resource ie : 1 monitor 1 " \
    "trap priv : privileged trap svc : system_call switch lock : 1 enforced "

static const struct {
    const char *text, *says;
} mistakes[] = {
    {"instruction A { when mode = supervisor: ie <- ac[0] }",
     "A user-mode no-op is not privileged"},
    {"instruction A { trap priv ie <- 1 }", "Privileged asks for two things"},
    {"instruction A { trap svc ie <- 1 }", "Privileged would be vacuous"},
    {"instruction A { when mode = supervisor: trap priv ie <- ac[0] }",
     "the wrong way round"},
    {"instruction A { when ac = 0: trap priv ie <- 1 }",
     "Privileged asks for two things"},
    {"instruction A { ac <- ie }", "leaks state in user mode"},
    {"instruction A { ac <- base }", "location sensitive in user mode"},
    {"instruction A { ac <- mode }", "A: CRITICAL: sensitive and not"},
    {"instruction A { mode <- user }",
     "the monitor, which keeps the virtual one, is not told"},
    {"instruction A { mode <- supervisor }",
     "mode of the real machine is not what the monitor has set"},
    {"instruction A { bound <- ac }",
     "bound of the real machine is not what the monitor has set"},
    {"instruction A { base <- ac }", "so breaks resource control"},
    {"instruction A { when bound > 0: bound <- bound - 1 }",
     "the theorem is sufficient, not necessary"},
    {"instruction A { when mode = user: unpredictable ie <- 1 }",
     "unpredictable: it need not trap"},
    {"instruction A { when mode = user: ac <- unpredictable }",
     "unpredictable in the second"},
    {"instruction A { when mode = user and lock = 1: trap priv ac <- mode }",
     "The monitor sets lock=1"},
    {"timing \"a clock\" instruction A { ac <- 1 }", "and timing: a clock"},
    {"instruction A { ac <- 1 } claim A critical source \"x\" confidence L",
     "DERIVED OTHERWISE: innocuous (x; L)"},
};

START_TEST(test_mistake)
{
    struct pg_judgement j;
    struct isa *isa;
    struct diag d = {""};
    char text[1024], *report = NULL;
    size_t size;

    snprintf(text, sizeof(text), HEAD "%s", mistakes[_i].text);
    ck_assert_msg(isa_parse("m", text, strlen(text), &isa, &d) == STATUS_OK,
                  "%s", d.text);
    judge(isa, &j);
    FILE *f = open_memstream(&report, &size);
    pg_report(f, &j, PG_CORRECTED, NULL);
    fclose(f);
    ck_assert_msg(strstr(report, mistakes[_i].says), "no \"%s\" in\n%s",
                  mistakes[_i].says, report);
    free(report);
    pg_judgement_free(&j);
    isa_free(isa);
}
END_TEST

START_TEST(test_space_too_large)
{
    static const char text[] = "machine m word 8 scaled 8 memory 8 address 16 "
                               "instruction A { pc <- mem[0] }";
    struct pg_judgement j;
    struct isa *isa;
    struct diag d = {""};

    ck_assert_int_eq(isa_parse("m", text, strlen(text), &isa, &d), STATUS_OK);
    ck_assert_int_eq(pg_judge(isa, &j, &d), STATUS_BAD_INPUT);
    ck_assert_msg(strstr(d.text, "instruction A"), "%s", d.text);
    isa_free(isa);
}
END_TEST

/* ---- The command ---- */

static const struct command_case commands[] = {
    {"check paper", 0, "Theorem 1"},
    {"check toy", 1, "fails because of GETL"},
    {"check toy --reading literal", 1, "DIV, SVC, LPSW"},
    {"check toy --instruction GETM", 1, "ac is 0 in the first outcome"},
    {"check toy --witness 1", 1, "[1]"},
    {"check toy --witness 9999", 2, "there is none"},
    {"check toy --instruction GETX", 2, "did you mean GET"},
    {"check tutrial", 2, "did you mean tutorial?"},
    {"check SPARC", 2, "did you mean sparc-v9?"},
    {"check none.isa", 2, "none.isa"},
    {"check", 2, "one machine is wanted"},
    {"check toy --reading other", 2, "literal or corrected"},
    {"check m68010", 0, "Theorem 3"},
    {"check m68000 --instruction MOVE_from_SR", 1, "mode sensitive"},
    {"check pdp10-ka10", 1, "because of JRST1, JRSTF, PUSHJ, JSP, JSR."},
};

START_TEST(test_command)
{
    command_expect(&commands[_i]);
}
END_TEST

START_TEST(test_json)
{
    const struct command *c = command_run("/", "check toy --json");

    ck_assert_msg(json_valid(c->out), "%.1000s", c->out);
    ck_assert_ptr_nonnull(strstr(c->out, "\"theorems\":{\"t1\":\"fails\""));
    ck_assert_ptr_nonnull(strstr(c->out,
                                 "{\"encoding\":\"GETM\",\"mnemonic\":\"GETM\","
                                 "\"privileged\":false,\"sensitive\":true,"
                                 "\"user_sensitive\":false,\"critical\":true"));
}
END_TEST

START_TEST(test_own_file)
{
    static const char text[] = "machine mine\nregister ac : 8\n"
                               "instruction A { ac <- mde }\n";

    command_file("mine.isa", text, sizeof(text) - 1);
    const struct command *c = command_run(command_folder(), "check mine.isa");
    ck_assert_int_eq(c->status, 2);
    ck_assert_ptr_nonnull(strstr(c->err, "mine.isa:3:23: expected a value, "
                                         "found 'mde'; did you mean 'mode'?"));
    command_clean();
}
END_TEST

Suite *suite_pg_check(void)
{
    Suite *s = suite_create("pg_check");
    TCase *t = tcase_create("check");

    tcase_set_timeout(t, 120);
    tcase_add_test(t, test_toy_table);
    tcase_add_test(t, test_paper_machine);
    tcase_add_test(t, test_witnesses_replay);
    tcase_add_loop_test(t, test_mistake, 0, (int)ARRAY_LEN(mistakes));
    tcase_add_test(t, test_space_too_large);
    tcase_add_loop_test(t, test_command, 0, (int)ARRAY_LEN(commands));
    tcase_add_test(t, test_json);
    tcase_add_test(t, test_own_file);
    suite_add_tcase(s, t);
    return s;
}
