/* Instructions of a description: heads, guards, actions. */
#include "popek-goldberg/language/parse.h"

#include <stdio.h>
#include <string.h>

/* ---- Actions ---- */

int parse_find_trap(const struct isa *isa, const struct lex_token *t)
{
    for (unsigned i = 0; t->kind == LEX_WORD && i < isa->trap_count; i++)
        if (strlen(isa->traps[i].name) == t->len &&
            !memcmp(isa->traps[i].name, t->text, t->len))
            return (int)i;
    return -1;
}

static bool take_actions(struct parse *p, struct isa_expr *guard);

static struct isa_expr *truth(struct parse *p, enum isa_op op,
                              struct isa_expr *a, struct isa_expr *b)
{
    struct isa_expr *e = a ? parse_node(p, op, a, b) : NULL;

    if (e)
        e->width[ISA_FULL] = e->width[ISA_SCALED] = 1;
    return e;
}

static bool take_when(struct parse *p, struct isa_expr *outer)
{
    static const unsigned most[ISA_SCALES] = {64, 64};
    struct isa_expr *own = parse_expression(p);

    if (!own || !parse_expect(p, ":"))
        return false;
    parse_fit(p, own, most);
    struct isa_expr *guard = outer ? truth(p, ISA_AND, outer, own) : own;
    if (!guard || !take_actions(p, guard))
        return false;
    if (!parse_accept(p, "else"))
        return true;
    guard = truth(p, ISA_NOT, own, NULL);
    if (guard && outer)
        guard = truth(p, ISA_AND, outer, guard);
    parse_accept(p, ":");
    return guard && take_actions(p, guard);
}

/* The one that is meant, or all there are. */
static bool unknown_trap(struct parse *p, const char *const *all)
{
    const char *const *words = all;
    const struct lex_token *t = &p->lex.token;
    char what[DIAG_SIZE / 2] = "the name of a declared trap";
    size_t n = strlen(what);

    if (lex_nearest(t->text, t->len, words))
        words += p->isa->trap_count;
    for (unsigned i = 0; words[i] && n + ISA_NAME + 2 < sizeof(what); i++)
        n += (size_t)snprintf(what + n, sizeof(what) - n, "%s%s",
                              i ? ", " : ": ", words[i]);
    lex_expected(&p->lex, what, all);
    return false;
}

bool parse_trap(struct parse *p, unsigned *trap)
{
    const char *words[ISA_TRAPS + 1] = {NULL};
    int i = parse_find_trap(p->isa, &p->lex.token);

    if (i < 0) {
        for (unsigned n = 0; n < p->isa->trap_count; n++)
            words[n] = p->isa->traps[n].name;
        return unknown_trap(p, words);
    }
    *trap = (unsigned)i;
    lex_next(&p->lex);
    return true;
}

static bool take_trap(struct parse *p, struct isa_action *a)
{
    a->kind = ISA_TRAP;
    return parse_trap(p, &a->trap);
}

/* A field that only the scaled place cuts off would make labels of its own. */
static bool keeps_fields(struct parse *p, const struct isa_expr *e,
                         const unsigned width[ISA_SCALES])
{
    if (e->op != ISA_CAT || e->width[ISA_FULL] > width[ISA_FULL] ||
        e->width[ISA_SCALED] <= width[ISA_SCALED])
        return true;
    lex_fault_at(&p->lex, e->line, e->column,
                 "the scaled place cuts this to %u bits, of %u; give it "
                 "'scaled %u'",
                 width[ISA_SCALED], e->width[ISA_SCALED], e->width[ISA_SCALED]);
    return false;
}

/* What stands right of the arrow. */
static bool take_right(struct parse *p, struct isa_action *a,
                       const unsigned width[ISA_SCALES])
{
    if (lex_is(&p->lex, "=")) {
        lex_fault_at(&p->lex, p->lex.token.line, p->lex.token.column,
                     "expected '<-'; '=' compares, '<-' assigns");
        return false;
    }
    if (!parse_expect(p, "<-"))
        return false;
    if (lex_is(&p->lex, "unpredictable")) {
        a->value = parse_node(p, ISA_UNPREDICTABLE, NULL, NULL);
        lex_next(&p->lex);
    } else {
        a->value = parse_expression(p);
    }
    if (!a->value)
        return false;
    parse_fit(p, a->value, width);
    return keeps_fields(p, a->value, width);
}

static bool is_operand(const struct parse *p)
{
    for (unsigned i = 0; i < p->code->operand_count; i++)
        if (lex_is(&p->lex, p->code->operands[i].name))
            return true;
    return false;
}

static bool take_assign(struct parse *p, struct isa_action *a)
{
    const char *words[ISA_ELEMENTS + 4] = {"when", "trap", "mem"};
    const struct lex_token t = p->lex.token;
    int i = isa_find_element(p->isa, t.text, t.len);

    a->kind = ISA_ASSIGN;
    if (is_operand(p))
        return parse_fault(p, "an operand is a part of the instruction, and "
                              "nothing changes it");
    if (t.kind != LEX_WORD || i < 0) {
        for (unsigned n = 0; n < p->isa->element_count; n++)
            words[n + 3] = p->isa->elements[n].name;
        lex_expected(&p->lex, "an action: when, trap, or NAME <- VALUE", words);
        return false;
    }
    if (p->isa->elements[i].kind == ISA_KIND_SWITCH)
        return parse_fault(p, "a switch is how the machine is set up; no "
                              "instruction writes it (declare a resource)");
    a->element = (unsigned)i;
    lex_next(&p->lex);
    return take_right(p, a, p->isa->elements[i].width);
}

