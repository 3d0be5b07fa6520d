/* IBM's machines, and System/370 three times: as its table declares it, as its
 * description makes it follow, and as our machine was seen to be.  A change of
 * any one of the three is found out. */
#include "popek-goldberg/language/machines.h"
#include "popek-goldberg/probe/agree_s370.h"
#include "tests/command.h"
#include "tests/pg_isa.h"
#include "tests/pg_judged.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 1974, STATES = 24, TIMEOUT = 60 };

/* The description as it is, and what the probe observes. */
static struct pg_judged s370;
static struct pg_probe_row *rows;

static const char *text_of(const char *name)
{
    for (const struct pg_machine *m = pg_built_in; m->name; m++)
        if (!strcmp(m->name, name))
            return m->text;
    ck_abort_msg("%s is not built in", name);
    return NULL;
}

static void probe(void)
{
    s370 = pg_judged_text("s370", text_of("s370"));
    rows = calloc(S370_OP_COUNT, sizeof(*rows));
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(pg_probe_s370(rows, &pg_s370_step, SEED, STATES),
                     STATUS_OK);
}

static void forget(void)
{
    free(rows);
    pg_judged_free(&s370);
}

static struct pg_s370_answers answers(void)
{
    return (struct pg_s370_answers){&s370_insns, &s370.j, rows};
}

/* ---- Reports ---- */

static char *report(const struct pg_s370_answers *a, int *bad)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);

    ck_assert_ptr_nonnull(f);
    *bad = pg_s370_report(a, f);
    fclose(f);
    return text;
}

/* This instruction, and no other, neither agrees nor is explained. */
static void check_named(const struct pg_s370_answers *a, const char *name)
{
    char *text, line[16];
    int bad;

    text = report(a, &bad);
    ck_assert_msg(bad == 1, "%s: %d\n%s", name, bad, text);
    snprintf(line, sizeof(line), "\n%-6s ", name);
    const char *row = strstr(text, line);
    ck_assert_msg(row != NULL, "%s has no row", name);
    const char *end = strchr(row + 1, '\n'), *word = strstr(row, "DIFFERS");
    ck_assert_msg(word && word < end, "%s: %.*s", name, (int)(end - row), row);
    free(text);
}

/* ---- Agreement ---- */

START_TEST(test_every_opcode_is_in_all_three)
{
    for (unsigned op = 0; op < S370_OP_COUNT; op++)
        ck_assert_msg(pg_s370_derived(&s370.j, s370_insns.rows[op].name).there,
                      "%s", s370_insns.rows[op].name);
    ck_assert(!pg_s370_derived(&s370.j, "XYZ").there);
}
END_TEST

