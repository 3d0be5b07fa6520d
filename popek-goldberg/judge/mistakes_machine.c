#include "popek-goldberg/judge/mistakes_machine.h"

#include "popek-goldberg/judge/mistakes_claims.h"
#include "popek-goldberg/judge/mistakes_scan.h"

#include <string.h>

static struct pg_mistake at_line(enum pg_mistake_kind kind, unsigned line)
{
    return (struct pg_mistake){.kind = kind,
                               .encoding = PG_NOTHING,
                               .element = PG_NOTHING,
                               .trap = PG_NOTHING,
                               .line = line};
}

/* ---- Elements and traps ---- */

static bool reads(const struct isa_expr *e, unsigned element)
{
    return e && ((e->op == ISA_ELEMENT && e->index == element) ||
                 reads(e->a, element) || reads(e->b, element) ||
                 reads(e->c, element));
}

static bool writes(const struct isa_encoding *code, unsigned element)
{
    for (unsigned i = 0; i < code->action_count; i++)
        if (code->actions[i].kind == ISA_ASSIGN &&
            code->actions[i].element == element)
            return true;
    return false;
}

static bool touches(const struct isa_encoding *code, unsigned element)
{
    for (unsigned i = 0; i < code->action_count; i++) {
        const struct isa_action *a = &code->actions[i];

        if (reads(a->guard, element) || reads(a->address, element) ||
            reads(a->value, element))
            return true;
    }
    return writes(code, element);
}

static bool is_touched(const struct isa *isa, unsigned element)
{
    for (unsigned i = 0; i < isa->encoding_count; i++)
        if (touches(&isa->encodings[i], element))
            return true;
    return false;
}

/* Is its value in what the instruction stores or assigns? */
static bool shows(const struct isa_encoding *code, unsigned element)
{
    for (unsigned i = 0; i < code->action_count; i++)
        if (reads(code->actions[i].value, element))
            return true;
    return false;
}

/* Written, but never without a refusal to the user; and shown to any program,
 * which is no leak as long as it counts as the program's. */
static bool is_really_the_machines(const struct pg_judgement *j,
                                   unsigned element)
{
    bool written = false, shown = false;

    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        const struct isa_encoding *code = &j->isa->encodings[i];
        bool refused = j->best.labels[i].privileged[PG_CORRECTED];

        if (writes(code, element) && !refused)
            return false;
        written = written || writes(code, element);
        shown = shown || (!refused && shows(code, element) &&
                          !pg_is_vouched_for(j->isa, i));
    }
    return written && shown;
}

static void look_at_elements(const struct pg_judgement *j,
                             struct pg_mistakes *out)
{
    for (unsigned i = ISA_BUILT_IN; i < j->isa->element_count; i++) {
        const struct isa_element *e = &j->isa->elements[i];
        struct pg_mistake one = at_line(PG_UNUSED, e->line);

        one.element = i;
        if (e->inherited)
            continue;
        if (!is_touched(j->isa, i)) {
            pg_mistakes_add(out, one);
        } else if (e->kind == ISA_KIND_REGISTER && !e->duplicated &&
                   is_really_the_machines(j, i)) {
            one.kind = PG_REGISTER_OF_THE_MACHINE;
            pg_mistakes_add(out, one);
        }
    }
}

static bool is_taken(const struct isa *isa, unsigned trap)
{
    for (unsigned i = 0; i < isa->encoding_count; i++)
        for (unsigned k = 0; k < isa->encodings[i].action_count; k++)
            if (isa->encodings[i].actions[k].kind == ISA_TRAP &&
                isa->encodings[i].actions[k].trap == trap)
                return true;
    return false;
}

static void look_at_traps(const struct isa *isa, struct pg_mistakes *out)
{
    for (unsigned i = 1; i < isa->trap_count; i++) {
        struct pg_mistake one = at_line(PG_UNTAKEN, isa->traps[i].line);

        one.trap = i;
        if (!is_taken(isa, i))
            pg_mistakes_add(out, one);
    }
}

/* ---- A conventional machine of the third generation ---- */

static bool has_way_to_user(const struct isa *isa)
{
    struct pg_endings e;

    for (unsigned i = 0; i < isa->encoding_count; i++) {
        pg_look_at_endings(isa, &isa->encodings[i], &e);
        if (e.leaves_mode)
            return true;
    }
    return false;
}

static bool has_way_to_r(const struct isa *isa)
{
    for (unsigned i = 0; i < isa->encoding_count; i++)
        if (writes(&isa->encodings[i], ISA_BASE) ||
            writes(&isa->encodings[i], ISA_BOUND))
            return true;
    return false;
}

void pg_find_machine_mistakes(const struct pg_judgement *j,
                              struct pg_mistakes *out)
{
    const struct isa *isa = j->isa;
    bool whole = !*isa->like && !isa->leaves_out_count;

    look_at_elements(j, out);
    if (!*isa->like)
        look_at_traps(isa, out);
    if (whole && !has_way_to_user(isa))
        pg_mistakes_add(out, at_line(PG_NO_WAY_TO_USER, 0));
    if (whole && !has_way_to_r(isa))
        pg_mistakes_add(out, at_line(PG_NO_WAY_TO_R, 0));
    pg_find_clashes(isa, out);
}
