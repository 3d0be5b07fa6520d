#include "popek-goldberg/construct/construct_mutation.h"

#include "popek-goldberg/judge/map.h"
#include "popek-goldberg/judge/space.h"

#include <string.h>

static const struct {
    const char *name, *words;
} mutations[CONSTRUCT_MUTATIONS] = {
#define MUTATION(name, word, what) [CONSTRUCT_##name] = {word, what},
#include "popek-goldberg/construct/construct_mutation.def"
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

/* ---- What a mistake spoils ---- */

/* f(S) in the scaled machine, and what the instruction does in both. */
struct mapped {
    struct space space;
    struct isa_state s, f;
    struct isa_result bare, real;
};

static void step_both(const struct pg_judgement *j,
                      const struct isa_encoding *code, unsigned mode,
                      struct mapped *m)
{
    const struct isa *isa = j->isa;

    m->s = m->space.state;
    m->s.v[ISA_MODE] = mode;
    pg_map(isa, ISA_SCALED, 1, &m->s, &m->f);
    for (unsigned i = ISA_BUILT_IN; i < isa->element_count; i++)
        if (isa->elements[i].kind == ISA_KIND_SWITCH &&
            isa->elements[i].enforced)
            m->f.v[i] = pg_setting_value(j, i);
    isa_step(isa, code, ISA_SCALED, m->space.operands, &m->s, &m->bare);
    isa_step(isa, code, ISA_SCALED, m->space.operands, &m->f, &m->real);
}

static bool is_refused(const struct isa *isa, const struct isa_result *r)
{
    return r->ending == ISA_TRAPPED &&
           isa->traps[r->trap].kind == ISA_TRAP_PRIVILEGED;
}

/* Is `bare` something else than to go on by one, where f(S) is refused and
 * would go on by one?  (In user mode the bare machine would, too.) */
static bool is_missed(const struct isa *isa, const struct mapped *m)
{
    unsigned width = isa->elements[ISA_PC].width[ISA_SCALED];
    uint64_t all = width < 64 ? (UINT64_C(1) << width) - 1 : UINT64_MAX;
    struct isa_state nothing = m->s;

    if (!is_refused(isa, &m->real) || m->bare.ending == ISA_ANYTHING)
        return false;
    if (m->bare.ending == ISA_TRAPPED)
        return m->s.v[ISA_MODE] == ISA_SUPERVISOR || !is_refused(isa, &m->bare);
    nothing.v[ISA_PC] = (nothing.v[ISA_PC] + 1) & all;
    return memcmp(nothing.v, m->bare.state.v, sizeof(nothing.v)) != 0 ||
           memcmp(nothing.mem, m->bare.state.mem, sizeof(nothing.mem)) != 0 ||
           nothing.unknown != m->bare.state.unknown ||
           nothing.unknown_mem != m->bare.state.unknown_mem;
}

/* Is there a trap that D hands to v_i?  A privileged one in virtual user mode
 * it reflects itself, if mode alone decides. */
static bool is_handed_on(const struct pg_judgement *j, unsigned encoding,
                         const struct mapped *m)
{
    const struct isa_encoding *code = &j->isa->encodings[encoding];

    return is_refused(j->isa, &m->real) &&
           (m->s.v[ISA_MODE] == ISA_SUPERVISOR ||
            !construct_by_mode_alone(j, encoding)) &&
           construct_needs_v(j->isa, code);
}

/* Does `what` hold of some state? */
enum spoiled { MISSED, HANDED_ON, STOPPED, STORES };

static bool holds(const struct pg_judgement *j, unsigned encoding,
                  enum spoiled what, const struct mapped *m)
{
    switch (what) {
    case MISSED:
        return is_missed(j->isa, m);
    case HANDED_ON:
        return is_handed_on(j, encoding, m);
    case STOPPED: /* reflected, the guest would take a trap that is not its */
        return m->real.ending == ISA_TRAPPED &&
               (m->bare.ending == ISA_DONE || (m->bare.ending == ISA_TRAPPED &&
                                               m->bare.trap != m->real.trap));
    case STORES:
        break;
    }
    return m->real.ending == ISA_TRAPPED && m->bare.ending == ISA_DONE &&
           memcmp(m->s.mem, m->bare.state.mem, sizeof(m->s.mem)) != 0;
}

static bool is_found(const struct pg_judgement *j, unsigned encoding,
                     enum spoiled what)
{
    const struct isa_encoding *code = &j->isa->encodings[encoding];
    struct mapped m;

    space_open(&m.space, j->isa, code, false);
    do
        for (unsigned mode = 0; mode < 2; mode++)
            for (unsigned c = 0; c < pg_configs(j->isa); c++) {
                for (unsigned i = 0; i < j->isa->element_count; i++)
                    if (j->isa->elements[i].kind == ISA_KIND_SWITCH)
                        m.space.state.v[i] = pg_config_value(j->isa, c, i);
                step_both(j, code, mode, &m);
                if (holds(j, encoding, what, &m))
                    return true;
            }
    while (space_next(&m.space));
    return false;
}

static bool any_found(const struct pg_judgement *j, enum spoiled what)
{
    for (unsigned i = 0; i < j->isa->encoding_count; i++)
        if (!j->isa->encodings[i].needed && is_found(j, i, what))
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

static bool any_store(const struct isa *isa)
{
    for (unsigned i = 0; i < isa->encoding_count; i++)
        for (unsigned k = 0; k < isa->encodings[i].action_count; k++)
            if (isa->encodings[i].actions[k].kind == ISA_STORE)
                return true;
    return false;
}

bool construct_can_matter(const struct pg_judgement *j,
                          enum construct_technique technique,
                          enum construct_mutation m, unsigned target)
{
    bool traps = technique == CONSTRUCT_TRAP;

    switch (m) {
    case CONSTRUCT_NONE:
    case CONSTRUCT_MUTATIONS:
        return false;
    case CONSTRUCT_DROP_V:
        return !traps || is_found(j, target, HANDED_ON) ||
               is_found(j, target, STOPPED);
    case CONSTRUCT_USER_NOP:
        return is_found(j, target, MISSED);
    case CONSTRUCT_REFLECT:
        return !traps || any_found(j, STOPPED);
    case CONSTRUCT_PLACE:
        return traps ? any_found(j, STORES) : any_store(j->isa);
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
