/* Two outcomes of one case: equal, explained, or neither. */
#ifndef TESTS_ORACLE_JUDGE_H
#define TESTS_ORACLE_JUDGE_H

#include "tests/oracle/batch.h"

#include <stdio.h>

enum difference {
#define DIFFERENCE(name, what, why) DIFFER_##name,
#include "tests/oracle/differences.def"
#undef DIFFERENCE
    DIFFER_COUNT
};

extern const char *const difference_what[DIFFER_COUNT];

struct pair {
    const struct fact *fact;
    const uint8_t *before; /* the case */
    uint8_t ours[RESULT_SIZE];
    uint8_t theirs[RESULT_SIZE]; /* what is explained is made equal here */
};

struct tally {
    uint64_t fates[FATE_COUNT]; /* cases */
    uint64_t explained[DIFFER_COUNT];
    uint64_t unexplained;
    uint64_t ops[S370_OP_COUNT]; /* cases that ended with each */
};

/* differences.c: make the row's fields equal where it applies.  True: they
 * were not, and now are. */
bool difference_explain(enum difference which, struct pair *p);

/* Compare cases of two images of storage after the same batch. */
enum judgement { JUDGED_EQUAL, JUDGED_EXPLAINED, JUDGED_DIFFERENT };
enum judgement judge(const struct batch *b, unsigned number,
                     const uint8_t *theirs, struct tally *t);
/* Say what differs, as much as a person needs. */
void judge_show(FILE *out, const struct batch *b, unsigned number,
                const uint8_t *theirs, const char *their_name);

#endif
