/* What a stranger reads is true: the pictures of the documents, the programs
 * that they print, the texts of --help. */
#include "tests/command.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

/* The rest of a document, from behind this text. */
static char *behind(const char *document, const char *text)
{
    static char all[65536];
    FILE *f = fopen(document, "r");

    ck_assert_msg(f != NULL, "no %s", document);
    all[fread(all, 1, sizeof(all) - 1, f)] = '\0';
    fclose(f);
    char *p = strstr(all, text);
    ck_assert_msg(p != NULL, "%s: no \"%s\"", document, text);
    return p + strlen(text);
}

/* The picture in the README is real: each of its lines is one that the sample
 * guest's trace has today. */
START_TEST(test_readme_shows_real_traps)
{
    char *p = behind("README.md", "```\n  insns");
    const struct command *c =
        command_run(command_folder(), "trace '%s'", command_sample("multi"));
    unsigned lines = 0;

    ck_assert_int_eq(c->status, 0);
    p = strchr(p, '\n') + 1;
    for (char *end; strncmp(p, "```", 3); p = end, lines++) {
        end = strchr(p, '\n') + 1;
        char was = *end;
        *end = '\0';
        ck_assert_msg(strstr(c->out, p) != NULL, "no such line: %s", p);
        *end = was;
    }
    ck_assert_uint_ge(lines, 8);
}
END_TEST

/* The first program of the assembler's page, typed as the page says. */
START_TEST(test_hello_of_the_page)
{
    char *p = behind("s370/asm/README.md", "`hello.s`:\n\n");
    char *end = strstr(p, "\n\n");
    char source[2048];
    size_t n = 0;

    ck_assert_ptr_nonnull(end);
    for (; p < end; p += strcspn(p, "\n") + 1) {
        size_t length = strcspn(p, "\n") + 1;

        ck_assert_msg(!strncmp(p, "    ", 4), "%.40s", p);
        memcpy(source + n, p + 4, length - 4);
        n += length - 4;
        ck_assert_uint_lt(n, sizeof(source) - 100);
    }
    command_file("hello.s", source, n);
    const struct command *c =
        command_run(command_folder(), "asm hello.s --format ipl "
                                      "--output hello.aws");
    ck_assert_msg(c->status == 0, "%s", c->err);
    c = command_run(command_folder(), "run hello.aws --quiet");
    ck_assert_int_eq(c->status, 0);
    ck_assert_str_eq(c->out, "HELLO, WORLD\n");
}
END_TEST

static const char *const helps[] = {
    "",
#define COMMAND(name, title) #name,
#include "cli/commands.def"
#undef COMMAND
};

START_TEST(test_help_fits_a_terminal)
{
    const struct command *c =
        command_run(command_folder(), "%s --help", helps[_i]);

    ck_assert_int_eq(c->status, 0);
    for (const char *line = c->out; *line; line++) {
        size_t n = strcspn(line, "\n");

        ck_assert_msg(n <= 80, "%zu columns: %.*s", n, (int)n, line);
        line += n;
    }
}
END_TEST

/* Each subcommand has a manual page, written or made of its --help; groff,
 * where it is, has nothing against any. */
START_TEST(test_each_command_has_a_page)
{
    static const char *const names[] = {
#define COMMAND(name, title) "trapline-" #name ".1",
#include "cli/commands.def"
#undef COMMAND
    };
    const char *folder = command_folder();
    const struct command *c =
        command_run(NULL,
                    "true; cli/manual.sh $F %s/man && cd %s/man && "
                    "cp \"$OLDPWD\"/popek-goldberg/*.1 . && ls && "
                    "{ ! command -v groff >/dev/null || "
                    "groff -man -ww -Tascii *.1 2>&1 >/dev/null ; }",
                    folder, folder);

    ck_assert_msg(c->status == 0 && !c->err[0], "%s", c->err);
    ck_assert_msg(!strstr(c->out, "warning") && !strstr(c->out, "error"), "%s",
                  c->out);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        ck_assert_msg(strstr(c->out, names[i]) != NULL, "no %s", names[i]);
    c = command_run(folder, "true $T; grep -c hide man/trapline-run.1");
    ck_assert_str_eq(c->out, "1\n");
}
END_TEST

Suite *suite_documents(void)
{
    Suite *s = suite_create("documents");
    TCase *t = tcase_create("documents");

    tcase_add_checked_fixture(t, NULL, command_clean);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, test_readme_shows_real_traps);
    tcase_add_test(t, test_hello_of_the_page);
    tcase_add_loop_test(t, test_help_fits_a_terminal, 0, ARRAY_LEN(helps));
    tcase_add_test(t, test_each_command_has_a_page);
    suite_add_tcase(s, t);
    return s;
}
