#include "s370/asm/assemble.h"

#include "s370/asm/directive.h"
#include "s370/asm/encode.h"
#include "s370/asm/literal.h"
#include "s370/asm/location.h"
#include "s370/asm/symbol.h"
#include "s370/asm/text.h"

#include <string.h>

enum { EQU_ROUNDS = 50 }; /* how long a chain of forward EQUs may be */

void assemble_pass1(struct assembly *a, struct statement *st)
{
    location_list(a, st);
    if (*st->name == '.')
        st->name = "";
    st->directive = directive_find(st->op);
    if (st->directive) {
        st->kind = STATEMENT_DIRECTIVE;
        st->directive->pass1(a, st);
        return;
    }
    st->insn = encode_find(st->op, &st->mask);
    if (st->insn) {
        st->kind = STATEMENT_INSN;
        encode_pass1(a, st);
        return;
    }
    asm_error(a, st, NULL, "%s is not an operation", st->op);
    location_locate(a, st);
    struct value v = value_at(st->section, st->loc);
    symbol_define(a, st, &v, 1, 'U'); /* so that it is one complaint, not two */
}

/* EQUs may name what is defined after them; go on while that helps. */
static void define_equates(struct assembly *a)
{
    bool more = true;

    for (unsigned round = 0; more && round < EQU_ROUNDS; round++) {
        more = false;
        for (struct statement *st = a->first; st; st = st->next)
            if (st->directive && !strcmp(st->op, "EQU") && asm_room(a))
                more |= directive_equ_again(a, st);
    }
}

/* What V constants name and nobody has defined is external. */
static void declare_wanted(struct assembly *a)
{
    for (struct symbol *s = a->wanted; s; s = s->next_wanted) {
        if (s->defined || !asm_room(a))
            continue;
        struct section *sec = section_get(a, NULL, s->name, SECTION_EXTERNAL);
        sec->v_only = true;
    }
}

static void pass2(struct assembly *a, struct statement *st)
{
    st->all_data = a->print.data;
    if (!a->print.on || (st->generated && !a->print.gen))
        st->hidden = true;
    switch (st->kind) {
    case STATEMENT_INSN:
        encode_pass2(a, st);
        break;
    case STATEMENT_DIRECTIVE:
        st->directive->pass2(a, st);
        break;
    case STATEMENT_LITERAL:
        directive_dc2(a, st);
        break;
    case STATEMENT_LISTED:
        break;
    }
}

void assemble_finish(struct assembly *a)
{
    struct statement *last = asm_new(a, sizeof(*last));
    static const struct segment nowhere = {0, 1, 1};

    /* For complaints about the whole: the end of the program. */
    *last = (struct statement){.name = "",
                               .op = "END",
                               .operand = "",
                               .text = "",
                               .file = a->lines ? a->lines->file : "",
                               .segments = &nowhere,
                               .nsegments = 1};
    if (!a->ended) {
        asm_warn(a, last, NULL, "the END statement is missing");
        directive_end1(a, last);
    }
    define_equates(a);
    declare_wanted(a);
    if (!section_place_all(a))
        asm_error(a, last, NULL, "the program is larger than 16 megabytes");
    a->pass = 2;
    a->print = (struct print){.on = true, .gen = true};
    for (struct statement *st = a->first; st && asm_room(a); st = st->next)
        pass2(a, st);
}
