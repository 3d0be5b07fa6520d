/* The language of descriptions is written down in five places: the parser, the
 * README, the manual page and two editors' files.  All have the same words, and
 * what the manual shows is true. */
#include "popek-goldberg/language/isa.h"
#include "tests/command.h"
#include "tests/skip.h"

#include <check.h>
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 128 * 1024, WORDS_MAX = 256, WORD_MAX = 40 };

/* ---- Sets of words ---- */

struct words {
    char word[WORDS_MAX][WORD_MAX];
    unsigned count;
};

static bool has(const struct words *w, const char *word)
{
    for (unsigned i = 0; i < w->count; i++)
        if (!strcmp(w->word[i], word))
            return true;
    return false;
}

static void add(struct words *w, const char *text, size_t len)
{
    char word[WORD_MAX] = "";

    ck_assert_uint_lt(len, WORD_MAX);
    memcpy(word, text, len);
    if (has(w, word))
        return;
    ck_assert_uint_lt(w->count, WORDS_MAX);
    memcpy(w->word[w->count++], word, sizeof(word));
}

/* Length of the word in small letters that stands here; 0: none does. */
static size_t word_at(const char *p)
{
    size_t n = 0;

    if (!islower((unsigned char)*p) && *p != '_')
        return 0;
    while (islower((unsigned char)p[n]) || isdigit((unsigned char)p[n]) ||
           p[n] == '_')
        n++;
    return isupper((unsigned char)p[n]) ? 0 : n;
}

static void add_all(struct words *w, const char *text, const char *end)
{
    for (const char *p = text; p < end;) {
        size_t n = word_at(p);

        if (n)
            add(w, p, n);
        p += n;
        while (n == 0 && p < end && (isalnum((unsigned char)*p) || *p == '_'))
            p++, n = 0;
        p += p < end && !isalnum((unsigned char)*p) && *p != '_';
    }
}

static void same(const struct words *a, const char *of_a, const struct words *b,
                 const char *of_b)
{
    for (unsigned i = 0; i < a->count; i++)
        ck_assert_msg(has(b, a->word[i]), "'%s' is in %s, not in %s",
                      a->word[i], of_a, of_b);
    for (unsigned i = 0; i < b->count; i++)
        ck_assert_msg(has(a, b->word[i]), "'%s' is in %s, not in %s",
                      b->word[i], of_b, of_a);
}

/* ---- Texts ---- */

static const char *slurp(const char *path)
{
    static char text[TEXT_MAX];
    FILE *f = fopen(path, "r");

    ck_assert_msg(f != NULL, "%s", path);
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    ck_assert_uint_lt(n, sizeof(text) - 1);
    text[n] = '\0';
    return text;
}

static const char *behind(const char *text, const char *mark)
{
    const char *at = strstr(text, mark);

    ck_assert_msg(at != NULL, "no \"%s\"", mark);
    return at + strlen(mark);
}

/* Does another literal stand before or behind this one?  Then it is a part of
 * a sentence. */
static bool is_joined(const char *source, const char *open, const char *close)
{
    do
        open--;
    while (open > source && isspace((unsigned char)*open));
    do
        close++;
    while (isspace((unsigned char)*close));
    return *open == '"' || *close == '"';
}

/* A string literal that is one word is a word of the language. */
static void add_literals(struct words *w, const char *source)
{
    for (const char *p = source; (p = strchr(p, '"')); p++) {
        size_t n = word_at(++p);

        if (n > 1 && p[n] == '"' && !is_joined(source, p - 1, p + n))
            add(w, p, n);
        while (*p && *p != '"')
            p += 1 + (*p == '\\' && p[1]);
    }
}

/* The places that every machine has, as the parser makes them. */
static void built_in(struct words *w)
{
    static const char text[] = "machine m instruction A { pc <- 0 }";
    struct diag d = {""};
    struct isa *isa;

    *w = (struct words){.count = 0};
    ck_assert_int_eq(isa_parse("m", text, strlen(text), &isa, &d), STATUS_OK);
    for (unsigned i = 0; i < ISA_BUILT_IN; i++)
        add(w, isa->elements[i].name, strlen(isa->elements[i].name));
    isa_free(isa);
}

