#include "x86vmm/machine/device_op.h"

#include "x86vmm/machine/length.h"

enum form {
    ALU,         /* ModRM; bit 1 of the opcode: the register comes first */
    MODRM,       /* storage, register */
    REGISTER,    /* register, storage; never bytes */
    ONE,         /* storage */
    IMMEDIATE,   /* storage, immediate; 83: one of a byte */
    THREE,       /* register, storage, immediate; never bytes */
    ACCUMULATOR, /* rAX and an address; bit 1: storage comes first */
    EXTEND_1,    /* register, storage of this many bytes */
    EXTEND_2,
    EXTEND_4,
    PAIR,  /* twice as wide */
    STACK, /* storage; 8 bytes in 64-bit code */
    BYTE,  /* storage, a byte */
    BY_BYTE,
    BY_1,
    BY_CL,
    DOUBLE, /* storage, register, a byte */
    DOUBLE_CL,
    BIT,       /* storage, a byte; never bytes */
    STRING,    /* the source's segment may be another */
    STRING_TO, /* only to ES:rDI, or compared with it */
};

static const struct row {
    uint16_t opcode, mask;
    int8_t group;
    uint8_t form;
    uint16_t id;
    x86_body body;
} rows[] = {
#define DEVICE_OP(opcode, mask, group, name, body, form) \
    {opcode, (uint16_t)(mask), group, form, X86_INSN_##name, body},
#include "x86vmm/machine/device_op.def"
#undef DEVICE_OP
};

/* One decoding. */
struct decoding {
    const uint8_t *bytes, *modrm; /* NULL: there is none */
    unsigned len, bits, at;       /* at: behind the opcode */
    unsigned opcode, rex;
    bool operand, address;
    uint8_t segment; /* X86_NO_REG: no prefix tells */
};

/* ---- Prefixes, opcode ---- */

static void take_prefixes(struct decoding *d, struct x86_op *op)
{
    for (;; d->at++) {
        uint8_t b = d->bytes[d->at];

        if (b == 0x66)
            d->operand = true;
        else if (b == 0x67)
            d->address = true;
        else if (b == 0xF0)
            op->flags |= X86_LOCK;
        else if ((b & 0xFE) == 0xF2) /* the last one counts */
            op->flags = (uint8_t)((op->flags & X86_LOCK) |
                                  (b & 1 ? X86_REP : X86_REPNE));
        else if ((b & 0xE7) == 0x26)
            d->segment = d->bits == 64 ? d->segment : b >> 3 & 3;
        else if ((b & 0xFE) == 0x64)
            d->segment = X86_FS + (b & 1);
        else
            break;
    }
    if (d->bits == 64 && (d->bytes[d->at] & 0xF0) == 0x40)
        d->rex = d->bytes[d->at++];
}

static const struct row *find(struct decoding *d)
{
    d->opcode = d->bytes[d->at++];
    if (d->opcode == 0x0F)
        d->opcode = 0xF00 | d->bytes[d->at++];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if ((d->opcode & rows[i].mask) == rows[i].opcode &&
            (rows[i].group < 0 || rows[i].group == (d->bytes[d->at] >> 3 & 7)))
            return &rows[i];
    return NULL;
}

/* ---- Where the operand is ---- */

/* n bytes, sign-extended. */
static int64_t signed_at(const uint8_t *b, unsigned n)
{
    uint64_t v = 0;

    for (unsigned i = n; i-- > 0;)
        v = v << 8 | b[i];
    return x86_sign(v, n);
}

static unsigned rex_bit(const struct decoding *d, unsigned bit)
{
    return d->rex >> bit & 1 ? 8 : 0;
}

static void address_16(const struct decoding *d, struct x86_op *op)
{
    static const uint8_t bases[] = {X86_RBX, X86_RBX, X86_RBP, X86_RBP,
                                    X86_RSI, X86_RDI, X86_RBP, X86_RBX};
    static const uint8_t indices[] = {X86_RSI, X86_RDI, X86_RSI, X86_RDI};
    unsigned mod = d->modrm[0] >> 6, rm = d->modrm[0] & 7;
    bool none = !mod && rm == 6;

    op->base = none ? X86_NO_REG : bases[rm];
    op->index = rm < 4 ? indices[rm] : X86_NO_REG;
    op->disp = mod || none ? signed_at(d->modrm + 1, mod == 1 ? 1 : 2) : 0;
}

static void address_32(const struct decoding *d, struct x86_op *op)
{
    unsigned mod = d->modrm[0] >> 6, rm = d->modrm[0] & 7;
    const uint8_t *displacement = d->modrm + 1;
    bool sib = rm == 4;

    if (sib) {
        unsigned index = (*displacement >> 3 & 7) | rex_bit(d, 1);

        rm = *displacement & 7;
        op->index = (uint8_t)(index == X86_RSP ? X86_NO_REG : index);
        op->scale = index == X86_RSP ? 0 : *displacement >> 6;
        displacement++;
    }
    bool none = !mod && rm == 5;
    op->base = (uint8_t)(none ? X86_NO_REG : rm | rex_bit(d, 0));
    if (none && !sib && d->bits == 64)
        op->flags |= X86_RIP_RELATIVE;
    op->disp = mod || none ? signed_at(displacement, mod == 1 ? 1 : 4) : 0;
}

static void find_storage(const struct decoding *d, struct x86_op *op)
{
    if (op->asize == 2)
        address_16(d, op);
    else
        address_32(d, op);
    if (op->base == X86_RSP || op->base == X86_RBP)
        op->seg = X86_SS;
}

/* ---- Operands ---- */

static void add(struct x86_op *op, unsigned kind, unsigned reg, unsigned size)
{
    op->operand[op->count++] =
        (struct x86_operand){(uint8_t)kind, (uint8_t)reg, (uint8_t)size};
}

static void add_storage(struct x86_op *op, unsigned size)
{
    add(op, X86_MEM, 0, size);
}

static void add_register(const struct decoding *d, struct x86_op *op)
{
    unsigned reg = (d->modrm[0] >> 3 & 7) | rex_bit(d, 2);

    if (op->size == 1 && !d->rex && reg >= 4)
        add(op, X86_REG_HI, reg - 4, 1);
    else
        add(op, X86_REG, reg, op->size);
}

/* At the instruction's end. */
static void add_immediate(const struct decoding *d, struct x86_op *op,
                          unsigned bytes)
{
    add(op, X86_IMM, 0, bytes);
    op->imm = (uint64_t)signed_at(d->bytes + d->len - bytes, bytes);
}

/* How far, or which bit: no sign. */
static void add_byte(const struct decoding *d, struct x86_op *op)
{
    add(op, X86_IMM, 0, 1);
    op->imm = d->bytes[d->len - 1];
}

static void add_count(struct x86_op *op)
{
    add(op, X86_REG, X86_RCX, 1);
}

static void add_address(const struct decoding *d, struct x86_op *op)
{
    bool store = d->opcode & 2;

    op->disp = signed_at(d->bytes + d->at, op->asize);
    if (store)
        add_storage(op, op->size);
    add(op, X86_REG, X86_RAX, op->size);
    if (!store)
        add_storage(op, op->size);
}

static void add_two(const struct decoding *d, struct x86_op *op,
                    unsigned storage, bool register_first)
{
    if (register_first)
        add_register(d, op);
    add_storage(op, storage);
    if (!register_first)
        add_register(d, op);
}

/* Storage, and how far its bits go. */
static void add_shift(const struct decoding *d, struct x86_op *op,
                      enum form form)
{
    add_storage(op, op->size);
    if (form == BY_CL)
        add_count(op);
    else if (form == BY_BYTE)
        add_byte(d, op);
    else
        add(op, X86_IMM, 0, 1);
    if (form == BY_1)
        op->imm = 1;
}

static void add_string(const struct decoding *d, struct x86_op *op, bool from)
{
    unsigned wider = op->size == 8 ? 3 : op->size == 4 ? 2 : op->size == 2;

    op->id = (uint16_t)(op->id + wider);
    if (from && d->segment != X86_NO_REG)
        op->seg = d->segment;
    if (op->flags & (X86_REP | X86_REPNE))
        op->flags |= X86_ENDS;
}

/* CMPXCHG8B, or CMPXCHG16B. */
static void add_pair(struct x86_op *op)
{
    bool wide = op->size == 8;

    op->id = wide ? X86_INSN_CMPXCHG16B : X86_INSN_CMPXCHG8B;
    op->body = wide ? op_cmpxchg16b : op_cmpxchg8b;
    add_storage(op, wide ? 16 : 8);
}

static void add_operands(const struct decoding *d, enum form form,
                         struct x86_op *op)
{
    unsigned immediate =
        d->opcode == 0x83 || d->opcode == 0x6B ? 1 : min_u64(op->size, 4);

    switch (form) {
    case ALU:
        return add_two(d, op, op->size, d->opcode & 2);
    case REGISTER:
        return add_two(d, op, op->size, true);
    case MODRM:
        return add_two(d, op, op->size, false);
    case EXTEND_1:
    case EXTEND_2:
    case EXTEND_4:
        return add_two(d, op, 1u << (form - EXTEND_1), true);
    case THREE:
        add_two(d, op, op->size, true);
        return add_immediate(d, op, immediate);
    case IMMEDIATE:
        add_storage(op, op->size);
        return add_immediate(d, op, immediate);
    case BIT:
        add_storage(op, op->size);
        return add_byte(d, op);
    case DOUBLE:
        add_two(d, op, op->size, false);
        return add_byte(d, op);
    case DOUBLE_CL:
        add_two(d, op, op->size, false);
        return add_count(op);
    case ACCUMULATOR:
        return add_address(d, op);
    case PAIR:
        return add_pair(op);
    case BY_BYTE:
    case BY_1:
    case BY_CL:
        return add_shift(d, op, form);
    case STRING:
    case STRING_TO:
        return add_string(d, op, form == STRING);
    case ONE:
    case STACK:
    case BYTE:
        return add_storage(op, op->size);
    }
}

/* ---- The whole ---- */

static uint8_t operand_size(const struct decoding *d, enum form form)
{
    static const bool never_bytes[] = {
        [REGISTER] = true, [THREE] = true,     [EXTEND_1] = true,
        [EXTEND_2] = true, [EXTEND_4] = true,  [PAIR] = true,
        [STACK] = true,    [DOUBLE] = true,    [DOUBLE_CL] = true,
        [BIT] = true,      [STRING_TO] = false};

    if (form == BYTE || (!never_bytes[form] && !(d->opcode & 1)))
        return 1;
    if (d->rex & 8)
        return 8;
    if (form == PAIR)
        return 4;
    if ((d->bits == 16) != d->operand)
        return 2;
    return form == STACK && d->bits == 64 ? 8 : 4;
}

static uint8_t address_size(const struct decoding *d)
{
    if (d->bits == 64)
        return d->address ? 4 : 8;
    return (d->bits == 32) != d->address ? 4 : 2;
}

static bool is_string(enum form form)
{
    return form == STRING || form == STRING_TO;
}

bool x86_device_op(const uint8_t *bytes, size_t n, unsigned bits,
                   struct x86_op *op)
{
    struct decoding d = {.bytes = bytes,
                         .len = x86_length(bytes, n, bits),
                         .bits = bits,
                         .segment = X86_NO_REG};

    *op =
        (struct x86_op){.base = X86_NO_REG, .index = X86_NO_REG, .seg = X86_DS};
    if (!d.len)
        return false;
    take_prefixes(&d, op);
    const struct row *row = find(&d);
    if (!row)
        return false;
    enum form form = (enum form)row->form;
    bool modrm = form != ACCUMULATOR && !is_string(form);
    if (modrm && bytes[d.at] >> 6 == 3) /* no storage */
        return false;
    if (form == EXTEND_4 && bits != 64) /* ARPL */
        return false;
    op->id = row->id;
    op->body = row->body;
    op->detail = d.opcode & 15;
    op->size = operand_size(&d, form);
    op->asize = address_size(&d);
    if (!is_string(form))
        op->flags &= ~(X86_REP | X86_REPNE);
    if (modrm) {
        d.modrm = bytes + d.at;
        find_storage(&d, op);
    }
    if (d.segment != X86_NO_REG && form != STRING_TO)
        op->seg = d.segment;
    add_operands(&d, form, op);
    op->len = (uint8_t)d.len;
    return true;
}
