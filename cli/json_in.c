#include "cli/json_in.h"

#include "base/digit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void json_in_open(struct json_in *j, const char *file, unsigned long line,
                  const char *text, size_t len, struct diag *d)
{
    *j = (struct json_in){.begin = text,
                          .at = text,
                          .end = text + len,
                          .file = file,
                          .line = line,
                          .diag = d};
}

bool json_in_fault(struct json_in *j, const char *fmt, ...)
{
    char text[DIAG_SIZE];
    va_list ap;

    if (j->failed)
        return false;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    j->failed = true;
    (void)diag_set(j->diag, STATUS_BAD_INPUT, "%s:%lu:%lu: %s", j->file,
                   j->line, (unsigned long)(j->at - j->begin) + 1, text);
    return false;
}

static bool expected(struct json_in *j, const char *what)
{
    if (j->at == j->end)
        return json_in_fault(j, "expected %s, but the line ends here", what);
    unsigned char c = (unsigned char)*j->at;
    if (c < ' ' || c > '~')
        return json_in_fault(j, "expected %s, found byte 0x%02x", what, c);
    return json_in_fault(j, "expected %s, found '%c'", what, c);
}

/* The next character that is no white space; 0 at the end or after a fault. */
static char peek(struct json_in *j)
{
    while (!j->failed && j->at < j->end && *j->at && strchr(" \t\r\n", *j->at))
        j->at++;
    return j->failed || j->at == j->end ? '\0' : *j->at;
}

bool json_in_enter(struct json_in *j, char bracket)
{
    const char what[] = {'\'', bracket, '\'', '\0'};

    if (peek(j) != bracket)
        return expected(j, what);
    if (j->depth == JSON_IN_DEPTH)
        return json_in_fault(j, "nested deeper than %d levels", JSON_IN_DEPTH);
    j->closers[j->depth++] = bracket == '{' ? '}' : ']';
    j->at++;
    j->fresh = true;
    return true;
}

bool json_in_more(struct json_in *j)
{
    char c = peek(j);

    if (j->failed || !j->depth)
        return false;
    if (c == j->closers[j->depth - 1]) {
        j->at++;
        j->depth--;
        j->fresh = false;
        return false;
    }
    if (!j->fresh) {
        if (c != ',')
            return expected(j, j->closers[j->depth - 1] == '}' ? "',' or '}'"
                                                               : "',' or ']'");
        j->at++;
    }
    j->fresh = false;
    return true;
}

/* ---- Strings ---- */

/* Behind "\u": four digits. */
static bool take_code(struct json_in *j, char *c)
{
    unsigned code = 0;

    for (int i = 0; i < 4; i++, j->at++) {
        unsigned digit = j->at < j->end ? digit_value(*j->at) : DIGIT_NONE;

        if (digit > 15)
            return expected(j, "four hexadecimal digits");
        code = code << 4 | digit;
    }
    *c = code && code < 0x80 ? (char)code : '?';
    return true;
}

static bool take_escape(struct json_in *j, char *c)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *at;

    if (j->at < j->end && *j->at == 'u') {
        j->at++;
        return take_code(j, c);
    }
    if (j->at == j->end || !*j->at || !(at = strchr(from, *j->at)))
        return expected(j, "an escape");
    *c = to[at - from];
    j->at++;
    return true;
}

bool json_in_text(struct json_in *j, char *out, size_t size)
{
    size_t n = 0;

    if (peek(j) != '"')
        return expected(j, "a string");
    j->at++;
    while (j->at < j->end && *j->at != '"') {
        char c = *j->at;

        if ((unsigned char)c < ' ')
            return expected(j, "no control character in a string");
        j->at++;
        if (c == '\\' && !take_escape(j, &c))
            return false;
        if (n + 1 < size)
            out[n++] = (unsigned char)c < 0x80 ? c : '?';
    }
    if (j->at == j->end)
        return expected(j, "'\"'");
    j->at++;
    if (size)
        out[n] = '\0';
    return true;
}

bool json_in_key(struct json_in *j, char key[JSON_IN_NAME])
{
    if (!json_in_text(j, key, JSON_IN_NAME))
        return false;
    if (peek(j) != ':')
        return expected(j, "':'");
    j->at++;
    return true;
}

/* ---- Numbers ---- */

static bool digit_next(const struct json_in *j)
{
    return j->at < j->end && *j->at >= '0' && *j->at <= '9';
}

bool json_in_count(struct json_in *j, uint64_t *n)
{
    const char *from;

    peek(j);
    from = j->at;
    *n = 0;
    if (!digit_next(j))
        return expected(j, "a whole number");
    for (; digit_next(j); j->at++)
        if (__builtin_mul_overflow(*n, 10, n) ||
            __builtin_add_overflow(*n, (unsigned)(*j->at - '0'), n))
            return json_in_fault(j, "a number of more than 64 bits");
    if (*from == '0' && j->at - from > 1)
        return json_in_fault(j, "a number that begins with 0");
    if (j->at < j->end && *j->at && strchr(".eE", *j->at))
        return expected(j, "a whole number");
    return true;
}

bool json_in_decimal(struct json_in *j, double *x)
{
    double scale = 1;

    peek(j);
    const char *from = j->at;
    *x = 0;
    if (!digit_next(j))
        return expected(j, "a number that is not negative");
    for (; digit_next(j); j->at++)
        *x = *x * 10 + (*j->at - '0');
    if (*from == '0' && j->at - from > 1)
        return json_in_fault(j, "a number that begins with 0");
    if (j->at == j->end || *j->at != '.')
        return true;
    j->at++;
    if (!digit_next(j))
        return expected(j, "a digit");
    for (; digit_next(j); j->at++)
        *x += (*j->at - '0') * (scale /= 10);
    return true;
}

/* ---- Anything ---- */

static bool skip_word(struct json_in *j)
{
    static const char *const words[] = {"true", "false", "null"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t n = strlen(words[i]);

        if ((size_t)(j->end - j->at) >= n && !memcmp(j->at, words[i], n)) {
            j->at += n;
            return true;
        }
    }
    return expected(j, "a value");
}

static bool skip_number(struct json_in *j)
{
    double x;

    j->at += *j->at == '-';
    if (!json_in_decimal(j, &x))
        return false;
    if (j->at == j->end || (*j->at != 'e' && *j->at != 'E'))
        return true;
    j->at++;
    if (j->at < j->end && (*j->at == '+' || *j->at == '-'))
        j->at++;
    if (!digit_next(j))
        return expected(j, "a digit");
    while (digit_next(j))
        j->at++;
    return true;
}

bool json_in_skip(struct json_in *j)
{
    unsigned depth = j->depth;
    char key[JSON_IN_NAME];

    do {
        char c = peek(j);

        if (c == '{' || c == '[')
            json_in_enter(j, c);
        else if (c == '"')
            json_in_text(j, key, sizeof(key));
        else if (c == '-' || (c >= '0' && c <= '9'))
            skip_number(j);
        else
            skip_word(j);
        /* On to the next value, out of all that ends here. */
        while (!j->failed && j->depth > depth && !json_in_more(j))
            ;
        if (!j->failed && j->depth > depth && j->closers[j->depth - 1] == '}')
            json_in_key(j, key);
    } while (!j->failed && j->depth > depth);
    return !j->failed;
}

bool json_in_finish(struct json_in *j)
{
    if (peek(j) || (!j->failed && j->at < j->end))
        return expected(j, "the end of the line");
    return !j->failed;
}
