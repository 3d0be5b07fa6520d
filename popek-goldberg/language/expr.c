#include "popek-goldberg/language/parse.h"

#include <stdio.h>
#include <string.h>

enum { WORDS_MAX = ISA_ELEMENTS + ISA_OPERANDS + PARSE_CONSTANTS + 8 };

struct isa_expr *parse_node(struct parse *p, enum isa_op op, struct isa_expr *a,
                            struct isa_expr *b)
{
    struct isa_expr *e = parse_take(p, sizeof(*e));

    if (!e)
        return NULL;
    *e = (struct isa_expr){.op = op, .a = a, .b = b};
    e->line = p->lex.token.line;
    e->column = p->lex.token.column;
    return e;
}

/* ---- Widths: 0 is that of a literal which takes it from its neighbours ----*/

static bool is_truth(enum isa_op op)
{
    return op == ISA_NOT || (op >= ISA_EQ && op <= ISA_OR);
}

static void fit_literal(struct parse *p, struct isa_expr *e, enum isa_scale s,
                        unsigned width)
{
    if (width < 64 && e->value[s] >> width)
        lex_fault_at(&p->lex, e->line, e->column,
                     "%llu does not fit into the %u bit%s %s%s",
                     (unsigned long long)e->value[s], width,
                     width == 1 ? "" : "s",
                     s == ISA_SCALED ? "of the scaled machine" : "of its place",
                     s == ISA_SCALED ? "; declare it: const NAME = FULL scaled "
                                       "SMALL, or widen with 'scaled'"
                                     : "");
}

static void impose(struct parse *p, struct isa_expr *e, enum isa_scale s,
                   unsigned width)
{
    if (!e || e->width[s])
        return;
    e->width[s] = width;
    if (e->op == ISA_LITERAL) {
        fit_literal(p, e, s, width);
        return;
    }
    if (e->op != ISA_CHOOSE)
        impose(p, e->a, s, width);
    impose(p, e->b, s, width);
    impose(p, e->c, s, width);
}

void parse_fit(struct parse *p, struct isa_expr *e,
               const unsigned width[ISA_SCALES])
{
    for (enum isa_scale s = 0; s < ISA_SCALES; s++)
        impose(p, e, s, width[s]);
}

