/* Where everything of a batch stands in storage: driver.asm's addresses, and
 * what the host puts around them. */
#ifndef TESTS_ORACLE_LAYOUT_H
#define TESTS_ORACLE_LAYOUT_H

/* Absolute addresses. */
enum {
    AT_NCASE = 0x200, /* the driver's variables, see driver.asm */
    AT_FIRST = 0x204,
    AT_CUR = 0x210,
    AT_LEFT = 0x214,
    AT_TOPBLOCK = 0x218,
    AT_LASTBLK = 0x278,
    AT_STRETCH2 = 0x288,
    AT_RESUME = 0x2F0,  /* where to begin when all keys are FENCE_KEY */
    AT_ALT = 0x4000,    /* the copy of page 0 for cases that set the prefix */
    AT_REGION = 0x8000, /* four blocks that cases work on; the fifth is the
                         * end of storage */
    AT_COPY = 0xC000,   /* of both, to find what was changed */
    AT_COPY_END = 0xE000,
    AT_PRISTINE = 0x10000, /* what they are before a case */
    AT_PRISTINE_END = 0x12000,
    AT_TABLES = 0x20000, /* for dynamic address translation */
    AT_CASES = 0x40000
};

enum {
    STORAGE_SIZE = 0x800000,
    STORAGE_END_BLOCK = STORAGE_SIZE - 0x800,
    REGION_SIZE = 0x2000,
    DRIVER_SIZE = 0x1000,
    CASE_SIZE = 1024,
    CASES_MAX = (STORAGE_END_BLOCK - AT_CASES) / CASE_SIZE,
    FENCE_KEY = 0xF8, /* key 15, fetch protection */
    DONE_ADDRESS = 0  /* of the wait PSW that ends a batch */
};

/* A case: offsets from its start.  The first 384 bytes are what was before,
 * the rest is what the driver recorded after. */
enum {
    CASE_PSW = 0,
    CASE_GR = 8,
    CASE_FPR = 72,
    CASE_CR = 104,
    CASE_KEYS = 168, /* of the five blocks */
    CASE_COMPARATOR = 176,
    CASE_TIMER = 184,
    CASE_PATCHES = 192, /* code at, code in the copy at; data alike */
    CASE_CODE = 208,
    CASE_DATA = 256,
    CODE_SIZE = 48,
    DATA_SIZE = 128,
    RESULT = 384
};

/* A result: offsets from RESULT. */
enum {
    RESULT_KIND = 0, /* 1 SVC, 2 program, 3 external, 4 I/O */
    RESULT_PREFIX = 4,
    RESULT_GR = 8,
    RESULT_FPR = 72,
    RESULT_CR = 104,
    RESULT_KEYS = 168,
    RESULT_OLD = 176, /* locations 16-63 */
    RESULT_PSA = 224, /* locations 128-191 */
    RESULT_COMPARATOR = 288,
    RESULT_CHANGED = 296, /* chunks of 16 bytes */
    RESULT_SUM = 300,
    RESULT_CHUNKS = 304, /* of the first sixteen: address, 16 bytes */
    CHUNK_SIZE = 20,
    CHUNKS_MAX = 16,
    RESULT_SIZE = 640
};

#endif
