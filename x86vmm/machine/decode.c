/* From bytes to struct x86_op: the one file that knows Zydis. */
#include "base/table.h"
#include "x86vmm/machine/assist.h"
#include "x86vmm/machine/form.h"
#include "x86vmm/machine/segment.h"

#include <Zydis/Zydis.h>
#include <string.h>

/* ---- Rows ---- */

struct row {
    uint16_t id; /* 0: none; else enum x86_op_id + 1 */
};

/* By mnemonic; an OP_AS row is reached through variants.def only. */
static const struct row rows[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
#define OP(name, priv, body, title) \
    [ZYDIS_MNEMONIC_##name] = {X86_INSN_##name + 1},
#define OP_AS(name, mnemonic, priv, body, title)
#include "x86vmm/machine/op.def"
#undef OP
};

static const struct {
    x86_body body;
    enum privilege priv;
} bodies[X86_INSN_COUNT] = {
#define OP(name, priv, body, title) [X86_INSN_##name] = {body, PRIV_##priv},
#include "x86vmm/machine/op.def"
#undef OP
};

/* In front of the body of a privileged instruction. */
static int ask_cpl(struct x86_cpu *cpu, const struct x86_op *op)
{
    if (cpu->cpl)
        return x86_raise_gp(cpu);
    return bodies[op->id].body(cpu, op);
}

/* At a CPL above 0: the privileged ones, and with CR4.UMIP those that tell
 * where the system's tables are (SDM vol. 2, SGDT, SIDT, SLDT, SMSW, STR).
 * Where there is no SLDT and STR, that is said first. */
static bool is_refused(const struct x86_cpu *cpu, const struct x86_op *op)
{
    bool of_protected = op->id == X86_INSN_SLDT || op->id == X86_INSN_STR;

    if (op->flags & X86_CPL0)
        return true;
    return (op->flags & X86_UMIP) && (cpu->state.cr4 & X86_CR4_UMIP) &&
           !(of_protected && x86_is_8086(cpu));
}

/* In front of what may leave a guest. */
static int ask(struct x86_cpu *cpu, const struct x86_op *op)
{
    int code;

    if (UNLIKELY(cpu->cpl) && is_refused(cpu, op))
        return x86_raise_gp(cpu);
    if (x86_ask_guest(cpu, op, &code))
        return code;
    return bodies[op->id].body(cpu, op);
}

static const bool asked[X86_INSN_COUNT] = {
#define OP(name, priv, body, title)
#define OP_ASKED(name, ...)    [X86_INSN_##name] = true,
#define OP_AS_ASKED(name, ...) [X86_INSN_##name] = true,
#include "x86vmm/machine/op.def"
#undef OP
};

/* Who has bodies for common forms. */
static x86_body (*const fast_bodies[])(const struct x86_op *) = {
    x86_fast_data, x86_fast_arith, x86_fast_branch, x86_fast_shift};

static bool tells_of_system(enum x86_op_id id)
{
    return id == X86_INSN_SGDT || id == X86_INSN_SIDT || id == X86_INSN_SLDT ||
           id == X86_INSN_SMSW || id == X86_INSN_STR;
}

static void set_row(struct x86_op *op, enum x86_op_id id)
{
    op->id = (uint16_t)id;
    op->body = bodies[id].body;
    if (bodies[id].priv == PRIV_P) {
        op->flags |= X86_CPL0;
        op->body = ask_cpl;
    }
    if (tells_of_system(id))
        op->flags |= X86_UMIP;
    if (asked[id]) {
        op->body = ask;
        return;
    }
    x86_body fast = NULL;
    for (size_t i = 0; !fast && i < ARRAY_LEN(fast_bodies); i++)
        fast = fast_bodies[i](op);
    if (fast)
        op->body = fast;
}

enum kind {
    KIND_PLAIN,
    KIND_SREG,
    KIND_CREG,
    KIND_DREG,
    KIND_FAR,
    KIND_STRING
};

/* Mnemonics that are other instructions with operands of this kind. */
static const struct {
    ZydisMnemonic mnemonic;
    enum kind kind;
    enum x86_op_id row;
} variants[] = {
#define VARIANT(mnemonic, kind, row) \
    {ZYDIS_MNEMONIC_##mnemonic, KIND_##kind, X86_INSN_##row},
#include "x86vmm/machine/variants.def"
#undef VARIANT
};

static enum kind kind_of(const ZydisDecodedInstruction *in,
                         const struct x86_op *op)
{
    if (in->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
        return KIND_FAR;
    if (in->meta.category == ZYDIS_CATEGORY_STRINGOP)
        return KIND_STRING;
    for (unsigned i = 0; i < op->count; i++)
        switch (op->operand[i].kind) {
        case X86_SREG:
            return KIND_SREG;
        case X86_CREG:
            return KIND_CREG;
        case X86_DREG:
            return KIND_DREG;
        default:
            break;
        }
    return KIND_PLAIN;
}

/* False: not an instruction of this machine. */
static bool choose_row(const ZydisDecodedInstruction *in, struct x86_op *op)
{
    enum kind kind = kind_of(in, op);

    if (kind != KIND_PLAIN)
        for (size_t i = 0; i < ARRAY_LEN(variants); i++)
            if (variants[i].mnemonic == in->mnemonic &&
                variants[i].kind == kind) {
                set_row(op, variants[i].row);
                return true;
            }
    if (!rows[in->mnemonic].id)
        return false;
    set_row(op, (enum x86_op_id)(rows[in->mnemonic].id - 1));
    return true;
}

/* ---- Operands ---- */

/* Register classes that are numbered in the order of their encodings. */
static const struct {
    ZydisRegister first, last;
    enum x86_operand_kind kind;
} registers[] = {
    {ZYDIS_REGISTER_AX, ZYDIS_REGISTER_R15W, X86_REG},
    {ZYDIS_REGISTER_EAX, ZYDIS_REGISTER_R15D, X86_REG},
    {ZYDIS_REGISTER_RAX, ZYDIS_REGISTER_R15, X86_REG},
    {ZYDIS_REGISTER_ST0, ZYDIS_REGISTER_ST7, X86_ST},
    {ZYDIS_REGISTER_MM0, ZYDIS_REGISTER_MM7, X86_MM},
    {ZYDIS_REGISTER_XMM0, ZYDIS_REGISTER_XMM15, X86_XMM},
    {ZYDIS_REGISTER_ES, ZYDIS_REGISTER_GS, X86_SREG},
    {ZYDIS_REGISTER_CR0, ZYDIS_REGISTER_CR15, X86_CREG},
    {ZYDIS_REGISTER_DR0, ZYDIS_REGISTER_DR15, X86_DREG},
    {ZYDIS_REGISTER_AL, ZYDIS_REGISTER_BL, X86_REG},
    {ZYDIS_REGISTER_AH, ZYDIS_REGISTER_BH, X86_REG_HI},
};

static bool put_register(ZydisRegister r, struct x86_operand *o)
{
    if (r >= ZYDIS_REGISTER_SPL && r <= ZYDIS_REGISTER_R15B) {
        o->kind = X86_REG;
        o->reg = (uint8_t)(r - ZYDIS_REGISTER_SPL + X86_RSP);
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(registers); i++)
        if (r >= registers[i].first && r <= registers[i].last) {
            o->kind = (uint8_t)registers[i].kind;
            o->reg = (uint8_t)(r - registers[i].first);
            return true;
        }
    return false;
}

static uint8_t gpr_of(ZydisRegister r)
{
    struct x86_operand o;

    return put_register(r, &o) && o.kind == X86_REG ? o.reg : X86_NO_REG;
}

/* SIB with base 5 and mod 0: there is none (SDM vol. 2, "32-Bit Addressing
 * Forms with the SIB Byte").  Zydis 4.0 takes it for R13D without
 * a displacement where REX.B is set and the address has 32 bits. */
static bool lacks_base(const ZydisDecodedInstruction *in)
{
    return in->raw.sib.offset && !in->raw.modrm.mod && in->raw.sib.base == 5;
}

static void put_memory(const ZydisDecodedInstruction *in,
                       const ZydisDecodedOperandMem *m, struct x86_op *op)
{
    bool rip = m->base == ZYDIS_REGISTER_RIP || m->base == ZYDIS_REGISTER_EIP;

    op->base = rip || lacks_base(in) ? X86_NO_REG : gpr_of(m->base);
    op->index = gpr_of(m->index);
    op->scale = m->scale == 8 ? 3 : m->scale == 4 ? 2 : m->scale == 2 ? 1 : 0;
    op->disp = lacks_base(in)             ? in->raw.disp.value
               : m->disp.has_displacement ? m->disp.value
                                          : 0;
    op->flags |= rip ? X86_RIP_RELATIVE : 0;
    op->seg = (uint8_t)(m->segment - ZYDIS_REGISTER_ES);
}

static void put_immediate(const ZydisDecodedOperandImm *imm, struct x86_op *op,
                          bool second)
{
    if (second)
        op->imm2 = imm->value.u;
    else
        op->imm = imm->value.u;
}

/* False: an operand that no body can have. */
static bool put_operand(const ZydisDecodedInstruction *in,
                        const ZydisDecodedOperand *from, struct x86_op *op)
{
    struct x86_operand *o = &op->operand[op->count];
    bool second = false;

    for (unsigned i = 0; i < op->count; i++)
        second = second || op->operand[i].kind == X86_IMM;
    o->size = (uint8_t)(from->size / 8);
    switch (from->type) {
    case ZYDIS_OPERAND_TYPE_REGISTER:
        if (!put_register(from->reg.value, o))
            return false;
        break;
    case ZYDIS_OPERAND_TYPE_MEMORY:
        o->kind = X86_MEM;
        put_memory(in, &from->mem, op);
        break;
    case ZYDIS_OPERAND_TYPE_IMMEDIATE:
        o->kind = X86_IMM;
        put_immediate(&from->imm, op, second);
        break;
    case ZYDIS_OPERAND_TYPE_POINTER:
        o->kind = X86_IMM;
        op->imm = from->ptr.offset;
        op->imm2 = from->ptr.segment;
        break;
    default:
        return false;
    }
    op->count++;
    return true;
}

/* Its [rDI] is in DS, or where a prefix says, not in ES as a string's. */
static bool is_maskmov(const ZydisDecodedInstruction *in)
{
    return in->mnemonic == ZYDIS_MNEMONIC_MASKMOVQ ||
           in->mnemonic == ZYDIS_MNEMONIC_MASKMOVDQU;
}

/* The visible ones are the body's; of the hidden ones a string's source tells
 * which segment a prefix has chosen. */
static bool put_operands(const ZydisDecodedInstruction *in,
                         const ZydisDecodedOperand *operands, struct x86_op *op)
{
    for (unsigned i = 0; i < in->operand_count; i++) {
        const ZydisDecodedOperand *o = &operands[i];

        if (i < in->operand_count_visible) {
            if (op->count == X86_OPERANDS || !put_operand(in, o, op))
                return false;
        } else if (o->type == ZYDIS_OPERAND_TYPE_MEMORY &&
                   (gpr_of(o->mem.base) != X86_RDI || is_maskmov(in)) &&
                   o->mem.segment >= ZYDIS_REGISTER_ES &&
                   o->mem.segment <= ZYDIS_REGISTER_GS &&
                   gpr_of(o->mem.base) != X86_RSP) {
            op->seg = (uint8_t)(o->mem.segment - ZYDIS_REGISTER_ES);
        }
    }
    return true;
}

/* ---- The whole ---- */

static uint8_t flags_of(const ZydisDecodedInstruction *in)
{
    unsigned f = 0;

    if (in->attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE))
        f |= X86_REP;
    if (in->attributes & ZYDIS_ATTRIB_HAS_REPNE)
        f |= X86_REPNE;
    if (in->attributes & ZYDIS_ATTRIB_HAS_LOCK)
        f |= X86_LOCK;
    if (in->meta.branch_type != ZYDIS_BRANCH_TYPE_NONE ||
        (f & (X86_REP | X86_REPNE)))
        f |= X86_ENDS;
    return (uint8_t)f;
}

/* What the modelled processor lacks is decoded as it did before these came. */
static const ZydisDecoderMode absent[] = {
    ZYDIS_DECODER_MODE_MPX,      ZYDIS_DECODER_MODE_CET,
    ZYDIS_DECODER_MODE_LZCNT,    ZYDIS_DECODER_MODE_TZCNT,
    ZYDIS_DECODER_MODE_WBNOINVD, ZYDIS_DECODER_MODE_CLDEMOTE,
};

static void open_decoder(ZydisDecoder *d, unsigned bits)
{
    if (bits == 64)
        ZydisDecoderInit(d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    else if (bits == 32)
        ZydisDecoderInit(d, ZYDIS_MACHINE_MODE_LONG_COMPAT_32,
                         ZYDIS_STACK_WIDTH_32);
    else
        ZydisDecoderInit(d, ZYDIS_MACHINE_MODE_LONG_COMPAT_16,
                         ZYDIS_STACK_WIDTH_16);
    for (size_t i = 0; i < ARRAY_LEN(absent); i++)
        ZydisDecoderEnableMode(d, absent[i], ZYAN_FALSE);
}

/* The 11 bits by which x87 remembers its last instruction (SDM vol. 1,
 * 8.1.9). */
static uint64_t x87_opcode(const ZydisDecodedInstruction *in)
{
    return (in->opcode & 7u) << 8 | in->raw.modrm.mod << 6 |
           in->raw.modrm.reg << 3 | in->raw.modrm.rm;
}

bool x86_op_decode_available(void)
{
    return true;
}

int x86_op_decode(const uint8_t *bytes, size_t n, unsigned bits,
                  struct x86_op *op)
{
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    ZydisDecodedInstruction in;
    ZydisDecoder d;
    ZyanStatus st;

    *op =
        (struct x86_op){.base = X86_NO_REG, .index = X86_NO_REG, .seg = X86_DS};
    open_decoder(&d, bits);
    st = ZydisDecoderDecodeFull(&d, bytes, n, &in, operands);
    if (st == ZYDIS_STATUS_NO_MORE_DATA)
        return n < 15 ? -1 : -3;
    if (st == ZYDIS_STATUS_INSTRUCTION_TOO_LONG)
        return -3;
    if (ZYAN_FAILED(st))
        return -2;
    op->flags = flags_of(&in);
    op->size = (uint8_t)(in.operand_width / 8);
    op->asize = (uint8_t)(in.address_width / 8);
    op->detail = in.opcode & 15;
    if (in.meta.isa_ext == ZYDIS_ISA_EXT_X87) /* for FOP, which it is kept in */
        op->imm = x87_opcode(&in);
    if (!put_operands(&in, operands, op) || !choose_row(&in, op))
        return -2;
    op->len = in.length;
    return 0;
}

void x86_op_text(const uint8_t *bytes, size_t n, unsigned bits, uint64_t rip,
                 char *out, size_t cap)
{
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    ZydisDecodedInstruction in;
    ZydisFormatter f;
    ZydisDecoder d;

    if (!cap)
        return;
    out[0] = '\0';
    open_decoder(&d, bits);
    ZydisFormatterInit(&f, ZYDIS_FORMATTER_STYLE_INTEL);
    ZydisFormatterSetProperty(&f, ZYDIS_FORMATTER_PROP_ADDR_PADDING_ABSOLUTE,
                              ZYDIS_PADDING_DISABLED);
    ZydisFormatterSetProperty(&f, ZYDIS_FORMATTER_PROP_HEX_UPPERCASE,
                              ZYAN_FALSE);
    if (ZYAN_FAILED(ZydisDecoderDecodeFull(&d, bytes, n, &in, operands)) ||
        ZYAN_FAILED(ZydisFormatterFormatInstruction(
            &f, &in, operands, in.operand_count_visible, out, cap, rip, NULL)))
        out[0] = '\0';
}