static bool take_store(struct parse *p, struct isa_action *a)
{
    a->kind = ISA_STORE;
    if (!parse_expect(p, "["))
        return false;
    a->address = parse_expression(p);
    if (!a->address || !parse_expect(p, "]"))
        return false;
    parse_fit(p, a->address, p->isa->address_width);
    return take_right(p, a, p->isa->cell_width);
}

static bool take_action(struct parse *p, struct isa_expr *guard)
{
    if (parse_accept(p, "when"))
        return take_when(p, guard);
    if (p->code->action_count == ISA_ACTIONS)
        return parse_fault(p, "an instruction of more than 64 actions");
    struct isa_action *a = &p->code->actions[p->code->action_count++];
    *a = (struct isa_action){.guard = guard, .line = p->lex.token.line};
    if (parse_accept(p, "trap"))
        return take_trap(p, a);
    if (parse_accept(p, "unpredictable")) {
        a->kind = ISA_UNPREDICTABLY;
        return true;
    }
    return parse_accept(p, "mem") ? take_store(p, a) : take_assign(p, a);
}

/* One action, or several in braces. */
static bool take_actions(struct parse *p, struct isa_expr *guard)
{
    bool ok = true;

    if (!parse_enter(p))
        return false;
    if (!parse_accept(p, "{"))
        ok = take_action(p, guard);
    else
        while (ok && !parse_accept(p, "}"))
            ok = take_action(p, guard);
    parse_leave(p);
    return ok;
}

/* ---- Instructions ---- */

/* An address must reach the memory under two monitors, one in the other. */
static unsigned least_address(const struct isa *isa)
{
    unsigned n = 1;

    while ((1u << n) <= isa->cells + 2 * isa->monitor_words)
        n++;
    return n;
}

static bool take_operands(struct parse *p)
{
    struct isa_encoding *c = p->code;

    do {
        if (c->operand_count == ISA_OPERANDS)
            return parse_fault(p, "an instruction of more than 6 operands");
        struct isa_operand *o = &c->operands[c->operand_count];
        if (!parse_new(p, o->name) || !parse_expect(p, ":") ||
            !parse_width(p, o->width))
            return false;
        c->operand_count++;
    } while (parse_accept(p, ","));
    return parse_expect(p, ")");
}

/* NAME [of MNEMONIC] ["TITLE"] [(OPERANDS)] [covers { MNEMONIC ... }]; *at is
 * where it belongs among the encodings. */
static bool take_head(struct parse *p, unsigned *at)
{
    struct isa_encoding *c = p->code;
    const struct lex_token t = p->lex.token;

    c->line = t.line;
    c->title = "";
    if (!parse_word(p, c->name, "the name of an instruction"))
        return false;
    int i = isa_find_encoding(p->isa, c->name);
    *at = i < 0 ? p->isa->encoding_count : (unsigned)i;
    if (i >= 0 && !p->isa->encodings[i].inherited) {
        lex_fault_at(&p->lex, t.line, t.column,
                     "an instruction '%s' is there already; encodings of one "
                     "mnemonic: NAME of MNEMONIC",
                     c->name);
        return false;
    }
    memcpy(c->mnemonic, c->name, sizeof(c->name));
    if (parse_accept(p, "of") && !parse_word(p, c->mnemonic, "a mnemonic"))
        return false;
    if (p->lex.token.kind == LEX_STRING && !(c->title = parse_text(p)))
        return false;
    if (parse_accept(p, "(") && !take_operands(p))
        return false;
    return !parse_accept(p, "covers") ||
           (c->covers = parse_names(p, &c->cover_count, "a mnemonic"));
}

static bool take_code(struct parse *p, struct isa_encoding *c, unsigned *at)
{
    struct isa_action actions[ISA_ACTIONS] = {{.line = 0}};
    bool ok;

    c->actions = actions;
    ok = take_head(p, at);
    if (ok && !lex_is(&p->lex, "{")) {
        lex_expected(&p->lex,
                     "a title in quotes, operands in parentheses, or '{'",
                     NULL);
        ok = false;
    }
    ok = ok && take_actions(p, NULL);
    c->actions =
        ok ? parse_take(p, c->action_count * sizeof(actions[0])) : NULL;
    if (!c->actions)
        return false;
    memcpy(c->actions, actions, c->action_count * sizeof(actions[0]));
    return true;
}

bool parse_instruction(struct parse *p)
{
    struct isa_encoding code = {.line = 0};
    unsigned at = 0;

    if (p->isa->encoding_count == ISA_ENCODINGS)
        return parse_fault(p, "more than 256 instructions");
    if (p->isa->address_width[ISA_FULL] < least_address(p->isa))
        return parse_fault(p,
                           "the address is too narrow for the memory and two "
                           "monitors: cells + 2 monitor words");
    if (!p->isa->address_width[ISA_SCALED]) {
        p->isa->address_width[ISA_SCALED] = least_address(p->isa);
        parse_set_address_width(p->isa);
    }
    p->code = &code;
    bool ok = take_code(p, &code, &at);
    p->code = NULL;
    if (!ok)
        return false;
    p->isa->encodings[at] = code;
    p->isa->encoding_count += at == p->isa->encoding_count;
    return true;
}
