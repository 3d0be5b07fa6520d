#include "popek-goldberg/language/reform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Copies ---- */

/* A copy in progress: once there is no memory, nothing more is copied. */
struct copy {
    struct isa *to;
    bool no_memory;
};

static void *copy_bytes(struct copy *c, const void *from, size_t size)
{
    void *p = from && !c->no_memory ? isa_take(c->to, size) : NULL;

    if (p)
        memcpy(p, from, size);
    else if (from)
        c->no_memory = true;
    return p;
}

static char *copy_text(struct copy *c, const char *from)
{
    return copy_bytes(c, from, from ? strlen(from) + 1 : 0);
}

/* What two share becomes one each; within one expression nothing is shared. */
static struct isa_expr *copy_expr(struct copy *c, const struct isa_expr *from)
{
    struct isa_expr *e = copy_bytes(c, from, sizeof(*e));

    if (!e)
        return NULL;
    e->a = copy_expr(c, from->a);
    e->b = copy_expr(c, from->b);
    e->c = copy_expr(c, from->c);
    return e;
}

static void copy_encoding(struct copy *c, struct isa_encoding *e)
{
    e->title = copy_text(c, e->title);
    e->covers = copy_bytes(c, e->covers, e->cover_count * sizeof(*e->covers));
    e->actions =
        copy_bytes(c, e->actions, e->action_count * sizeof(*e->actions));
    for (unsigned i = 0; i < e->action_count && !c->no_memory; i++) {
        struct isa_action *a = &e->actions[i];

        a->guard = copy_expr(c, a->guard);
        a->address = copy_expr(c, a->address);
        a->value = copy_expr(c, a->value);
    }
}

static void copy_notes(struct copy *c, struct isa_note **notes, unsigned count)
{
    *notes = copy_bytes(c, *notes, ISA_NOTES * sizeof(**notes));
    for (unsigned i = 0; i < count && !c->no_memory; i++)
        (*notes)[i].text = copy_text(c, (*notes)[i].text);
}

static void copy_lists(struct copy *c)
{
    struct isa *isa = c->to;

    isa->lists = copy_bytes(c, isa->lists, ISA_LISTS * sizeof(*isa->lists));
    for (unsigned i = 0; i < isa->list_count && !c->no_memory; i++) {
        struct isa_list *l = &isa->lists[i];

        l->title = copy_text(c, l->title);
        l->source = copy_text(c, l->source);
        l->names = copy_bytes(c, l->names, l->count * sizeof(*l->names));
        l->beyond =
            copy_bytes(c, l->beyond, l->beyond_count * sizeof(*l->beyond));
        for (unsigned k = 0; k < l->beyond_count && !c->no_memory; k++)
            l->beyond[k].why = copy_text(c, l->beyond[k].why);
    }
}

static void copy_claims(struct copy *c)
{
    struct isa *isa = c->to;

    isa->claims = copy_bytes(c, isa->claims, ISA_CLAIMS * sizeof(*isa->claims));
    for (unsigned i = 0; i < isa->claim_count && !c->no_memory; i++) {
        isa->claims[i].source = copy_text(c, isa->claims[i].source);
        isa->claims[i].differs = copy_text(c, isa->claims[i].differs);
    }
}

static void copy_repairs(struct copy *c)
{
    struct isa *isa = c->to;

    isa->repairs =
        copy_bytes(c, isa->repairs, ISA_REPAIRS * sizeof(*isa->repairs));
    for (unsigned i = 0; i < isa->repair_count && !c->no_memory; i++) {
        struct isa_repair *r = &isa->repairs[i];

        r->title = copy_text(c, r->title);
        r->encodings =
            copy_bytes(c, r->encodings, r->count * sizeof(*r->encodings));
    }
}

struct isa *isa_clone(const struct isa *from)
{
    struct isa *isa = malloc(sizeof(*isa));
    struct copy c = {.to = isa};

