/* The monitor's translation tables for a guest. */
#ifndef S370_ENGINE_TRAP_MAP_H
#define S370_ENGINE_TRAP_MAP_H

#include "s370/engine/engine_trap.h"

/* Take real storage for the tables of a guest with `size` bytes, all of it
 * invalid: a guest can reach nothing that trap_map_slot has not given. */
MUST_USE enum status trap_map_init(struct vm *vm, uint64_t size);

/* Map a slot of guest storage.  STATUS_BAD_INPUT: not made of whole pages, or
 * not the allocator's. */
MUST_USE enum status trap_map_slot(struct vm *vm, const struct mem_slot *slot);

/* Let guest real 0 and the prefix page change places (GA22-7000, "Prefixing"):
 * the guest's prefixing is done by the real translation. */
void trap_map_prefix(struct vm *vm, uint32_t prefix);

#endif
