#include "s370/asm/constant.h"

#include "base/digit.h"
#include "s370/asm/number.h"
#include "s370/asm/object.h"
#include "s370/asm/symbol.h"
#include "s370/asm/text.h"
#include "s370/asm/using.h"
#include "s370/dev/ebcdic.h"

#include <string.h>

enum {
    VALUES_MAX = 1 << 20, /* bytes of one operand, before duplication */
    EBCDIC_BLANK = 0x40
};

enum form {
    CHARACTERS,
    HEX,
    BINARY,
    FIXED,
    FLOAT,
    PACKED,
    ZONED,
    ADDRESS,
    BASED,
    EXTERNAL
};

static const struct type_row {
    char type;
    enum form form;
    uint8_t implied, align;
    uint32_t shortest, longest;
} types[] = {
#define CONSTANT(type, form, implied, align, shortest, longest) \
    {type, form, implied, align, shortest, longest},
#include "s370/asm/constant.def"
#undef CONSTANT
};

static const struct type_row *type_find(char type)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (types[i].type == type)
            return &types[i];
    return NULL;
}

bool constant_is_address(const struct constant *c)
{
    return type_find(c->type)->form >= ADDRESS;
}

/* One nominal value. */
struct item {
    const char *p;
    size_t len;
};

/* The next value of the list; *from moves behind it. */
static bool next_item(const struct constant *c, const char **from,
                      struct item *it)
{
    const char *end = c->value + c->value_len;
    const char *p = *from;

    if (p > end)
        return false;
    it->p = p;
    if (type_find(c->type)->form >= ADDRESS) {
        p = asm_operand_end(c->value, p);
        if (p > end)
            p = end;
    } else if (type_find(c->type)->form == CHARACTERS) {
        p = end;
    } else {
        while (p < end && *p != ',')
            p++;
    }
    it->len = (size_t)(p - it->p);
    *from = p + 1; /* behind the comma, or behind the end */
    return true;
}

/* Characters of a string in which '' and && stand for one. */
static size_t string_len(const struct item *it)
{
    size_t n = 0;

    for (size_t i = 0; i < it->len; i++, n++)
        if ((it->p[i] == '\'' || it->p[i] == '&') && i + 1 < it->len &&
            it->p[i + 1] == it->p[i])
            i++;
    return n;
}

static size_t count_digits(const struct item *it)
{
    size_t n = 0;

    for (size_t i = 0; i < it->len; i++)
        n += asm_is_digit(it->p[i]);
    return n;
}

static uint32_t item_length(const struct constant *c, const struct item *it)
{
    const struct type_row *row = type_find(c->type);
    size_t n = row->implied;

    if (c->has_length)
        return c->length;
    switch (row->form) {
    case CHARACTERS:
        n = string_len(it);
        break;
    case HEX:
        n = (it->len + 1) / 2;
        break;
    case BINARY:
        n = (it->len + 7) / 8;
        break;
    case PACKED:
        n = count_digits(it) / 2 + 1;
        break;
    case ZONED:
        n = count_digits(it);
        break;
    default:
        break;
    }
    return n ? (uint32_t)n : 1;
}

/* A number, or an absolute expression in parentheses. */
static bool read_number(struct scan *s, const char *what, int64_t low,
                        int64_t high, int64_t *n)
{
    const char *end, *wrong, *at = s->p;
    bool minus = *s->p == '-';

    if (scan_take(s, '(')) {
        if (!expr_absolute(s, what, low, high, n))
            return false;
        return scan_take(s, ')') ||
               scan_fail(s, s->p, "a right parenthesis is missing");
    }
    if (low < 0 && (minus || *s->p == '+'))
        s->p++;
    if (!asm_is_digit(*s->p) || !expr_self_defining(s->p, n, &end, &wrong))
        return scan_fail(s, at, "%s must be a number", what);
    s->p = end;
    if (minus)
        *n = -*n;
    if (*n < low || *n > high)
        return scan_fail(s, at, "%s must be %lld to %lld", what, (long long)low,
                         (long long)high);
    return true;
}