/* The words of the language, and the names that are there without being
 * declared, if they are wanted. */
static void parser_words(struct words *w, bool with_names)
{
    static const char *const folders[] = {"popek-goldberg/language/parse*.c",
                                          "popek-goldberg/language/expr.c"};
    struct words all = {.count = 0}, names;

    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        glob_t g;

        ck_assert_int_eq(glob(folders[i], 0, NULL, &g), 0);
        for (size_t k = 0; k < g.gl_pathc; k++)
            add_literals(&all, slurp(g.gl_pathv[k]));
        globfree(&g);
    }
    built_in(&names);
    *w = (struct words){.count = 0};
    for (unsigned i = 0; i < all.count; i++)
        if (!has(&names, all.word[i]))
            add(w, all.word[i], strlen(all.word[i]));
    for (unsigned i = 0; with_names && i < names.count; i++)
        add(w, names.word[i], strlen(names.word[i]));
    ck_assert_uint_gt(w->count, 50);
}

/* ---- The same words everywhere ---- */

START_TEST(test_manual_has_the_words)
{
    struct words parser, manual = {.count = 0};
    parser_words(&parser, false);
    const char *from = behind(
        behind(slurp("popek-goldberg/trapline-isa.5"), ".SH GRAMMAR"), ".nf\n");
    const char *end = strstr(from, "\n.fi");

    ck_assert_ptr_nonnull(end);
    for (const char *p = from; p < end;) {
        size_t n = strcspn(p, "\n");

        for (const char *q = p; *p != '.' && q < p + n;)
            if (*q == '\\' && q[1] == '(')
                q += 4; /* a mark of troff's */
            else if (*q == '\\')
                q += 2;
            else {
                size_t len = strcspn(q, "\\\n");

                add_all(&manual, q, q + len);
                q += len;
            }
        p += n + 1;
    }
    same(&parser, "the parser", &manual, "the manual's grammar");
}
END_TEST

/* The end of the indented lines, and of the empty ones between them. */
static const char *behind_block(const char *p)
{
    while (*p == '\n' || !strncmp(p, "    ", 4))
        p += strcspn(p, "\n") + (*p != '\0');
    return p;
}

/* Prose stands in the last part of the README's grammar: there a word of the
 * parser may stand, and others. */
START_TEST(test_readme_has_the_words)
{
    struct words parser, strict = {.count = 0}, all;
    parser_words(&parser, false);
    const char *p =
        behind(slurp("popek-goldberg/README.md"), "## A description\n\n");
    const char *end = behind_block(p), *prose = strstr(p, "VALUE  =");

    ck_assert(prose && prose < end);
    for (; p < prose; p += strcspn(p, "\n") + 1) {
        size_t n = strcspn(p, "\n"), code = strcspn(p, "#\n");

        n = code < n ? code : n;
        add_all(&strict, p, p + n < prose ? p + n : prose);
    }
    all = strict;
    add_all(&all, prose, end);
    for (unsigned i = 0; i < strict.count; i++)
        ck_assert_msg(has(&parser, strict.word[i]),
                      "the README has '%s', not the parser", strict.word[i]);
    for (unsigned i = 0; i < parser.count; i++)
        ck_assert_msg(has(&all, parser.word[i]),
                      "the parser has '%s', not the README", parser.word[i]);
}
END_TEST

START_TEST(test_vim_has_the_words)
{
    struct words parser, vim = {.count = 0};
    parser_words(&parser, true);
    const char *p = slurp("popek-goldberg/isa.vim");

    while ((p = strstr(p, "\nsyn keyword isa"))) {
        p += strlen("\nsyn keyword isa");
        const char *end = p + strcspn(p, "\n"), *from = strchr(p, ' ');

        if (strncmp(p, "Todo", 4) != 0)
            add_all(&vim, from, end);
        p = end;
    }
    same(&parser, "the parser", &vim, "isa.vim");
}
END_TEST

