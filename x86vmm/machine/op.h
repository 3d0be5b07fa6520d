/* A decoded instruction, and the bodies that execute one.
 *
 * Zydis decodes (decode.c, the only file that includes it); what bodies see is
 * this.  One is made when an instruction is first met and is kept by code.c.
 * Source of every operand form: Intel SDM vol. 2. */
#ifndef X86VMM_MACHINE_OP_H
#define X86VMM_MACHINE_OP_H

#include "base/bits.h"
#include "x86vmm/machine/access.h"
#include "x86vmm/machine/flags.h"

enum x86_operand_kind {
    X86_NONE,
    X86_REG,    /* general register `reg` */
    X86_REG_HI, /* AH CH DH BH: reg 0 to 3 */
    X86_MEM,    /* the op's one memory operand */
    X86_IMM,    /* op->imm, sign-extended as the instruction wants it */
    X86_SREG,
    X86_CREG,
    X86_DREG,
    X86_ST, /* x87, reg relative to TOP */
    X86_MM,
    X86_XMM
};

struct x86_operand {
    uint8_t kind; /* enum x86_operand_kind */
    uint8_t reg;
    uint8_t size; /* bytes: 1 2 4 8 10 16; of far pointers the offset's */
};

enum { X86_OPERANDS = 4, X86_NO_REG = 0xFF };

enum {
    X86_REP = 1,
    X86_REPNE = 2,
    X86_LOCK = 4,
    X86_RIP_RELATIVE = 8,
    X86_ENDS = 16, /* a branch: no instruction follows in its block */
    X86_CPL0 = 32, /* #GP(0) at any other CPL */
    X86_UMIP = 64  /* likewise while CR4.UMIP is set */
};

struct x86_op {
    int (*body)(struct x86_cpu *cpu, const struct x86_op *op);
    uint16_t id;   /* enum x86_op_id, of op.def */
    uint8_t len;   /* bytes */
    uint8_t flags; /* X86_REP ... */
    uint8_t size;  /* operand size in bytes: 1 2 4 8 */
    uint8_t asize; /* address size: 2 4 8 */
    uint8_t seg;   /* enum x86_seg of the memory operand, prefixes applied */
    uint8_t base, index, scale; /* X86_NO_REG; RIP-relative: base none */
    uint8_t count;              /* of operands, explicit ones */
    uint8_t detail; /* the condition of Jcc SETcc CMOVcc (bits 0-3 of the
                     * opcode); other bodies' own use */
    int64_t disp;
    uint64_t imm, imm2; /* imm2: selector of a far pointer, second of ENTER;
                         * imm of an x87 instruction: its opcode, as in FOP */
    struct x86_operand operand[X86_OPERANDS];
};

typedef int (*x86_body)(struct x86_cpu *cpu, const struct x86_op *op);

/* Every instruction, a row of op.def. */
enum x86_op_id {
#define OP(name, priv, body, title) X86_INSN_##name,
#include "x86vmm/machine/op.def"
#undef OP
    X86_INSN_COUNT
};

/* The other wing has bodies of these names, in the same program. */
#define op_clc x86_op_clc
#define op_cli x86_op_cli
#define op_ltr x86_op_ltr
#define op_or  x86_op_or
#define op_stc x86_op_stc
#define op_std x86_op_std

#define OP(name, priv, body, title) \
    int body(struct x86_cpu *cpu, const struct x86_op *op);
#include "x86vmm/machine/op.def"
#undef OP

/* Was the program built with Zydis?  Without it the processor can execute
 * nothing: x86_op_decode finds no instruction anywhere. */
bool x86_op_decode_available(void);
/* What to say then, after the name of what cannot be used. */
#define X86_NO_DECODER \
    "this trapline was built without Zydis (package libzydis-dev)"

/* Decode bytes[0..n) in code of 16, 32 or 64 bits.  0; X86_FAULT-like codes
 * are the caller's: -1: these n bytes are a prefix of a longer one, -2: not an
 * instruction of this machine (#UD; *op has len 0), -3: longer than 15 (#GP).
 */
int x86_op_decode(const uint8_t *bytes, size_t n, unsigned bits,
                  struct x86_op *op);

/* The same in words, in Intel's syntax: "mov eax, [rbx+0x08]"; an instruction
 * of any x86, at this address (targets of branches are absolute).  "" when
 * there is none. */
void x86_op_text(const uint8_t *bytes, size_t n, unsigned bits, uint64_t rip,
                 char *out, size_t cap);

