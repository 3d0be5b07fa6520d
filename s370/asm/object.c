#include "s370/asm/object.h"

#include "s370/asm/text.h"

#include <stdlib.h>

static bool grow(struct assembly *a)
{
    size_t cap = a->objects_cap ? a->objects_cap * 2 : 1024;

    if (a->nobjects < a->objects_cap)
        return true;
    struct object *rows = realloc(a->objects, cap * sizeof(*rows));
    if (!rows)
        return false;
    a->objects = rows;
    a->objects_cap = cap;
    return true;
}

void object_put(struct assembly *a, struct statement *st, uint32_t loc,
                const uint8_t *bytes, size_t n)
{
    struct section *sec = st->section;

    if (!n || !sec || sec->kind != SECTION_CONTROL || a->no_memory)
        return;
    if (a->code.len + n > OBJECT_MAX) {
        if (a->code.len <= OBJECT_MAX)
            asm_error(a, st, NULL, "the object program is too large");
        return;
    }
    if (!grow(a)) {
        a->no_memory = true;
        return;
    }
    if (!st->objects)
        st->object = a->nobjects;
    st->objects++;
    a->objects[a->nobjects++] = (struct object){sec, loc, a->code.len, n};
    s370_buffer_put(&a->code, bytes, n);
    a->no_memory |= a->code.failed;
}

void object_relocate(struct assembly *a, const struct section *in, uint32_t loc,
                     unsigned len, const struct section *target, bool negative,
                     bool branch)
{
    if (!in || in->kind != SECTION_CONTROL || !asm_room(a))
        return;
    struct relocation *r = asm_new(a, sizeof(*r));
    *r = (struct relocation){.target = target,
                             .in = in,
                             .loc = loc,
                             .len = (uint8_t)len,
                             .negative = negative,
                             .branch = branch};
    *a->relocations_end = r;
    a->relocations_end = &r->next;
}
