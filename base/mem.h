/* Guest storage: slots of host memory at guest-physical addresses.
 *
 * The one place that turns a guest address into a host pointer for a monitor
 * or a device.  A range that is not wholly inside one slot has no pointer. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/types.h"

enum {
    MEM_READ_ONLY = 1, /* guest stores trap */
    MEM_SLOTS_MAX = 16
};

struct mem_slot {
    uint64_t gpa;   /* first guest-physical address */
    uint64_t size;  /* bytes, > 0 */
    uint8_t *host;  /* borrowed from the allocator's pool */
    uint32_t flags; /* MEM_* */
};

struct mem_map {
    struct mem_slot slots[MEM_SLOTS_MAX];
    unsigned count;
};

/* Add a slot.  STATUS_BAD_INPUT when it is empty, wraps or overlaps another;
 * STATUS_NO_MEMORY when all slots are taken. */
MUST_USE enum status mem_add(struct mem_map *m, const struct mem_slot *slot);

/* The slot that holds all of gpa..gpa+len-1, or NULL.  len 0 counts as 1. */
const struct mem_slot *mem_find(const struct mem_map *m, uint64_t gpa,
                                uint64_t len);

/* Host pointer to len bytes at gpa, or NULL when any of them is outside. */
uint8_t *mem_at(const struct mem_map *m, uint64_t gpa, uint64_t len);

#endif