    if (!isa)
        return NULL;
    *isa = *from;
    isa->chunks = NULL;
    isa->title = copy_text(&c, from->title);
    isa->timing = copy_text(&c, from->timing);
    isa->needs = copy_text(&c, from->needs);
    isa->encodings = copy_bytes(&c, from->encodings,
                                ISA_ENCODINGS * sizeof(*isa->encodings));
    for (unsigned i = 0; i < isa->encoding_count && !c.no_memory; i++)
        copy_encoding(&c, &isa->encodings[i]);
    copy_claims(&c);
    copy_notes(&c, &isa->notes, isa->note_count);
    copy_notes(&c, &isa->leaves_out, isa->leaves_out_count);
    copy_lists(&c);
    copy_repairs(&c);
    if (!c.no_memory)
        return isa;
    isa_free(isa);
    return NULL;
}

/* ---- Traps in user mode ---- */

static struct isa_expr *take_expr(struct isa *isa, enum isa_op op)
{
    struct isa_expr *e = isa_take(isa, sizeof(*e));

    if (e) {
        e->op = op;
        e->width[ISA_FULL] = e->width[ISA_SCALED] = 1;
    }
    return e;
}

bool isa_intercept(struct isa *isa, unsigned encoding, unsigned trap)
{
    struct isa_encoding *c = &isa->encodings[encoding];
    struct isa_expr *mode = take_expr(isa, ISA_ELEMENT);
    struct isa_expr *user = take_expr(isa, ISA_LITERAL);
    struct isa_expr *guard = take_expr(isa, ISA_EQ);
    struct isa_action *a =
        isa_take(isa, (c->action_count + 1) * sizeof(*c->actions));

    if (!mode || !user || !guard || !a)
        return false;
    mode->index = ISA_MODE;
    user->value[ISA_FULL] = user->value[ISA_SCALED] = ISA_USER;
    guard->a = mode;
    guard->b = user;
    a[0] = (struct isa_action){
        .kind = ISA_TRAP, .guard = guard, .trap = trap, .line = c->line};
    if (c->action_count)
        memcpy(a + 1, c->actions, c->action_count * sizeof(*a));
    c->actions = a;
    c->action_count++;
    return true;
}

int isa_privileged_trap(struct isa *isa)
{
    for (unsigned i = 0; i < isa->trap_count; i++)
        if (isa->traps[i].kind == ISA_TRAP_PRIVILEGED)
            return (int)i;
    if (isa->trap_count == ISA_TRAPS)
        return -1;
    isa->traps[isa->trap_count] = (struct isa_trap){
        .name = "privileged_operation", .kind = ISA_TRAP_PRIVILEGED};
    return (int)isa->trap_count++;
}

/* ---- Duplicates ---- */

static void rename_in(struct isa_expr *e, unsigned from, unsigned to)
{
    if (!e)
        return;
    if (e->op == ISA_ELEMENT && e->index == from)
        e->index = to;
    rename_in(e->a, from, to);
    rename_in(e->b, from, to);
    rename_in(e->c, from, to);
}

static void rename_element(struct isa *isa, unsigned from, unsigned to)
{
    for (unsigned i = 0; i < isa->encoding_count; i++)
        for (unsigned k = 0; k < isa->encodings[i].action_count; k++) {
            struct isa_action *a = &isa->encodings[i].actions[k];

            rename_in(a->guard, from, to);
            rename_in(a->address, from, to);
            rename_in(a->value, from, to);
            if (a->kind == ISA_ASSIGN && a->element == from)
                a->element = to;
        }
}

/* What was refused to programs in user mode is refused to them by their own
 * mode now: an exception of theirs, which has nothing to do with the real one.
 */
static void lower_traps(struct isa *isa)
{
    for (unsigned i = 0; i < isa->trap_count; i++)
        if (isa->traps[i].kind == ISA_TRAP_PRIVILEGED)
            isa->traps[i].kind = ISA_TRAP_OPERAND;
}

bool isa_duplicate(struct isa *isa, unsigned element, const char *name)
{
    struct isa_element own = isa->elements[element];
    unsigned at = element;

    if (element < ISA_BUILT_IN) {
        if (isa->element_count == ISA_ELEMENTS)
            return false;
        at = isa->element_count++;
        rename_element(isa, element, at);
        if (element == ISA_MODE) {
            isa->assisted = true;
            lower_traps(isa);
        }
        strncat(own.name, "_duplicate",
                sizeof(own.name) - strlen(own.name) - 1);
    }
    if (name)
        snprintf(own.name, sizeof(own.name), "%s", name);
    own.kind = ISA_KIND_REGISTER;
    own.enforced = false;
    own.duplicated = true;
    isa->elements[at] = own;
    return true;
}
