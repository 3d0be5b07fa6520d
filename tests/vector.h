/* Test vectors of one instruction: tests/vectors/s370/README is the format. */
#ifndef TESTS_VECTOR_H
#define TESTS_VECTOR_H

#include "s370/machine/machine.h"

enum {
    VECTOR_STORAGE = 0x10000,
    VECTOR_CODE_AT = 0x1000,
    VECTOR_SETTINGS = 64,
    VECTOR_BYTES = 1024 /* of all settings of a vector */
};

/* What a vector can name.  SETTING(kind, word, indices)
 * indices: 0 for "word=", else the word is followed by a number below it */
#define VECTOR_SETTINGS_LIST(X)    \
    X(GR, "r", 16)                 \
    X(FPR, "f", 7)                 \
    X(CR, "c", 16)                 \
    X(STORAGE, "m", 0)             \
    X(KEY, "key", 0)               \
    X(PSW, "psw", 0)               \
    X(CC, "cc", 0)                 \
    X(PM, "pm", 0)                 \
    X(IA, "ia", 0)                 \
    X(PREFIX, "prefix", 0)         \
    X(TOD, "tod", 0)               \
    X(COMPARATOR, "comparator", 0) \
    X(TIMER, "timer", 0)           \
    X(ILC, "ilc", 0)               \
    X(TEA, "tea", 0)               \
    X(PROGRAM, "program", 0)       \
    X(SVC, "svc", 0)               \
    X(MONITOR, "monitor", 0)       \
    X(PER, "per", 0)               \
    X(REPEAT, "repeat", 0)         \
    X(BARE, "bare", 0)

enum vector_kind {
#define X(kind, word, indices) SETTING_##kind,
    VECTOR_SETTINGS_LIST(X)
#undef X
        SETTING_COUNT
};

struct vector_setting {
    enum vector_kind kind;
    uint32_t at;    /* register number, storage address, monitor class */
    uint64_t value; /* but for STORAGE: */
    const uint8_t *bytes;
    unsigned len;
};

struct vector {
    const char *file;
    unsigned line;
    char name[8];     /* of the row, or "-" for what is no instruction */
    uint8_t insn[32]; /* the instruction, and what follows it */
    unsigned insn_len;
    struct vector_setting before[VECTOR_SETTINGS], after[VECTOR_SETTINGS];
    unsigned befores, afters;
    uint8_t bytes[VECTOR_BYTES];
    unsigned used;
};

/* Call fn for each vector of the file.  STATUS_BAD_INPUT with file:line in
 * the diag when the text is not as the README says. */
enum status vector_each(const char *file,
                        void (*fn)(const struct vector *v, void *arg),
                        void *arg, struct diag *d);

/* The last setting of the kind after (or before) the instruction, or NULL. */
const struct vector_setting *vector_find(const struct vector *v, bool after,
                                         enum vector_kind kind);

#endif
