/* An instruction that touches a device in storage: hardware says which address,
 * but not what is to be done.
 *
 * Those of one access are known, as compilers use them for devices: MOV, MOVZX,
 * MOVSX, CMP, TEST, ADD OR AND SUB XOR of a register with storage, STOS and
 * LODS.  No others: the guest is stopped.
 * Source: Intel SDM vol. 2, appendix A, "Opcode Map". */
#ifndef X86VMM_MACHINE_EMULATE_H
#define X86VMM_MACHINE_EMULATE_H

#include "x86vmm/machine/state.h"

enum emulate_op {
    EMULATE_STORE,
    EMULATE_LOAD, /* zero-extended */
    EMULATE_SIGNED,
    EMULATE_ADD, /* in the order of ModRM.reg in opcode 80 */
    EMULATE_OR,
    EMULATE_AND = EMULATE_ADD + 4,
    EMULATE_SUB,
    EMULATE_XOR,
    EMULATE_CMP,
    EMULATE_TEST,
    EMULATE_STRING /* STOS, LODS */
};

struct emulation {
    enum emulate_op op;
    bool write;     /* to the device */
    uint8_t len;    /* of the instruction */
    uint8_t size;   /* of the access: 1, 2, 4, 8 */
    uint8_t to;     /* of a load: size of the register, */
    uint8_t reg;    /* its number: below 16, or 16 + AH CH DH BH */
    uint64_t value; /* to write, or the other operand */
    bool rep;
    uint8_t address; /* size of rCX, rSI, rDI */
    uint8_t opcode;
};

/* The instruction at these bytes; false: none of ours. */
bool emulate_decode(const struct x86_state *s, const uint8_t *bytes, size_t n,
                    struct emulation *e);
/* The device has answered with `value` (of a load): the rest of what the
 * instruction does, but for RIP.  False: RIP stays, there is more of it. */
bool emulate_finish(const struct emulation *e, struct x86_state *s,
                    uint64_t value);

/* A register of 1, 2, 4 or 8 bytes, as `reg` above. */
uint64_t emulate_get(const struct x86_state *s, unsigned reg, unsigned size);
void emulate_set(struct x86_state *s, unsigned reg, unsigned size,
                 uint64_t value);

#endif
