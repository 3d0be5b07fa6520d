/* This host's own processor as the reference for ours: a few instructions with
 * given registers, in 64-bit code or in 32-bit code of compatibility mode. */
#ifndef TESTS_X86_HOST_HOST_H
#define TESTS_X86_HOST_HOST_H

#include "base/types.h"

/* Where things lie, in this process and in the machine alike.  Around each is
 * nothing. */
enum {
    HOST_DATA = 0x10010000,
    HOST_DATA_SIZE = 0x2000, /* may be written */
    HOST_FIXED = HOST_DATA + HOST_DATA_SIZE,
    HOST_FIXED_SIZE = 0x1000, /* may only be read; follows the data */
    HOST_CODE = 0x20010000,   /* may be run and read */
    HOST_CODE_SIZE = 0x1000,
    HOST_DOOR = 0x30010000 /* how to get in and out: the process's only */
};

/* Bits of RFLAGS that are loaded and compared: CF PF AF ZF SF DF OF. */
#define HOST_FLAGS UINT64_C(0xCD5)
#define HOST_TF    UINT64_C(0x100)

struct host_state {
    uint64_t gpr[16]; /* in the order of their numbers */
    uint64_t rip, rflags;
    /* Afterwards.  vector -1: it went to the end of the code. */
    int vector;
    uint32_t error;
    uint64_t cr2; /* of vector 14 */
};

/* NULL, or why this host cannot: another processor, or no room.  To be called
 * once in a process, which must not use signals of errors afterwards. */
const char *host_open(void);
/* Does 32-bit code run? */
bool host_has_32(void);

/* Has this process something there?  Then the code must not touch it. */
bool host_is_mapped(uint64_t address);

/* Put code at HOST_CODE and behind it the way out. */
void host_load(const uint8_t *bytes, size_t size, unsigned bits);
/* From *s on until the end, an exception, or, with HOST_TF in rflags, after
 * one instruction (vector 1). */
void host_run(struct host_state *s, unsigned bits);

#endif
