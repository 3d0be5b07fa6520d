/* The script and its terms; what a machine means is in smt_run.c. */
#include "popek-goldberg/solver/smt.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_room(struct smt *s, size_t n)
{
    if (s->no_memory)
        return false;
    if (s->cap - s->len > n)
        return true;
    size_t cap = s->cap + s->cap / 2 + n + 4096;
    char *text = realloc(s->text, cap);
    if (!text) {
        s->no_memory = true;
        return false;
    }
    s->text = text;
    s->cap = cap;
    return true;
}

PRINTF(2, 3)
static void say(struct smt *s, const char *fmt, ...)
{
    char line[256];
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (n < 0 || !has_room(s, (size_t)n))
        return;
    memcpy(s->text + s->len, line, (size_t)n + 1);
    s->len += (size_t)n;
}

void smt_open(struct smt *s)
{
    *s = (struct smt){0};
    say(s, "(set-logic QF_BV)\n"
           "(define-fun t0 () Bool false)\n"
           "(define-fun t1 () Bool true)\n");
    s->terms = 2;
}

void smt_close(struct smt *s)
{
    free(s->text);
    *s = (struct smt){0};
}

static void say_sort(struct smt *s, unsigned width)
{
    if (width)
        say(s, "(_ BitVec %u)", width);
    else
        say(s, "Bool");
}

struct smt_term smt_declare(struct smt *s, unsigned width)
{
    struct smt_term t = {s->terms++, width};

    say(s, "(declare-fun t%u () ", t.id);
    say_sort(s, width);
    say(s, ")\n");
    return t;
}

/* `(define-fun tN () SORT `; its body and `)` come after. */
static struct smt_term define(struct smt *s, unsigned width)
{
    struct smt_term t = {s->terms++, width};

    say(s, "(define-fun t%u () ", t.id);
    say_sort(s, width);
    say(s, " ");
    return t;
}

struct smt_term smt_literal(struct smt *s, unsigned width, uint64_t value)
{
    struct smt_term t = define(s, width);

    say(s, "(_ bv%" PRIu64 " %u))\n",
        width < 64 ? value & ((UINT64_C(1) << width) - 1) : value, width);
    return t;
}

void smt_assert(struct smt *s, struct smt_term a)
{
    say(s, "(assert t%u)\n", a.id);
}

/* ---- Truth: the two constants are folded, for most faults are false ---- */

static bool is(struct smt_term a, struct smt_term constant)
{
    return !a.width && a.id == constant.id;
}

static struct smt_term two(struct smt *s, const char *op, unsigned width,
                           struct smt_term a, struct smt_term b)
{
    struct smt_term t = define(s, width);

    say(s, "(%s t%u t%u))\n", op, a.id, b.id);
    return t;
}

struct smt_term smt_not(struct smt *s, struct smt_term a)
{
    if (is(a, SMT_FALSE) || is(a, SMT_TRUE))
        return is(a, SMT_FALSE) ? SMT_TRUE : SMT_FALSE;
    struct smt_term t = define(s, 0);
    say(s, "(not t%u))\n", a.id);
    return t;
}

struct smt_term smt_and(struct smt *s, struct smt_term a, struct smt_term b)
{
    if (is(a, SMT_FALSE) || is(b, SMT_FALSE))
        return SMT_FALSE;
    if (is(a, SMT_TRUE))
        return b;
    return is(b, SMT_TRUE) ? a : two(s, "and", 0, a, b);
}

struct smt_term smt_or(struct smt *s, struct smt_term a, struct smt_term b)
{
    if (is(a, SMT_TRUE) || is(b, SMT_TRUE))
        return SMT_TRUE;
    if (is(a, SMT_FALSE))
        return b;
    return is(b, SMT_FALSE) ? a : two(s, "or", 0, a, b);
}

struct smt_term smt_implies(struct smt *s, struct smt_term a, struct smt_term b)
{
    return smt_or(s, smt_not(s, a), b);
}

/* ---- Numbers ---- */

struct smt_term smt_equal(struct smt *s, struct smt_term a, struct smt_term b)
{
    return a.id == b.id ? SMT_TRUE : two(s, "=", 0, a, b);
}

struct smt_term smt_compare(struct smt *s, const char *op, struct smt_term a,
                            struct smt_term b)
{
    return two(s, op, 0, a, b);
}

struct smt_term smt_apply(struct smt *s, const char *op, struct smt_term a,
                          struct smt_term b)
{
    return two(s, op, a.width, a, b);
}

struct smt_term smt_negate(struct smt *s, const char *op, struct smt_term a)
{
    struct smt_term t = define(s, a.width);

    say(s, "(%s t%u))\n", op, a.id);
    return t;
}

struct smt_term smt_cat(struct smt *s, struct smt_term a, struct smt_term b)
{
    return two(s, "concat", a.width + b.width, a, b);
}

struct smt_term smt_choose(struct smt *s, struct smt_term condition,
                           struct smt_term b, struct smt_term c)
{
    if (is(condition, SMT_TRUE) || b.id == c.id)
        return b;
    if (is(condition, SMT_FALSE))
        return c;
    struct smt_term t = define(s, b.width);
    say(s, "(ite t%u t%u t%u))\n", condition.id, b.id, c.id);
    return t;
}

struct smt_term smt_slice(struct smt *s, struct smt_term a, unsigned high,
                          unsigned low)
{
    struct smt_term t = define(s, high - low + 1);

    say(s, "((_ extract %u %u) t%u))\n", high, low, a.id);
    return t;
}

struct smt_term smt_fit(struct smt *s, struct smt_term a, unsigned width)
{
    if (a.width == width)
        return a;
    if (a.width > width)
        return smt_slice(s, a, width - 1, 0);
    struct smt_term t = define(s, width);
    say(s, "((_ zero_extend %u) t%u))\n", width - a.width, a.id);
    return t;
}

struct smt_term smt_is_set(struct smt *s, struct smt_term a)
{
    return smt_not(s, smt_equal(s, a, smt_literal(s, a.width, 0)));
}

struct smt_term smt_bit(struct smt *s, struct smt_term a)
{
    return smt_choose(s, a, smt_literal(s, 1, 1), smt_literal(s, 1, 0));
}
