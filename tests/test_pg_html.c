/* `trapline check --html` and `--dot`: a page and a picture that are whole,
 * for every machine and for hostile descriptions. */
#include "popek-goldberg/language/machines.h"
#include "popek-goldberg/report/dot.h"
#include "popek-goldberg/report/html.h"
#include "popek-goldberg/solver/certify.h"
#include "tests/command.h"
#include "tests/html.h"
#include "tests/skip.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A judged machine, and what is printed of it. */
struct subject {
    struct isa *isa;
    struct pg_judgement j;
    char *text;
};

static void judge(struct subject *s, const char *name, const char *text)
{
    struct diag d = {""};

    ck_assert_msg(isa_parse(name, text, strlen(text), &s->isa, &d) == STATUS_OK,
                  "%s", d.text);
    ck_assert_msg(pg_judge(s->isa, &s->j, &d) == STATUS_OK, "%s", d.text);
}

static void put_page(struct subject *s, enum pg_reading r)
{
    size_t size;
    FILE *f = open_memstream(&s->text, &size);
    const struct pg_page page = {.to = f, .j = &s->j, .r = r};

    pg_report_html(&page);
    fclose(f);
}

static void forget(struct subject *s)
{
    free(s->text);
    pg_judgement_free(&s->j);
    isa_free(s->isa);
}

static const char *text_of(const char *machine)
{
    for (const struct pg_machine *m = pg_built_in; m->name; m++)
        if (!strcmp(m->name, machine))
            return m->text;
    ck_abort_msg("%s", machine);
}

static const char *const small[] = {"paper", "toy", "tutorial", "m68000",
                                    "pdp10-ka10"};

START_TEST(test_page_is_whole)
{
    struct subject s;

    judge(&s, small[_i / 2], text_of(small[_i / 2]));
    put_page(&s, _i % 2 ? PG_CORRECTED : PG_LITERAL);
    struct html_page page = html_read(s.text);
    ck_assert_msg(!*page.fault, "%s: %s", small[_i / 2], page.fault);
    ck_assert_uint_ge(page.headings, 7);
    ck_assert_uint_eq(page.images, 1);
    ck_assert_uint_gt(page.links, 7);
    ck_assert_uint_gt(page.cells, 20);
    forget(&s);
}
END_TEST

/* Every witness stands there, and what decides it is said in words. */
START_TEST(test_page_has_the_witnesses)
{
    struct subject s;
    char id[32];

    judge(&s, "toy", text_of("toy"));
    put_page(&s, PG_CORRECTED);
    unsigned n = pg_row_count(&s.j, PG_CORRECTED), decided = 0;
    ck_assert_uint_gt(n, 10);
    for (unsigned i = 1; i <= n; i++) {
        snprintf(id, sizeof(id), "id=\"w%u\"", i);
        ck_assert_msg(strstr(s.text, id) != NULL, "%s", id);
    }
    const char *p = strstr(s.text, "id=\"witnesses\"");
    while (p && (p = strstr(p + 1, ": <mark>decides")))
        decided++;
    ck_assert_uint_eq(decided, n);
    ck_assert_ptr_nonnull(strstr(s.text, "ac: <mark>decides</mark>"));
    /* The matrix says what fails, and leads to the witness of it. */
    ck_assert_ptr_nonnull(strstr(s.text, "<a href=\"#p0-0\">fails</a>"));
    p = strstr(s.text, "id=\"p0-0\"");
    ck_assert(p && strstr(p, "<a href=\"#w"));
    forget(&s);
}
END_TEST

