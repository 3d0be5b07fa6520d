#include "s370/asm/evaluate.h"

#include "s370/asm/attribute.h"
#include "s370/asm/expr.h"
#include "s370/asm/lookup.h"
#include "s370/asm/text.h"

#include <stdio.h>
#include <string.h>

struct eval eval_begin(struct assembly *a, struct statement *st)
{
    return (struct eval){a, st, st->operand, st->operand, 0};
}

static bool fail(struct eval *e, const char *p, const char *fmt, ...)
    PRINTF(3, 4);

static bool fail(struct eval *e, const char *p, const char *fmt, ...)
{
    char text[DIAG_SIZE];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    asm_error(e->a, e->st, p, "%s", text);
    return false;
}

/* Variable symbols ----------------------------------------------------- */

static bool take_subscripts(struct eval *e, struct subscripts *sub)
{
    const char *open = e->p;

    sub->count = 0;
    if (*e->p != '(')
        return true;
    if (++e->depth > NESTING_MAX)
        return fail(e, open, "parentheses are nested too deeply");
    do {
        e->p++;
        if (!eval_number(e, &sub->n[sub->count++]))
            return false;
    } while (*e->p == ',' && sub->count < 2);
    e->depth--;
    if (*e->p != ')')
        return fail(e, e->p, "a right parenthesis is missing");
    e->p++;
    return true;
}

/* The variable symbol at e->p. */
static bool take_variable(struct eval *e, struct found *f)
{
    const char *name = e->p + 1;
    size_t len = asm_name_len(name);
    struct subscripts sub = {.count = 0};

    if (!len)
        return fail(e, e->p,
                    "an ampersand needs a name behind it, or another "
                    "ampersand");
    e->p = name + len;
    if (lookup_takes_subscript(e->a, name, len) && !take_subscripts(e, &sub))
        return false;
    return lookup_variable(e->a, e->st, name, len, &sub, f);
}

bool eval_target(struct eval *e, struct target *t)
{
    struct subscripts sub;

    t->name = e->p + (*e->p == '&');
    t->len = asm_name_len(t->name);
    t->index = 0;
    if (*e->p != '&' || !t->len)
        return fail(e, e->p, "a SET symbol, &NAME, is expected here");
    e->p = t->name + t->len;
    if (!take_subscripts(e, &sub))
        return false;
    if (sub.count && sub.n[0] < 1)
        return fail(e, e->p, "a subscript must be at least 1");
    t->index = sub.count ? (unsigned)sub.n[0] : 0;
    return true;
}

/* Terms ---------------------------------------------------------------- */

static void skip_blanks(struct eval *e)
{
    while (e->depth && *e->p == ' ')
        e->p++;
}

static void set_number(struct evaluated *v, int64_t n)
{
    v->is_text = false;
    v->n = (int32_t)n;
}

static bool append(struct eval *e, struct evaluated *v, const char *text,
                   size_t len)
{
    v->is_text = true;
    if (v->len + len > SETC_MAX)
        return fail(e, e->p, "the text has more than %d characters", SETC_MAX);
    memcpy(v->text + v->len, text, len);
    v->len += len;
    v->text[v->len] = '\0';
    return true;
}

/* Substring: the text's tail since `start` becomes (first,count) of it. */
static bool take_substring(struct eval *e, struct evaluated *v, size_t start)
{
    const char *at = e->p;
    struct subscripts sub;
    size_t len = v->len - start;

    if (!take_subscripts(e, &sub))
        return false;
    if (!sub.count)
        return true;
    if (sub.count != 2 || sub.n[0] < 1 || sub.n[1] < 0)
        return fail(e, at, "a substring is ('text'(first,length))");
    size_t first = (size_t)sub.n[0] - 1, count = (size_t)sub.n[1];
    if (first > len || (first == len && count))
        return fail(e, at, "the substring begins behind the text");
    if (count > len - first)
        count = len - first;
    memmove(v->text + start, v->text + start + first, count);
    v->len = start + count;
    v->text[v->len] = '\0';
    return true;
}

/* 'text with &VARIABLES'(first,length) */
static bool take_string(struct eval *e, struct evaluated *v)
{
    const char *open = e->p++;
    size_t start = v->len;
    struct found f;

    for (;;) {
        if (!*e->p)
            return fail(e, open, "the closing apostrophe is missing");
        if (*e->p == '\'' && *++e->p != '\'')
            break;
        if (*e->p == '&' && e->p[1] != '&') {
            if (!take_variable(e, &f) || !append(e, v, f.text, f.len))
                return false;
            e->p += *e->p == '.';
            continue;
        }
        if (!append(e, v, e->p, 1)) /* && stays double, as in a statement */
            return false;
        if (*e->p == '&' && !append(e, v, e->p++, 1))
            return false;
        e->p++;
    }
    v->is_text = v->is_quoted = true;
    return take_substring(e, v, start);
}

