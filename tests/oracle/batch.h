/* A batch: an image of storage with the driver and some thousand cases, and
 * what is known of each case. */
#ifndef TESTS_ORACLE_BATCH_H
#define TESTS_ORACLE_BATCH_H

#include "s370/machine/insn.h"
#include "tests/oracle/layout.h"
#include "tests/oracle/rng.h"

#include "base/bytes.h"

/* Why a case is not run on both machines. */
enum fate {
    FATE_RUN,
    FATE_LATER,     /* uses what Hercules has and GA22-7000-4 does not */
    FATE_UNNOTICED, /* an exception that Hercules does not look for: a page
                     * table exceeded, ZAP with improper overlap */
    FATE_OPEN,      /* the manual calls the result unpredictable */
    FATE_WILD,      /* would lose control of the machine, or depends on time */
    FATE_COUNT
};

/* What the first run found out about a case. */
struct fact {
    enum fate fate;
    uint16_t last_op;      /* enum s370_op of the last instruction begun */
    uint32_t executed;     /* instructions */
    bool later_opcode;     /* FATE_LATER for its operation code */
    bool accepted;         /* and our machine executed it: wrong */
    bool clock;            /* stored a clock's value: its bytes do not count */
    bool reset_reference;  /* executed RRB */
    bool changed_fetching; /* executed SSK or LCTL: what was fetched before may
                            * still be executed */
    bool fetch;            /* the last instruction could not be fetched whole */
    bool fetch_target;     /* or the target of EX could not */
    bool executed_target;  /* last is the target of EX */
    uint32_t next_block;   /* of the instruction after LCTL, before it */
    uint16_t long_registers; /* address registers of MVCL and CLCL, a bit
                              * each */
    uint16_t key_registers;  /* R1 of ISK, a bit each */
    uint32_t possible; /* access exceptions of the last instruction's operands:
                        * bit n for program-interruption code n */
    uint16_t last_bytes; /* its first halfword */
    uint32_t last_at;    /* its logical address */
    struct s370_decoded last;
};

struct batch {
    uint8_t *image;  /* STORAGE_SIZE bytes: before */
    uint8_t *result; /* STORAGE_SIZE bytes: after, on our machine */
    struct fact *facts;
    unsigned count; /* cases */
};

/* 0 if the host has no memory. */
bool batch_init(struct batch *b);
void batch_fini(struct batch *b);

/* Fill the image with `count` random cases.  driver: DRIVER_SIZE bytes. */
void batch_generate(struct batch *b, const uint8_t *driver, unsigned count,
                    struct rng *r);
/* Let cases first..first+count-1 be run by the next restart of an image. */
void batch_select(uint8_t *image, unsigned first, unsigned count);

/* Make the case harmless: it only calls the supervisor. */
void batch_blank(struct batch *b, unsigned number);

static inline uint32_t case_at(unsigned number)
{
    return AT_CASES + number * CASE_SIZE;
}

/* ---- generate.c's parts ---- */

/* Random operands: packed numbers, floating point, patterns, anything. */
void fill_operands(struct rng *r, uint8_t *p, unsigned len);
/* Tables for translation, at AT_TABLES; `set` 0..TABLE_SETS-1. */
enum { TABLE_SETS = 8, TABLE_SET_SIZE = 0x4000 };
void fill_tables(struct rng *r, uint8_t *image);
/* Sixteen control registers that leave nothing to another feature. */
void fill_control_registers(struct rng *r, uint8_t *at);
/* A PSW in either mode, without the wait and PER bits mostly. */
uint64_t random_psw(struct rng *r, unsigned key, uint32_t ia);
/* One case. */
void fill_case(struct rng *r, uint8_t *at);
/* One instruction at p (6 bytes of room), its length. */
unsigned fill_insn(struct rng *r, uint8_t *p, bool executed);
/* Words and PSWs that privileged instructions load, CONTROL_AREA on. */
void fill_control(struct rng *r, uint8_t *image);

/* Register use of the cases: generate_insn.c chooses bases accordingly. */
enum {
    REG_CODE = 7,     /* address of the code */
    REG_DATA = 8,     /* 8-11: addresses of data */
    REG_CONTROL = 12, /* CONTROL_AREA */
    REG_BLOCK = 13    /* address of a block */
};
enum {
    CODE_FIELD = AT_REGION + 0x80, /* full of supervisor calls */
    CODE_FIELD_SIZE = 0x180,
    CODE_TARGET = 32, /* of EX, in a case's code */
    CONTROL_AREA = AT_REGION + 0x400,
    CONTROL_CR = 0x00,     /* two sets of control registers */
    CONTROL_PSW = 0x80,    /* eight */
    CONTROL_PREFIX = 0xC0, /* eight words */
    CONTROL_TIMER = 0xE0,  /* four doublewords each */
    CONTROL_COMPARATOR = 0x100,
    CONTROL_CLOCK = 0x120
};

#endif
