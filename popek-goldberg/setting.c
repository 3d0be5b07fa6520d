/* Settings of the switches, counted from 0: those of the first switch are in
 * the lowest bits. */
#include "popek-goldberg/classify.h"

unsigned pg_configs(const struct isa *isa)
{
    unsigned n = 1;

    for (unsigned i = 0; i < isa->element_count && n <= PG_CONFIGS; i++)
        if (isa->elements[i].kind == ISA_KIND_SWITCH)
            n <<= isa->elements[i].width[ISA_SCALED];
    return n;
}

uint64_t pg_config_value(const struct isa *isa, unsigned config,
                         unsigned element)
{
    for (unsigned i = 0; i < isa->element_count; i++) {
        unsigned width = isa->elements[i].width[ISA_SCALED];

        if (isa->elements[i].kind != ISA_KIND_SWITCH)
            continue;
        if (i == element)
            return config & ((1u << width) - 1);
        config >>= width;
    }
    return 0;
}

void pg_set_config(const struct isa *isa, struct isa_state *s, unsigned config)
{
    for (unsigned i = 0; i < isa->element_count; i++)
        if (isa->elements[i].kind == ISA_KIND_SWITCH)
            s->v[i] = pg_config_value(isa, config, i);
}
