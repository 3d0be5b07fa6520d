#include "base/mem.h"

static bool overlap(const struct mem_slot *a, const struct mem_slot *b)
{
    return a->gpa - b->gpa < b->size || b->gpa - a->gpa < a->size;
}

enum status mem_add(struct mem_map *m, const struct mem_slot *slot)
{
    if (!slot->size || !slot->host || slot->gpa + (slot->size - 1) < slot->gpa)
        return STATUS_BAD_INPUT;
    for (unsigned i = 0; i < m->count; i++)
        if (overlap(&m->slots[i], slot))
            return STATUS_BAD_INPUT;
    if (m->count == MEM_SLOTS_MAX)
        return STATUS_NO_MEMORY;
    m->slots[m->count++] = *slot;
    return STATUS_OK;
}

const struct mem_slot *mem_find(const struct mem_map *m, uint64_t gpa,
                                uint64_t len)
{
    for (unsigned i = 0; i < m->count; i++) {
        const struct mem_slot *s = &m->slots[i];
        uint64_t offset = gpa - s->gpa;

        if (offset < s->size && (len ? len : 1) <= s->size - offset)
            return s;
    }
    return NULL;
}

uint8_t *mem_at(const struct mem_map *m, uint64_t gpa, uint64_t len)
{
    const struct mem_slot *s = mem_find(m, gpa, len);

    return s ? s->host + (gpa - s->gpa) : NULL;
}
