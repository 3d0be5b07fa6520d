/* Disassembly of one instruction, in the language of the assembler. */
#ifndef S370_MACHINE_DISASM_H
#define S370_MACHINE_DISASM_H

#include "s370/machine/insn.h"

/* Room for the longest line and its terminator. */
enum { S370_DISASM_SIZE = 48 };

/* Write the instruction at bytes[0..n) into out[0..cap), terminated:
 * mnemonic, blanks, operands, as "MVC   0(16,1),4(2)".  A BC or BCR gets its
 * extended mnemonic.  Bytes that are no instruction of this machine, or too
 * few, give "DC    X'B2FF0000'".
 *
 * Returns the bytes that were consumed: the length that bits 0-1 state, or n
 * if that is less; 0 when n is 0.  pc is not needed on System/370, where
 * nothing is relative to the instruction. */
size_t s370_disasm(const uint8_t *bytes, size_t n, uint64_t pc, char *out,
                   size_t cap);

/* Would assembling the line again give these very bytes?  False for a valid
 * instruction with ones in fields that the machine ignores (the right half of
 * SPM, R3 of a shift), whose line is the same as without them. */
bool s370_disasm_exact(const uint8_t *bytes, size_t n);

#endif