static unsigned wider(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

/* Node over x and y (y may be NULL) whose widths are known. */
static void infer(struct parse *p, struct isa_expr *e, struct isa_expr *x,
                  struct isa_expr *y)
{
    for (enum isa_scale s = 0; s < ISA_SCALES; s++) {
        unsigned w = y ? wider(x->width[s], y->width[s]) : x->width[s];

        if (is_truth(e->op) && !w)
            w = 64;
        if (w) {
            impose(p, x, s, w);
            impose(p, y, s, w);
        }
        e->width[s] = is_truth(e->op) ? 1 : w;
    }
}

static struct isa_expr *join(struct parse *p, enum isa_op op,
                             struct isa_expr *a, struct isa_expr *b)
{
    struct isa_expr *e = a && b ? parse_node(p, op, a, b) : NULL;

    if (!e)
        return NULL;
    e->line = a->line;
    e->column = a->column;
    infer(p, e, a, b);
    return e;
}

static struct isa_expr *over(struct parse *p, enum isa_op op,
                             struct isa_expr *a)
{
    struct isa_expr *e = a ? parse_node(p, op, a, NULL) : NULL;

    if (e)
        infer(p, e, a, NULL);
    return e;
}

/* ---- Names ---- */

static bool same(const char *name, const char *text, size_t len)
{
    return strlen(name) == len && !memcmp(name, text, len);
}

static void unknown_name(struct parse *p)
{
    static const char *const fixed[] = {"mem", "cat", "user", "supervisor",
                                        "not"};
    const char *words[WORDS_MAX + 1];
    size_t n = 0;

    for (; n < ARRAY_LEN(fixed); n++)
        words[n] = fixed[n];
    for (unsigned i = 0; i < p->isa->element_count; i++)
        words[n++] = p->isa->elements[i].name;
    for (unsigned i = 0; p->code && i < p->code->operand_count; i++)
        words[n++] = p->code->operands[i].name;
    for (unsigned i = 0; i < p->constant_count; i++)
        words[n++] = p->constants[i].name;
    words[n] = NULL;
    lex_expected(&p->lex,
                 lex_is(&p->lex, "=") ? "a value ('=' is written once)"
                                      : "a value",
                 words);
}

static struct isa_expr *literal(struct parse *p, uint64_t full, uint64_t scaled)
{
    struct isa_expr *e = parse_node(p, ISA_LITERAL, NULL, NULL);

    if (e) {
        e->value[ISA_FULL] = full;
        e->value[ISA_SCALED] = scaled;
    }
    lex_next(&p->lex);
    return e;
}

static struct isa_expr *leaf(struct parse *p, enum isa_op op, unsigned index,
                             const unsigned width[ISA_SCALES])
{
    struct isa_expr *e = parse_node(p, op, NULL, NULL);

    if (e) {
        e->index = index;
        e->width[ISA_FULL] = width[ISA_FULL];
        e->width[ISA_SCALED] = width[ISA_SCALED];
    }
    lex_next(&p->lex);
    return e;
}

static struct isa_expr *name(struct parse *p)
{
    const struct lex_token t = p->lex.token;

    for (unsigned i = 0; p->code && i < p->code->operand_count; i++)
        if (same(p->code->operands[i].name, t.text, t.len))
            return leaf(p, ISA_OPERAND, i, p->code->operands[i].width);
    int i = isa_find_element(p->isa, t.text, t.len);
    if (i >= 0)
        return leaf(p, ISA_ELEMENT, (unsigned)i, p->isa->elements[i].width);
    for (unsigned c = 0; c < p->constant_count; c++)
        if (same(p->constants[c].name, t.text, t.len))
            return literal(p, p->constants[c].value[ISA_FULL],
                           p->constants[c].value[ISA_SCALED]);
    unknown_name(p);
    return NULL;
}

/* ---- Primaries ---- */

static struct isa_expr *memory(struct parse *p)
{
    struct isa_expr *e = NULL;

    if (!parse_expect(p, "["))
        return NULL;
    struct isa_expr *a = parse_expression(p);
    if (a && parse_expect(p, "]"))
        e = parse_node(p, ISA_MEMORY, a, NULL);
    if (!e)
        return NULL;
    parse_fit(p, a, p->isa->address_width);
    e->width[ISA_FULL] = p->isa->cell_width[ISA_FULL];
    e->width[ISA_SCALED] = p->isa->cell_width[ISA_SCALED];
    return e;
}

static struct isa_expr *cat(struct parse *p)
{
    struct isa_expr *e = NULL, *a, *b = NULL;

    if (!parse_expect(p, "("))
        return NULL;
    a = parse_expression(p);
    if (a && parse_expect(p, ","))
        b = parse_expression(p);
    if (b && parse_expect(p, ")"))
        e = parse_node(p, ISA_CAT, a, b);
    for (enum isa_scale s = 0; e && s < ISA_SCALES; s++) {
        e->width[s] = a->width[s] + b->width[s];
        if (!a->width[s] || !b->width[s] || e->width[s] > 64) {
            lex_fault_at(&p->lex, e->line, e->column,
                         "cat joins two values of known width, of at most 64 "
                         "bits together; a bare number has none");
            return NULL;
        }
    }
    return e;
}

static struct isa_expr *primary(struct parse *p)
{
    const struct lex_token t = p->lex.token;
    static const unsigned bit[ISA_SCALES] = {1, 1};
    struct isa_expr *e = NULL;

    if (t.kind == LEX_NUMBER)
        return literal(p, t.value, t.value);
    if (parse_accept(p, "(")) {
        e = parse_expression(p);
        return e && parse_expect(p, ")") ? e : NULL;
    }
    if (lex_is(&p->lex, "user") || lex_is(&p->lex, "supervisor")) {
        e = literal(p, *t.text == 'u', *t.text == 'u');
        if (e)
            parse_fit(p, e, bit);
        return e;
    }
    if (parse_accept(p, "mem"))
        return memory(p);
    if (parse_accept(p, "cat"))
        return cat(p);
    if (lex_is(&p->lex, "unpredictable")) {
        lex_fault_at(&p->lex, t.line, t.column,
                     "'unpredictable' is the whole value of an assignment, or "
                     "an action of its own");
        return NULL;
    }
    if (t.kind == LEX_WORD)
        return name(p);
    unknown_name(p);
    return NULL;
}

static bool take_bit(struct parse *p, unsigned *bit)
{
    const struct lex_token *t = &p->lex.token;

    if (t->kind != LEX_NUMBER || t->value > 63) {
        lex_expected(&p->lex, "the number of a bit, 0 to 63", NULL);
        return false;
    }
    *bit = (unsigned)t->value;
    lex_next(&p->lex);
    return true;
}

static struct isa_expr *sliced(struct parse *p, struct isa_expr *a)
{
    struct isa_expr *e = parse_node(p, ISA_SLICE, a, NULL);

    if (!e || !take_bit(p, &e->high))
        return NULL;
    e->low = e->high;
    if (parse_accept(p, ":") && !take_bit(p, &e->low))
        return NULL;
    if (!parse_expect(p, "]"))
        return NULL;
    if (e->low > e->high) {
        lex_fault_at(&p->lex, e->line, e->column,
                     "the higher bit is written first: [%u:%u]", e->low,
                     e->high);
        return NULL;
    }
    for (enum isa_scale s = 0; s < ISA_SCALES; s++) {
        if (e->high >= a->width[s]) {
            lex_fault_at(&p->lex, e->line, e->column,
                         "there is no bit %u in a value of %u bits%s", e->high,
                         a->width[s],
                         s == ISA_SCALED ? " in the scaled machine" : "");
            return NULL;
        }
        e->width[s] = e->high - e->low + 1;
    }
    return e;
}

static struct isa_expr *postfix(struct parse *p)
{
    struct isa_expr *e = primary(p);

    while (e && parse_accept(p, "["))
        e = sliced(p, e);
    return e;
}

static struct isa_expr *unary(struct parse *p)
{
    struct isa_expr *e;

    if (!parse_enter(p))
        return NULL;
    if (parse_accept(p, "~"))
        e = over(p, ISA_COMPLEMENT, unary(p));
    else if (parse_accept(p, "-"))
        e = over(p, ISA_NEGATE, unary(p));
    else
        e = postfix(p);
    parse_leave(p);
    return e;
}

/* ---- Operators, from the loosest to the tightest ---- */

static const struct {
    const char *mark;
    enum isa_op op;
    unsigned level;
} operators[] = {
    {"or", ISA_OR, 0},    {"and", ISA_AND, 1},  {"=", ISA_EQ, 3},
    {"!=", ISA_NE, 3},    {"<", ISA_LT, 3},     {"<=", ISA_LE, 3},
    {">", ISA_GT, 3},     {">=", ISA_GE, 3},    {"|", ISA_BITOR, 4},
    {"^", ISA_BITXOR, 5}, {"&", ISA_BITAND, 6}, {"<<", ISA_SHL, 7},
    {">>", ISA_SHR, 7},   {"+", ISA_ADD, 8},    {"-", ISA_SUB, 8},
    {"*", ISA_MUL, 9},    {"/", ISA_DIV, 9},    {"%", ISA_REM, 9},
};

enum { LEVEL_NOT = 2, LEVEL_COMPARE = 3, LEVELS = 10 };

static struct isa_expr *level(struct parse *p, unsigned n);

static struct isa_expr *operand(struct parse *p, unsigned n)
{
    struct isa_expr *e;

    if (n != LEVEL_NOT || !parse_accept(p, "not"))
        return level(p, n + 1);
    if (!parse_enter(p))
        return NULL;
    e = over(p, ISA_NOT, operand(p, n));
    parse_leave(p);
    return e;
}

static bool accept_operator(struct parse *p, unsigned n, enum isa_op *op)
{
    for (size_t i = 0; i < ARRAY_LEN(operators); i++)
        if (operators[i].level == n && parse_accept(p, operators[i].mark)) {
            *op = operators[i].op;
            return true;
        }
    return false;
}

static struct isa_expr *level(struct parse *p, unsigned n)
{
    unsigned links = 0;
    enum isa_op op;

    if (n == LEVELS)
        return unary(p);
    struct isa_expr *e = operand(p, n);
    while (e && accept_operator(p, n, &op)) {
        if (n == LEVEL_COMPARE && links) {
            lex_fault_at(&p->lex, e->line, e->column,
                         "comparisons do not chain; join two with 'and'");
            return NULL;
        }
        if (++links > ISA_DEPTH) {
            lex_fault_at(&p->lex, e->line, e->column,
                         "an expression of more than %d links", ISA_DEPTH);
            return NULL;
        }
        e = join(p, op, e, operand(p, n));
    }
    return e;
}

static struct isa_expr *choose(struct parse *p, struct isa_expr *a)
{
    static const unsigned most[ISA_SCALES] = {64, 64};
    struct isa_expr *b = parse_expression(p);
    struct isa_expr *c = b && parse_expect(p, ":") ? parse_expression(p) : NULL;
    struct isa_expr *e = c ? parse_node(p, ISA_CHOOSE, a, b) : NULL;

    if (!e)
        return NULL;
    e->c = c;
    parse_fit(p, a, most);
    infer(p, e, b, c);
    return e;
}

struct isa_expr *parse_expression(struct parse *p)
{
    if (!parse_enter(p))
        return NULL;
    struct isa_expr *e = level(p, 0);
    if (e && parse_accept(p, "?"))
        e = choose(p, e);
    parse_leave(p);
    return e;
}
