/* Where an instruction's operands lie, and how the assembler writes them.
 *
 * Read from the third column of format.def, so that the assembler and the
 * disassembler cannot disagree with the table or with each other. */
#ifndef S370_MACHINE_OPERAND_H
#define S370_MACHINE_OPERAND_H

#include "s370/machine/insn.h"

enum { S370_OPERANDS_MAX = 3 };

/* A field of the instruction; bits counted from its left, as in GA22-7000,
 * "Instruction Formats".  width 0: there is no such field. */
struct s370_field {
    uint8_t first, width;
    bool less_one; /* a length: the code is one less than what is written */
};

enum s370_operand_kind {
    S370_OPERAND_REGISTER,  /* R1 R2 R3 */
    S370_OPERAND_MASK,      /* M1 M3 */
    S370_OPERAND_IMMEDIATE, /* I I2 I3 */
    S370_OPERAND_STORAGE    /* D(B), D(X,B), D(L,B) */
};

struct s370_operand {
    enum s370_operand_kind kind;
    struct s370_field field;  /* of STORAGE: the displacement */
    struct s370_field base;   /* of STORAGE only */
    struct s370_field index;  /* of D(X,B) only */
    struct s370_field length; /* of D(L,B) only */
};

/* The operands of a format in the order in which they are written; returns
 * how many, at most S370_OPERANDS_MAX. */
unsigned s370_format_operands(enum s370_format f,
                              struct s370_operand out[S370_OPERANDS_MAX]);

/* Bytes of an instruction of this format. */
unsigned s370_format_length(enum s370_format f);

/* Its operands as the manual writes them: "R1,D2(X2,B2)". */
const char *s370_format_text(enum s370_format f);

/* A field of the instruction at bytes (left-aligned in a 48-bit number). */
static inline unsigned s370_field_get(uint64_t insn, struct s370_field f)
{
    return (unsigned)(insn >> (48 - f.first - f.width)) & ((1u << f.width) - 1);
}

static inline uint64_t s370_field_put(uint64_t insn, struct s370_field f,
                                      unsigned value)
{
    return insn | (uint64_t)(value & ((1u << f.width) - 1))
                      << (48 - f.first - f.width);
}

/* The opcode of a row, placed in an otherwise empty 48-bit instruction. */
static inline uint64_t s370_opcode_put(uint32_t opcode)
{
    return (uint64_t)opcode << (opcode > 0xFF ? 32 : 40);
}

#endif
