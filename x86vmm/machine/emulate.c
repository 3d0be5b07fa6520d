#include "x86vmm/machine/emulate.h"

#include "base/bits.h"
#include "x86vmm/machine/length.h"

enum {
    CF = 0x1,
    PF = 0x4,
    AF = 0x10,
    ZF = 0x40,
    SF = 0x80,
    DF = 0x400,
    OF = 0x800,
    ARITHMETIC = CF | PF | AF | ZF | SF | OF,
    HIGH_BYTE = 16
};

/* ---- Registers ---- */

uint64_t emulate_get(const struct x86_state *s, unsigned reg, unsigned size)
{
    if (reg >= HIGH_BYTE)
        return s->gpr[reg - HIGH_BYTE] >> 8 & 0xFF;
    return s->gpr[reg] & BITS_MASK(8 * size);
}

void emulate_set(struct x86_state *s, unsigned reg, unsigned size,
                 uint64_t value)
{
    bool high = reg >= HIGH_BYTE;
    uint64_t *to = &s->gpr[high ? reg - HIGH_BYTE : reg];
    uint64_t mask = BITS_MASK(8 * size) << (high ? 8 : 0);

    value = (value << (high ? 8 : 0)) & mask;
    *to = size == 4 ? value : (*to & ~mask) | value;
}

/* ---- Decoding ---- */

struct prefixes {
    uint8_t rex;
    bool operand, address, rep;
    size_t n;
};

static struct prefixes take_prefixes(const uint8_t *b, size_t n, unsigned bits)
{
    struct prefixes p = {0};

    for (; p.n < n; p.n++) {
        if (b[p.n] == 0x66)
            p.operand = true;
        else if (b[p.n] == 0x67)
            p.address = true;
        else if ((b[p.n] & 0xFE) == 0xF2)
            p.rep = true;
        else if ((b[p.n] & 0xE7) != 0x26 && (b[p.n] & 0xFE) != 0x64)
            break;
    }
    if (bits == 64 && p.n < n && (b[p.n] & 0xF0) == 0x40)
        p.rex = b[p.n++];
    return p;
}

/* The immediate at the instruction's end, sign-extended. */
static uint64_t immediate(const uint8_t *b, size_t len, unsigned size)
{
    uint64_t value = 0;

    size = size > 4 ? 4 : size;
    for (unsigned i = size; i-- > 0;)
        value = value << 8 | b[len - size + i];
    uint64_t sign = UINT64_C(1) << (8 * size - 1);
    return (value ^ sign) - sign;
}

/* ModRM's reg field as a register of this size. */
static uint8_t reg_of(const struct prefixes *p, uint8_t modrm, unsigned size)
{
    unsigned reg = modrm >> 3 & 7;

    if (size == 1 && !p->rex && reg >= 4)
        return (uint8_t)(HIGH_BYTE + reg - 4);
    return (uint8_t)(reg + (p->rex & 4 ? 8 : 0));
}

static bool decode_two(const struct prefixes *p, const uint8_t *b,
                       struct emulation *e)
{
    if ((b[0] & 0xF6) != 0xB6) /* MOVZX B6 B7, MOVSX BE BF */
        return false;
    e->op = b[0] & 8 ? EMULATE_SIGNED : EMULATE_LOAD;
    e->to = e->size;
    e->size = b[0] & 1 ? 2 : 1;
    e->reg = reg_of(p, b[1], e->to);
    return true;
}

/* One-byte opcodes with ModRM.  b: from the opcode; all: the instruction. */
static bool decode_modrm(const struct x86_state *s, const struct prefixes *p,
                         const uint8_t *b, const uint8_t *all,
                         struct emulation *e)
{
    unsigned group = b[1] >> 3 & 7, code = b[0] & 0xFE;

    e->reg = reg_of(p, b[1], e->size);
    e->to = e->size;
    e->value = emulate_get(s, e->reg, e->size);
    if (code == 0x88 || (code == 0xC6 && !group)) {
        e->op = EMULATE_STORE;
        e->write = true;
        if (code == 0xC6)
            e->value = immediate(all, e->len, e->size);
    } else if (code == 0x8A) {
        e->op = EMULATE_LOAD;
    } else if (b[0] < 0x40 && (b[0] & 6) == 2 && (b[0] & 0x30) != 0x10) {
        e->op = (enum emulate_op)(EMULATE_ADD + (b[0] >> 3)); /* r, r/m */
    } else if (code == 0x38) {
        e->op = EMULATE_CMP; /* r/m, r */
    } else if (code == 0x84 || (code == 0xF6 && group < 2)) {
        e->op = EMULATE_TEST;
        if (code == 0xF6)
            e->value = immediate(all, e->len, e->size);
    } else if ((b[0] == 0x80 || b[0] == 0x81 || b[0] == 0x83) && group == 7) {
        e->op = EMULATE_CMP;
        e->value = immediate(all, e->len, b[0] == 0x81 ? e->size : 1);
    } else {
        return false;
    }
    /* of CMP, which operand is in storage: bit 1 clear, the first */
    e->opcode = b[0];
    return true;
}

