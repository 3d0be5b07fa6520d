#include "s370/asm/symbol.h"

#include "s370/asm/text.h"

#include <string.h>

/* How often a section may count in one value: far beyond use, far from
 * overflow. */
enum { COUNT_MAX = 1000 };

static bool same_name(const char *upper, const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (upper[i] != asm_upper(name[i]))
            return false;
    return !upper[len];
}

struct symbol *symbol_find(const struct assembly *a, const char *name,
                           size_t len)
{
    struct symbol *s = a->symbols[asm_hash(name, len)];

    while (s && !same_name(s->name, name, len))
        s = s->next;
    return s;
}

struct symbol *symbol_get(struct assembly *a, const char *name, size_t len)
{
    struct symbol *s = symbol_find(a, name, len);
    unsigned bucket = asm_hash(name, len);

    if (s)
        return s;
    s = asm_new(a, sizeof(*s));
    s->name = asm_copy_upper(a, name, len);
    s->next = a->symbols[bucket];
    s->type = 'U';
    s->length = 1;
    s->refs_end = &s->refs;
    a->symbols[bucket] = s;
    return s;
}

static bool is_good_name(struct assembly *a, struct statement *st)
{
    size_t len = strlen(st->name);

    if (asm_name_len(st->name) == len && len <= NAME_MAX_LEN)
        return true;
    asm_error(a, st, st->name, "'%.70s' cannot be a name", st->name);
    return false;
}

struct symbol *symbol_define(struct assembly *a, struct statement *st,
                             const struct value *v, uint32_t length, char type)
{
    if (!*st->name || *st->name == '.' || !is_good_name(a, st))
        return NULL;
    struct symbol *s = symbol_get(a, st->name, strlen(st->name));
    if (s->defined) {
        asm_error(a, st, st->name, "%s is already defined in statement %u",
                  st->name, s->statement);
        return NULL;
    }
    s->defined = true;
    s->value = *v;
    s->length = length;
    s->type = type;
    s->statement = st->number;
    return s;
}

void symbol_refer(struct assembly *a, struct symbol *s,
                  const struct statement *st)
{
    struct reference *r = asm_new(a, sizeof(*r));

    r->statement = st->number;
    *s->refs_end = r;
    s->refs_end = &r->next;
}

static struct section *section_new(struct assembly *a, const char *name,
                                   enum section_kind kind)
{
    struct section *s = asm_new(a, sizeof(*s));

    s->name = name;
    s->kind = kind;
    *a->sections_end = s;
    a->sections_end = &s->next;
    return s;
}

struct section *section_get(struct assembly *a, struct statement *st,
                            const char *name, enum section_kind kind)
{
    size_t len = strlen(name);

    if (!len) {
        for (struct section *s = a->sections; s; s = s->next, a->work++)
            if (!*s->name && s->kind == kind)
                return s;
        return section_new(a, "", kind);
    }
    struct symbol *s = symbol_get(a, name, len);
    if (s->section && s->section->kind == kind)
        return s->section;
    if (s->defined) {
        asm_error(a, st, name, "%s is already defined in statement %u", s->name,
                  s->statement);
        return NULL;
    }
    s->section = section_new(a, s->name, kind);
    s->defined = true;
    s->value = value_at(s->section, 0);
    s->type = kind == SECTION_EXTERNAL ? 'T' : 'J';
    s->statement = st ? st->number : 0;
    return s->section;
}

struct section *section_current(struct assembly *a)
{
    if (!a->section)
        a->section = section_get(a, NULL, "", SECTION_CONTROL);
    return a->section;
}

bool section_place_all(struct assembly *a)
{
    uint64_t at = 0;
    unsigned id = 0;

    for (struct section *s = a->sections; s; s = s->next) {
        if (s->kind != SECTION_DUMMY)
            s->id = ++id;
        if (s->kind != SECTION_CONTROL)
            continue;
        at = (at + 7) & ~UINT64_C(7);
        if (!s->origin) /* START has given the first one its own */
            s->origin = (uint32_t)at;
        at = (uint64_t)s->origin + s->size;
        if (at > STORAGE_END)
            return false;
    }
    return true;
}

struct value value_number(int64_t n)
{
    return (struct value){.n = n};
}

struct value value_at(const struct section *s, uint32_t loc)
{
    return (struct value){loc, 1, {{s, 1}}};
}

static bool add_term(struct value *v, const struct section *s, int count)
{
    for (unsigned i = 0; i < v->nterms; i++) {
        if (v->terms[i].section != s)
            continue;
        v->terms[i].count += count;
        if (v->terms[i].count > COUNT_MAX || v->terms[i].count < -COUNT_MAX)
            return false;
        if (!v->terms[i].count)
            v->terms[i] = v->terms[--v->nterms];
        return true;
    }
    if (v->nterms == TERMS_MAX)
        return false;
    v->terms[v->nterms++] = (struct term){s, count};
    return true;
}

bool value_add(struct value *v, const struct value *w, int sign)
{
    v->n += sign * w->n;
    if (v->n != (int32_t)v->n)
        return false;
    for (unsigned i = 0; i < w->nterms; i++)
        if (!add_term(v, w->terms[i].section, sign * w->terms[i].count))
            return false;
    return true;
}

bool value_is_absolute(const struct value *v)
{
    return !v->nterms;
}

bool value_is_simple(const struct value *v)
{
    return v->nterms == 1 && v->terms[0].count == 1;
}

bool value_same_terms(const struct value *v, const struct value *w)
{
    struct value d = *v;

    return value_add(&d, w, -1) && !d.nterms;
}

int64_t value_total(const struct value *v)
{
    int64_t n = v->n;

    for (unsigned i = 0; i < v->nterms; i++)
        n += (int64_t)v->terms[i].count * v->terms[i].section->origin;
    return n;
}
