#include "s370/asm/literal.h"

#include "s370/asm/constant.h"
#include "s370/asm/location.h"
#include "s370/asm/symbol.h"
#include "s370/asm/text.h"

#include <stdio.h>
#include <string.h>

/* Literals are the same when they are written the same way. */
static struct literal *find(struct assembly *a, unsigned pool, const char *text,
                            size_t len)
{
    struct literal *l = a->literal_buckets[asm_hash(text, len)];

    for (; l; l = l->next_same, a->work++)
        if (l->pool == pool && !strncmp(l->text, text, len) && !l->text[len])
            return l;
    return NULL;
}

/* The literal behind the equals sign at s->p; false: complained. */
static bool collect(struct scan *s)
{
    const char *text = s->p;
    struct constant c;

    if (!constant_read(s, &c, true))
        return false;
    if (!c.copies)
        return scan_fail(s, text, "a literal cannot be empty");
    if (constant_size(&c) > UINT16_MAX)
        return scan_fail(s, text, "the literal is too long");
    size_t len = (size_t)(s->p - text);
    if (find(s->a, s->a->pool, text, len))
        return true;
    struct literal *l = asm_new(s->a, sizeof(*l));
    l->text = asm_copy(s->a, text, len);
    l->pool = s->a->pool;
    l->length = c.length;
    l->size = (uint32_t)constant_size(&c);
    l->align = l->size % 8 == 0 ? 8 : l->size % 4 == 0 ? 4 : 2;
    if (l->size % 2)
        l->align = 1;
    l->by = s->st;
    struct literal **bucket = &s->a->literal_buckets[asm_hash(text, len)];
    l->next_same = *bucket;
    *bucket = l;
    *s->a->literals_end = l;
    s->a->literals_end = &l->next;
    return true;
}

void literal_collect(struct assembly *a, struct statement *st)
{
    struct scan s = scan_begin(a, st);

    st->pool = a->pool;
    while (*s.p) {
        if (*s.p == '=') {
            s.p++;
            /* A bad one is complained about here, and fails in pass 2. */
            if (!collect(&s))
                return;
        }
        s.p = asm_operand_end(st->operand, s.p);
        scan_take(&s, ',');
    }
}

struct literal *literal_take(struct scan *s)
{
    const char *text = s->p;
    struct constant c;
    bool was_quiet = s->quiet;

    s->quiet = true; /* pass 1 has complained */
    bool ok = constant_read(s, &c, true);
    s->quiet = was_quiet;
    return ok ? find(s->a, s->st->pool, text, (size_t)(s->p - text)) : NULL;
}

static void place(struct assembly *a, const struct statement *after,
                  struct literal *l)
{
    struct statement *st = asm_new(a, sizeof(*st));
    size_t size = strlen(l->text) + 24;
    char *text = asm_new(a, size);

    snprintf(text, size, "%15s=%s", "", l->text);
    *st = *l->by;
    st->call = after->call;
    st->generated = false;
    st->next = NULL;
    st->source = NULL;
    st->name = "";
    st->op = "";
    st->kind = STATEMENT_LITERAL;
    st->insn = NULL;
    st->directive = NULL;
    st->literal = l;
    st->text = text;
    st->operand = l->text;
    location_align(a, l->align);
    location_list(a, st);
    location_locate(a, st);
    l->section = st->section;
    l->loc = st->loc;
    location_advance(a, st, l->size);
}

void literal_place(struct assembly *a, const struct statement *after)
{
    bool any = false;

    for (unsigned align = 8; align; align /= 2) {
        for (struct literal *l = a->literals; l; l = l->next) {
            a->work++;
            if (l->pool != a->pool || l->align != align || !asm_room(a))
                continue;
            if (!any)
                location_align(a, 8);
            any = true;
            place(a, after, l);
        }
    }
    a->pool++;
}
