/* Each machine of tests/wrong has one mistake, named in its first line, in the
 * line that ends with "# <- here"; it must be found, there, and no other. */
#include "popek-goldberg/judge/mistakes.h"
#include "popek-goldberg/language/machines.h"
#include "popek-goldberg/report/report.h"
#include "tests/json.h"

#include <check.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

static const char wrong[] = "tests/wrong/*.isa";

static int count_wrong(void)
{
    glob_t g;

    if (glob(wrong, 0, NULL, &g) != 0)
        return 0;
    int n = (int)g.gl_pathc;
    globfree(&g);
    return n;
}

/* The text of the i-th; its path too. */
static const char *read_wrong(int i, char path[256])
{
    static char text[ISA_TEXT];
    glob_t g;

    ck_assert_int_eq(glob(wrong, 0, NULL, &g), 0);
    snprintf(path, 256, "%s", g.gl_pathv[i]);
    globfree(&g);
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "%s", path);
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[n] = '\0';
    return text;
}

struct found {
    struct isa *isa;
    struct pg_judgement j;
    struct pg_mistakes m;
};

static void find(const char *name, const char *text, struct found *f)
{
    struct diag d = {""};

    ck_assert_msg(isa_parse(name, text, strlen(text), &f->isa, &d) == STATUS_OK,
                  "%s", d.text);
    ck_assert_msg(pg_judge(f->isa, &f->j, &d) == STATUS_OK, "%s", d.text);
    ck_assert_int_eq(pg_find_mistakes(&f->j, &f->m), STATUS_OK);
}

static void drop(struct found *f)
{
    pg_mistakes_free(&f->m);
    pg_judgement_free(&f->j);
    isa_free(f->isa);
}

/* All that was found, for a failure to show. */
static const char *say(const struct found *f)
{
    static char text[8192];
    size_t n = 0;

    *text = '\0';
    for (unsigned i = 0; i < f->m.count && n < sizeof(text) - 1024; i++) {
        struct pg_mistake_words w;

        pg_mistake_words(f->isa, &f->m.rows[i], &w);
        n += (size_t)snprintf(text + n, 1024, "\n  %u: %s: %s",
                              f->m.rows[i].line, w.name, w.what);
    }
    return text;
}

/* Number of the line with the mark, or 0. */
static unsigned marked_line(const char *text)
{
    const char *mark = strstr(text, "# <- here");
    unsigned line = 1;

    if (!mark)
        return 0;
    for (; text < mark; text++)
        line += *text == '\n';
    return line;
}

/* The mistake that its first line names, in its line, and no other. */
static void expect(const char *path, const char *text)
{
    struct pg_mistake_words w;
    struct found f;
    char want[64] = "";

    ck_assert_msg(sscanf(text, "# mistake: %63s", want) == 1,
                  "%s: no # mistake: NAME", path);
    find(path, text, &f);
    if (!strcmp(want, "none")) {
        ck_assert_msg(f.m.count == 0, "%s:%s", path, say(&f));
    } else {
        ck_assert_msg(f.m.count == 1, "%s: %s is wanted, not:%s", path, want,
                      say(&f));
        pg_mistake_words(f.isa, &f.m.rows[0], &w);
        ck_assert_msg(!strcmp(w.name, want) &&
                          f.m.rows[0].line == marked_line(text),
                      "%s: %s in line %u is wanted, not:%s", path, want,
                      marked_line(text), say(&f));
    }
    drop(&f);
}

START_TEST(test_wrong_machine)
{
    char path[256];
    const char *text = read_wrong(_i, path);

    expect(path, text);
}
END_TEST

/* Each instruction is called otherwise: its name read backwards. */
START_TEST(test_names_do_not_matter)
{
    static char text[ISA_TEXT];
    char path[256];

    snprintf(text, sizeof(text), "%s", read_wrong(_i, path));
    for (char *at = text; *at; at++) {
        size_t n = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

        for (size_t i = 0; i < n / 2; i++) {
            char c = at[i];

            at[i] = at[n - 1 - i];
            at[n - 1 - i] = c;
        }
        at += n ? n - 1 : 0;
    }
    expect(path, text);
}
END_TEST

