#include "popek-goldberg/witness/expr_words.h"

/* How tightly an operation binds, as in expr.c; 0: it is not infix. */
static const struct infix {
    const char *sign;
    unsigned binds;
} infix[ISA_OP_COUNT] = {
    [ISA_OR] = {"or", 2},    [ISA_AND] = {"and", 3},  [ISA_EQ] = {"=", 5},
    [ISA_NE] = {"!=", 5},    [ISA_LT] = {"<", 5},     [ISA_LE] = {"<=", 5},
    [ISA_GT] = {">", 5},     [ISA_GE] = {">=", 5},    [ISA_BITOR] = {"|", 6},
    [ISA_BITXOR] = {"^", 7}, [ISA_BITAND] = {"&", 8}, [ISA_SHL] = {"<<", 9},
    [ISA_SHR] = {">>", 9},   [ISA_ADD] = {"+", 10},   [ISA_SUB] = {"-", 10},
    [ISA_MUL] = {"*", 11},   [ISA_DIV] = {"/", 11},   [ISA_REM] = {"%", 11},
};
enum { CHOOSE = 1, NOT = 4, UNARY = 12 };

struct words {
    FILE *to;
    const struct isa *isa;
    const struct isa_encoding *code;
    enum isa_scale scale;
};

static void put(const struct words *w, const struct isa_expr *e,
                unsigned binds);

static bool is_mode(const struct words *w, const struct isa_expr *e)
{
    return e->op == ISA_ELEMENT &&
           w->isa->elements[e->index].kind == ISA_KIND_MODE;
}

/* A number that is compared with the mode has a name. */
static void put_beside(const struct words *w, const struct isa_expr *e,
                       const struct isa_expr *other, unsigned binds)
{
    if (e->op == ISA_LITERAL && is_mode(w, other) && e->value[w->scale] <= 1)
        fputs(e->value[w->scale] ? "user" : "supervisor", w->to);
    else
        put(w, e, binds);
}

static void put_infix(const struct words *w, const struct isa_expr *e)
{
    unsigned binds = infix[e->op].binds;
    bool compares = e->op >= ISA_EQ && e->op <= ISA_GE; /* they do not chain */

    put_beside(w, e->a, e->b, binds + compares);
    fprintf(w->to, " %s ", infix[e->op].sign);
    put_beside(w, e->b, e->a, binds + 1);
}

static void put_choice(const struct words *w, const struct isa_expr *e)
{
    put(w, e->a, CHOOSE + 1);
    fputs(" ? ", w->to);
    put(w, e->b, CHOOSE);
    fputs(" : ", w->to);
    put(w, e->c, CHOOSE);
}

static void put_list(const struct words *w, const char *before,
                     const struct isa_expr *a, const struct isa_expr *b,
                     const char *after)
{
    fputs(before, w->to);
    put(w, a, CHOOSE);
    if (b) {
        fputs(", ", w->to);
        put(w, b, CHOOSE);
    }
    fputs(after, w->to);
}

static void put_plain(const struct words *w, const struct isa_expr *e)
{
    switch (e->op) {
    case ISA_LITERAL:
        fprintf(w->to, "%llu", (unsigned long long)e->value[w->scale]);
        return;
    case ISA_ELEMENT:
        fputs(w->isa->elements[e->index].name, w->to);
        return;
    case ISA_OPERAND:
        fputs(w->code->operands[e->index].name, w->to);
        return;
    case ISA_MEMORY:
        put_list(w, "mem[", e->a, NULL, "]");
        return;
    case ISA_CAT:
        put_list(w, "cat(", e->a, e->b, ")");
        return;
    case ISA_SLICE:
        put(w, e->a, UNARY + 1);
        if (e->high == e->low)
            fprintf(w->to, "[%u]", e->low);
        else
            fprintf(w->to, "[%u:%u]", e->high, e->low);
        return;
    case ISA_NOT:
        fputs("not ", w->to);
        put(w, e->a, NOT);
        return;
    case ISA_COMPLEMENT:
    case ISA_NEGATE:
        fputs(e->op == ISA_NEGATE ? "-" : "~", w->to);
        put(w, e->a, UNARY);
        return;
    default:
        fputs("unpredictable", w->to);
    }
}

/* In parentheses where what stands around it binds more tightly. */
static void put(const struct words *w, const struct isa_expr *e, unsigned binds)
{
    unsigned own = infix[e->op].binds        ? infix[e->op].binds
                   : e->op == ISA_CHOOSE     ? CHOOSE
                   : e->op == ISA_NOT        ? NOT
                   : e->op == ISA_COMPLEMENT ? UNARY
                   : e->op == ISA_NEGATE     ? UNARY
                                             : UNARY + 1;

    if (own < binds)
        fputc('(', w->to);
    if (infix[e->op].binds)
        put_infix(w, e);
    else if (e->op == ISA_CHOOSE)
        put_choice(w, e);
    else
        put_plain(w, e);
    if (own < binds)
        fputc(')', w->to);
}

void pg_put_expression(FILE *to, const struct isa *isa,
                       const struct isa_encoding *code, enum isa_scale scale,
                       const struct isa_expr *e)
{
    put(&(struct words){to, isa, code, scale}, e, CHOOSE);
}

void pg_put_action(FILE *to, const struct isa *isa,
                   const struct isa_encoding *code, enum isa_scale scale,
                   const struct isa_action *a)
{
    const struct words w = {to, isa, code, scale};

    switch (a->kind) {
    case ISA_TRAP:
        fprintf(to, "trap %s", isa->traps[a->trap].name);
        return;
    case ISA_UNPREDICTABLY:
        fputs("unpredictable", to);
        return;
    case ISA_STORE:
        put_list(&w, "mem[", a->address, NULL, "] <- ");
        break;
    case ISA_ASSIGN:
        fprintf(to, "%s <- ", isa->elements[a->element].name);
        if (isa->elements[a->element].kind == ISA_KIND_MODE &&
            a->value->op == ISA_LITERAL && a->value->value[scale] <= 1) {
            fputs(a->value->value[scale] ? "user" : "supervisor", to);
            return;
        }
        break;
    }
    put(&w, a->value, CHOOSE);
}
