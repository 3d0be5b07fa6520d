/* Random cases of floating point and vectors. */
#ifndef TESTS_X86_HOST_FLOAT_CASE_H
#define TESTS_X86_HOST_FLOAT_CASE_H

#include "tests/x86_host/case.h"

/* See float.def. */
enum {
    FIXED = 0x1,
    ST = 0x2,
    MEM = 0x4,
    VEC = 0x8,
    MVEC = 0x10,
    REG = 0x20,
    NONE = 0x40,
    IMM = 0x80,
    NEAR = 0x100,
    PART = 0x200,
    RCP = 0x400,
    IMM3 = 0x800,     /* a byte up to 7 */
    IMMS = 0x1000,    /* a byte up to 70 */
    DI = 0x2000,      /* [rdi] is the operand */
    ONLY_PS = 0x4000, /* registers only without a prefix */
    COMP = 0x8000,
    OPEN = 0x10000,
    LOAD = 0x20000
};

enum float_data { F32, F64, F80, I16, I32, I64, BCD, CW, UNIT, ANY };

struct float_row {
    const char *name;
    uint8_t size;
    uint8_t opcode[4];
    uint8_t modrm;
    uint32_t how;
    uint8_t data;
};

/* What lies in storage: the operand, 64 bytes further the FXSAVE image that is
 * loaded before. */
enum { FLOAT_OPERAND = 64, FLOAT_IMAGE = 1024, FLOAT_AFTER = 2048 };

struct float_case {
    const struct float_row *row;
    uint8_t code[16];
    uint8_t size;
    uint8_t operand[FLOAT_OPERAND];
    uint8_t image[512];
    uint64_t gpr[16]; /* RDX RDI RBP are the runner's */
    uint64_t rflags;
};

size_t float_rows(const struct float_row **rows);
void float_make(struct float_case *c, struct case_random *r,
                const struct float_row *row);

#endif