START_TEST(test_nano_has_the_words)
{
    struct words parser, nano = {.count = 0};
    parser_words(&parser, true);
    const char *p = slurp("popek-goldberg/isa.nanorc");

    while ((p = strstr(p, "\"\\<("))) {
        const char *end = strstr(p += 4, ")\\>\"");

        ck_assert_ptr_nonnull(end);
        if (!memchr(p, '[', (size_t)(end - p)))
            add_all(&nano, p, end);
        p = end;
    }
    same(&parser, "the parser", &nano, "isa.nanorc");
}
END_TEST

/* ---- What the manual shows ---- */

/* "\-" is "-", "\e" a backslash, "\&" nothing. */
static void unescape(char *text)
{
    char *to = text;

    for (const char *p = text; *p; p++)
        if (*p != '\\')
            *to++ = *p;
        else if (*++p != '&')
            *to++ = *p == 'e' ? '\\' : *p;
    *to = '\0';
}

START_TEST(test_example_is_real)
{
    static char text[8192];
    const char *from = behind(slurp("popek-goldberg/trapline-isa.5"), ".EX\n");
    const char *end = strstr(from, ".EE\n");

    ck_assert(end && (size_t)(end - from) < sizeof(text));
    memcpy(text, from, (size_t)(end - from));
    unescape(text);
    command_file("flags.isa", text, strlen(text));
    const struct command *c = command_run(command_folder(), "check flags.isa");
    ck_assert_msg(c->status == 1 && !*c->err, "%s", c->err);
    ck_assert_msg(strstr(c->out, "fails because of POPF"), "%s", c->out);
    ck_assert_msg(!strstr(c->out, "OTHERWISE"), "%s", c->out);
    command_clean();
}
END_TEST

/* Names of options behind this mark, up to what is no small letter. */
static void add_options(struct words *w, const char *text, const char *mark)
{
    for (const char *p = text; (p = strstr(p, mark));) {
        p += strlen(mark);
        size_t n = strcspn(p, " \n\"=");
        char name[WORD_MAX] = "";

        ck_assert_uint_lt(n, sizeof(name));
        memcpy(name, p, n);
        unescape(name);
        add(w, name, strlen(name));
    }
}

static const char *const pages[][2] = {
    {"check --help", "popek-goldberg/trapline-check.1"},
    {"step --help", "popek-goldberg/trapline-step.1"},
};

START_TEST(test_options_are_real)
{
    struct words help = {.count = 0}, manual = {.count = 0};

    add_options(&help, command_run(NULL, "%s", pages[_i][0])->out, "\n  --");
    const char *p = slurp(pages[_i][1]);
    add_options(&manual, p, "\n.TP\n.B \\-\\-");
    add_options(&manual, p, "\n.TP\n.BI \\-\\-");
    ck_assert_uint_gt(help.count, 4);
    same(&help, pages[_i][0], &manual, pages[_i][1]);
}
END_TEST

START_TEST(test_pages_are_set)
{
    char line[256];

    if (system("command -v groff >/dev/null") != 0)
        return skip_test("no groff");
    FILE *f = popen("groff -man -ww -Tutf8 popek-goldberg/trapline-isa.5 "
                    "popek-goldberg/trapline-check.1 "
                    "popek-goldberg/trapline-step.1 2>&1 >/dev/null",
                    "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof(line), f))
        ck_abort_msg("%s", line);
    ck_assert_int_eq(pclose(f), 0);
}
END_TEST

Suite *suite_pg_manual(void)
{
    Suite *s = suite_create("pg_manual");
    TCase *t = tcase_create("manual");

    tcase_set_timeout(t, 30);
    tcase_add_test(t, test_manual_has_the_words);
    tcase_add_test(t, test_readme_has_the_words);
    tcase_add_test(t, test_vim_has_the_words);
    tcase_add_test(t, test_nano_has_the_words);
    tcase_add_test(t, test_example_is_real);
    tcase_add_loop_test(t, test_options_are_real, 0, ARRAY_LEN(pages));
    tcase_add_test(t, test_pages_are_set);
    suite_add_tcase(s, t);
    return s;
}
