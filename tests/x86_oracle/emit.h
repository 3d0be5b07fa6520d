/* Machine code of a case, byte by byte, for its code segment's width. */
#ifndef TESTS_X86_ORACLE_EMIT_H
#define TESTS_X86_ORACLE_EMIT_H

#include "tests/x86_oracle/case.h"

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };
enum { NO_SEG = 0 };

/* Bytes, up to eight, the first one in the low byte of `bytes`. */
void ox_byte(struct ox_case *c, unsigned byte);
void ox_bytes(struct ox_case *c, unsigned n, uint64_t bytes);
/* Prefixes for 32-bit or 16-bit operands. */
void ox_operands(struct ox_case *c, unsigned bits);
/* MOV r32, imm32; in 64-bit code it clears the upper half. */
void ox_set(struct ox_case *c, unsigned reg, uint32_t value);
/* ModRM (and what follows) for [address], absolute; with a prefix in front
 * where the address would have 16 bits: so first this, then the opcode. */
void ox_address_size(struct ox_case *c);
void ox_modrm(struct ox_case *c, unsigned reg, uint32_t address);
/* The opcode, `n` bytes, on [address] with this segment's prefix. */
void ox_memory(struct ox_case *c, unsigned prefix, unsigned n, uint32_t opcode,
               unsigned reg, uint32_t address);
/* PUSH imm32, as wide as 32-bit operands make it (8 bytes in 64-bit code). */
void ox_push(struct ox_case *c, uint32_t value);
/* A word of the program's text. */
__attribute__((format(printf, 2, 3))) void ox_say(struct ox_case *c,
                                                  const char *format, ...);
/* One of the prefixes of segments, or none. */
unsigned ox_segment_prefix(struct ox_case *c);

#endif
