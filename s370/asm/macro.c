#include "s370/asm/macro.h"

#include "s370/asm/location.h"
#include "s370/asm/reader.h"
#include "s370/asm/text.h"

#include <string.h>

enum { ACTR_DEFAULT = 4096 };

struct macro *macro_find(struct assembly *a, const char *name)
{
    struct macro *m = a->macros;

    for (; m && strcmp(m->name, name) != 0; a->work++)
        m = m->next;
    return m;
}

/* Variables ------------------------------------------------------------ */

static bool same(const char *upper, const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (upper[i] != asm_upper(name[i]))
            return false;
    return !upper[len];
}

static struct variable *find_in(struct assembly *a, struct variable *v,
                                const char *name, size_t len)
{
    for (; v && !same(v->name, name, len); a->work++)
        v = v->next;
    return v;
}

struct variable *variable_find(struct assembly *a, const char *name, size_t len)
{
    return find_in(a, a->frame ? a->frame->locals : a->open_locals, name, len);
}

static struct variable *add(struct assembly *a, struct variable **list,
                            const char *name, size_t len, char kind)
{
    struct variable *v = asm_new(a, sizeof(*v));

    v->name = asm_copy_upper(a, name, len);
    v->kind = kind;
    v->next = *list;
    *list = v;
    return v;
}

struct variable *variable_declare(struct assembly *a, const char *name,
                                  size_t len, char kind, bool global)
{
    struct variable **locals = a->frame ? &a->frame->locals : &a->open_locals;
    struct variable *v = find_in(a, *locals, name, len);

    if (v)
        return v;
    v = add(a, locals, name, len, kind);
    if (!global)
        return v;
    v->global = find_in(a, a->globals, name, len);
    if (!v->global)
        v->global = add(a, &a->globals, name, len, kind);
    v->kind = v->global->kind;
    return v;
}

struct cell *variable_cell(struct assembly *a, struct variable *v,
                           unsigned index, bool make)
{
    if (v->global)
        v = v->global;
    struct cell *c = v->cells;
    for (; c && c->index != index; a->work++)
        c = c->next;
    if (c || !make)
        return c;
    c = asm_new(a, sizeof(*c));
    c->index = index;
    c->text = "";
    c->next = v->cells;
    v->cells = c;
    return c;
}

const struct argument *argument_find(const struct frame *f, const char *name,
                                     size_t len)
{
    for (const struct argument *g = f->arguments; g; g = g->next)
        if (*g->name && same(g->name, name, len))
            return g;
    return NULL;
}

const struct argument *argument_at(const struct frame *f, unsigned n)
{
    for (const struct argument *g = f->arguments; g; g = g->next)
        if (!g->keyword && --n == 0)
            return g;
    return NULL;
}

unsigned argument_count(const struct frame *f)
{
    unsigned n = 0;

    for (const struct argument *g = f->arguments; g; g = g->next)
        n += !g->keyword && g->given;
    return n;
}

/* Definition ----------------------------------------------------------- */

static struct statement *next_listed(struct assembly *a)
{
    struct statement *st = asm_room(a) ? reader_next(a) : NULL;

    if (st)
        location_list(a, st);
    return st;
}

/* One operand of the prototype: &NAME or &NAME=default. */
static bool define_parameter(struct assembly *a, struct statement *st,
                             struct parameter ***link, const char *p,
                             const char *end)
{
    size_t len = *p == '&' ? asm_name_len(p + 1) : 0;
    const char *rest = p + 1 + len;

    if (!len || (rest != end && *rest != '=')) {
        asm_error(a, st, p, "a symbolic parameter, &NAME, is expected");
        return false;
    }
    struct parameter *q = asm_new(a, sizeof(*q));
    q->name = asm_copy_upper(a, p + 1, len);
    q->keyword = rest != end;
    q->value =
        q->keyword ? asm_copy(a, rest + 1, (size_t)(end - rest - 1)) : "";
    **link = q;
    *link = &q->next;
    return true;
}

static void define_parameters(struct assembly *a, struct statement *st,
                              struct macro *m)
{
    struct parameter **link = &m->parameters;
    const char *p = st->operand;

    while (*p) {
        const char *end = asm_operand_end(st->operand, p);

        if (end > p && !define_parameter(a, st, &link, p, end))
            return;
        p = *end ? end + 1 : end;
    }
}

