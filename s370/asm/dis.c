#include "s370/asm/dis.h"

#include "s370/machine/disasm.h"
#include "s370/machine/operand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STORAGE = 1 << 24,
    ZEROS_MIN = 16, /* zero bytes that become one DC with a factor */
    LABEL_SIZE = 8
};

/* What becomes of each byte of the image. */
enum mark {
    MARK_BEGINS = 1, /* a statement begins here */
    MARK_INSN = 2,   /* an instruction does */
    MARK_TARGET = 4  /* a branch comes here */
};

struct dis {
    const uint8_t *bytes;
    size_t len;
    const struct s370_dis_options *options;
    uint8_t *marks;
    struct s370_buffer *out;
};

static size_t zeros_at(const struct dis *d, size_t at)
{
    size_t n = 0;

    while (at + n < d->len && !d->bytes[at + n])
        n++;
    return n;
}

/* The row of the instruction at `at`, if the assembler would make these very
 * bytes of its line. */
static const struct insn_desc *insn_at(const struct dis *d, size_t at)
{
    uint8_t copy[6] = {0};
    struct s370_decoded decoded;
    size_t n = d->len - at;

    if (!n || n < s370_insn_len(d->bytes[at]) ||
        !s370_disasm_exact(d->bytes + at, n))
        return NULL;
    memcpy(copy, d->bytes + at, s370_insn_len(d->bytes[at]));
    s370_decode(copy, &decoded);
    return decoded.op == S370_OP_INVALID ? NULL : &s370_insns.rows[decoded.op];
}

/* Bytes of the statement at `at`: instruction, zeros, or one halfword. */
static size_t statement_len(const struct dis *d, size_t at, bool *is_insn)
{
    size_t zeros = zeros_at(d, at) & ~(size_t)1;

    *is_insn = false;
    if (zeros >= ZEROS_MIN)
        return zeros;
    if (at % 2 == 0 && insn_at(d, at)) {
        *is_insn = true;
        return s370_insn_len(d->bytes[at]);
    }
    return d->len - at < 2 ? d->len - at : 2;
}

/* The base register by which the assembler would reach the address: the one
 * of the least displacement, of equals the highest. */
static unsigned chosen_base(const struct dis *d, int64_t address)
{
    int64_t best = address;
    unsigned base = 0;

    for (unsigned r = 1; r < 16; r++) {
        int64_t at = d->options->bases[r];

        if (at < 0 || at > address || address - at > best)
            continue;
        best = address - at;
        base = r;
    }
    return base;
}

/* Where a branch instruction goes, when its base register is known. */
static bool find_target(const struct dis *d, size_t at, size_t *target)
{
    const struct insn_desc *row = insn_at(d, at);
    struct s370_operand operands[S370_OPERANDS_MAX];
    uint64_t insn = 0;

    if (!row || (row->id != S370_OP_BC && row->id != S370_OP_BAL &&
                 row->id != S370_OP_BCT && row->id != S370_OP_BXH &&
                 row->id != S370_OP_BXLE))
        return false;
    for (unsigned i = 0; i < 4; i++)
        insn |= (uint64_t)d->bytes[at + i] << (40 - 8 * i);
    unsigned n = s370_format_operands(row->format, operands);
    const struct s370_operand *o = &operands[n - 1];
    unsigned base = s370_field_get(insn, o->base);
    int64_t address = base ? d->options->bases[base] : 0;

    if (address < 0 || (o->index.width && s370_field_get(insn, o->index)))
        return false;
    address += s370_field_get(insn, o->field);
    if (address < d->options->origin ||
        address - d->options->origin >= (int64_t)d->len)
        return false;
    *target = (size_t)(address - d->options->origin);
    return chosen_base(d, address) == base;
}

static void find_statements(struct dis *d)
{
    bool is_insn;

    for (size_t at = 0; at < d->len;) {
        d->marks[at] |= MARK_BEGINS;
        size_t n = statement_len(d, at, &is_insn);
        if (is_insn)
            d->marks[at] |= MARK_INSN;
        at += n;
    }
    for (size_t at = 0, target; at < d->len; at++)
        if ((d->marks[at] & MARK_INSN) && find_target(d, at, &target) &&
            (d->marks[target] & MARK_BEGINS))
            d->marks[target] |= MARK_TARGET;
}

