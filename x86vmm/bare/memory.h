/* Storage of the monitor's own. */
#ifndef X86VMM_BARE_MEMORY_H
#define X86VMM_BARE_MEMORY_H

#include "base/types.h"

enum { MEMORY_PAGE = 4096, MEMORY_PAGES = 1024 };

/* n pages side by side, cleared; NULL: no more. */
void *memory_pages(unsigned n);
/* How many are in use; and all that came after so many are free again. */
unsigned memory_used(void);
void memory_back(unsigned n);

void *memset(void *to, int byte, size_t n);
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
int memcmp(const void *a, const void *b, size_t n);

#endif
