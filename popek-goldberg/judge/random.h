/* Numbers that look random and are the same on every host. */
#ifndef POPEK_GOLDBERG_JUDGE_RANDOM_H
#define POPEK_GOLDBERG_JUDGE_RANDOM_H

#include "base/types.h"

/* xorshift64*; a state of 0 would stay there. */
struct pg_random {
    uint64_t state;
};

/* A sequence of its own for each seed. */
struct pg_random pg_random_seeded(uint64_t seed);
uint64_t pg_random_next(struct pg_random *r);
uint32_t pg_random_below(struct pg_random *r, uint32_t n); /* n > 0 */
bool pg_random_chance(struct pg_random *r, unsigned percent);

#endif
