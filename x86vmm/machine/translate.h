/* Guest-virtual to guest-physical, by the guest's own tables. */
#ifndef X86VMM_MACHINE_TRANSLATE_H
#define X86VMM_MACHINE_TRANSLATE_H

#include "base/mem.h"
#include "x86vmm/machine/state.h"

/* Linear address of an offset in a segment (Intel SDM vol. 3, "Logical and
 * Linear Addresses"; in 64-bit code only FS and GS have a base). */
uint64_t x86_linear(const struct x86_state *s, enum x86_seg seg,
                    uint64_t offset);

/* Walk the paging structures for one linear address: none, 32-bit, PAE, 4- or
 * 5-level, with large pages.  False when an entry is not present or lies
 * outside the storage.  Protection is not checked and no accessed bit is set:
 * this is the monitor's own look at what the guest means. */
bool x86_translate(const struct x86_state *s, const struct mem_map *mem,
                   uint64_t linear, uint64_t *gpa);

/* Copy up to n bytes of code at CS:RIP + delta; returns how many are mapped,
 * fewer at the edge of what is. */
size_t x86_fetch(const struct x86_state *s, const struct mem_map *mem,
                 int64_t delta, uint8_t *bytes, size_t n);

/* How many elements of `size` bytes may INS store at once, from ES:rDI on (rDI
 * as wide as `mask`)?  At least 1.  More are in one page, before rDI or the
 * segment ends, and not over the code of INS itself. */
uint64_t x86_string_room(const struct x86_state *s, const struct mem_map *mem,
                         uint64_t mask, unsigned size);

#endif
