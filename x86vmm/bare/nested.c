#include "x86vmm/bare/nested.h"

#include "x86vmm/bare/memory.h"

/* Bits of an entry: of one that points to a table, of a page, of one that may
 * not be written. */
static const struct {
    uint64_t table, page, read_only, large;
} bits[] = {
    /* read, write, execute; bits 5:3 6: write-back; bit 7: large */
    [NESTED_EPT] = {7, 7 | 6 << 3, 5 | 6 << 3, 0x80},
    /* present, writable, user, which every guest access is; bit 7: large */
    [NESTED_NPT] = {7, 7, 5, 0x80},
};

#define ADDRESS UINT64_C(0x000FFFFFFFFFF000)
#define LARGE   UINT64_C(0x200000)

/* The entry for gpa at this level (0: of 4-KiB pages), with the tables on the
 * way; NULL: no storage. */
static uint64_t *entry_at(uint64_t *table, uint64_t gpa, unsigned level,
                          uint64_t way)
{
    for (unsigned at = 3;; at--) {
        uint64_t *entry = &table[gpa >> (12 + 9 * at) & 511];

        if (at == level)
            return entry;
        if (!*entry) {
            uint64_t next = (uint64_t)memory_pages(1);

            if (!next)
                return NULL;
            *entry = next | way;
        }
        table = (uint64_t *)(*entry & ADDRESS);
    }
}

static bool map(uint64_t *root, enum nested_kind kind, const struct mem_slot *s)
{
    uint64_t rights =
        s->flags & MEM_READ_ONLY ? bits[kind].read_only : bits[kind].page;

    for (uint64_t done = 0; done < s->size;) {
        uint64_t gpa = s->gpa + done, to = (uint64_t)s->host + done;
        bool large = !((gpa | to) & (LARGE - 1)) && s->size - done >= LARGE;
        uint64_t *entry = entry_at(root, gpa, large, bits[kind].table);

        if (!entry)
            return false;
        *entry = to | rights | (large ? bits[kind].large : 0);
        done += large ? LARGE : MEMORY_PAGE;
    }
    return true;
}

uint64_t nested_make(enum nested_kind kind, const struct mem_map *mem)
{
    uint64_t *root = memory_pages(1);

    for (unsigned i = 0; root && i < mem->count; i++)
        if (!map(root, kind, &mem->slots[i]))
            return 0;
    return (uint64_t)root;
}
