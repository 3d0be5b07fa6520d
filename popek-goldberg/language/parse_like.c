/* How a machine is other than the one that it is like. */
#include "popek-goldberg/language/machines.h"
#include "popek-goldberg/language/parse.h"
#include "popek-goldberg/language/reform.h"

#include <string.h>

enum { BASES_MAX = 4, BUILT_IN_MAX = 128 };

/* like BASE */
bool parse_like(struct parse *p)
{
    const char *words[BUILT_IN_MAX + 1] = {NULL};
    const struct pg_machine *m = pg_built_in;
    char name[ISA_NAME];

    lex_next(&p->lex);
    const struct lex_token t = p->lex.token;
    if (!parse_machine_name(p, name, "the name of a built-in machine"))
        return false;
    for (unsigned n = 0; m->name && strcmp(m->name, name) != 0; m++)
        if (n < BUILT_IN_MAX)
            words[n++] = m->name;
    if (!m->name) {
        const char *guess = lex_nearest(name, strlen(name), words);

        lex_fault_at(&p->lex, t.line, t.column,
                     "no machine named '%s' is built in%s%s%s", name,
                     guess ? "; did you mean '" : "", guess ? guess : "",
                     guess ? "'?" : "");
        return false;
    }
    if (p->bases == BASES_MAX)
        return parse_fault(p, "more than 4 machines, each like the next");
    p->bases++;
    if (!parse_base(p, m->name, m->text))
        return false;
    memcpy(p->isa->like, name, sizeof(p->isa->like));
    return true;
}

static bool is_bare(struct parse *p)
{
    const struct isa *isa = p->isa;

    return isa->claim_count + isa->note_count + isa->list_count +
                   isa->repair_count
               ? parse_fault(p, "expected before claims, notes, lists and "
                                "repairs")
               : true;
}

/* Index of the inherited instruction that the current token names, or -1. */
static int find_inherited(struct parse *p)
{
    const char *words[ISA_ENCODINGS + 1] = {NULL};
    const struct lex_token t = p->lex.token;
    char name[ISA_NAME] = "";
    unsigned n = 0;

    if (t.kind == LEX_WORD && t.len < ISA_NAME)
        memcpy(name, t.text, t.len);
    int i = isa_find_encoding(p->isa, name);
    if (i >= 0 && p->isa->encodings[i].inherited)
        return i;
    for (unsigned k = 0; k < p->isa->encoding_count; k++)
        if (p->isa->encodings[k].inherited)
            words[n++] = p->isa->encodings[k].name;
    lex_expected(&p->lex, "an inherited instruction", words);
    return -1;
}

/* without INSTRUCTION [, INSTRUCTION]... */
bool parse_without(struct parse *p)
{
    struct isa *isa = p->isa;

    if (!is_bare(p))
        return false;
    do {
        int i = find_inherited(p);

        if (i < 0)
            return false;
        lex_next(&p->lex);
        isa->encoding_count--;
        memmove(&isa->encodings[i], &isa->encodings[i + 1],
                (isa->encoding_count - (unsigned)i) * sizeof(*isa->encodings));
    } while (parse_accept(p, ","));
    return true;
}

/* PLACE [as NAME] */
static bool duplicate_one(struct parse *p)
{
    const struct lex_token t = p->lex.token;
    int i = isa_find_element(p->isa, t.text, t.len);
    char name[ISA_NAME];
    bool named = false;

    if (t.kind != LEX_WORD || i < 0 || i == ISA_PC ||
        (i >= ISA_BUILT_IN && !isa_is_control(p->isa->elements[i].kind)))
        return parse_fault(p, "expected mode, base, bound, or a resource "
                              "register of the machine that this one is like");
    lex_next(&p->lex);
    if (parse_accept(p, "as")) {
        if (!parse_new(p, name))
            return false;
        named = true;
    } else if (i < ISA_BUILT_IN) {
        return parse_expect(p, "as");
    }
    return isa_duplicate(p->isa, (unsigned)i, named ? name : NULL)
               ? true
               : parse_fault(p, "too many registers: at most 60");
}

/* duplicate PLACE [as NAME], ... or duplicate NAME, ... : WIDTH */
bool parse_duplicate(struct parse *p)
{
    const struct lex_token *t = &p->lex.token;

    if (t->kind == LEX_WORD && isa_find_element(p->isa, t->text, t->len) < 0)
        return parse_new_duplicates(p);
    for (unsigned i = 0; i < p->isa->encoding_count; i++)
        if (!p->isa->encodings[i].inherited)
            return parse_fault(p, "expected before the machine's own "
                                  "instructions: it changes the inherited");
    if (p->isa->trap_count > p->inherited_traps && p->isa->encoding_count)
        return parse_fault(p, "expected before the machine's own traps");
    do
        if (!duplicate_one(p))
            return false;
    while (parse_accept(p, ","));
    return true;
}

/* intercept TRAP { INSTRUCTION ... } */
bool parse_intercept(struct parse *p)
{
    unsigned trap;

    if (!parse_trap(p, &trap) || !parse_expect(p, "{"))
        return false;
    do {
        int i = find_inherited(p);

        if (i < 0)
            return false;
        if (!isa_intercept(p->isa, (unsigned)i, trap)) {
            p->no_memory = true;
            return parse_fault(p, "no memory left on this machine");
        }
        lex_next(&p->lex);
        parse_accept(p, ",");
    } while (!parse_accept(p, "}"));
    return true;
}
