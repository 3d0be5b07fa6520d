#include "s370/asm/expr.h"

#include "base/digit.h"
#include "s370/asm/symbol.h"
#include "s370/asm/text.h"
#include "s370/dev/ebcdic.h"

#include <stdio.h>
#include <string.h>

struct scan scan_begin(struct assembly *a, struct statement *st)
{
    return (struct scan){
        .a = a,
        .st = st,
        .from = st->operand,
        .p = st->operand,
        .section = st->section,
        .loc = st->loc,
    };
}

bool scan_fail(struct scan *s, const char *p, const char *fmt, ...)
{
    char text[DIAG_SIZE];
    va_list ap;

    if (s->quiet)
        return false;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    asm_error(s->a, s->st, p, "%s", text);
    return false;
}

bool scan_take(struct scan *s, char c)
{
    if (*s->p != c)
        return false;
    s->p++;
    return true;
}

bool scan_done(struct scan *s)
{
    if (!*s->p)
        return true;
    return scan_fail(s, s->p, "'%.20s' is not expected here", s->p);
}

static bool take_decimal(const char *p, int64_t *n, const char **end,
                         const char **wrong)
{
    for (*n = 0; asm_is_digit(*p); p++) {
        *n = *n * 10 + (*p - '0');
        if (*n > INT32_MAX) {
            *wrong = "a number must be less than 2147483648";
            return false;
        }
    }
    *end = p;
    return true;
}

/* X'..' and B'..'; bits: of a digit. */
static bool take_digits(const char *p, unsigned bits, int64_t *n,
                        const char **end, const char **wrong)
{
    uint64_t v = 0;
    const char *first = p += 2;

    for (; *p && *p != '\''; p++) {
        unsigned d = digit_value(*p);

        if (d >= 1u << bits) {
            *wrong = bits == 4 ? "a hexadecimal digit is 0-9 or A-F"
                               : "a binary digit is 0 or 1";
            return false;
        }
        v = v << bits | d;
        if (v > UINT32_MAX) {
            *wrong = "a self-defining term has at most 32 bits";
            return false;
        }
    }
    if (p == first || *p != '\'') {
        *wrong = "a self-defining term needs digits between apostrophes";
        return false;
    }
    *n = (int32_t)(uint32_t)v;
    *end = p + 1;
    return true;
}

static bool take_characters(const char *p, int64_t *n, const char **end,
                            const char **wrong)
{
    uint64_t v = 0;
    unsigned count = 0;

    for (p += 2; *p; p++, count++) {
        if (*p == '\'' && *++p != '\'')
            break;
        if (*p == '&' && p[1] == '&')
            p++;
        v = v << 8 | ebcdic_from_ascii((uint8_t)*p);
    }
    if (!count || count > 4 || p[-1] != '\'') {
        *wrong = "a character term holds one to four characters";
        return false;
    }
    *n = (int32_t)(uint32_t)v;
    *end = p;
    return true;
}

bool expr_self_defining(const char *p, int64_t *n, const char **end,
                        const char **wrong)
{
    *wrong = NULL;
    if (asm_is_digit(*p))
        return take_decimal(p, n, end, wrong);
    if (!*p || p[1] != '\'')
        return false;
    switch (asm_upper(*p)) {
    case 'X':
        return take_digits(p, 4, n, end, wrong);
    case 'B':
        return take_digits(p, 1, n, end, wrong);
    case 'C':
        return take_characters(p, n, end, wrong);
    default:
        return false;
    }
}

static struct symbol *take_symbol(struct scan *s)
{
    size_t len = asm_name_len(s->p);
    struct symbol *sym = symbol_find(s->a, s->p, len);

    if (!sym || !sym->defined) {
        s->undefined = true;
        scan_fail(s, s->p, "%.*s is not defined%s", (int)len, s->p,
                  s->a->pass == 1 ? " before this statement" : "");
        return NULL;
    }
    if (!s->quiet && s->a->pass == 2)
        symbol_refer(s->a, sym, s->st);
    s->p += len;
    return sym;
}