/* The body, up to the MEND that belongs to it. */
static void read_body(struct assembly *a, struct statement *macro,
                      struct macro *m)
{
    struct statement **link = &m->body, *st;
    bool more = true;

    while (more && (st = next_listed(a)) != NULL) {
        more = strcmp(st->op, "MEND") != 0; /* which may be branched to */
        if (!strcmp(st->op, "MACRO")) {
            asm_error(a, st, NULL, "a macro cannot be defined inside a macro");
            continue;
        }
        struct statement *copy = asm_new(a, sizeof(*copy));
        *copy = *st;
        copy->next = NULL;
        *link = copy;
        link = &copy->next;
    }
    if (more)
        asm_error(a, macro, NULL, "MEND is missing");
}

void macro_define(struct assembly *a, struct statement *st)
{
    struct statement *prototype = next_listed(a);

    while (prototype && prototype->is_comment)
        prototype = next_listed(a);
    if (!prototype) {
        asm_error(a, st, NULL, "the prototype of the macro is missing");
        return;
    }
    struct macro *m = asm_new(a, sizeof(*m));
    m->name = prototype->op;
    m->label = prototype->name[0] == '&' ? prototype->name + 1 : "";
    m->defined = prototype->source;
    define_parameters(a, prototype, m);
    read_body(a, st, m);
    if (asm_name_len(m->name) != strlen(m->name)) {
        asm_error(a, prototype, NULL, "'%s' cannot name a macro", m->name);
        return;
    }
    m->next = a->macros; /* a later definition replaces an earlier one */
    a->macros = m;
}

/* Calls ---------------------------------------------------------------- */

static struct argument *add_argument(struct assembly *a, struct frame *f,
                                     const char *name, bool keyword,
                                     const char *value)
{
    struct argument *g = asm_new(a, sizeof(*g));

    g->name = name;
    g->keyword = keyword;
    g->value = value;
    f->count++;
    *f->arguments_end = g;
    f->arguments_end = &g->next;
    return g;
}

/* NAME=value gives the keyword parameter of that name its value. */
static bool give_keyword(struct assembly *a, struct frame *f, const char *p,
                         const char *end)
{
    size_t len = asm_name_len(p);

    if (!len || p[len] != '=' || p + len >= end)
        return false;
    for (struct argument *g = f->arguments; g; g = g->next) {
        a->work++;
        if (!g->keyword || !same(g->name, p, len))
            continue;
        g->value = asm_copy(a, p + len + 1, (size_t)(end - p - len - 1));
        return true;
    }
    return false;
}

static void give_arguments(struct assembly *a, struct statement *st,
                           struct frame *f)
{
    struct parameter *q = f->macro->parameters;
    const char *p = st->operand;
    bool more = *p != '\0';

    for (struct parameter *k = q; k; k = k->next)
        if (k->keyword)
            add_argument(a, f, k->name, true, k->value);
    while (more) {
        const char *end = asm_operand_end(st->operand, p);

        if (!give_keyword(a, f, p, end)) {
            while (q && q->keyword)
                q = q->next;
            add_argument(a, f, q ? q->name : "", false,
                         asm_copy(a, p, (size_t)(end - p)))
                ->given = true;
            q = q ? q->next : NULL;
        }
        more = *end == ',';
        p = end + more;
    }
    for (; q; q = q->next)
        if (!q->keyword)
            add_argument(a, f, q->name, false, "");
}

void macro_call(struct assembly *a, struct statement *st, const struct macro *m)
{
    struct frame *f = asm_new(a, sizeof(*f));

    f->depth = a->frame ? a->frame->depth + 1 : 1;
    if (f->depth > NESTING_MAX) {
        asm_error(a, st, NULL, "macro calls are nested more than %d deep",
                  NESTING_MAX);
        return;
    }
    f->macro = m;
    f->arguments_end = &f->arguments;
    f->call = a->frame ? a->frame->call : st;
    f->cursor = m->body;
    f->label = *st->name == '.' ? "" : st->name;
    f->section = a->section ? a->section->name : "";
    f->index = ++a->sysndx;
    f->actr = ACTR_DEFAULT;
    give_arguments(a, st, f);
    f->up = a->frame;
    a->frame = f;
}
