/* A random case of the x86 oracle: a state, an arena that differs from the
 * template in places, and code in it. */
#ifndef TESTS_X86_ORACLE_CASE_H
#define TESTS_X86_ORACLE_CASE_H

#include "base/bytes.h"
#include "tests/oracle/rng.h"
#include "tests/x86_oracle/layout.h"

enum { GPRS = 16, CASE_BYTES_MAX = 64 * 1024 };

/* Where the case's program begins. */
enum ox_mode {
    OX_REAL,
    OX_PROTECTED,
    OX_V86,
    OX_LONG,
    OX_COMPAT,
    OX_MODE_COUNT
};

struct ox_case {
    enum ox_mode mode;
    bool more;          /* of the second stream of cases */
    unsigned cpl, bits; /* of the code segment: 16, 32, 64 */
    struct rng rng;
    uint32_t field[CASE_GPR / 4]; /* by CASE_ offset / 4 */
    uint64_t gpr[GPRS];
    uint8_t arena[ARENA_SIZE];
    uint32_t at, end; /* where the next byte of code goes, and none may */
    uint32_t slots;   /* of operands in storage that are taken */
    char text[2048];  /* what the program is, for people */
    uint32_t text_end;
};

/* GDT and LDT of the template, beside those of layout.h. */
enum {
    SEL_TSS = 0x38,
    SEL_TSS_B = 0x40,
    SEL_TSS_DF = 0x48,
    SEL_TSS_16 = 0x50,
    SEL_TSS_64 = 0x58, /* 16 bytes */
    SEL_LDT = 0x68,    /* 16 bytes */
    SEL_CODE_1 = 0x78,
    SEL_DATA_1 = 0x80,
    SEL_CODE_2 = 0x88,
    SEL_DATA_2 = 0x90,
    SEL_CODE_3 = 0x98,
    SEL_DATA_3 = 0xA0,
    SEL_CODE64_3 = 0xA8,
    SEL_CONFORMING = 0xB0,
    SEL_CODE16_3 = 0xB8, /* base AT_CODE3 */
    SEL_DATA16_3 = 0xC0,
    SEL_DOWN = 0xC8,
    SEL_READ_ONLY = 0xD0,
    SEL_EXECUTE_ONLY = 0xD8,
    SEL_ABSENT = 0xE0,
    SEL_CODE_ABSENT = 0xE8,
    SEL_CALL = 0xF0,
    SEL_CALL_16 = 0xF8,
    SEL_TASK_GATE = 0x100,
    SEL_CALL_CONFORMING = 0x108,
    SEL_CALL_64 = 0x110, /* 16 bytes */
    SEL_CALL_PARAMS = 0x120,
    SEL_DATA16_0 = 0x128,
    SEL_RANDOM = 0x140, /* eight, of the case's own */
    SEL_LIMIT = 0x180,
    LDT_ENTRIES = 16
};

/* Type and rights: bits 8-15 and 20-23 of the upper doubleword, closed up. */
enum {
    A_P = 0x80,
    A_S = 0x10,
    A_DPL3 = 0x60,
    A_AVL = 0x100,
    A_L = 0x200,
    A_DB = 0x400,
    A_G = 0x800
};

/* ---- arena.c ---- */
void ox_put_descriptor(uint8_t *at, uint32_t base, uint32_t limit,
                       unsigned attr);
void ox_put_gate(uint8_t *at, unsigned selector, uint32_t offset, unsigned attr,
                 unsigned count);
/* Fill in the tables of a template that has the recorders. */
void ox_make_tables(uint8_t *arena);

/* ---- generate.c ---- */
void ox_generate(struct ox_case *c, const uint8_t *arena, uint64_t seed,
                 uint32_t number, bool more);

/* ---- state.c ---- all but the program */
void ox_random_state(struct ox_case *c);

/* ---- more.c ---- what the second stream has of its own; after
 * ox_random_state */
void ox_more_state(struct ox_case *c);

/* ---- program.c ---- */
void ox_random_program(struct ox_case *c);

/* ---- choose.c ---- what is often interesting */
/* 16 bytes of the program's data, for this step alone: an offset in the pages
 * AT_DATA3 and AT_DATA0. */
uint32_t ox_slot(struct ox_case *c);
uint32_t ox_selector(struct ox_case *c);
uint32_t ox_address(struct ox_case *c);
/* For a breakpoint. */
uint32_t ox_value(struct ox_case *c);
uint32_t ox_flags(struct ox_case *c);
uint32_t ox_dr7(struct ox_case *c);
static inline uint32_t ox_below(struct ox_case *c, uint32_t n)
{
    return rng_below(&c->rng, n);
}
static inline bool ox_chance(struct ox_case *c, uint32_t percent)
{
    return rng_chance(&c->rng, percent);
}
#define OX_PICK(c, list) ((list)[ox_below(c, ARRAY_LEN(list))])

/* The case as it stands in an image; returns its length.  `plain`: the
 * template. */
size_t ox_encode(const struct ox_case *c, const uint8_t *plain, uint8_t *to);

#endif