/* L'symbol or L'* */
static bool take_length(struct scan *s, struct value *v)
{
    s->p += 2;
    s->length = 1;
    if (scan_take(s, '*')) {
        *v = value_number(s->length);
        return true;
    }
    struct symbol *sym = take_symbol(s);
    if (!sym)
        return false;
    *v = value_number(sym->length);
    return true;
}

static bool take_sum(struct scan *s, struct value *v);

static bool take_parentheses(struct scan *s, struct value *v)
{
    const char *open = s->p++;

    if (++s->depth > NESTING_MAX)
        return scan_fail(s, open, "parentheses are nested too deeply");
    if (!take_sum(s, v))
        return false;
    s->depth--;
    if (!scan_take(s, ')'))
        return scan_fail(s, s->p, "a right parenthesis is missing");
    return true;
}

static bool take_term(struct scan *s, struct value *v)
{
    const char *end, *wrong;

    s->length = 1;
    if (*s->p == '(')
        return take_parentheses(s, v);
    if (*s->p == '*') {
        s->p++;
        s->used_loc = true;
        if (!s->section)
            return scan_fail(s, s->p - 1, "there is no location counter yet");
        *v = value_at(s->section, s->loc);
        return true;
    }
    if (expr_self_defining(s->p, &v->n, &end, &wrong)) {
        v->nterms = 0;
        s->p = end;
        return true;
    }
    if (wrong)
        return scan_fail(s, s->p, "%s", wrong);
    if (asm_upper(*s->p) == 'L' && s->p[1] == '\'')
        return take_length(s, v);
    if (!asm_is_letter(*s->p))
        return scan_fail(s, s->p,
                         *s->p ? "'%.1s' cannot begin a term"
                               : "an expression is missing%s",
                         s->p);
    struct symbol *sym = take_symbol(s);
    if (!sym)
        return false;
    *v = sym->value;
    s->length = sym->length;
    return true;
}

static bool multiply(struct scan *s, const char *at, struct value *v,
                     const struct value *w, char op)
{
    if (v->nterms || w->nterms)
        return scan_fail(s, at,
                         "a relocatable term can be neither multiplied nor "
                         "divided");
    if (op == '*')
        v->n *= w->n;
    else
        v->n = w->n ? v->n / w->n : 0; /* so the manual says */
    if (v->n != (int32_t)v->n)
        return scan_fail(s, at, "the product has more than 32 bits");
    return true;
}

static bool take_product(struct scan *s, struct value *v)
{
    if (!take_term(s, v))
        return false;
    uint32_t length = s->length;
    while (*s->p == '*' || *s->p == '/') {
        const char *at = s->p++;
        struct value w = {0};

        if (!take_term(s, &w) || !multiply(s, at, v, &w, *at))
            return false;
    }
    s->length = length;
    return true;
}

static bool take_sum(struct scan *s, struct value *v)
{
    uint32_t length = 0;
    char op = '+';

    *v = value_number(0);
    if (*s->p == '+' || *s->p == '-')
        op = *s->p++;
    for (bool more = true; more;) {
        const char *at = s->p;
        struct value w = {0};

        if (!take_product(s, &w))
            return false;
        if (!value_add(v, &w, op == '+' ? 1 : -1))
            return scan_fail(s, at,
                             "the sum has more than 32 bits, or too "
                             "many sections in it");
        if (!length)
            length = s->length;
        more = *s->p == '+' || *s->p == '-';
        if (more)
            op = *s->p++;
    }
    s->length = length;
    return true;
}

bool expr_value(struct scan *s, struct value *v)
{
    s->depth = 0;
    s->undefined = false;
    return take_sum(s, v);
}

bool expr_absolute(struct scan *s, const char *what, int64_t low, int64_t high,
                   int64_t *n)
{
    const char *at = s->p;
    struct value v;

    if (!expr_value(s, &v))
        return false;
    if (!value_is_absolute(&v))
        return scan_fail(s, at, "%s must be absolute, not relocatable", what);
    if (v.n < low || v.n > high)
        return scan_fail(s, at, "%s is %lld, but must be %lld to %lld", what,
                         (long long)v.n, (long long)low, (long long)high);
    *n = v.n;
    return true;
}
