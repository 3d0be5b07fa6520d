#include "popek-goldberg/report/sets.h"

#include <stdio.h>
#include <string.h>

bool pg_spoils(const struct pg_judgement *j, unsigned encoding,
               enum pg_reading r, unsigned theorem)
{
    const struct pg_labels *l = &j->best.labels[encoding];
    bool needed = j->isa->encodings[encoding].needed;

    if (theorem == PG_T3)
        return !needed && pg_user_sensitive(l, r) && !l->privileged[r];
    return pg_critical(l, r) && (theorem == PG_T2 || !needed);
}

enum pg_region pg_region_of(const struct pg_labels *l, enum pg_reading r)
{
    if (l->privileged[r])
        return pg_sensitive(l, r) ? PG_IN_BOTH : PG_IN_PRIVILEGED;
    if (pg_user_sensitive(l, r))
        return PG_IN_USER_CRITICAL;
    return pg_sensitive(l, r) ? PG_IN_CRITICAL : PG_IN_NEITHER;
}

const char *pg_region_name(enum pg_region region)
{
    static const char *const names[PG_REGIONS] = {
        [PG_IN_NEITHER] = "innocuous",
        [PG_IN_PRIVILEGED] = "privileged and innocuous",
        [PG_IN_BOTH] = "privileged and sensitive",
        [PG_IN_CRITICAL] = "CRITICAL, in supervisor mode",
        [PG_IN_USER_CRITICAL] = "CRITICAL, in user mode too"};

    return names[region];
}

unsigned pg_ways(const struct pg_labels *l, enum pg_reading r)
{
    unsigned ways = 0;

    if (l->control[r][0].found || l->control[r][1].found)
        ways |= PG_BY_CONTROL;
    if (l->location[0].found || l->location[1].found)
        ways |= PG_BY_LOCATION;
    if (l->mode.found || (r == PG_CORRECTED && l->alone.found))
        ways |= PG_BY_MODE;
    if (l->leak[0].found || l->leak[1].found)
        ways |= PG_BY_LEAK;
    if (l->less.found)
        ways |= PG_BY_LESS;
    return ways;
}

/* `leaked`: the name of the register after "leak", or NULL. */
static void put_ways(unsigned ways, const char *leaked, char out[PG_WAYS_SIZE])
{
    static const char *const names[] = {"control", "location", "mode", "leak",
                                        "does less"};
    size_t n = 0;

    snprintf(out, PG_WAYS_SIZE, "none");
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        bool of = 1u << i == PG_BY_LEAK && leaked;

        if (ways >> i & 1)
            n += (size_t)snprintf(out + n, PG_WAYS_SIZE - n, "%s%s%s%s",
                                  n ? ", " : "", names[i], of ? " of " : "",
                                  of ? leaked : "");
    }
}

void pg_ways_words(const struct isa *isa, const struct pg_labels *l,
                   enum pg_reading r, char out[PG_WAYS_SIZE])
{
    put_ways(pg_ways(l, r), isa->elements[l->leaked].name, out);
}

void pg_group_words(unsigned ways, char out[PG_WAYS_SIZE])
{
    put_ways(ways, NULL, out);
}

void pg_member_words(const struct pg_judgement *j, enum pg_reading r,
                     unsigned encoding, char out[PG_MEMBER_SIZE])
{
    const struct pg_labels *l = &j->best.labels[encoding];
    bool leaks = pg_ways(l, r) & PG_BY_LEAK;

    snprintf(out, PG_MEMBER_SIZE, "%s%s%s%s", j->isa->encodings[encoding].name,
             leaks ? " (" : "", leaks ? j->isa->elements[l->leaked].name : "",
             leaks ? ")" : "");
}

const char *pg_broken_words(const struct pg_exact *x)
{
    bool equivalence = x->breaks[PG_EQUIVALENCE].found;

    if (x->breaks[PG_CONTROL].found)
        return equivalence ? "equivalence, resource control"
                           : "resource control";
    return equivalence ? "equivalence" : "none";
}

static int find_covering(const struct isa *isa, const char *name)
{
    for (unsigned i = 0; i < isa->encoding_count; i++)
        for (unsigned k = 0; k < isa->encodings[i].cover_count; k++)
            if (!strcmp(isa->encodings[i].covers[k], name))
                return (int)i;
    return -1;
}

const char *pg_listed_words(const struct pg_judgement *j, const char *name)
{
    static const char *const words[ISA_VERDICT_COUNT] = {
        [ISA_SAYS_PRIVILEGED] = "privileged",
        [ISA_SAYS_CRITICAL] = "critical",
        [ISA_SAYS_INNOCUOUS] = "innocuous"};
    struct isa_claim about = {.subject = ISA_ABOUT_CODE};

    if (isa_find_mnemonic(j->isa, name) >= 0)
        return words[pg_of_mnemonic(j, name)];
    int at = isa_find_encoding(j->isa, name);
    if (at < 0)
        at = find_covering(j->isa, name);
    if (at < 0)
        return "not described";
    about.encoding = (unsigned)at;
    return words[pg_derived(j, &about)];
}

/* ---- Going through a region ---- */

/* Does no encoding before it, of this region, have the same ways? */
static bool leads(const struct pg_judgement *j, enum pg_reading r,
                  enum pg_region region, unsigned i)
{
    const struct pg_labels *l = j->best.labels;

    for (unsigned k = 0; k < i; k++)
        if (pg_region_of(&l[k], r) == region &&
            pg_ways(&l[k], r) == pg_ways(&l[i], r))
            return false;
    return true;
}

bool pg_walk_region(const struct pg_judgement *j, enum pg_reading r,
                    enum pg_region region, struct pg_region_walk *w)
{
    const struct pg_labels *l = j->best.labels;
    unsigned count = j->isa->encoding_count;

    w->opens = false;
    for (unsigned i = w->group ? w->encoding + 1 : count; i < count; i++)
        if (pg_region_of(&l[i], r) == region && pg_ways(&l[i], r) == w->ways) {
            w->encoding = i;
            return true;
        }
    for (unsigned i = w->group ? w->leader + 1 : 0; i < count; i++)
        if (pg_region_of(&l[i], r) == region && leads(j, r, region, i)) {
            *w = (struct pg_region_walk){w->group + 1, i, true,
                                         pg_ways(&l[i], r), i};
            return true;
        }
    return false;
}

unsigned pg_region_count(const struct pg_judgement *j, enum pg_reading r,
                         enum pg_region region)
{
    unsigned n = 0;

    for (unsigned i = 0; i < j->isa->encoding_count; i++)
        n += pg_region_of(&j->best.labels[i], r) == region;
    return n;
}
