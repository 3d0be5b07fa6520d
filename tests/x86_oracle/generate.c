/* A case from its number, and as it stands in an image. */
#include "tests/x86_oracle/case.h"

#include <string.h>

/* The generator walks one long cycle by equal steps: cases and seeds begin at
 * places of it that have nothing to do with one another. */
static void begin_at(struct rng *r, uint64_t seed, uint32_t number)
{
    r->state = seed;
    r->state = rng_next(r) + number;
    r->state = rng_next(r);
}

void ox_generate(struct ox_case *c, const uint8_t *arena, uint64_t seed,
                 uint32_t number, bool more)
{
    static const uint8_t modes[] = {
        OX_REAL, OX_PROTECTED, OX_PROTECTED, OX_PROTECTED, OX_PROTECTED,
        OX_V86,  OX_LONG,      OX_LONG,      OX_LONG,      OX_COMPAT};

    memset(c, 0, sizeof(*c));
    c->more = more;
    begin_at(&c->rng, seed, number);
    memcpy(c->arena, arena, ARENA_SIZE);
    c->mode = OX_PICK(c, modes);
    if (c->mode == OX_V86)
        c->cpl = 3;
    else if (c->mode == OX_COMPAT || c->mode == OX_LONG)
        c->cpl = ox_chance(c, 50) ? 3 : 0;
    else if (c->mode == OX_PROTECTED)
        c->cpl = ox_chance(c, 80) ? (ox_chance(c, 50) ? 3 : 0) : ox_below(c, 4);
    if (more && (c->mode == OX_COMPAT || c->mode == OX_LONG) &&
        ox_chance(c, 25))
        c->cpl = 1 + ox_below(c, 2);
    ox_random_state(c);
    if (more)
        ox_more_state(c);
    c->end = (c->at & ~0xFFFu) + 0xF00;
    ox_random_program(c);
}

/* Words that differ, in runs; a gap of up to two words is worth less than
 * another header. */
static size_t encode_patches(const struct ox_case *c, const uint8_t *plain,
                             uint8_t *to)
{
    size_t n = 0;

    for (uint32_t at = 0; at < ARENA_SIZE;) {
        uint32_t last;

        if (!(at % 256) && !memcmp(c->arena + at, plain + at, 256)) {
            at += 256;
            continue;
        }
        if (!memcmp(c->arena + at, plain + at, 4)) {
            at += 4;
            continue;
        }
        last = at;
        for (uint32_t i = at; i < ARENA_SIZE && i <= last + 8; i += 4)
            if (memcmp(c->arena + i, plain + i, 4))
                last = i;
        store_le32(to + n, at);
        store_le32(to + n + 4, last + 4 - at);
        memcpy(to + n + 8, c->arena + at, last + 4 - at);
        n += 8 + last + 4 - at;
        at = last + 4;
    }
    return n;
}

size_t ox_encode(const struct ox_case *c, const uint8_t *plain, uint8_t *to)
{
    size_t size;

    for (unsigned i = 1; i < CASE_GPR / 4; i++)
        store_le32(to + 4 * i, c->field[i]);
    for (unsigned i = 0; i < GPRS; i++)
        store_le64(to + CASE_GPR + 8 * i, c->gpr[i]);
    size = CASE_PATCH + encode_patches(c, plain, to + CASE_PATCH);
    store_le32(to + CASE_SIZE, (uint32_t)size);
    return size;
}
