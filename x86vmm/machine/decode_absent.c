/* In the place of decode.c where there is no Zydis to build it with: the
 * modelled processor knows no instruction, and its users ask first. */
#include "x86vmm/machine/op.h"

bool x86_op_decode_available(void)
{
    return false;
}

int x86_op_decode(const uint8_t *bytes, size_t n, unsigned bits,
                  struct x86_op *op)
{
    (void)bytes, (void)n, (void)bits;
    *op = (struct x86_op){.base = X86_NO_REG, .index = X86_NO_REG};
    return -2;
}

void x86_op_text(const uint8_t *bytes, size_t n, unsigned bits, uint64_t rip,
                 char *out, size_t cap)
{
    (void)bytes, (void)n, (void)bits, (void)rip;
    if (cap)
        out[0] = '\0';
}
