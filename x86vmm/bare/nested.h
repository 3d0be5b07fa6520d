/* The second level of translation, from guest-physical to the machine's
 * addresses: EPT (Intel SDM vol. 3, "The Extended Page Table Mechanism") or
 * nested page tables (AMD APM vol. 2, "Nested Paging"). */
#ifndef X86VMM_BARE_NESTED_H
#define X86VMM_BARE_NESTED_H

#include "base/mem.h"

enum nested_kind { NESTED_EPT, NESTED_NPT };

/* Tables for all slots; the address of their root, or 0: no storage for them.
 * Nothing but these slots can be reached through them. */
uint64_t nested_make(enum nested_kind kind, const struct mem_map *mem);

#endif