static bool read_modifiers(struct scan *s, const struct type_row *row,
                           struct constant *c)
{
    bool numeric = row->form == FIXED || row->form == FLOAT;
    int64_t n = 0;

    if (asm_upper(*s->p) == 'L' && s->p[1] != '\'') {
        s->p++;
        if (*s->p == '.')
            return scan_fail(s, s->p, "a length in bits is not supported");
        if (!read_number(s, "the length", row->shortest, row->longest, &n))
            return false;
        c->has_length = true;
        c->length = (uint32_t)n;
        c->align = 1;
    }
    if (numeric && asm_upper(*s->p) == 'S') {
        s->p++;
        if (!read_number(s, "the scale", row->form == FLOAT ? 0 : -187,
                         row->form == FLOAT ? 13 : 187, &n))
            return false;
        c->scale = (int)n;
    }
    if (numeric && asm_upper(*s->p) == 'E') {
        s->p++;
        if (!read_number(s, "the exponent", -85, 75, &n))
            return false;
        c->exponent = (int)n;
    }
    return true;
}

/* The nominal value's text and extent. */
static bool read_value(struct scan *s, const struct type_row *row,
                       struct constant *c)
{
    const char *open = s->p, *end;
    int depth = 0;

    if (row->form < ADDRESS) {
        end = asm_skip_string(open);
        if (end == open + 1 || end[-1] != '\'')
            return scan_fail(s, open, "the closing apostrophe is missing");
        s->p = end;
    } else {
        for (end = open; *end; end++) {
            depth += *end == '(';
            depth -= *end == ')';
            if (*end == '\'' && !asm_is_attribute(open, end))
                end = asm_skip_string(end) - 1;
            else if (!depth)
                break;
        }
        if (!*end)
            return scan_fail(s, open, "a right parenthesis is missing");
        s->p = ++end;
    }
    c->value = open + 1;
    c->value_len = (size_t)(end - 1 - c->value);
    if (!c->value_len)
        return scan_fail(s, open, "the value is empty");
    return true;
}

/* Symbols of V constants are external unless this assembly defines them. */
static void want_externals(struct scan *s, const struct constant *c)
{
    const char *from = c->value;
    struct item it;

    while (next_item(c, &from, &it)) {
        size_t len = asm_name_len(it.p);

        if (!len || len != it.len)
            continue;
        struct symbol *sym = symbol_get(s->a, it.p, len);
        if (sym->wanted)
            continue;
        sym->wanted = true;
        *s->a->wanted_end = sym;
        s->a->wanted_end = &sym->next_wanted;
    }
}

static bool measure(struct scan *s, const char *at, struct constant *c)
{
    const struct type_row *row = type_find(c->type);
    const char *from = c->value;
    struct item it;
    uint64_t size = 0;

    if (!c->value) {
        if (!c->has_length)
            c->length = row->implied ? row->implied : 1;
        c->values_size = c->length;
        return true;
    }
    while (next_item(c, &from, &it)) {
        uint32_t n = item_length(c, &it);

        if (n > row->longest)
            return scan_fail(s, it.p, "the value is longer than %u bytes",
                             row->longest);
        if (!size && !c->has_length)
            c->length = n;
        size += n;
    }
    if (size > VALUES_MAX)
        return scan_fail(s, at, "the constant is too long");
    c->values_size = (uint32_t)size;
    if (c->type == 'V' && s->a->pass == 1)
        want_externals(s, c);
    return true;
}