static void say_bytes(const struct dis *d, size_t at, size_t n, char *out,
                      size_t cap)
{
    size_t len = 0;

    for (size_t i = 0; i < n && i < 6; i++)
        len += (size_t)snprintf(out + len, cap - len, "%02X", d->bytes[at + i]);
}

/* The operands end where the address is that has a label now. */
static void put_label(char *text, size_t cap, size_t address)
{
    char *comma = strrchr(text, ',');
    size_t parens = strcspn(text, "(");
    char *from;

    /* D2(X2,B2) has its comma inside the parentheses. */
    if (comma && (size_t)(comma - text) > parens) {
        *comma = '\0';
        comma = strrchr(text, ',');
    }
    from = comma ? comma + 1 : text + strcspn(text, " ");
    from += strspn(from, " ");
    snprintf(from, cap - (size_t)(from - text), "L%06zX", address);
}

static void say_statement(struct dis *d, size_t at, size_t n)
{
    char text[S370_DISASM_SIZE + LABEL_SIZE], hex[16], label[LABEL_SIZE] = "";
    size_t address = d->options->origin + at, target;

    if (d->marks[at] & MARK_INSN)
        s370_disasm(d->bytes + at, n, address, text, sizeof(text));
    else if (n >= ZEROS_MIN)
        snprintf(text, sizeof(text), "DC    %zuX'00'", n);
    else
        snprintf(text, sizeof(text),
                 n == 2 ? "DC    X'%02X%02X'" : "DC    X'%02X'", d->bytes[at],
                 n == 2 ? d->bytes[at + 1] : 0);
    if ((d->marks[at] & MARK_INSN) && find_target(d, at, &target) &&
        (d->marks[target] & MARK_TARGET))
        put_label(text, sizeof(text), d->options->origin + target);
    if (d->marks[at] & MARK_TARGET)
        snprintf(label, sizeof(label), "L%06zX", address & 0xFFFFFF);
    say_bytes(d, at, n, hex, sizeof(hex));
    if (d->options->plain)
        s370_buffer_say(d->out, "%-8s %s\n", label, text);
    else
        s370_buffer_say(d->out, "%-8s %-28s %06zX%s%s\n", label, text, address,
                        n > 6 ? "" : " ", n > 6 ? "" : hex);
}

/* The registers' values, as the assembler has to know them; an address without
 * a base register is one of register 0. */
static void say_usings(const struct dis *d)
{
    uint32_t origin = d->options->origin;

    s370_buffer_say(d->out, "         START %u\n", origin);
    if (origin < 4096)
        s370_buffer_say(d->out, "         USING *-%u,0\n", origin);
    for (unsigned r = 1; r < 16; r++)
        if (d->options->bases[r] >= 0)
            s370_buffer_say(d->out, "         USING *-%u+%d,%u\n", origin,
                            (int)d->options->bases[r], r);
}

enum status s370_dis(const uint8_t *bytes, size_t len,
                     const struct s370_dis_options *options,
                     struct s370_buffer *out, struct diag *d)
{
    struct dis dis = {bytes, len, options, NULL, out};
    bool is_insn;

    if (options->origin % 8)
        return diag_set(d, STATUS_BAD_INPUT,
                        "the origin %X is not a multiple of 8",
                        options->origin);
    if (options->origin > STORAGE || len > STORAGE - options->origin)
        return diag_set(d, STATUS_BAD_INPUT,
                        "the image goes beyond 16 megabytes");
    dis.marks = calloc(1, len + 1);
    if (!dis.marks)
        return diag_set(d, STATUS_NO_MEMORY, "no memory");
    find_statements(&dis);
    say_usings(&dis);
    for (size_t at = 0; at < len;) {
        size_t n = statement_len(&dis, at, &is_insn);

        say_statement(&dis, at, n);
        at += n;
    }
    s370_buffer_say(out, "         END\n");
    free(dis.marks);
    return out->failed ? diag_set(d, STATUS_NO_MEMORY, "no memory") : STATUS_OK;
}
