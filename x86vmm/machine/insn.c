#include "x86vmm/machine/insn.h"

#include "base/format.h"

static const struct {
    bool w;
    uint8_t immediate;
    const char *operands;
} formats[X86_FMT_COUNT] = {
#define FORMAT(name, w, immediate, operands) \
    [X86_FMT_##name] = {w, immediate, operands},
#include "x86vmm/machine/format.def"
#undef FORMAT
};

/* What op.def says of each that may leave a guest. */
#define MAYBE __attribute__((unused))
#define ABOUT(name, priv, title, sens, effect)                     \
    enum { priv_##name = PRIV_##priv, sens_##name = (int)(sens) }; \
    static const char title_##name[] MAYBE = title,                \
                                     effect_##name[] MAYBE = effect;
#define OP(name, priv, body, title)
#define OP_ASKED(name, priv, body, title, sens, vmx, control, svm, effect) \
    ABOUT(name, priv, title, sens, effect)
#define OP_AS_ASKED(name, mnemonic, ...) OP_ASKED(name, __VA_ARGS__)
#define OP_ASSIST(name, title, sens, vmx, svm, effect) \
    ABOUT(name, U, title, sens, effect)
#include "x86vmm/machine/op.def"
#undef OP
#undef ABOUT
#undef MAYBE

static const struct insn_desc rows[X86_OP_COUNT] = {
#define INSN(code, row, mnemonic, op, form)     \
    [X86_OP_##row] = {.id = X86_OP_##row,       \
                      .opcode = code,           \
                      .format = X86_FMT_##form, \
                      .privilege = priv_##op,   \
                      .sensitivity = sens_##op, \
                      .name = mnemonic,         \
                      .title = title_##op,      \
                      .effect = effect_##op},
#include "x86vmm/machine/insn.def"
#undef INSN
};

const struct insn_table x86_insns = {rows, ARRAY_LEN(rows)};

struct prefixes {
    size_t len;
    bool operand, address, rep, lock;
};

/* Intel SDM vol. 2, "Instruction Prefixes" and "REX Prefixes".  A REX prefix
 * counts only directly before the opcode. */
static struct prefixes take_prefixes(const uint8_t *bytes, size_t n,
                                     unsigned bits)
{
    struct prefixes p = {0};

    for (; p.len < n; p.len++) {
        uint8_t b = bytes[p.len];

        if (b == 0x66)
            p.operand = true;
        else if (b == 0x67)
            p.address = true;
        else if (b == 0xF2 || b == 0xF3)
            p.rep = true;
        else if (b == 0xF0)
            p.lock = true;
        else if ((b & 0xE7) != 0x26 && (b & 0xFE) != 0x64) /* segments */
            break;
    }
    if (bits == 64 && p.len < n && (bytes[p.len] & 0xF0) == 0x40)
        p.len++; /* REX: none of our instructions heeds it */
    return p;
}

static unsigned opcode_len(uint32_t opcode)
{
    return opcode > 0xFFFF ? 3 : opcode > 0xFF ? 2 : 1;
}

static const struct insn_desc *find_row(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        unsigned len = opcode_len(rows[i].opcode);
        uint32_t code = 0;

        if (len > n || rows[i].format == X86_FMT_BY_PROCESSOR)
            continue;
        for (unsigned k = 0; k < len; k++)
            code = code << 8 | bytes[k];
        if (formats[rows[i].format].w)
            code &= ~1u;
        if (code == rows[i].opcode)
            return &rows[i];
    }
    return NULL;
}

static uint8_t address_size(unsigned bits, bool override)
{
    if (bits == 64)
        return override ? 4 : 8;
    return (bits == 32) != override ? 4 : 2;
}

void x86_decode(const uint8_t *bytes, size_t n, unsigned bits,
                struct x86_decoded *d)
{
    *d = (struct x86_decoded){0};
    if (n > X86_INSN_MAX)
        n = X86_INSN_MAX;

    struct prefixes p = take_prefixes(bytes, n, bits);
    const struct insn_desc *row = find_row(bytes + p.len, n - p.len);
    if (!row || p.lock)
        return;
    size_t opcode = opcode_len(row->opcode);
    size_t len = p.len + opcode + formats[row->format].immediate;
    if (len > n)
        return;
    d->insn = row;
    d->len = (uint8_t)len;
    d->rep = p.rep;
    d->address_size = address_size(bits, p.address);
    if (formats[row->format].w && !(bytes[p.len + opcode - 1] & 1))
        d->size = 1;
    else if (formats[row->format].w)
        d->size = (bits == 16) != p.operand ? 2 : 4;
    if (formats[row->format].immediate)
        d->imm = bytes[len - 1];
}

static const char *accumulator(unsigned size)
{
    return size == 1 ? "AL" : size == 2 ? "AX" : "EAX";
}

size_t x86_disasm(const uint8_t *bytes, size_t n, unsigned bits, char *out,
                  size_t cap)
{
    struct x86_decoded d;
    size_t at = 0;

    x86_decode(bytes, n, bits, &d);
    if (cap)
        out[0] = '\0';
    if (!d.insn)
        return 0;
    if (d.insn->format == X86_FMT_STRING_IN ||
        d.insn->format == X86_FMT_STRING_OUT) {
        format(out, cap, "%s%s%c", d.rep ? "REP " : "", d.insn->name,
               d.size == 1   ? 'B'
               : d.size == 2 ? 'W'
                             : 'D');
        return d.len;
    }
    at = format(out, cap, "%s", d.insn->name);
    for (const char *o = formats[d.insn->format].operands; *o; o++) {
        const char *gap = o == formats[d.insn->format].operands ? " " : "";

        if (*o == 'A')
            at += format(out + at, cap - at, "%s%s", gap, accumulator(d.size));
        else if (*o == 'I')
            at += format(out + at, cap - at, "%s0x%02X", gap, d.imm);
        else
            at += format(out + at, cap - at, "%s%c", gap, *o);
    }
    return d.len;
}
