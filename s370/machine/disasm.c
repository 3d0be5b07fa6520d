#include "s370/machine/disasm.h"

#include "base/format.h"
#include "s370/machine/operand.h"

enum { BYTES_MAX = 6 };

struct text {
    char *out;
    size_t cap, len;
};

static const struct {
    const char *name;
    uint16_t op;
    uint8_t mask;
} extended[] = {
#define EXTENDED(name, insn, mask) {name, S370_OP_##insn, mask},
#include "s370/machine/extended.def"
#undef EXTENDED
};

static void say(struct text *t, const char *fmt, ...) PRINTF(2, 3);

static void say(struct text *t, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    t->len += format_va(t->out + t->len, t->cap - t->len, fmt, ap);
    va_end(ap);
}

static const char *extended_name(unsigned op, unsigned mask)
{
    for (size_t i = 0; i < ARRAY_LEN(extended); i++)
        if (extended[i].op == op && extended[i].mask == mask)
            return extended[i].name;
    return NULL;
}

/* An address without a base register is shown in hexadecimal, as a place in
 * low storage or an I/O address; but not where it is meant as a number. */
static bool is_number(const struct insn_desc *d)
{
    return d->format == S370_FMT_RS_R1 || d->format == S370_FMT_SS_LI ||
           d->id == S370_OP_LA;
}

static void say_storage(struct text *t, const struct insn_desc *d,
                        const struct s370_operand *o, uint64_t insn)
{
    unsigned disp = s370_field_get(insn, o->field);
    unsigned base = s370_field_get(insn, o->base);
    unsigned index = o->index.width ? s370_field_get(insn, o->index) : 0;

    if (base || index || is_number(d))
        say(t, "%u", disp);
    else
        say(t, "X'%03X'", disp);
    if (o->length.width) {
        say(t, "(%u,%u)", s370_field_get(insn, o->length) + 1, base);
    } else if (o->index.width && base) {
        if (index)
            say(t, "(%u,%u)", index, base);
        else
            say(t, "(,%u)", base);
    } else if (base || index) {
        say(t, "(%u)", base ? base : index);
    }
}

static void say_operand(struct text *t, const struct insn_desc *d,
                        const struct s370_operand *o, uint64_t insn)
{
    if (o->kind == S370_OPERAND_STORAGE)
        say_storage(t, d, o, insn);
    else if (o->kind == S370_OPERAND_IMMEDIATE && d->format == S370_FMT_SI)
        say(t, "X'%02X'", s370_field_get(insn, o->field));
    else
        say(t, "%u", s370_field_get(insn, o->field));
}

static void say_insn(struct text *t, const struct insn_desc *d, uint64_t insn)
{
    struct s370_operand operands[S370_OPERANDS_MAX];
    unsigned n = s370_format_operands(d->format, operands);
    unsigned i = 0;
    const char *name = NULL;

    if (n && operands[0].kind == S370_OPERAND_MASK)
        name = extended_name(d->id, s370_field_get(insn, operands[0].field));
    if (name)
        i = 1; /* the name has said the mask */
    if (n)
        say(t, "%-5s ", name ? name : d->name);
    else
        say(t, "%s", d->name);
    for (bool first = true; i < n; i++, first = false) {
        if (!first)
            say(t, ",");
        say_operand(t, d, &operands[i], insn);
    }
}

static uint64_t gather(const uint8_t bytes[BYTES_MAX])
{
    uint64_t insn = 0;

    for (unsigned i = 0; i < BYTES_MAX; i++)
        insn = insn << 8 | bytes[i];
    return insn;
}

/* The row of a whole instruction, or NULL; copies the instruction out. */
static const struct insn_desc *identify(const uint8_t *bytes, size_t n,
                                        uint8_t copy[BYTES_MAX])
{
    struct s370_decoded d;

    if (!n || n < s370_insn_len(bytes[0]))
        return NULL;
    for (unsigned i = 0; i < BYTES_MAX; i++)
        copy[i] = i < s370_insn_len(bytes[0]) ? bytes[i] : 0;
    s370_decode(copy, &d);
    return d.op == S370_OP_INVALID ? NULL : &s370_insns.rows[d.op];
}

size_t s370_disasm(const uint8_t *bytes, size_t n, uint64_t pc, char *out,
                   size_t cap)
{
    uint8_t copy[BYTES_MAX];
    struct text t = {out, cap, 0};
    const struct insn_desc *d = identify(bytes, n, copy);

    (void)pc;
    if (!cap)
        return 0;
    out[0] = '\0';
    if (!n)
        return 0;
    size_t len = s370_insn_len(bytes[0]);

    if (len > n)
        len = n;
    if (d) {
        say_insn(&t, d, gather(copy));
        return len;
    }
    say(&t, "DC    X'");
    for (size_t i = 0; i < len; i++)
        say(&t, "%02X", bytes[i]);
    say(&t, "'");
    return len;
}

bool s370_disasm_exact(const uint8_t *bytes, size_t n)
{
    struct s370_operand operands[S370_OPERANDS_MAX];
    uint8_t copy[BYTES_MAX];
    const struct insn_desc *d = identify(bytes, n, copy);

    if (!d)
        return true; /* a DC says every bit */
    unsigned count = s370_format_operands(d->format, operands);
    uint64_t insn = gather(copy);
    uint64_t again = s370_opcode_put(d->opcode);

    for (unsigned i = 0; i < count; i++) {
        const struct s370_field f[] = {operands[i].field, operands[i].base,
                                       operands[i].index, operands[i].length};

        for (size_t k = 0; k < ARRAY_LEN(f); k++)
            if (f[k].width)
                again = s370_field_put(again, f[k], s370_field_get(insn, f[k]));
    }
    return again == insn;
}
