/* The allocator A: the only one that gives storage, devices and time.
 *
 * It owns the pool (the real machine's storage) and remembers who got what,
 * so that no byte and no device ever belongs to two virtual machines. */
#ifndef MONITOR_ALLOCATOR_H
#define MONITOR_ALLOCATOR_H

#include "base/bus.h"
#include "base/diag.h"
#include "monitor/vm.h"

enum { ALLOCATOR_GRANTS_MAX = 128 };

struct grant {
    uint64_t first, size; /* in the pool */
    unsigned owner;       /* vm->id, or 0 for the monitor itself */
};

struct allocator {
    uint8_t *pool; /* borrowed: host address of real storage */
    uint64_t size;
    struct grant grants[ALLOCATOR_GRANTS_MAX];
    unsigned count;
    uint64_t slice; /* guest instructions a VM gets per turn */
    /* From here on the pool is zero: nobody has had it.  Its size, unless its
     * maker knows better and lowers it before the first grant. */
    uint64_t fresh;
    struct diag diag;
};

void allocator_init(struct allocator *a, uint8_t *pool, uint64_t size,
                    uint64_t slice);

/* Storage for the monitor's own tables: never mapped for a guest.  Returns
 * the offset in the pool in *at. */
MUST_USE enum status allocator_keep(struct allocator *a, uint64_t size,
                                    uint64_t align, uint64_t *at);

/* Give the VM `size` zeroed bytes at guest-physical gpa. */
MUST_USE enum status allocator_give_storage(struct allocator *a, struct vm *vm,
                                            uint64_t gpa, uint64_t size,
                                            uint64_t align);

/* Give the VM a device. */
MUST_USE enum status allocator_give_device(struct allocator *a, struct vm *vm,
                                           const struct bus_device *d);

/* Give the VM its share of time. */
void allocator_give_time(struct allocator *a, struct vm *vm);

/* Does all of first..first+size-1 of the pool belong to this owner? */
bool allocator_owns(const struct allocator *a, unsigned owner, uint64_t first,
                    uint64_t size);

/* Take everything back from a VM. */
void allocator_reclaim(struct allocator *a, struct vm *vm);

#endif