/* T'&X K'&X N'&X L'&X: the attribute's letter is at e->p. */
static bool take_attribute(struct eval *e, struct evaluated *v)
{
    char letter = asm_upper(*e->p);
    const char *at = e->p;
    struct found f;

    e->p += 2;
    if (*e->p != '&') {
        f.len = asm_name_len(e->p);
        f.text = e->p;
        e->p += f.len;
    } else if (letter == 'N' && e->a->frame &&
               lookup_is_name(e->p + 1, 7, "SYSLIST") && e->p[8] != '(') {
        e->p += 8;
        set_number(v, argument_count(e->a->frame));
        return true;
    } else if (!take_variable(e, &f)) {
        return false;
    }
    switch (letter) {
    case 'K':
        set_number(v, (int64_t)f.len);
        return true;
    case 'N':
        set_number(v, attribute_count(f.text, f.len));
        return true;
    case 'L':
        set_number(v, attribute_length(e->a, f.text, f.len));
        return true;
    case 'T':
        v->is_quoted = true;
        return append(e, v, (char[]){attribute_type(e->a, f.text, f.len), '\0'},
                      1);
    default:
        return fail(e, at, "attribute %c' is not supported", letter);
    }
}

static bool take_parentheses(struct eval *e, struct evaluated *v)
{
    const char *open = e->p++;

    if (++e->depth > NESTING_MAX)
        return fail(e, open, "parentheses are nested too deeply");
    if (!eval_any(e, v))
        return false;
    skip_blanks(e);
    if (*e->p != ')')
        return fail(e, e->p, "a right parenthesis is missing");
    e->p++;
    e->depth--;
    return true;
}

static bool take_term(struct eval *e, struct evaluated *v)
{
    const char *end, *wrong;
    struct found f;
    int64_t n;

    skip_blanks(e);
    *v = (struct evaluated){.is_text = false};
    if (*e->p == '(')
        return take_parentheses(e, v);
    if (*e->p == '\'')
        return take_string(e, v);
    if (*e->p == '&')
        return take_variable(e, &f) && append(e, v, f.text, f.len);
    if (*e->p && e->p[1] == '\'' && asm_is_attribute(e->p, e->p + 1))
        return take_attribute(e, v);
    if (!expr_self_defining(e->p, &n, &end, &wrong))
        return fail(e, e->p, "%s",
                    wrong   ? wrong
                    : *e->p ? "this cannot begin a term"
                            : "an expression is missing");
    e->p = end;
    set_number(v, n);
    return true;
}

/* 'a'.'b', 'a''b' is one string; T'&X.'Y' */
static bool take_text(struct eval *e, struct evaluated *v)
{
    if (!take_term(e, v))
        return false;
    while (v->is_text && *e->p == '.' && e->p[1] == '\'') {
        e->p++;
        if (!take_string(e, v))
            return false;
    }
    return true;
}

/* Text that reads as a number, as &N in an arithmetic expression. */
static bool to_number(struct eval *e, const char *at, struct evaluated *v)
{
    const char *p = v->text + (v->text[0] == '-'), *end, *wrong;
    int64_t n;

    if (!v->is_text)
        return true;
    if (!v->len) {
        set_number(v, 0);
        return true;
    }
    if (!expr_self_defining(p, &n, &end, &wrong) || *end)
        return fail(e, at, "'%.40s' is not a number", v->text);
    set_number(v, p > v->text ? -n : n);
    return true;
}

/* Operators, weakest last ----------------------------------------------- */

static bool operate(struct eval *e, const char *at, char op,
                    struct evaluated *v, const struct evaluated *w)
{
    int64_t n = v->n;

    switch (op) {
    case '+':
        n += w->n;
        break;
    case '-':
        n -= w->n;
        break;
    case '*':
        n *= w->n;
        break;
    default:
        n = w->n ? n / w->n : 0; /* so the manual says */
    }
    if (n != (int32_t)n)
        return fail(e, at, "the result has more than 32 bits");
    set_number(v, n);
    return true;
}

static bool take_product(struct eval *e, struct evaluated *v)
{
    const char *at = e->p;
    struct evaluated w;

    if (!take_text(e, v))
        return false;
    while (*e->p == '*' || *e->p == '/') {
        char op = *e->p++;
        const char *right = e->p;

        if (!take_text(e, &w) || !to_number(e, at, v) ||
            !to_number(e, right, &w) || !operate(e, at, op, v, &w))
            return false;
    }
    return true;
}

