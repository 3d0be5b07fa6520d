#include "popek-goldberg/judge/assist.h"

#include "popek-goldberg/judge/variants.h"
#include "popek-goldberg/language/reform.h"

#include <stdio.h>
#include <string.h>

enum { CHAIN_MAX = 8 };

static const struct pg_machine *built_in(const char *name)
{
    const struct pg_machine *m = pg_built_in;

    while (m->name && strcmp(m->name, name) != 0)
        m++;
    return m->name ? m : NULL;
}

bool pg_is_like(const struct pg_machine *m, const char *ancestor)
{
    for (unsigned n = 0; m && n < CHAIN_MAX; n++) {
        const char *at = strncmp(m->text, "machine ", 8) != 0
                             ? strstr(m->text, "\nmachine ")
                             : m->text;
        char base[ISA_NAME];

        if (!at || sscanf(at, " machine %*s like %31s", base) != 1)
            return false;
        if (!strcmp(base, ancestor))
            return true;
        m = built_in(base);
    }
    return false;
}

const struct pg_machine *pg_machine_below(const struct isa *isa)
{
    for (const struct pg_machine *m = built_in(isa->like); m;) {
        struct isa *below;
        struct diag d;

        if (isa_parse(m->name, m->text, strlen(m->text), &below, &d) !=
            STATUS_OK)
            return NULL;
        bool assisted = below->assisted;
        const struct pg_machine *next = built_in(below->like);
        isa_free(below);
        if (!assisted)
            return m;
        m = next;
    }
    return NULL;
}

static bool duplicate(struct isa *isa, unsigned element)
{
    const struct pg_repair r = {PG_DUPLICATE, element, 0};

    return pg_repair_make(isa, &r);
}

struct isa *pg_make_assisted(const struct isa *from)
{
    struct isa *isa = isa_clone(from);
    bool done = isa && duplicate(isa, ISA_MODE) && duplicate(isa, ISA_BASE) &&
                duplicate(isa, ISA_BOUND);

    for (unsigned i = ISA_BUILT_IN; done && i < from->element_count; i++)
        if (isa_is_control(from->elements[i].kind))
            done = duplicate(isa, i);
    if (done) {
        snprintf(isa->name, sizeof(isa->name), "%.20s-assisted", from->name);
        return isa;
    }
    isa_free(isa);
    return NULL;
}