bool constant_read(struct scan *s, struct constant *c, bool needs_value)
{
    const char *at = s->p;
    int64_t n = 1;

    *c = (struct constant){.copies = 1};
    if ((asm_is_digit(*s->p) || *s->p == '(') &&
        !read_number(s, "the duplication factor", 0, STORAGE_END, &n))
        return false;
    c->copies = (uint32_t)n;
    const struct type_row *row = type_find(asm_upper(*s->p));
    if (!row)
        return scan_fail(s, s->p,
                         *s->p ? "'%.1s' is not a type of constant"
                               : "a constant is missing%s",
                         s->p);
    c->type = row->type;
    c->align = row->align;
    s->p++;
    if (!read_modifiers(s, row, c))
        return false;
    if (*s->p == (row->form < ADDRESS ? '\'' : '(')) {
        if (!read_value(s, row, c))
            return false;
    } else if (needs_value) {
        return scan_fail(s, s->p, "type %c needs a value in %s", c->type,
                         row->form < ADDRESS ? "apostrophes" : "parentheses");
    }
    return measure(s, at, c);
}

uint64_t constant_size(const struct constant *c)
{
    return (uint64_t)c->copies * c->values_size;
}

static bool encode_characters(const struct item *it, uint8_t *out, uint32_t len)
{
    uint32_t n = 0;

    for (size_t i = 0; i < it->len && n < len; i++) {
        char ch = it->p[i];

        out[n++] = ebcdic_from_ascii((uint8_t)ch);
        if ((ch == '\'' || ch == '&') && i + 1 < it->len && it->p[i + 1] == ch)
            i++;
    }
    while (n < len)
        out[n++] = EBCDIC_BLANK;
    return true;
}

/* Digits of 4 or 1 bits, right-justified, cut on the left. */
static bool encode_digits(struct scan *s, const struct item *it, unsigned bits,
                          uint8_t *out, uint32_t len)
{
    memset(out, 0, len);
    for (size_t i = 0; i < it->len; i++) {
        char ch = it->p[it->len - 1 - i];
        unsigned d = digit_value(ch);
        size_t at = i * bits / 8;

        if (d >= 1u << bits)
            return scan_fail(s, it->p + it->len - 1 - i,
                             "'%c' is not a %s digit", ch,
                             bits == 4 ? "hexadecimal" : "binary");
        if (at < len)
            out[len - 1 - at] |= (uint8_t)(d << (i * bits % 8));
    }
    return true;
}

/* Packed and zoned: the decimal point is for the reader only. */
static bool encode_decimal(struct scan *s, const struct item *it, bool packed,
                           uint8_t *out, uint32_t len)
{
    bool sign = *it->p == '-' || *it->p == '+';
    uint8_t code = *it->p == '-' ? 0xD : 0xC;
    size_t digit = 0;

    memset(out, packed ? 0 : 0xF0, len);
    out[len - 1] = packed ? code : (uint8_t)(code << 4);
    for (size_t i = it->len; i > sign; i--) {
        char ch = it->p[i - 1];

        if (ch == '.')
            continue;
        if (!asm_is_digit(ch))
            return scan_fail(s, it->p + i - 1, "'%c' is not a decimal digit",
                             ch);
        size_t at = packed ? (digit + 1) / 2 : digit;
        if (at < len)
            out[len - 1 - at] |=
                (uint8_t)((ch - '0') << (packed && digit % 2 == 0 ? 4 : 0));
        digit++;
    }
    if (!digit)
        return scan_fail(s, it->p, "a decimal number is expected");
    return true;
}

static bool encode_number(struct scan *s, const struct constant *c,
                          const struct item *it, uint8_t *out, uint32_t len)
{
    struct decimal d;
    const char *wrong;
    bool fixed = type_find(c->type)->form == FIXED;

    if (!number_read(it->p, it->len, &d, &wrong))
        return scan_fail(s, it->p, "%s", wrong);
    if (fixed
            ? number_fixed(&d, c->exponent, c->scale, len, out)
            : number_float(&d, c->exponent, c->scale, len, c->type == 'L', out))
        return true;
    return scan_fail(s, it->p, "the number does not fit into %u bytes", len);
}

static void relocate(struct scan *s, const struct value *v, unsigned len,
                     bool branch)
{
    for (unsigned i = 0; i < v->nterms; i++) {
        int count = v->terms[i].count;

        for (int k = count < 0 ? -count : count; k; k--)
            object_relocate(s->a, s->section, s->loc, len, v->terms[i].section,
                            count < 0, branch);
    }
}

