#include "s370/asm/lookup.h"

#include "s370/asm/text.h"

#include <stdio.h>
#include <string.h>

/* The nth part of (a,b,c); of anything else the first part is all of it. */
static void take_part(struct found *f, int32_t n)
{
    const char *p = f->text, *end = f->text + f->len;

    if (n < 1 || !f->len || *p != '(' || end[-1] != ')') {
        f->len = n == 1 ? f->len : 0;
        return;
    }
    end--;
    for (p++;; p++) {
        const char *stop = asm_operand_end(f->text + 1, p);

        if (stop > end)
            stop = end;
        if (--n <= 0 || stop == end) {
            f->text = p;
            f->len = n == 0 ? (size_t)(stop - p) : 0;
            return;
        }
        p = stop;
    }
}

static void set_text(struct found *f, const char *text)
{
    f->text = text;
    f->len = strlen(text);
}

bool lookup_is_name(const char *name, size_t len, const char *upper)
{
    for (size_t i = 0; i < len; i++)
        if (asm_upper(name[i]) != upper[i])
            return false;
    return !upper[len];
}

static bool find_syslist(struct assembly *a, struct statement *st,
                         const char *at, const struct subscripts *sub,
                         struct found *f)
{
    const struct argument *g;

    if (!sub->count || sub->n[0] < 0) {
        asm_error(a, st, at, "&SYSLIST needs a subscript");
        return false;
    }
    if (sub->n[0] == 0) {
        set_text(f, a->frame->label);
        return true;
    }
    g = argument_at(a->frame, (unsigned)sub->n[0]);
    set_text(f, g ? g->value : "");
    if (sub->count == 2)
        take_part(f, sub->n[1]);
    return true;
}

/* System variable symbols and parameters: what a macro call has.  1 found,
 * 0 not, -1 after a complaint. */
static int find_parameter(struct assembly *a, struct statement *st,
                          const char *name, size_t len,
                          const struct subscripts *sub, struct found *f)
{
    const struct frame *frame = a->frame;

    if (!frame)
        return 0;
    a->work += frame->count; /* of arguments, which may be searched */
    if (lookup_is_name(name, len, "SYSNDX")) {
        snprintf(f->number, sizeof(f->number), "%04u", frame->index);
        set_text(f, f->number);
        return 1;
    }
    if (lookup_is_name(name, len, "SYSECT")) {
        set_text(f, frame->section);
        return 1;
    }
    if (lookup_is_name(name, len, "SYSLIST"))
        return find_syslist(a, st, name - 1, sub, f) ? 1 : -1;
    if (len && lookup_is_name(name, len, frame->macro->label)) {
        set_text(f, frame->label);
        return 1;
    }
    const struct argument *g = argument_find(frame, name, len);
    if (!g)
        return 0;
    set_text(f, g->value);
    for (unsigned i = 0; i < sub->count; i++)
        take_part(f, sub->n[i]);
    return 1;
}

static bool find_set_symbol(struct assembly *a, struct statement *st,
                            const char *name, size_t len,
                            const struct subscripts *sub, struct found *f)
{
    struct variable *v = variable_find(a, name, len);

    if (!v) {
        asm_error(a, st, name - 1, "&%.*s is not declared here", (int)len,
                  name);
        return false;
    }
    unsigned top = v->global ? v->global->dimension : v->dimension;
    if (top &&
        (sub->count != 1 || sub->n[0] < 1 || (unsigned)sub->n[0] > top)) {
        asm_error(a, st, name - 1, "the subscript of &%s must be 1 to %u",
                  v->name, top);
        return false;
    }
    const struct cell *c =
        variable_cell(a, v, top ? (unsigned)sub->n[0] : 0, false);
    if (v->kind == 'C') {
        set_text(f, c ? c->text : "");
        return true;
    }
    snprintf(f->number, sizeof(f->number), "%d", c ? (int)c->n : 0);
    set_text(f, f->number);
    return true;
}

bool lookup_takes_subscript(struct assembly *a, const char *name, size_t len)
{
    const struct variable *v = variable_find(a, name, len);

    if (v)
        return v->global ? v->global->dimension : v->dimension;
    return a->frame != NULL;
}

bool lookup_variable(struct assembly *a, struct statement *st, const char *name,
                     size_t len, const struct subscripts *sub, struct found *f)
{
    if (lookup_is_name(name, len, "SYSPARM")) {
        set_text(f, a->options->sysparm ? a->options->sysparm : "");
        return true;
    }
    int known = find_parameter(a, st, name, len, sub, f);
    return known ? known > 0 : find_set_symbol(a, st, name, len, sub, f);
}
