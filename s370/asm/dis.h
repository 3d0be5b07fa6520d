/* The disassembler of whole images: source that assembles to the same bytes. */
#ifndef S370_ASM_DIS_H
#define S370_ASM_DIS_H

#include "s370/asm/asm.h"

struct s370_dis_options {
    uint32_t origin;   /* address of the first byte; a multiple of 8 */
    bool plain;        /* no address and bytes behind each statement */
    int32_t bases[16]; /* what a base register is known to hold, or -1 */
};

/* Write the source of bytes[0..len) into out.  Every byte comes back when it
 * is assembled: what is no instruction, or one with bits that its mnemonic
 * does not show, becomes a DC.  Addresses that branches reach, by a base
 * register of the options or by none, get labels.  STATUS_BAD_INPUT: the
 * origin is no multiple of 8, or the image goes beyond 16 megabytes. */
MUST_USE enum status s370_dis(const uint8_t *bytes, size_t len,
                              const struct s370_dis_options *options,
                              struct s370_buffer *out, struct diag *d);

#endif
