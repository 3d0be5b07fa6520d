#include "popek-goldberg/judge/map.h"

bool pg_is_carried(const struct isa *isa, unsigned element)
{
    enum isa_kind kind = isa->elements[element].kind;

    return kind == ISA_KIND_PC || kind == ISA_KIND_REGISTER ||
           kind == ISA_KIND_CLOCK;
}

static void set(struct isa_state *s, unsigned element, uint64_t value)
{
    s->v[element] = value;
    s->unknown &= ~(UINT64_C(1) << element);
}

static void map_once(const struct isa *isa, enum isa_scale scale,
                     struct isa_state *s)
{
    unsigned k = isa->monitor_words, width = isa->address_width[scale];
    uint64_t last = width < 64 ? (UINT64_C(1) << width) - 1 : UINT64_MAX;

    s->q += k;
    set(s, ISA_MODE, ISA_USER);
    if (!isa->high_core)
        s->v[ISA_BASE] = s->v[ISA_BASE] <= last - k ? s->v[ISA_BASE] + k : s->q;
    for (unsigned i = ISA_BUILT_IN; i < isa->element_count; i++)
        if (isa->elements[i].kind == ISA_KIND_RESOURCE)
            set(s, i, isa->elements[i].monitor[scale]);
}

void pg_map(const struct isa *isa, enum isa_scale scale, unsigned levels,
            const struct isa_state *s, struct isa_state *out)
{
    *out = *s;
    while (levels--)
        map_once(isa, scale, out);
}