/* A mistake of each kind is in some machine of the folder. */
START_TEST(test_each_kind)
{
    bool seen[PG_MISTAKE_KINDS] = {false};
    struct found f;
    char path[256];

    for (int i = 0; i < count_wrong(); i++) {
        find(path, read_wrong(i, path), &f);
        for (unsigned k = 0; k < f.m.count; k++)
            seen[f.m.rows[k].kind] = true;
        drop(&f);
    }
    for (enum pg_mistake_kind k = 0; k < PG_MISTAKE_KINDS; k++)
        ck_assert_msg(seen[k], "kind %u has no machine in tests/wrong", k);
}
END_TEST

/* toy is made of mistakes, for the sake of the definitions.  That no other
 * machine has any is tested where each is judged, in test_pg_machines.c. */
static const struct {
    const char *instruction, *name;
} toys[] = {
    {"GETL", "location-read"},
    {"GETM", "mode-read"},
    {"POPF", "no-op"},
    {"JRST1", "mode-left"},
};

START_TEST(test_toy)
{
    struct pg_mistake_words w;
    struct found f;
    const struct pg_machine *m = pg_built_in;

    while (strcmp(m->name, "toy") != 0)
        m++;
    find(m->name, m->text, &f);
    ck_assert_msg(f.m.count == ARRAY_LEN(toys), "%s", say(&f));
    for (unsigned i = 0; i < f.m.count; i++) {
        pg_mistake_words(f.isa, &f.m.rows[i], &w);
        ck_assert_str_eq(f.isa->encodings[f.m.rows[i].encoding].name,
                         toys[i].instruction);
        ck_assert_str_eq(w.name, toys[i].name);
    }
    drop(&f);
}
END_TEST

/* What a claim or a list calls critical is the machine's own. */
START_TEST(test_what_is_known)
{
    static const char *const known[] = {
        "claim B critical source \"x\" confidence L",
        "claim BB critical source \"x\" confidence L",
        "list \"x\" { BB } source \"x\" confidence L",
        "list \"x\" { LPSW } beyond { B \"why\" } source \"x\" confidence L"};
    static const char text[] =
        "machine m leaves_out \"all\" register ac : 8 trap p : privileged "
        "instruction LPSW { when mode = user: trap p mode <- ac[0] } "
        "instruction B of BB { ac <- mode } ";
    struct found f;
    char one[1024];

    for (unsigned i = 0; i < ARRAY_LEN(known); i++) {
        find("m", text, &f);
        ck_assert_msg(f.m.count == 1 && f.m.rows[0].kind == PG_MODE_READ, "%s",
                      say(&f));
        drop(&f);
        snprintf(one, sizeof(one), "%s%s", text, known[i]);
        find("m", one, &f);
        ck_assert_msg(f.m.count == 0, "%s: %s", known[i], say(&f));
        drop(&f);
    }
}
END_TEST

/* ---- In the report ---- */

static char *report(const struct pg_judgement *j, const char *instruction,
                    bool json)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);

    ck_assert_ptr_nonnull(to);
    if (json)
        pg_report_json(to, j, PG_CORRECTED, instruction, NULL);
    else
        pg_report(to, j, PG_CORRECTED, instruction);
    fclose(to);
    return text;
}

