/* How long an instruction is, without knowing what it does. */
#ifndef X86VMM_MACHINE_LENGTH_H
#define X86VMM_MACHINE_LENGTH_H

#include "base/types.h"

/* Bytes of the instruction at bytes[0..n), in code of 16, 32 or 64 bits.  0:
 * it does not end there, is longer than 15 bytes, is no instruction, or is in
 * VEX, EVEX or XOP encoding, which guests of the x86-64 baseline do not have.
 * Source: Intel SDM vol. 2, ch. 2 and appendix A, "Opcode Map". */
unsigned x86_length(const uint8_t *bytes, size_t n, unsigned bits);

#endif