static bool take_sum(struct eval *e, struct evaluated *v)
{
    struct evaluated w;

    skip_blanks(e);
    const char *at = e->p;
    if (*e->p == '-' || *e->p == '+')
        *v = (struct evaluated){.is_text = false};
    else if (!take_product(e, v))
        return false;
    while (*e->p == '+' || *e->p == '-') {
        char op = *e->p++;
        const char *right = e->p;

        if (!take_product(e, &w) || !to_number(e, at, v) ||
            !to_number(e, right, &w) || !operate(e, at, op, v, &w))
            return false;
    }
    return true;
}

/* Take a word operator that blanks or parentheses set off. */
static bool take_word(struct eval *e, const char *word)
{
    const char *p = e->p;

    while (e->depth && *p == ' ')
        p++;
    size_t len = asm_name_len(p);
    if (!e->depth || !len || !lookup_is_name(p, len, word))
        return false;
    e->p = p + len;
    return true;
}

/* EQ NE LT LE GT GE by the sign of the comparison. */
static bool holds(unsigned relation, int sign)
{
    static const uint8_t holding[] = {2, 5, 1, 3, 4, 6}; /* bits: < = > */

    return holding[relation] & (sign < 0 ? 1 : sign > 0 ? 4 : 2);
}

/* A shorter text is the lesser one, whatever it says (GC33-4010, "SETB"). */
static int compare_text(const struct evaluated *v, const struct evaluated *w)
{
    if (v->len != w->len)
        return v->len < w->len ? -1 : 1;
    return attribute_compare(v->text, w->text, v->len);
}

static bool take_relation(struct eval *e, struct evaluated *v)
{
    static const char *const words[] = {"EQ", "NE", "LT", "LE", "GT", "GE"};
    const char *at = e->p;
    struct evaluated w;

    if (!take_sum(e, v))
        return false;
    for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
        if (!take_word(e, words[i]))
            continue;
        const char *right = e->p;
        if (!take_sum(e, &w))
            return false;
        if (v->is_text && w.is_text && (v->is_quoted || w.is_quoted)) {
            set_number(v, holds(i, compare_text(v, &w)));
            return true;
        }
        if (!to_number(e, at, v) || !to_number(e, right, &w))
            return false;
        set_number(v, holds(i, v->n < w.n ? -1 : v->n > w.n));
        return true;
    }
    return true;
}

static bool take_not(struct eval *e, struct evaluated *v)
{
    bool negate = false;
    const char *at = e->p;

    while (take_word(e, "NOT"))
        negate = !negate;
    if (!take_relation(e, v))
        return false;
    if (!negate)
        return true;
    if (!to_number(e, at, v))
        return false;
    set_number(v, !v->n);
    return true;
}

static bool take_and(struct eval *e, struct evaluated *v)
{
    const char *at = e->p;
    struct evaluated w;

    if (!take_not(e, v))
        return false;
    while (take_word(e, "AND")) {
        if (!take_not(e, &w) || !to_number(e, at, v) || !to_number(e, at, &w))
            return false;
        set_number(v, v->n && w.n);
    }
    return true;
}

bool eval_any(struct eval *e, struct evaluated *v)
{
    const char *at = e->p;
    struct evaluated w;

    if (!take_and(e, v))
        return false;
    while (take_word(e, "OR")) {
        if (!take_and(e, &w) || !to_number(e, at, v) || !to_number(e, at, &w))
            return false;
        set_number(v, v->n || w.n);
    }
    return true;
}

bool eval_number(struct eval *e, int32_t *n)
{
    const char *at = e->p;
    struct evaluated v;

    if (!eval_any(e, &v) || !to_number(e, at, &v))
        return false;
    *n = v.n;
    return true;
}

const char *eval_substitute(struct assembly *a, struct statement *st,
                            const char *field)
{
    struct eval e = {a, st, field, field, 0};
    char out[STATEMENT_MAX + 1];
    struct found f;
    size_t n = 0;

    while (*e.p) {
        const char *text = e.p;
        size_t len = 1;

        if (*e.p == '&' && e.p[1] != '&') {
            if (!take_variable(&e, &f))
                return NULL;
            e.p += *e.p == '.'; /* the point only ends the name */
            text = f.text;
            len = f.len;
        } else {
            len = *e.p == '&' ? 2 : 1;
            e.p += len;
        }
        if (n + len > STATEMENT_MAX) {
            fail(&e, field, "the statement becomes too long");
            return NULL;
        }
        memcpy(out + n, text, len);
        n += len;
    }
    return asm_copy(a, out, n);
}