/* ---- What bodies use ---- also flags.h */

static inline uint64_t x86_cut(uint64_t v, unsigned size)
{
    return v & BITS_MASK(size * 8);
}

static inline int64_t x86_sign(uint64_t v, unsigned size)
{
    unsigned shift = 64 - size * 8;

    return (int64_t)(v << shift) >> shift;
}

/* Offset of the memory operand, cut to the address size. */
static inline uint64_t x86_offset(const struct x86_cpu *cpu,
                                  const struct x86_op *op)
{
    uint64_t a = (uint64_t)op->disp;

    if (op->base != X86_NO_REG)
        a += cpu->state.gpr[op->base];
    if (op->index != X86_NO_REG)
        a += cpu->state.gpr[op->index] << op->scale;
    if (op->flags & X86_RIP_RELATIVE)
        a += cpu->next_rip;
    return op->asize == 8 ? a : op->asize == 4 ? (uint32_t)a : (uint16_t)a;
}

/* A general register, or a part of it.  Writing 4 bytes clears the upper half
 * (SDM vol. 1, "General-Purpose Registers in 64-Bit Mode"). */
static inline uint64_t x86_gpr(const struct x86_cpu *cpu, unsigned reg,
                               unsigned size)
{
    uint64_t v = cpu->state.gpr[reg];

    return size == 8   ? v
           : size == 4 ? (uint32_t)v
           : size == 2 ? (uint16_t)v
                       : (uint8_t)v;
}

static inline void x86_set_gpr(struct x86_cpu *cpu, unsigned reg, unsigned size,
                               uint64_t v)
{
    uint64_t *r = &cpu->state.gpr[reg];

    if (size == 8)
        *r = v;
    else if (size == 4)
        *r = (uint32_t)v;
    else if (size == 2)
        *r = (*r & ~UINT64_C(0xFFFF)) | (uint16_t)v;
    else
        *r = (*r & ~UINT64_C(0xFF)) | (uint8_t)v;
}

/* Operand i as a number: general register, memory (may fault), immediate,
 * segment selector. */
MUST_USE int x86_get(struct x86_cpu *cpu, const struct x86_op *op, unsigned i,
                     uint64_t *value);
MUST_USE int x86_put(struct x86_cpu *cpu, const struct x86_op *op, unsigned i,
                     uint64_t value);
/* For read-modify-write of operand 0: reads it and makes sure that x86_put of
 * it will work. */
MUST_USE int x86_get_rmw(struct x86_cpu *cpu, const struct x86_op *op,
                         uint64_t *value);

/* May the program do this?  PRIV_P of op.def is asked by the driver, before
 * the body; IOPL and the I/O permission map by x86_io_allowed. */
MUST_USE int x86_io_allowed(struct x86_cpu *cpu, unsigned port, unsigned size);

/* Bits of CR4 that this processor has, and those that it has without its part
 * for assistance: SMAP SMEP UMIP OSXMMEXCPT OSFXSR PCE PGE PAE PSE DE TSD, as
 * CPUID says. */
#define X86_CR4_OWN UINT64_C(0x300FFC)
uint64_t x86_cr4_own(const struct x86_cpu *cpu);

/* Is there such a control register?  Would MOV put this value there, as far as
 * that is known without looking into storage: 0, or #UD, #GP. */
bool x86_has_creg(unsigned reg);
MUST_USE int x86_check_creg(struct x86_cpu *cpu, unsigned reg, uint64_t value);

/* MOV to CR0 2 3 4 8, with all that comes of it; an outcome. */
int x86_set_creg(struct x86_cpu *cpu, unsigned reg, uint64_t value);

/* ---- Control transfers ---- far.c, interrupt.c */

/* Go to this offset in CS: checks limit or canonical form, #GP(0); sets
 * cpu->next_rip. */
MUST_USE int x86_jump_near(struct x86_cpu *cpu, uint64_t to, unsigned size);

/* Load a data, stack or FS/GS segment register with all checks of MOV. */
MUST_USE int x86_load_segment(struct x86_cpu *cpu, enum x86_seg seg,
                              uint16_t selector);

/* Deliver cpu->fault through the IDT (or IVT): gates, stack switches, task
 * gates, double and triple faults.  X86_SYNC, or X86_SHUTDOWN. */
int x86_deliver_fault(struct x86_cpu *cpu);
/* The same of one that a monitor injects: it is not asked whether it wants it,
 * only of what comes of it. */
int x86_inject_fault(struct x86_cpu *cpu);

#endif
