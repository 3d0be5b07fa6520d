/* Random programs.  Most of what a step does works in some state and faults in
 * another; a fault ends the case, so that programs are short. */
#include "tests/x86_oracle/emit.h"
#include "tests/x86_oracle/step.h"

static const struct {
    void (*step)(struct ox_case *c);
    unsigned weight;
    bool more;
} steps[] = {
#define STEP(name, weight, more) {ox_step_##name, weight, more},
#include "tests/x86_oracle/step.def"
#undef STEP
};

/* Of the one kind or of the other. */
static void one_step(struct ox_case *c)
{
    bool more = c->more && ox_chance(c, 50);
    unsigned total = 0, n;

    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        total += steps[i].more == more ? steps[i].weight : 0;
    n = ox_below(c, total);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        if (steps[i].more != more)
            continue;
        if (n < steps[i].weight) {
            steps[i].step(c);
            return;
        }
        n -= steps[i].weight;
    }
}

/* INT is recorded, and the program goes on. */
static void record(struct ox_case *c, unsigned vector)
{
    ox_bytes(c, 2, 0xCD | vector << 8);
}

void ox_random_program(struct ox_case *c)
{
    for (unsigned n = 1 + ox_below(c, 5); n > 0; n--) {
        one_step(c);
        ox_say(c, "; ");
        if (ox_chance(c, 35))
            record(c, VECTOR_LOG);
    }
    record(c, VECTOR_END);
}
