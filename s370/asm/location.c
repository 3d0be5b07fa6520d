#include "s370/asm/location.h"

#include "s370/asm/symbol.h"
#include "s370/asm/text.h"

void location_align(struct assembly *a, unsigned to)
{
    struct section *s = section_current(a);

    s->loc = (s->loc + to - 1) & ~(to - 1);
    if (s->loc > s->size)
        s->size = s->loc;
}

void location_locate(struct assembly *a, struct statement *st)
{
    st->section = section_current(a);
    st->loc = st->section->loc;
}

void location_advance(struct assembly *a, struct statement *st, uint64_t n)
{
    struct section *s = section_current(a);

    if (n > STORAGE_END - s->loc) {
        asm_error(a, st, NULL, "the section grows beyond 16 megabytes");
        n = 0;
    }
    s->loc += (uint32_t)n;
    if (s->loc > s->size)
        s->size = s->loc;
}

void location_list(struct assembly *a, struct statement *st)
{
    st->number = ++a->count;
    st->pool = a->pool;
    *a->end = st;
    a->end = &st->next;
}
