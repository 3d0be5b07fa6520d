#include "cli/options.h"

#include "base/digit.h"
#include "cli/command.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ROWS_MAX = 32, HELP_COLUMN = 26 };

static uint64_t unit_of(const char *suffix)
{
    static const struct {
        char letter;
        uint64_t unit;
    } units[] = {{'k', 1000}, {'K', 1000}, {'M', 1000000}, {'G', 1000000000}};

    if (!*suffix)
        return 1;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (*suffix == units[i].letter && !suffix[1])
            return units[i].unit;
    return 0;
}

bool options_number(const char *text, unsigned base, uint64_t *value)
{
    bool decimal = base == 10;
    uint64_t n = 0;

    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        decimal = false;
        text += 2;
    }
    const char *p = text;
    for (; digit_value(*p) < base; p++)
        if (__builtin_mul_overflow(n, base, &n) ||
            __builtin_add_overflow(n, digit_value(*p), &n))
            return false;
    uint64_t unit = decimal ? unit_of(p) : !*p;
    if (p == text || !unit || __builtin_mul_overflow(n, unit, &n))
        return false;
    *value = n;
    return true;
}

static int name_width(const struct command_usage *u)
{
    return (int)strcspn(u->synopsis, " ");
}

int options_complain(const struct command_usage *u, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "trapline %.*s: ", name_width(u), u->synopsis);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\nTry: trapline %.*s --help\n", name_width(u),
            u->synopsis);
    return CODE_USAGE;
}

static int print_help(const struct command_usage *u)
{
    printf("Usage: trapline %s\n\n%s\n\nOptions:\n", u->synopsis, u->about);
    for (const struct option_row *r = u->rows; r->kind != OPTION_END; r++) {
        if (!r->help)
            continue;
        int n = printf("  --%s%s%s", r->name, r->value ? " " : "",
                       r->value ? r->value : "");
        printf("%*s%s\n", n < HELP_COLUMN ? HELP_COLUMN - n : 1, "", r->help);
    }
    printf("  %-*s%s\n", HELP_COLUMN - 2, "--help", "this text");
    if (u->more)
        printf("\n%s\n", u->more);
    return cli_finish_stdout(CODE_DONE);
}

static const struct option_row *find_row(const struct command_usage *u,
                                         const char *name, size_t len)
{
    for (const struct option_row *r = u->rows; r->kind != OPTION_END; r++)
        if (strlen(r->name) == len && !strncmp(r->name, name, len))
            return r;
    return NULL;
}

static int complain_unknown(const struct command_usage *u, const char *arg)
{
    const char *words[ROWS_MAX + 2] = {"help"};
    size_t n = 1;

    for (const struct option_row *r = u->rows;
         r->kind != OPTION_END && n <= ROWS_MAX; r++)
        if (r->help)
            words[n++] = r->name;
    const char *guess = arg[1] == '-' ? cli_did_you_mean(arg + 2, words) : NULL;
    if (guess)
        return options_complain(u, "unknown option %s; did you mean --%s?", arg,
                                guess);
    return options_complain(u, "unknown option %s", arg);
}

/* One more of two at most. */
static int add_text(const struct command_usage *u, const struct option_row *r,
                    const char *value)
{
    const char **texts = r->into;

    if (texts[1])
        return options_complain(u, "--%s %s: two are all", r->name, value);
    texts[texts[0] ? 1 : 0] = value;
    return -1;
}

static int set_value(const struct command_usage *u, const struct option_row *r,
                     const char *value)
{
    unsigned base = r->kind == OPTION_HEX ? 16 : 10;

    if (r->kind == OPTION_TEXT)
        *(const char **)r->into = value;
    else if (r->kind == OPTION_TEXTS)
        return add_text(u, r, value);
    else if (!options_number(value, base, r->into))
        return options_complain(u, "--%s %s: not a %s", r->name, value,
                                base == 16
                                    ? "hexadecimal number"
                                    : "number like 5000, 100k, 5M or 2G");
    else if (base == 10 && !*(const uint64_t *)r->into)
        return options_complain(u, "--%s 0: at least 1", r->name);
    return -1;
}

/* A value is given once: which of two is meant would be a guess. */
static bool is_again(const struct command_usage *u, const struct option_row *r,
                     uint64_t *seen)
{
    size_t row = (size_t)(r - u->rows);
    bool again = *seen >> row & 1;

    assert(row < 64 && "a bit for each row of a table of options");
    *seen |= UINT64_C(1) << row;
    return again && r->kind != OPTION_FLAG && r->kind != OPTION_TEXTS;
}

/* The option at argv[*i]; *i moves on past a value of its own word.  *seen has
 * a bit for each row that was there. */
static int take(const struct command_usage *u, int argc, char **argv, int *i,
                uint64_t *seen)
{
    const char *arg = argv[*i];

    if (!strcmp(arg, "--help") || !strcmp(arg, "-h"))
        return print_help(u);
    if (arg[1] != '-')
        return complain_unknown(u, arg);
    const char *equals = strchr(arg, '=');
    size_t len = equals ? (size_t)(equals - arg) - 2 : strlen(arg) - 2;
    const struct option_row *r = find_row(u, arg + 2, len);
    if (!r)
        return complain_unknown(u, arg);
    if (is_again(u, r, seen))
        return options_complain(u, "--%s is given twice", r->name);
    if (r->given)
        *r->given = true;
    if (r->kind == OPTION_FLAG) {
        if (equals)
            return options_complain(u, "--%s takes no value", r->name);
        *(bool *)r->into = true;
        return -1;
    }
    if (equals)
        return set_value(u, r, equals + 1);
    if (*i + 1 >= argc)
        return options_complain(u, "--%s wants %s", r->name, r->value);
    return set_value(u, r, argv[++*i]);
}

int options_parse(const struct command_usage *u, int *argc, char **argv)
{
    uint64_t seen = 0;
    int kept = 1, i = 1;

    for (; i < *argc && strcmp(argv[i], "--"); i++) {
        if (argv[i][0] != '-' || !argv[i][1]) {
            argv[kept++] = argv[i];
            continue;
        }
        int code = take(u, *argc, argv, &i, &seen);
        if (code >= 0)
            return code;
    }
    for (i++; i < *argc; i++)
        argv[kept++] = argv[i];
    *argc = kept;
    argv[kept] = NULL;
    return -1;
}
