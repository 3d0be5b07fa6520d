#include "s370/asm/attribute.h"

#include "s370/asm/constant.h"
#include "s370/asm/encode.h"
#include "s370/asm/macro.h"
#include "s370/asm/reader.h"
#include "s370/asm/symbol.h"
#include "s370/asm/text.h"
#include "s370/dev/ebcdic.h"
#include "s370/machine/operand.h"

#include <string.h>

struct attributes {
    char type;
    uint32_t length;
};

/* What the statement would make of its name. */
static struct attributes of_statement(struct assembly *a, struct statement *st)
{
    struct attributes none = {'U', 1};
    struct scan s = scan_begin(a, st);
    struct constant c;
    int mask;
    const struct insn_desc *insn = encode_find(st->op, &mask);

    if (insn)
        return (struct attributes){'I', s370_format_length(insn->format)};
    if (!strcmp(st->op, "CCW"))
        return (struct attributes){'W', 8};
    if (!strcmp(st->op, "CSECT") || !strcmp(st->op, "DSECT") ||
        !strcmp(st->op, "START"))
        return (struct attributes){'J', 1};
    if (macro_find(a, st->op))
        return (struct attributes){'M', 1};
    s.quiet = true;
    if ((!strcmp(st->op, "DC") || !strcmp(st->op, "DS")) &&
        constant_read(&s, &c, false))
        return (struct attributes){c.type, c.length};
    return none;
}

/* A symbol that is not defined yet may be so further down (GC33-4010,
 * "Lookahead"): ask the open code's lines. */
static struct attributes look_ahead(struct assembly *a, const char *name)
{
    struct line *was = a->cursor;
    struct attributes found = {'U', 1};
    unsigned lines = 0;

    for (struct line *l = was; l; l = l->next) {
        lines++;
        if (!reader_has_name(l, name))
            continue;
        a->cursor = l;
        found = of_statement(a, reader_next(a));
        break;
    }
    a->cursor = was;
    a->work += lines;
    return found;
}

static struct attributes of_symbol(struct assembly *a, const char *text,
                                   size_t len)
{
    struct attributes none = {'U', 1};
    const struct symbol *sym;

    if (!len || asm_name_len(text) != len || len > NAME_MAX_LEN)
        return none;
    sym = symbol_find(a, text, len);
    if (sym && sym->defined)
        return (struct attributes){sym->type, sym->length};
    return look_ahead(a, asm_copy_upper(a, text, len));
}

char attribute_type(struct assembly *a, const char *text, size_t len)
{
    const char *end, *wrong;
    int64_t n;

    if (!len)
        return 'O';
    text = asm_copy(a, text, len);
    if (expr_self_defining(text, &n, &end, &wrong) && !*end)
        return 'N';
    return of_symbol(a, text, len).type;
}

int32_t attribute_length(struct assembly *a, const char *text, size_t len)
{
    return (int32_t)of_symbol(a, asm_copy(a, text, len), len).length;
}

int32_t attribute_count(const char *text, size_t len)
{
    const char *p = text + 1, *end = text + len - 1;
    int32_t n = 1;

    if (!len)
        return 0;
    if (*text != '(' || *end != ')')
        return 1;
    for (; (p = asm_operand_end(text + 1, p)) < end; p++)
        n++;
    return n;
}

int attribute_compare(const char *v, const char *w, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int d =
            ebcdic_from_ascii((uint8_t)v[i]) - ebcdic_from_ascii((uint8_t)w[i]);

        if (d)
            return d;
    }
    return 0;
}