START_TEST(test_all_agree_or_are_explained)
{
    struct pg_s370_answers a = answers();
    char *text;
    int bad;

    text = report(&a, &bad);
    ck_assert_msg(bad == 0, "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "145 instructions are declared"));
    free(text);
}
END_TEST

/* The dual-address-space operations among them. */
START_TEST(test_what_only_the_description_has)
{
    static const char *const das[] = {"EPAR", "ESAR", "IAC",  "IVSK",
                                      "SAC",  "SSAR", "MVCP", "MVCS",
                                      "MVCK", "PC",   "PT",   "LASP"};
    const char *names[64];
    struct pg_s370_answers a = answers();
    unsigned n = pg_s370_beyond(&a, names, ARRAY_LEN(names));

    ck_assert_uint_le(n, ARRAY_LEN(names));
    for (size_t i = 0; i < ARRAY_LEN(das); i++) {
        unsigned k = 0;

        while (k < n && strcmp(names[k], das[i]) != 0)
            k++;
        ck_assert_msg(k < n, "%s", das[i]);
    }
}
END_TEST

/* ---- Descriptions that are wrong in one place ---- */

/* The declarations and the encodings of one mnemonic; the caller's. */
static char *cut(const char *text, const char *mnemonic)
{
    char of[64], itself[64];
    const char *at = strstr(text, "\ninstruction ");
    char *out = calloc(1, strlen(text) + 1);

    ck_assert_ptr_nonnull(out);
    snprintf(of, sizeof(of), " of %s ", mnemonic);
    snprintf(itself, sizeof(itself), "\ninstruction %s ", mnemonic);
    memcpy(out, text, (size_t)(at - text));
    for (; at; at = strstr(at + 1, "\ninstruction ")) {
        const char *title = strchr(at, '"'), *end = strstr(at, "\n}\n");
        const char *found = strstr(at, of);

        ck_assert(title && end);
        if (!strncmp(at, itself, strlen(itself)) || (found && found < title))
            strncat(out, at, (size_t)(end - at) + 3);
    }
    return out;
}

/* The first `old` after `after` replaced; the caller's. */
static char *changed(const char *text, const char *after, const char *old,
                     const char *new)
{
    size_t size = strlen(text) + strlen(new) + 1;
    const char *from = strstr(text, after);
    char *out = malloc(size);

    ck_assert_ptr_nonnull(out);
    ck_assert_msg(from, "%s is not there", after);
    const char *at = strstr(from, old);
    ck_assert_msg(at, "%s is not there", old);
    snprintf(out, size, "%.*s%s%s", (int)(at - text), text, new,
             at + strlen(old));
    return out;
}

#define REFUSE "  when mode = user: trap privileged\n"

static const struct mutant {
    const char *mnemonic, *after, *old, *new; /* of the text */
    enum s370_op op; /* the instruction that then differs */
} mutants[] = {
    {"LPSW", "LPSW", REFUSE, "", S370_OP_LPSW},
    {"LPSW", "LPSW", "mode = user", "mode = supervisor", S370_OP_LPSW},
    {"STIDP", "STIDP", REFUSE, "", S370_OP_STIDP},
    {"SCK", "SCK", REFUSE, "", S370_OP_SCK},
    {"HIO", "HIO", REFUSE, "", S370_OP_CLRIO},
    {"HIO", "HIO", "CLRIO", "", S370_OP_CLRIO},
    {"TCH", "TCH", "cc <- channels", "cc <- 0", S370_OP_TCH},
    {"LRA", "LRA", "base + a", "a", S370_OP_LRA},
    {"LRA", "LRA", "cr1 + a", "a", S370_OP_LRA},
    {"ISK", "ISK", "a = base ?", "a = 0 ?", S370_OP_ISK},
    {"SSK", "SSK", "{ skey <- k refs <- r }", "cc <- 0", S370_OP_SSK},
    {"RRB", "RRB", "refs <- refs & 1", "cc <- refs", S370_OP_RRB},
    {"BALR", "BALR", "pc + 1", "(mode = user ? 0 : pc + 1)", S370_OP_BAL},
    {"SPM", "SPM", "pm <- m", "pm <- m key <- m", S370_OP_SPM},
    {"LA", "LA", "gr <- a", "gr <- base + a", S370_OP_LA},
    {"CS", "CS", "CDS", "CSD", S370_OP_CDS},
    {"IPK", "IPK", " and extraction = 0", " and gr = 0", S370_OP_IPK},
    {"SPKA", "SPKA", "mode = user and", "", S370_OP_SPKA},
    {"SVC", "SVC", "trap svc", "trap privileged", S370_OP_SVC},
    {"STCK", "STCK", "tod_state", "prefix", S370_OP_STCK},
    {"DIAG", "DIAG", "unpredictable", "cc <- 0", S370_OP_DIAG},
    {"EX", "EX_privileged", REFUSE, "", S370_OP_EX},
    {"EX", "EX_target", "gr <- n", "key <- n", S370_OP_EX},
    {"MC", "MC", "trap monitor_call", "sysmask <- 0", S370_OP_MC},
};

static bool good(const char *text, enum s370_op op)
{
    struct pg_judged s = pg_judged_text("s370", text);
    struct pg_s370_answers a = {&s370_insns, &s.j, rows};
    struct pg_s370_verdict v = pg_s370_judge(&a, op);
    pg_judged_free(&s);
    return pg_s370_good(&v);
}

START_TEST(test_changed_description)
{
    const struct mutant *m = &mutants[_i];
    char *text = cut(text_of("s370"), m->mnemonic);
    char *wrong = changed(text, m->after, m->old, m->new);

    ck_assert(good(text, m->op));
    ck_assert(!good(wrong, m->op));
    free(wrong);
    free(text);
}
END_TEST

/* ---- A table that is wrong in one row ---- */

static const struct {
    enum s370_op op;
    uint8_t privilege, sensitivity;
} wrong_rows[] = {
    {S370_OP_LPSW, PRIV_U, SENS_CTL},
    {S370_OP_LPSW, PRIV_P, SENS_INNOCUOUS},
    {S370_OP_LRA, PRIV_P, SENS_MODE},
    {S370_OP_AR, PRIV_P, SENS_INNOCUOUS},
    {S370_OP_MVC, PRIV_U, SENS_LOC},
    {S370_OP_STCK, PRIV_U, SENS_INNOCUOUS},
    {S370_OP_EX, PRIV_Q, SENS_CTL | SENS_LOC | SENS_MODE},
    {S370_OP_SVC, PRIV_U, SENS_CTL | SENS_MODE},
    {S370_OP_DIAG, PRIV_P, SENS_CTL},
};

START_TEST(test_changed_table)
{
    static struct insn_desc table[S370_OP_COUNT];
    const struct insn_table declared = {table, S370_OP_COUNT};
    enum s370_op op = wrong_rows[_i].op;
    struct pg_s370_answers a = answers();

    memcpy(table, s370_insns.rows, sizeof(table));
    table[op].privilege = wrong_rows[_i].privilege;
    table[op].sensitivity = wrong_rows[_i].sensitivity;
    a.declared = &declared;
    if (op == S370_OP_EX) { /* then all three agree; it is not privileged */
        ck_assert(!pg_s370_judge(&a, op).agrees);
        ck_assert(!pg_s370_judge(&a, op).explained);
    }
    check_named(&a, table[op].name);
}
END_TEST

/* ---- A machine that is wrong in one instruction ---- */

static void observe(uint8_t *value, uint8_t wrong)
{
    uint8_t right = *value;
    struct pg_s370_answers a = answers();

    *value = wrong;
    check_named(&a, "STAP");
    *value = right;
}

/* What the probe sees of wrong machines is in the probe's own suite. */
START_TEST(test_changed_observation)
{
    struct pg_probe_row *row = &rows[S370_OP_STAP];

    observe(&row->privilege, PRIV_U);
    observe(&row->sensitivity, SENS_CTL | SENS_MODE);
    observe(&row->sensitivity, SENS_INNOCUOUS);
    row->silent = true;
    observe(&row->sensitivity, SENS_MODE);
    row->silent = false;
    row->completed = 0;
    observe(&row->sensitivity, SENS_MODE);
}
END_TEST

/* ---- The machines ---- */

static const struct {
    const char *name;
    bool holds[PG_THEOREMS], exact, worst; /* worst: Theorem 1 */
    const char *critical[3];
} machines[] = {
    {"s370", {true, true, true}, true, false, {NULL}},
    {"s360-67", {true, true, true}, true, true, {NULL}},
    {"z", {false, false, false}, false, false, {"EPSW", "ECTG", NULL}},
    {"z-sie", {true, true, true}, true, true, {NULL}},
};

START_TEST(test_verdicts)
{
    struct pg_judged s = pg_judged_text("s370", text_of(machines[_i].name));
    unsigned found = 0, wanted = 0;

    for (unsigned t = 0; t < PG_THEOREMS; t++)
        ck_assert_int_eq(s.j.best.holds[PG_CORRECTED][t],
                         machines[_i].holds[t]);
    ck_assert_int_eq(s.j.best.vm, machines[_i].exact);
    ck_assert_int_eq(s.j.worst.holds[PG_CORRECTED][PG_T1], machines[_i].worst);
    ck_assert(!s.j.best.holds[PG_LITERAL][PG_T1]); /* they all have SVC */
    for (unsigned i = 0; i < s.isa->encoding_count; i++) {
        bool critical = pg_critical(&s.j.best.labels[i], PG_CORRECTED);
        const char *const *names = machines[_i].critical;

        while (*names && strcmp(*names, s.isa->encodings[i].name) != 0)
            names++;
        ck_assert_msg(critical == (*names != NULL), "%s",
                      s.isa->encodings[i].name);
        found += critical;
    }
    while (machines[_i].critical[wanted])
        wanted++;
    ck_assert_uint_eq(found, wanted);
    pg_judged_free(&s);
}
END_TEST

/* The note and the comparison name the same instructions. */
START_TEST(test_note_of_our_machine)
{
    const char *names[64], *note = NULL;
    struct pg_s370_answers a = answers();
    unsigned n = pg_s370_beyond(&a, names, ARRAY_LEN(names));

    for (unsigned i = 0; i < s370.isa->note_count; i++)
        if (!strncmp(s370.isa->notes[i].text, "Our own System/370", 18))
            note = s370.isa->notes[i].text;
    ck_assert_ptr_nonnull(note);
    for (unsigned i = 0; i < n; i++) {
        char word[40];

        snprintf(word, sizeof(word), " %s", names[i]);
        const char *at = strstr(note, word);
        while (at && !strchr(", :", at[strlen(word)]))
            at = strstr(at + 1, word);
        ck_assert_msg(at != NULL, "%s", names[i]);
    }
}
END_TEST

/* ---- The command ---- */

static const struct command_case commands[] = {
    {"check toy --probe", 2, "only s370 has a probe"},
    {"check no-such.isa --probe", 2, "no-such.isa"},
};

START_TEST(test_command)
{
    command_expect(&commands[_i]);
}
END_TEST

Suite *suite_pg_ibm(void)
{
    Suite *s = suite_create("pg_ibm");
    TCase *t = tcase_create("three answers");

    tcase_add_unchecked_fixture(t, probe, forget);
    tcase_set_timeout(t, TIMEOUT);
    tcase_add_test(t, test_every_opcode_is_in_all_three);
    tcase_add_test(t, test_all_agree_or_are_explained);
    tcase_add_test(t, test_what_only_the_description_has);
    tcase_add_loop_test(t, test_changed_description, 0, ARRAY_LEN(mutants));
    tcase_add_loop_test(t, test_changed_table, 0, ARRAY_LEN(wrong_rows));
    tcase_add_test(t, test_changed_observation);
    tcase_add_loop_test(t, test_verdicts, 0, ARRAY_LEN(machines));
    tcase_add_test(t, test_note_of_our_machine);
    tcase_add_loop_test(t, test_command, 0, ARRAY_LEN(commands));
    suite_add_tcase(s, t);
    return s;
}
