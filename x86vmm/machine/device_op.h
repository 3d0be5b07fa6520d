/* Instructions that touch a device in storage, decoded where there is no Zydis:
 * in a program with no C library under it.  Hardware says which address, but
 * not what is to be done. */
#ifndef X86VMM_MACHINE_DEVICE_OP_H
#define X86VMM_MACHINE_DEVICE_OP_H

#include "x86vmm/machine/op.h"

/* As x86_op_decode, for the integer instructions with an operand in storage
 * (device_op.def).  False: none of these; *op has len 0.  What is no
 * instruction at all (LOCK where it must not be) is not told from one: the
 * processor has executed it up to its operand. */
bool x86_device_op(const uint8_t *bytes, size_t n, unsigned bits,
                   struct x86_op *op);

#endif