/* A student's texts are texts. */
START_TEST(test_nothing_of_a_file_is_markup)
{
    static const char evil[] =
        "machine m \"<script>alert(1)</script> & \\ '\xC3\xA9\xFF\x01\"\n"
        "register ac : 2\n"
        "instruction A \"</title><img src=x>\" covers { B } { ac <- mode }\n"
        "note A \"<b>\" note \"&amp;\" leaves_out \"]]></svg>\"\n"
        "list \"<i>\" { A } beyond { C \"<u>\" } source \"<s>\" confidence L\n"
        "claim t1 holds source \"<a href='x'>\" confidence H differs \"<p>\"\n";
    struct subject s;
    char *dot;
    size_t size;

    judge(&s, "m", evil);
    put_page(&s, PG_CORRECTED);
    struct html_page page = html_read(s.text);
    ck_assert_msg(!*page.fault, "%s", page.fault);
    ck_assert_ptr_nonnull(strstr(s.text, "&lt;script&gt;alert(1)"));
    ck_assert_ptr_nonnull(strstr(s.text, "\xC3\xA9\xEF\xBF\xBD "));
    ck_assert_ptr_null(strchr(s.text, '\x01'));
    FILE *f = open_memstream(&dot, &size);
    pg_report_dot(f, &s.j, PG_CORRECTED);
    fclose(f);
    ck_assert_ptr_nonnull(strstr(dot, "& \\\\ '"));
    free(dot);
    forget(&s);
}
END_TEST

START_TEST(test_the_reader_can_fail)
{
#define START "<!DOCTYPE html><html lang=\"en\"><title>t</title><h1>h</h1>"
    static const char *const wrong[] = {
        START "<p></html>",
        START "<a href=\"#x\">x</a></html>",
        START "<a href=\"http://x\">x</a></html>",
        START "<h3>h</h3></html>",
        START "<th>x</th></html>",
        START "<p id=\"a\"></p><p id=\"a\"></p></html>",
        START "a & b</html>",
        START "<script></script></html>",
        START "<svg></svg></html>",
        "<!DOCTYPE html><html><title>t</title><h1>h</h1></html>",
    };

    ck_assert_str_eq(html_read(START "</html>").fault, "");
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        ck_assert_msg(*html_read(wrong[i]).fault, "%s", wrong[i]);
#undef START
}
END_TEST

/* ---- The picture ---- */

START_TEST(test_graphviz_reads_the_picture)
{
    if (command_run(NULL, "$T --version >/dev/null; command -v dot")->status) {
        skip_test("no dot: apt-get install graphviz");
        return;
    }
    const struct command *c =
        command_run(NULL, "$T check %s --dot | dot -Tplain 2>&1", small[_i]);
    ck_assert_msg(!strncmp(c->out, "graph ", 6), "%.500s", c->out);
    ck_assert_ptr_null(strstr(c->out, "rror"));
    ck_assert_ptr_null(strstr(c->out, "arning"));
}
END_TEST

START_TEST(test_picture_names_the_critical)
{
    const struct command *c = command_run(NULL, "check toy --dot");

    const char *critical = strstr(c->out, "cluster_critical");
    ck_assert_ptr_nonnull(critical);
    const char *innocuous = strstr(c->out, "cluster_innocuous");
    ck_assert_ptr_nonnull(innocuous);
    static const char *const names[] = {"GETL",  "GETM", "POPF",
                                        "JRST1", "DECB", "CONDPRIV"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *at = strstr(critical, names[i]);

        ck_assert_msg(at && at < innocuous, "%s", names[i]);
    }
    ck_assert_ptr_nonnull(strstr(innocuous, "DIV"));
}
END_TEST

static const struct command_case commands[] = {
    {"check toy --html", 1, "<!DOCTYPE html>"},
    {"check paper --html", 0, "exhausted"},
    {"check toy --html --json", 2, "not with --json"},
    {"check toy --dot --solver z3", 2, "--dot goes with --reading only"},
    {"check --html", 2, "one machine is wanted by --html; 0 given"},
    {"check toy --html >/dev/full", 125, "No space left on device"},
    {"check toy --dot >/dev/full", 125, "No space left on device"},
};

START_TEST(test_command)
{
    command_expect(&commands[_i]);
}
END_TEST

Suite *suite_pg_html(void)
{
    Suite *s = suite_create("pg_html");
    TCase *t = tcase_create("html");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_page_is_whole, 0, 2 * (int)ARRAY_LEN(small));
    tcase_add_test(t, test_page_has_the_witnesses);
    tcase_add_test(t, test_nothing_of_a_file_is_markup);
    tcase_add_test(t, test_the_reader_can_fail);
    tcase_add_loop_test(t, test_graphviz_reads_the_picture, 0,
                        (int)ARRAY_LEN(small));
    tcase_add_test(t, test_picture_names_the_critical);
    tcase_add_loop_test(t, test_command, 0, (int)ARRAY_LEN(commands));
    suite_add_tcase(s, t);
    return s;
}
