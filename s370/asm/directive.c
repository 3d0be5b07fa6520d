#include "s370/asm/directive.h"

#include "s370/asm/expr.h"
#include "s370/asm/literal.h"
#include "s370/asm/location.h"
#include "s370/asm/object.h"
#include "s370/asm/symbol.h"
#include "s370/asm/text.h"

#include <string.h>

static const struct directive directives[] = {
#define DIRECTIVE(name, pass1, pass2) \
    {name, directive_##pass1, directive_##pass2},
#include "s370/asm/directive.def"
#undef DIRECTIVE
};

const struct directive *directive_find(const char *op)
{
    for (size_t i = 0; i < ARRAY_LEN(directives); i++)
        if (!strcmp(directives[i].name, op))
            return &directives[i];
    return NULL;
}

void directive_nothing(struct assembly *a, struct statement *st)
{
    (void)a;
    (void)st;
}

/* Location-counter references mean the place of the statement. */
void directive_here1(struct assembly *a, struct statement *st)
{
    if (a->section)
        location_locate(a, st);
}

void directive_hide(struct assembly *a, struct statement *st)
{
    (void)a;
    st->hidden = true;
}

void directive_location2(struct assembly *a, struct statement *st)
{
    (void)a;
    st->show_loc = true;
}

/* Sections ------------------------------------------------------------- */

static void enter(struct assembly *a, struct statement *st,
                  enum section_kind kind)
{
    struct section *s = section_get(a, st, st->name, kind);

    if (s)
        a->section = s;
    location_locate(a, st);
}

void directive_csect1(struct assembly *a, struct statement *st)
{
    enter(a, st, SECTION_CONTROL);
}

void directive_dsect1(struct assembly *a, struct statement *st)
{
    enter(a, st, SECTION_DUMMY);
}

void directive_start1(struct assembly *a, struct statement *st)
{
    struct scan s = scan_begin(a, st);
    int64_t n = 0;

    if (a->section) {
        asm_error(a, st, NULL, "START must begin the first section");
        location_locate(a, st);
        return;
    }
    if (*st->operand &&
        (!expr_absolute(&s, "the origin", 0, STORAGE_END - 8, &n) ||
         !scan_done(&s)))
        n = 0;
    enter(a, st, SECTION_CONTROL);
    if (st->section)
        st->section->origin = ((uint32_t)n + 7) & ~7u;
}

void directive_end1(struct assembly *a, struct statement *st)
{
    for (struct section *s = a->sections; s; s = s->next) {
        if (s->kind != SECTION_CONTROL)
            continue;
        a->section = s; /* the first one takes what literals are left */
        break;
    }
    literal_place(a, st);
    a->ended = true;
}

void directive_end2(struct assembly *a, struct statement *st)
{
    struct scan s = scan_begin(a, st);

    if (!*st->operand)
        return;
    if (!expr_value(&s, &a->entry) || !scan_done(&s))
        return;
    if (!value_is_simple(&a->entry))
        asm_error(a, st, st->operand, "the entry point must be relocatable");
    else
        a->has_entry = true;
    st->show_value = true;
    st->shown_value = (uint32_t)value_total(&a->entry) & 0xFFFFFF;
}

void directive_ltorg1(struct assembly *a, struct statement *st)
{
    location_align(a, 8);
    location_locate(a, st);
    struct value v = value_at(st->section, st->loc);
    symbol_define(a, st, &v, 1, 'U');
    literal_place(a, st);
}

void directive_org1(struct assembly *a, struct statement *st)
{
    struct scan s = scan_begin(a, st);
    struct value v;

    s.section = section_current(a);
    s.loc = a->section->loc;
    if (!*st->operand) {
        a->section->loc = a->section->size;
    } else if (expr_value(&s, &v) && scan_done(&s)) {
        if (!value_is_simple(&v) || v.terms[0].section != a->section)
            asm_error(a, st, st->operand,
                      "ORG must stay in its control section");
        else if (v.n < 0 || v.n > STORAGE_END)
            asm_error(a, st, st->operand, "ORG goes before the section");
        else
            a->section->loc = (uint32_t)v.n;
    }
    location_locate(a, st);
    location_advance(a, st, 0);
}

void directive_org2(struct assembly *a, struct statement *st)
{
    struct scan s = scan_begin(a, st);
    struct value v;

    st->show_loc = true;
    s.section = NULL; /* only for the cross-reference */
    s.quiet = !*st->operand || strchr(st->operand, '*');
    if (!s.quiet && !expr_value(&s, &v))
        st->show_loc = false;
}

/* Each symbol of a list of names. */
static void each_name(struct assembly *a, struct statement *st,
                      void (*fn)(struct assembly *, struct statement *,
                                 const char *name, size_t len))
{
    struct scan s = scan_begin(a, st);

    do {
        size_t len = asm_name_len(s.p);

        if (!len) {
            asm_error(a, st, s.p, "a symbol is expected here");
            return;
        }
        fn(a, st, s.p, len);
        s.p += len;
    } while (scan_take(&s, ','));
    scan_done(&s);
}

static void declare_external(struct assembly *a, struct statement *st,
                             const char *name, size_t len)
{
    const char *upper = asm_copy_upper(a, name, len);
    struct section *sec = section_get(a, st, upper, SECTION_EXTERNAL);

    if (sec && st->op[0] == 'W')
        sec->weak = true;
}

void directive_extrn1(struct assembly *a, struct statement *st)
{
    each_name(a, st, declare_external);
}

static void declare_entry(struct assembly *a, struct statement *st,
                          const char *name, size_t len)
{
    struct symbol *sym = symbol_find(a, name, len);

    if (!sym || !sym->defined)
        asm_error(a, st, name, "%.*s is not defined", (int)len, name);
    else if (!value_is_simple(&sym->value) ||
             sym->value.terms[0].section->kind != SECTION_CONTROL)
        asm_error(a, st, name, "%s is not an address in a control section",
                  sym->name);
    else
        sym->entry = true;
    if (sym)
        symbol_refer(a, sym, st);
}

void directive_entry2(struct assembly *a, struct statement *st)
{
    each_name(a, st, declare_entry);
}

/* Symbols -------------------------------------------------------------- */

/* EQU value,length,type */
static bool equate(struct scan *s, struct value *v, uint32_t *length,
                   char *type)
{
    int64_t n;

    *type = 'U';
    if (!expr_value(s, v))
        return false;
    *length = s->length;
    if (scan_take(s, ',') && *s->p != ',' && *s->p) {
        if (!expr_absolute(s, "the length", 0, 65535, &n))
            return false;
        *length = (uint32_t)n;
    }
    if (scan_take(s, ',')) {
        if (!expr_absolute(s, "the type", 0, 255, &n))
            return false;
        *type = 'U'; /* an EBCDIC code: shown by T' only when plain */
    }
    return scan_done(s);
}

bool directive_equ_again(struct assembly *a, struct statement *st)
{
    struct scan s = scan_begin(a, st);
    struct symbol *sym = symbol_find(a, st->name, strlen(st->name));
    struct value v;
    uint32_t length;
    char type;

    s.quiet = true;
    if (!*st->name || (sym && sym->defined) || !equate(&s, &v, &length, &type))
        return false;
    return symbol_define(a, st, &v, length, type) != NULL;
}

/* A value that is not defined yet may be so at the end: no complaint now. */
void directive_equ1(struct assembly *a, struct statement *st)
{
    struct scan s = scan_begin(a, st);
    struct value v;
    uint32_t length;
    char type;

    location_locate(a, st);
    s.section = st->section;
    s.loc = st->loc;
    s.quiet = true;
    if (!*st->name)
        asm_error(a, st, NULL, "EQU needs a name");
    else if (equate(&s, &v, &length, &type))
        symbol_define(a, st, &v, length, type);
}

void directive_equ2(struct assembly *a, struct statement *st)
{
    struct scan s = scan_begin(a, st);
    struct value v;
    uint32_t length;
    char type;

    if (!*st->name || !equate(&s, &v, &length, &type))
        return;
    st->show_value = true;
    st->shown_value = (uint32_t)value_total(&v) & 0xFFFFFF;
}

/* Base registers ------------------------------------------------------- */

static void set_base(struct assembly *a, unsigned r, const struct value *v,
                     unsigned nth)
{
    struct base *b = &a->bases[r];

    b->active = true;
    b->value = *v;
    b->value.n += 4096 * (int64_t)nth;
    if (r == 0) /* register 0 as a base is the number 0 */
        b->value.n -= value_total(&b->value);
}

void directive_using2(struct assembly *a, struct statement *st)
{
    struct scan s = scan_begin(a, st);
    struct value v;
    int64_t r;
    unsigned nth = 0;

    if (!expr_value(&s, &v))
        return;
    if (v.nterms > 1) {
        asm_error(a, st, st->operand, "the base address is too complex");
        return;
    }
    if (*s.p != ',')
        scan_fail(&s, s.p, "a base register is missing");
    while (scan_take(&s, ',')) {
        if (!expr_absolute(&s, "the base register", 0, 15, &r))
            return;
        set_base(a, (unsigned)r, &v, nth++);
    }
    scan_done(&s);
    st->show_loc = true;
}

void directive_drop2(struct assembly *a, struct statement *st)
{
    struct scan s = scan_begin(a, st);
    int64_t r;

    if (!*st->operand) {
        for (unsigned i = 0; i < 16; i++)
            a->bases[i].active = false;
        return;
    }
    do {
        const char *at = s.p;

        if (!expr_absolute(&s, "the base register", 0, 15, &r))
            return;
        if (!a->bases[r].active)
            asm_warn(a, st, at, "register %d is not in use", (int)r);
        a->bases[r].active = false;
    } while (scan_take(&s, ','));
    scan_done(&s);
}
