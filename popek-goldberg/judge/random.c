#include "popek-goldberg/judge/random.h"

struct pg_random pg_random_seeded(uint64_t seed)
{
    uint64_t x = (seed + 1) * UINT64_C(0x9E3779B97F4A7C15);

    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    x ^= x >> 31;
    return (struct pg_random){x ? x : 1};
}

uint64_t pg_random_next(struct pg_random *r)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * UINT64_C(0x2545F4914F6CDD1D);
}

uint32_t pg_random_below(struct pg_random *r, uint32_t n)
{
    return (uint32_t)(pg_random_next(r) >> 32) % n;
}

bool pg_random_chance(struct pg_random *r, unsigned percent)
{
    return pg_random_below(r, 100) < percent;
}
