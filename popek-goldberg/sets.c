#include "popek-goldberg/sets.h"

#include <stdio.h>
#include <string.h>

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
    if (l->mode.found)
        ways |= PG_BY_MODE;
    if (l->leak[0].found || l->leak[1].found)
        ways |= PG_BY_LEAK;
    if (l->less.found)
        ways |= PG_BY_LESS;
    return ways;
}

void pg_ways_words(const struct isa *isa, const struct pg_labels *l,
                   enum pg_reading r, char out[PG_WAYS_SIZE])
{
    static const char *const names[] = {"control", "location", "mode",
                                        "leak of ", "does less"};
    unsigned ways = pg_ways(l, r);
    size_t n = 0;

    snprintf(out, PG_WAYS_SIZE, "none");
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        if (ways >> i & 1)
            n += (size_t)snprintf(
                out + n, PG_WAYS_SIZE - n, "%s%s%s", n ? ", " : "", names[i],
                1u << i == PG_BY_LEAK ? isa->elements[l->leaked].name : "");
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

static bool same_group(const struct pg_judgement *j, enum pg_reading r,
                       unsigned a, unsigned b)
{
    char words[2][PG_WAYS_SIZE];

    pg_ways_words(j->isa, &j->best.labels[a], r, words[0]);
    pg_ways_words(j->isa, &j->best.labels[b], r, words[1]);
    return !strcmp(words[0], words[1]);
}

/* Does no encoding before it, of this region, have the same ways? */
static bool leads(const struct pg_judgement *j, enum pg_reading r,
                  enum pg_region region, unsigned i)
{
    for (unsigned k = 0; k < i; k++)
        if (pg_region_of(&j->best.labels[k], r) == region &&
            same_group(j, r, k, i))
            return false;
    return true;
}

bool pg_walk_region(const struct pg_judgement *j, enum pg_reading r,
                    enum pg_region region, struct pg_walk *w)
{
    unsigned count = j->isa->encoding_count;

    w->opens = false;
    for (unsigned i = w->group ? w->encoding + 1 : count; i < count; i++)
        if (pg_region_of(&j->best.labels[i], r) == region &&
            same_group(j, r, w->leader, i)) {
            w->encoding = i;
            return true;
        }
    for (unsigned i = w->group ? w->leader + 1 : 0; i < count; i++)
        if (pg_region_of(&j->best.labels[i], r) == region &&
            leads(j, r, region, i)) {
            *w = (struct pg_walk){w->group + 1, i, true, i};
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
