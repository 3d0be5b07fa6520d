/* The instruction table, decoding, and what a body looks like. */
#ifndef S370_MACHINE_INSN_H
#define S370_MACHINE_INSN_H

#include "base/table.h"

enum s370_format {
#define FORMAT(name, length, operands) S370_FMT_##name,
#include "s370/machine/format.def"
#undef FORMAT
    S370_FMT_COUNT
};

enum s370_op {
#define INSN(opcode, name, format, priv, sens, op, title, effect) \
    S370_OP_##name,
#include "s370/machine/insn.def"
#undef INSN
    S370_OP_COUNT,
    S370_OP_INVALID = S370_OP_COUNT
};

/* Row per enum s370_op. */
extern const struct insn_table s370_insns;

struct s370_cpu;

/* A decoded instruction.  Register numbers that mean "none" when they are 0
 * (B1, B2, X2) are decoded to S370_GR_ZERO, a register that is always zero. */
struct s370_decoded {
    uint16_t op;     /* enum s370_op */
    uint8_t len;     /* bytes: 2, 4, 6 */
    uint8_t r1;      /* bits 8-11: R1, M1, L1 */
    uint8_t r2;      /* bits 12-15: R2, R3, M3, L2; X2 see x2 */
    uint8_t imm;     /* bits 8-15: I, I2, L */
    uint8_t x2;      /* index register of RX, else S370_GR_ZERO */
    uint8_t b1, b2;  /* base registers; the one of RX, RS, S is b2, of SI b1 */
    uint16_t d1, d2; /* displacements, alike */
};

/* Decode the instruction at bytes (6 bytes readable; its length from bits
 * 0-1).  An opcode that is not in the table gives S370_OP_INVALID. */
void s370_decode(const uint8_t bytes[6], struct s370_decoded *d);

/* Length in bytes from the first byte, whose bits 0-1 say it (GA22-7000,
 * "Instruction Formats"); the macro where a constant is needed. */
#define S370_INSN_LEN(first) ((first) < 0x40 ? 2 : (first) < 0xC0 ? 4 : 6)

static inline unsigned s370_insn_len(uint8_t first)
{
    return S370_INSN_LEN(first);
}

/* What became of an instruction.  0, or a program-interruption code
 * (interruption.def), or one of the values below.  Returned, never thrown. */
enum s370_outcome {
    S370_DONE = 0,
    /* 0x0001 .. 0x00ff: program-interruption codes */
    S370_SVC = 0x100, /* supervisor call: interruption, code cpu->svc_code */
    S370_SYNC, /* done, and masks, mapping, keys or timers changed: whoever
                * drives must look at pending interruptions and drop what it
                * has cached */
};

/* A body: what the instruction does, as the manual says it, and nothing else.
 * On entry psw.ia already points to the next sequential instruction; a branch
 * overwrites it.  A body that returns a program-interruption code has changed
 * nothing that the manual does not say (suppression, nullification). */
typedef int (*s370_body_fn)(struct s370_cpu *, const struct s370_decoded *);

#define INSN(opcode, name, format, priv, sens, op, title, effect) \
    int op_##op(struct s370_cpu *, const struct s370_decoded *);
#include "s370/machine/insn.def"
#undef INSN

extern const s370_body_fn s370_bodies[S370_OP_COUNT];

#endif