static bool store_address(struct scan *s, const char *at, const struct value *v,
                          bool branch, uint8_t *out, uint32_t len)
{
    int64_t n = value_total(v);

    for (unsigned i = 0; i < v->nterms; i++)
        if (v->terms[i].section->kind == SECTION_DUMMY)
            return scan_fail(s, at, "an address in a DSECT is no constant");
    if (len < 4 &&
        (n >= INT64_C(1) << len * 8 || n < -(INT64_C(1) << (len * 8 - 1))))
        return scan_fail(s, at, "the value %lld does not fit into %u bytes",
                         (long long)n, len);
    for (uint32_t i = len; i--; n >>= 8)
        out[i] = (uint8_t)n;
    relocate(s, v, len, branch);
    return true;
}

/* S type: an address as base and displacement, implied or explicit. */
static bool encode_based(struct scan *s, uint8_t *out)
{
    const char *at = s->p;
    unsigned base, displacement;
    struct value v;
    int64_t n;

    if (!expr_value(s, &v))
        return false;
    if (scan_take(s, '(')) {
        if (v.nterms || v.n < 0 || v.n > 4095)
            return scan_fail(s, at, "the displacement must be 0 to 4095");
        if (!expr_absolute(s, "the base register", 0, 15, &n))
            return false;
        if (!scan_take(s, ')'))
            return scan_fail(s, s->p, "a right parenthesis is missing");
        base = (unsigned)n;
        displacement = (unsigned)v.n;
    } else if (!using_address(s, at, &v, &base, &displacement)) {
        return false;
    }
    out[0] = (uint8_t)(base << 4 | displacement >> 8);
    out[1] = (uint8_t)displacement;
    return true;
}

static bool encode_external(struct scan *s, const struct item *it, uint8_t *out,
                            uint32_t len)
{
    struct symbol *sym = symbol_find(s->a, it->p, it->len);

    if (asm_name_len(it->p) != it->len || !sym || !sym->defined)
        return scan_fail(s, it->p, "a V constant holds one external symbol");
    if (!s->quiet)
        symbol_refer(s->a, sym, s->st);
    s->p = it->p + it->len;
    return store_address(s, it->p, &sym->value, true, out, len);
}

static bool encode_address(struct scan *s, const struct constant *c,
                           const struct item *it, uint8_t *out, uint32_t len)
{
    enum form form = type_find(c->type)->form;
    struct value v;
    bool ok;

    s->p = it->p;
    if (form == BASED)
        ok = encode_based(s, out);
    else if (form == EXTERNAL)
        ok = encode_external(s, it, out, len);
    else
        ok = expr_value(s, &v) && store_address(s, it->p, &v, false, out, len);
    if (ok && s->p != it->p + it->len)
        return scan_fail(s, s->p, "'%.1s' is not expected here", s->p);
    return ok;
}

bool constant_encode(struct scan *s, const struct constant *c, uint8_t *out)
{
    const char *from = c->value, *behind = s->p;
    uint32_t start = s->loc;
    struct item it;
    bool ok = true;

    memset(out, 0, c->values_size);
    while (ok && next_item(c, &from, &it)) {
        uint32_t len = item_length(c, &it);

        switch (type_find(c->type)->form) {
        case CHARACTERS:
            ok = encode_characters(&it, out, len);
            break;
        case HEX:
            ok = encode_digits(s, &it, 4, out, len);
            break;
        case BINARY:
            ok = encode_digits(s, &it, 1, out, len);
            break;
        case PACKED:
        case ZONED:
            ok = encode_decimal(s, &it, c->type == 'P', out, len);
            break;
        case FIXED:
        case FLOAT:
            ok = encode_number(s, c, &it, out, len);
            break;
        default:
            ok = encode_address(s, c, &it, out, len);
        }
        out += len;
        s->loc += len;
    }
    s->p = behind;
    s->loc = start;
    return ok;
}
