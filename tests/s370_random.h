/* Random guests: programs that make sense often enough to get somewhere. */
#ifndef TESTS_S370_RANDOM_H
#define TESTS_S370_RANDOM_H

#include "tests/s370_pair.h"

/* xorshift64*: the same numbers on every host. */
struct random {
    uint64_t state;
};
struct random random_seed(uint64_t seed);
uint64_t random_next(struct random *r);
/* 0 .. n-1 */
uint32_t random_below(struct random *r, uint32_t n);
bool random_chance(struct random *r, unsigned percent);

/* What the program consists of. */
struct random_mix {
    unsigned privileged; /* percent of its instructions */
    int only;            /* enum s370_op of most of them; -1: any */
    bool per;            /* program-event recording may be on */
    bool translation;    /* PSWs and masks may turn translation on */
    bool wild;           /* bytes instead of instructions */
};

/* Where in the image some of it is. */
enum { RANDOM_CCWS = 0x2400, RANDOM_TABLES = 0x8000 };

/* An image with interruption handlers, PSWs, channel programs, and a program
 * of random instructions in a random mode.  The caller frees it. */
void random_guest(struct random *r, const struct random_mix *mix,
                  struct s370_image *im);

#endif
