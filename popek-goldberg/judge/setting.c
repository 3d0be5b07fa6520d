/* Settings of the switches, counted from 0: those of the first switch are in
 * the lowest bits.  What is found in several of them, united. */
#include "popek-goldberg/judge/classify.h"

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

static void unite(struct pg_witness *into, const struct pg_witness *more)
{
    if (more->found && (!into->found || more->weight < into->weight))
        *into = *more;
}

void pg_unite(struct pg_labels *into, const struct pg_labels *more)
{
    for (enum pg_reading r = 0; r < PG_READINGS; r++) {
        into->privileged[r] = into->privileged[r] && more->privileged[r];
        into->vacuous[r] = into->vacuous[r] && more->vacuous[r];
        unite(&into->unprivileged[r], &more->unprivileged[r]);
        unite(&into->control[r][0], &more->control[r][0]);
        unite(&into->control[r][1], &more->control[r][1]);
    }
    for (unsigned m = 0; m < 2; m++) {
        unite(&into->location[m], &more->location[m]);
        if (more->leak[m].found && !into->leak[m].found)
            into->leaked = more->leaked;
        unite(&into->leak[m], &more->leak[m]);
    }
    unite(&into->mode, &more->mode);
    unite(&into->alone, &more->alone);
    unite(&into->less, &more->less);
    into->states += more->states;
}

void pg_unite_exact(struct pg_exact *into, const struct pg_exact *more)
{
    unite(&into->vm, &more->vm);
    unite(&into->hybrid, &more->hybrid);
    unite(&into->nested, &more->nested);
    unite(&into->stopped, &more->stopped);
    for (unsigned i = 0; i < PG_EFFICIENCY; i++) {
        unite(&into->breaks[i], &more->breaks[i]);
        unite(&into->hybrid_breaks[i], &more->hybrid_breaks[i]);
    }
    into->states += more->states;
}