static bool decode_plain(const struct x86_state *s, const uint8_t *b,
                         struct emulation *e)
{
    unsigned code = b[0] & 0xFE;

    e->to = e->size;
    e->opcode = (uint8_t)code;
    e->value = emulate_get(s, X86_RAX, e->size);
    if (code == 0xA0 || code == 0xA2) { /* MOV with the accumulator */
        e->op = code == 0xA0 ? EMULATE_LOAD : EMULATE_STORE;
        e->write = code == 0xA2;
        return true;
    }
    e->op = EMULATE_STRING;
    e->write = code == 0xAA;
    return code == 0xAA || code == 0xAC;
}

bool emulate_decode(const struct x86_state *s, const uint8_t *bytes, size_t n,
                    struct emulation *e)
{
    unsigned bits = x86_code_bits(s);
    struct prefixes p = take_prefixes(bytes, n, bits);
    const uint8_t *b = bytes + p.n;

    *e = (struct emulation){.len = (uint8_t)x86_length(bytes, n, bits)};
    if (!e->len)
        return false;
    e->rep = p.rep;
    e->address = bits == 64                  ? p.address ? 4 : 8
                 : (bits == 32) != p.address ? 4
                                             : 2;
    e->size = p.rex & 8 ? 8 : (bits == 16) != p.operand ? 2 : 4;
    if (b[0] == 0x0F)
        return decode_two(&p, b + 1, e);
    if (!(b[0] & 1))
        e->size = 1;
    if ((b[0] & 0xF0) == 0xA0)
        return decode_plain(s, b, e);
    return decode_modrm(s, &p, b, bytes, e);
}

/* ---- What it does ---- */

/* carries: as machine/flags.h has them. */
static void set_flags(struct x86_state *s, unsigned size, uint64_t result,
                      uint64_t carries)
{
    unsigned top = 8 * size - 1;
    uint64_t f = 0;

    result &= BITS_MASK(8 * size);
    f |= carries >> top & 1 ? CF : 0;
    f |= (carries >> top ^ carries >> (top - 1)) & 1 ? OF : 0;
    f |= carries >> 3 & 1 ? AF : 0;
    f |= result ? 0 : ZF;
    f |= result >> top & 1 ? SF : 0;
    f |= __builtin_popcountll(result & 0xFF) & 1 ? 0 : PF;
    s->rflags = (s->rflags & ~(uint64_t)ARITHMETIC) | f;
}

static uint64_t compute(enum emulate_op op, uint64_t a, uint64_t b,
                        uint64_t *carries)
{
    uint64_t r;

    *carries = 0;
    switch (op) {
    case EMULATE_ADD:
        r = a + b;
        *carries = (a & b) | ((a | b) & ~r);
        return r;
    case EMULATE_SUB:
    case EMULATE_CMP:
        r = a - b;
        *carries = (~a & b) | (~(a ^ b) & r);
        return r;
    case EMULATE_OR:
        return a | b;
    case EMULATE_XOR:
        return a ^ b;
    default:
        return a & b;
    }
}

/* rSI, rDI and rCX after one element; true: it was the last. */
static bool step_string(const struct emulation *e, struct x86_state *s)
{
    uint64_t step = s->rflags & DF ? -(uint64_t)e->size : e->size;

    if (e->opcode != 0xAA)
        emulate_set(s, X86_RSI, e->address,
                    emulate_get(s, X86_RSI, e->address) + step);
    if (e->opcode != 0xAC)
        emulate_set(s, X86_RDI, e->address,
                    emulate_get(s, X86_RDI, e->address) + step);
    if (!e->rep)
        return true;
    emulate_set(s, X86_RCX, e->address,
                emulate_get(s, X86_RCX, e->address) - 1);
    return !emulate_get(s, X86_RCX, e->address);
}

bool emulate_finish(const struct emulation *e, struct x86_state *s,
                    uint64_t value)
{
    uint64_t sign = UINT64_C(1) << (8 * e->size - 1), carries, result;
    bool first = (e->op == EMULATE_CMP || e->op == EMULATE_TEST) &&
                 !(e->opcode < 0x40 && (e->opcode & 2));

    switch (e->op) {
    case EMULATE_STORE:
        return true;
    case EMULATE_SIGNED:
        value = (value ^ sign) - sign; /* and on, as into a load */
        emulate_set(s, e->reg, e->to, value);
        return true;
    case EMULATE_LOAD:
        emulate_set(s, e->reg, e->to, value);
        return true;
    case EMULATE_STRING:
        if (e->opcode == 0xAC)
            emulate_set(s, X86_RAX, e->size, value);
        return step_string(e, s);
    default:
        result = first ? compute(e->op, value, e->value, &carries)
                       : compute(e->op, e->value, value, &carries);
        set_flags(s, e->size, result, carries);
        if (e->op != EMULATE_CMP && e->op != EMULATE_TEST)
            emulate_set(s, e->reg, e->size, result);
        return true;
    }
}
