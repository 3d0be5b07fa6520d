#include "s370/asm/encode.h"

#include "s370/asm/literal.h"
#include "s370/asm/location.h"
#include "s370/asm/object.h"
#include "s370/asm/symbol.h"
#include "s370/asm/text.h"
#include "s370/asm/using.h"
#include "s370/machine/operand.h"

#include <string.h>

static const struct {
    const char *name;
    uint16_t op;
    uint8_t mask;
} extended[] = {
#define EXTENDED(name, insn, mask) {name, S370_OP_##insn, mask},
#include "s370/machine/extended.def"
#undef EXTENDED
};

const struct insn_desc *encode_find(const char *op, int *mask)
{
    *mask = -1;
    for (size_t i = 0; i < s370_insns.count; i++)
        if (!strcmp(s370_insns.rows[i].name, op))
            return &s370_insns.rows[i];
    for (size_t i = 0; i < ARRAY_LEN(extended); i++) {
        if (strcmp(extended[i].name, op) != 0)
            continue;
        *mask = extended[i].mask;
        return &s370_insns.rows[extended[i].op];
    }
    return NULL;
}

void encode_pass1(struct assembly *a, struct statement *st)
{
    unsigned length = s370_format_length(st->insn->format);

    location_align(a, 2);
    location_locate(a, st);
    struct value v = value_at(st->section, st->loc);
    symbol_define(a, st, &v, length, 'I');
    literal_collect(a, st);
    location_advance(a, st, length);
}

/* A storage operand as it is written: e, e(s), e(,b), e(s,b). */
struct written {
    const char *at;
    struct value address;
    uint32_t length; /* implied: L' of the address */
    bool has_paren, has_first, has_second;
    int64_t first, second;
    const char *first_at;
};

static bool read_address(struct scan *s, struct written *w)
{
    w->at = s->p;
    if (!scan_take(s, '=')) {
        bool ok = expr_value(s, &w->address);

        w->length = s->length;
        return ok;
    }
    struct literal *l = literal_take(s);
    if (!l || !l->section)
        return false;
    w->address = value_at(l->section, l->loc);
    w->length = l->length;
    return true;
}

static bool read_storage(struct scan *s, const struct s370_operand *o,
                         struct written *w)
{
    int64_t top = o->length.width ? 1 << o->length.width : 15;
    const char *what = o->length.width  ? "the length"
                       : o->index.width ? "the index register"
                                        : "the base register";

    *w = (struct written){0};
    if (!read_address(s, w))
        return false;
    w->has_paren = scan_take(s, '(');
    if (!w->has_paren)
        return true;
    w->first_at = s->p;
    w->has_first = *s->p != ',';
    if (w->has_first && !expr_absolute(s, what, 0, top, &w->first))
        return false;
    if (*s->p == ',' && (o->length.width || o->index.width)) {
        s->p++;
        w->has_second = true;
        if (!expr_absolute(s, "the base register", 0, 15, &w->second))
            return false;
    }
    return scan_take(s, ')') ||
           scan_fail(s, s->p, "a right parenthesis is missing");
}

/* Displacement and base: written out, or found by USING. */
static bool find_base(struct scan *s, const struct s370_operand *o,
                      const struct written *w, unsigned *base,
                      unsigned *displacement)
{
    bool plain = !o->length.width && !o->index.width; /* D(B) */
    bool explicit_base = w->has_second || (plain && w->has_paren);

    if (!explicit_base)
        return using_address(s, w->at, &w->address, base, displacement);
    if (!value_is_absolute(&w->address))
        return scan_fail(s, w->at,
                         "an address with a base register must be absolute");
    if (w->address.n < 0 || w->address.n > 4095)
        return scan_fail(s, w->at, "the displacement is %lld, not 0 to 4095",
                         (long long)w->address.n);
    if (plain && !w->has_first)
        return scan_fail(s, w->first_at, "the base register is missing");
    *base = (unsigned)(plain ? w->first : w->second);
    *displacement = (unsigned)w->address.n;
    return true;
}

static bool put_length(struct scan *s, const struct s370_operand *o,
                       const struct written *w, uint64_t *insn)
{
    int64_t n = w->has_first ? w->first : w->length;
    int64_t top = 1 << o->length.width;

    if (n > top)
        return scan_fail(s, w->at, "the implied length is %lld, more than %lld",
                         (long long)n, (long long)top);
    *insn = s370_field_put(*insn, o->length, n ? (unsigned)n - 1 : 0);
    return true;
}

static bool put_storage(struct scan *s, const struct s370_operand *o,
                        uint64_t *insn)
{
    unsigned base, displacement, which = o->base.first == 32 ? 1 : 0;
    struct written w;

    if (!read_storage(s, o, &w) || !find_base(s, o, &w, &base, &displacement))
        return false;
    if (o->length.width && !put_length(s, o, &w, insn))
        return false;
    if (o->index.width && w.has_first)
        *insn = s370_field_put(*insn, o->index, (unsigned)w.first);
    *insn = s370_field_put(*insn, o->base, base);
    *insn = s370_field_put(*insn, o->field, displacement);
    if (s->st->insn->format != S370_FMT_SI && o->base.first == 16 &&
        !o->length.width)
        which = 1; /* D2 of RX, RS and S stands under ADDR2 */
    s->st->has_addr[which] = true;
    s->st->addr[which] = (uint32_t)value_total(&w.address) & 0xFFFFFF;
    return true;
}

static bool put_number(struct scan *s, const struct s370_operand *o,
                       uint64_t *insn)
{
    static const char *const names[] = {
        [S370_OPERAND_REGISTER] = "the register",
        [S370_OPERAND_MASK] = "the mask",
        [S370_OPERAND_IMMEDIATE] = "the immediate value",
    };
    int64_t low = o->field.width == 8 ? -128 : 0;
    int64_t n;

    if (!expr_absolute(s, names[o->kind], low, (1 << o->field.width) - 1, &n))
        return false;
    *insn = s370_field_put(*insn, o->field, (unsigned)n);
    return true;
}

static bool put_operands(struct scan *s, uint64_t *insn)
{
    struct s370_operand operands[S370_OPERANDS_MAX];
    enum s370_format f = s->st->insn->format;
    unsigned n = s370_format_operands(f, operands);
    unsigned first = s->st->mask >= 0 ? 1 : 0;

    if (first)
        *insn = s370_field_put(*insn, operands[0].field, (unsigned)s->st->mask);
    for (unsigned i = first; i < n; i++) {
        if (i > first && !scan_take(s, ','))
            return scan_fail(s, s->p,
                             *s->p ? "a comma is expected here"
                                   : "operands are missing: %s",
                             s370_format_text(f));
        if (!(operands[i].kind == S370_OPERAND_STORAGE
                  ? put_storage(s, &operands[i], insn)
                  : put_number(s, &operands[i], insn)))
            return false;
    }
    return n ? scan_done(s) : true;
}

void encode_pass2(struct assembly *a, struct statement *st)
{
    struct scan s = scan_begin(a, st);
    uint64_t insn = s370_opcode_put(st->insn->opcode);
    unsigned length = s370_format_length(st->insn->format);
    uint8_t bytes[6];

    st->show_loc = true;
    put_operands(&s, &insn);
    for (unsigned i = 0; i < length; i++)
        bytes[i] = (uint8_t)(insn >> (40 - 8 * i));
    object_put(a, st, st->loc, bytes, length);
}
