/* Channel programs on our machine and on Hercules: the table of programs, the
 * machines, and what each has left. */
#ifndef TESTS_IO_ORACLE_H
#define TESTS_IO_ORACLE_H

#include "base/types.h"

/* io.asm's addresses, and where programs have room. */
enum {
    STORAGE = 0x200000,
    AT_COUNT = 0x200,
    AT_MODE = 0x204,
    AT_CHANNEL_ID = 168,
    CASES = 0x2000,
    IO_CASE_SIZE = 0x400,
    AREA = 0x100000,   /* for large data */
    FENCED = 0x180000, /* key 3, fetch protection */
    BEYOND = 10,       /* bytes at the end of storage, and more outside */

    /* A case. */
    CASE_DEVICE = 0,
    CASE_INSTRUCTION = 2,
    CASE_CAW = 4,
    PROGRAM = 8,
    CASE_CC = 96,
    CASE_COUNT = 97,
    CASE_CSW = 104,
    CASE_CSWS = 112, /* CSWS_MAX of them */
    CSWS_MAX = 6,
    DATA = 256
};

/* What of a program's end may differ. */
enum {
    FIELD_CC = 1,        /* the instruction's condition code */
    FIELD_CSW = 2,       /* what it left of the CSW */
    FIELD_SPLIT = 4,     /* how the status is divided among CSWs */
    FIELD_ADDRESS = 8,   /* of the last CCW, in a CSW */
    FIELD_RESIDUAL = 16, /* count in a CSW */
    FIELD_UNIT = 32,
    FIELD_CHANNEL = 64,
    FIELD_DATA = 128, /* the first four bytes */
    FIELD_TAIL = 256  /* the others */
};

enum difference {
#define DIFFERENCE(name, fields, why) name,
#include "tests/oracle/io_difference.def"
#undef DIFFERENCE
    DIFFERENCES
};

struct io_difference {
    const char *name;
    unsigned fields; /* FIELD_* */
};
extern const struct io_difference io_differences[DIFFERENCES];

/* A doubleword of a program: a CCW, or two indirect-address words. */
struct doubleword {
    uint32_t first, second; /* addresses below IO_CASE_SIZE: in the case */
    bool addresses;         /* both are */
};

/* A row of io_program.def. */
struct program {
    const char *name;
    uint16_t instruction, device;
    uint32_t caw; /* is added to it */
    const struct doubleword *words;
    unsigned count; /* of the words */
    const char *data;
    enum difference difference;
};

extern const struct program io_programs[];
extern const unsigned io_program_count;

static inline uint32_t io_case(unsigned i)
{
    return CASES + i * IO_CASE_SIZE;
}

/* What is written, and how Hercules' files differ (our choice). */
struct io_file {
    const char *name;
    unsigned columns; /* it prints beyond them, and what no train has */
    bool forms;       /* it loses the form when spaces go over its end, and
                       * feeds one more before a skip */
};
enum { IO_FILES = 9 };
extern const struct io_file io_files[IO_FILES];

/* What a machine has left. */
struct file {
    uint8_t *bytes;
    size_t len;
};
struct outcome {
    char text[1024];             /* statements of the devices */
    uint8_t *storage;            /* owned */
    uint32_t wait;               /* address in the last PSW; 0: at the end */
    struct file files[IO_FILES]; /* their bytes are owned */
};

/* Run all programs, taking status by TEST I/O or by interruptions.  A failure
 * fails the test.  The caller forgets both outcomes. */
void io_run(bool interruptions, struct outcome *ours, struct outcome *theirs);
void io_forget(struct outcome *o);

#endif
