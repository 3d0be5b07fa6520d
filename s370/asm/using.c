#include "s370/asm/using.h"

#include "s370/asm/symbol.h"

enum { REACH = 4096 };

/* "When more than one register can be used, the one that gives the smallest
 * displacement is; of equals, the highest-numbered" (GC33-4010, "USING").
 * Without any, an absolute address below 4096 needs no base register. */
bool using_resolve(const struct assembly *a, const struct value *v,
                   unsigned *base, unsigned *displacement)
{
    int64_t best = REACH;

    *base = 0;
    if (value_is_absolute(v) && v->n >= 0)
        best = v->n < REACH ? v->n : REACH;
    for (unsigned r = 0; r < 16; r++) {
        const struct base *b = &a->bases[r];

        if (!b->active || !value_same_terms(v, &b->value))
            continue;
        int64_t d = value_total(v) - value_total(&b->value);
        if (d >= 0 && d < REACH && d <= best) {
            best = d;
            *base = r;
        }
    }
    *displacement = (unsigned)best;
    return best < REACH;
}

bool using_address(struct scan *s, const char *p, const struct value *v,
                   unsigned *base, unsigned *displacement)
{
    if (using_resolve(s->a, v, base, displacement))
        return true;
    if (value_is_absolute(v))
        return scan_fail(s, p, "no base register reaches address %lld",
                         (long long)v->n);
    if (!value_is_simple(v))
        return scan_fail(s, p, "the address is complexly relocatable");
    const struct section *sec = v->terms[0].section;
    return scan_fail(s, p,
                     "no USING reaches this address (offset X'%llX' in %s)",
                     (unsigned long long)v->n & 0xFFFFFF,
                     *sec->name ? sec->name : "private code");
}