START_TEST(test_report)
{
    static const char heading[] = "Looks like a mistake:\n"
                                  "  Line 1: B does another thing in user mode";
    static const char text[] =
        "machine m leaves_out \"all\" register ac : 8 trap p : privileged "
        "instruction LPSW { when mode = user: trap p mode <- ac[0] } "
        "instruction B { ac <- mode } ";
    static const char json[] = "\"mistakes\":[{\"mistake\":\"mode-read\","
                               "\"line\":1,\"instruction\":\"B\",";
    struct found f;

    find("m", text, &f);
    for (unsigned i = 0; i < 3; i++) {
        static const char *const asked[] = {NULL, "B", "LPSW"};
        char *plain = report(&f.j, asked[i], false);

        ck_assert_msg((strstr(plain, heading) != NULL) == (i < 2),
                      "asked for %s", asked[i] ? asked[i] : "all");
        free(plain);
    }
    char *object = report(&f.j, NULL, true);
    ck_assert_msg(json_valid(object) && strstr(object, json), "%.400s", object);
    free(object);
    drop(&f);
}
END_TEST

/* ---- Slips of the pen ---- */

#define HEAD                                                        \
    "machine m register ac : 8 trap priv : privileged trap call : " \
    "system_call "
#define BODY(actions) HEAD "instruction A (n : 8) { " actions " }"

static const struct {
    const char *text, *says;
} slips[] = {
    {HEAD "instruction A { ac <- 1 instruction B { }", "is a '}' missing"},
    {BODY("ac = 1"), "'=' compares, '<-' assigns"},
    {BODY("ac := 1"), "found ':'; '<-', in one piece, assigns"},
    {BODY("ac < - 1"), "found '<'; '<-', in one piece, assigns"},
    {BODY("acc <- 1"), "did you mean 'ac'?"},
    {BODY("AC <- 1"), "found 'AC'; did you mean 'ac'?"},
    {BODY("n <- 1"), "an operand is a part of the instruction"},
    {HEAD "register x : 0", "a width is 1 to 64"},
    {HEAD "register x resource y : 1", "each name needs a width"},
    {HEAD "instruction A (x) { }", "each operand needs a width"},
    {BODY("ac <- mem(n)"), "it is mem[ADDRESS], in brackets"},
    {BODY("ac <- MEM[n]"), "did you mean 'mem'?"},
    {BODY("trap x"), "a declared trap: memory, priv, call, found 'x'"},
    {BODY("trap prv"), "found 'prv'; did you mean 'priv'?"},
    {BODY("trap \"priv\""), "the name of a declared trap"},
    {BODY("if mode = user: trap priv"), "a condition begins with 'when'"},
    {BODY("when mode = user then trap priv"), "expected ':', found 'then'"},
    {BODY("when mode = user && n = 1: trap priv"), "'and' joins conditions"},
    {BODY("when mode == user: trap priv"), "'=' is written once"},
    {BODY("when mode = kernel: trap priv"), "the modes are user and super"},
    {BODY("when mode = 2: trap priv"), "2 does not fit into the 1 bit"},
    {BODY("ac <- 1 else ac <- 2"), "of a 'when' comes before"},
    {BODY("ac <- n[0:1]"), "the higher bit is written first: [1:0]"},
    {BODY("ac <- 1 // one"), "'#' begins a comment"},
    {HEAD "instruction A loads { }", "a title in quotes, operands in par"},
};

START_TEST(test_slip)
{
    struct isa *isa;
    struct diag d = {""};
    const char *text = slips[_i].text;

    ck_assert_int_eq(isa_parse("m", text, strlen(text), &isa, &d),
                     STATUS_BAD_INPUT);
    ck_assert_msg(strstr(d.text, slips[_i].says) != NULL,
                  "%s\n  says: %s\n  not:  %s", text, d.text, slips[_i].says);
}
END_TEST

Suite *suite_pg_mistakes(void)
{
    Suite *s = suite_create("pg_mistakes");
    TCase *t = tcase_create("mistakes");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_wrong_machine, 0, count_wrong());
    tcase_add_loop_test(t, test_names_do_not_matter, 0, count_wrong());
    tcase_add_test(t, test_each_kind);
    tcase_add_test(t, test_toy);
    tcase_add_test(t, test_what_is_known);
    tcase_add_test(t, test_report);
    tcase_add_loop_test(t, test_slip, 0, (int)ARRAY_LEN(slips));
    suite_add_tcase(s, t);
    return s;
}
