/* The table of exiting instructions, decoding, and disassembly. */
#ifndef X86VMM_MACHINE_INSN_H
#define X86VMM_MACHINE_INSN_H

#include "base/table.h"

enum x86_format {
#define FORMAT(name, w, immediate, operands) X86_FMT_##name,
#include "x86vmm/machine/format.def"
#undef FORMAT
    X86_FMT_COUNT
};

enum x86_insn {
#define INSN(opcode, name, mnemonic, op, format) X86_OP_##name,
#include "x86vmm/machine/insn.def"
#undef INSN
    X86_OP_COUNT
};

/* Row per enum x86_insn. */
extern const struct insn_table x86_insns;

enum { X86_INSN_MAX = 15 }; /* bytes (Intel SDM vol. 2, ch. 2) */

struct x86_decoded {
    const struct insn_desc *insn; /* NULL: not one of the table */
    uint8_t len;                  /* bytes, prefixes included */
    uint8_t size;         /* of the operand: 1, 2, 4; 0 where there is none */
    uint8_t address_size; /* 2, 4, 8: which part of rCX, rSI, rDI counts */
    uint8_t imm;          /* port of IN and OUT with imm8 */
    bool rep;
};

/* Decode the instruction at bytes[0..n), in code of 16, 32 or 64 bits. */
void x86_decode(const uint8_t *bytes, size_t n, unsigned bits,
                struct x86_decoded *d);

/* "REP OUTSB", "IN EAX,DX", "CPUID"; "" and 0 for others.  Returns the
 * instruction's length. */
size_t x86_disasm(const uint8_t *bytes, size_t n, unsigned bits, char *out,
                  size_t cap);

#endif
