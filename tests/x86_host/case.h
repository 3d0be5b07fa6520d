/* Random cases: a few instructions of the user's integer set, and registers
 * that let most of them reach storage. */
#ifndef TESTS_X86_HOST_CASE_H
#define TESTS_X86_HOST_CASE_H

#include "tests/x86_host/host.h"
#include "x86vmm/machine/op.h"

enum { CASE_INSNS = 6, CASE_BYTES = CASE_INSNS * 16 };

struct host_case {
    uint8_t code[CASE_BYTES];
    unsigned size, bits; /* bytes; 32 or 64 */
    unsigned last;       /* offset of the last instruction */
    struct x86_op op;    /* the last one; len 0: no instruction (#UD) */
    bool trace;          /* one instruction with TF on: a branch */
    struct host_state start;
};

struct case_random {
    uint64_t state;
};

uint64_t case_random(struct case_random *r);

/* The next case.  `data` is what HOST_DATA holds; an address that a branch is
 * to find may be put there. */
void case_make(struct host_case *c, struct case_random *r, unsigned bits,
               uint8_t *data);

/* The undefined flags after op with this state before it; X86_RESULT: more
 * than flags. */
#define X86_RESULT (UINT64_C(1) << 63)
uint64_t case_undefined(const struct x86_op *op, const uint64_t gpr[16]);

#endif
