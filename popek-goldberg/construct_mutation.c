#include "popek-goldberg/construct_mutation.h"

#include "popek-goldberg/space.h"

#include <string.h>

static const struct {
    const char *name, *words;
} mutations[CONSTRUCT_MUTATIONS] = {
#define MUTATION(name, word, what) [CONSTRUCT_##name] = {word, what},
#include "popek-goldberg/construct_mutation.def"
#undef MUTATION
};

const char *construct_mutation_name(enum construct_mutation m)
{
    return mutations[m].name;
}

const char *construct_mutation_words(enum construct_mutation m)
{
    return mutations[m].words;
}

enum construct_mutation construct_find_mutation(const char *name)
{
    enum construct_mutation m = 0;

    while (m < CONSTRUCT_MUTATIONS && strcmp(mutations[m].name, name) != 0)
        m++;
    return m;
}

bool construct_has_target(enum construct_mutation m)
{
    return m == CONSTRUCT_DROP_V || m == CONSTRUCT_USER_NOP;
}

/* Is it refused in user mode where supervisor mode does more than go on? */
static bool does_something(const struct isa *isa,
                           const struct isa_encoding *code)
{
    unsigned width = isa->elements[ISA_PC].width[ISA_SCALED];
    uint64_t all = width < 64 ? (UINT64_C(1) << width) - 1 : UINT64_MAX;
    struct isa_result user, super;
    struct isa_state s;
    struct space space;

    space_open(&space, isa, code, false);
    do {
        s = space.state;
        s.v[ISA_MODE] = ISA_USER;
        isa_step(isa, code, ISA_SCALED, space.operands, &s, &user);
        s.v[ISA_MODE] = ISA_SUPERVISOR;
        isa_step(isa, code, ISA_SCALED, space.operands, &s, &super);
        s.v[ISA_PC] = (s.v[ISA_PC] + 1) & all; /* no operation */
        if (user.ending == ISA_TRAPPED && super.ending == ISA_DONE &&
            isa->traps[user.trap].kind == ISA_TRAP_PRIVILEGED &&
            memcmp(&s, &super.state, sizeof(s)) != 0)
            return true;
    } while (space_next(&space));
    return false;
}

static bool any_stopped(const struct pg_judgement *j)
{
    for (unsigned i = 0; i < j->isa->encoding_count; i++)
        if (j->best.exact[i].stopped.found)
            return true;
    return false;
}

static bool has_resource(const struct isa *isa)
{
    for (unsigned i = 0; i < isa->element_count; i++)
        if (isa->elements[i].kind == ISA_KIND_RESOURCE)
            return true;
    return false;
}

bool construct_can_matter(const struct pg_judgement *j,
                          enum construct_mutation m, unsigned target)
{
    switch (m) {
    case CONSTRUCT_NONE:
    case CONSTRUCT_MUTATIONS:
        return false;
    case CONSTRUCT_DROP_V:
        return j->best.exact[target].stopped.found;
    case CONSTRUCT_USER_NOP:
        return does_something(j->isa, &j->isa->encodings[target]);
    case CONSTRUCT_REFLECT:
        return any_stopped(j);
    case CONSTRUCT_RESOURCES:
        return has_resource(j->isa);
    case CONSTRUCT_SHIFT_K:
    case CONSTRUCT_NO_COMPOSE:
    case CONSTRUCT_BOUND:
    case CONSTRUCT_MODE:
        break;
    }
    return true;
}
