/* What shared files that also run on a host take from a C library: memory.c. */
#ifndef X86VMM_BARE_STRING_H
#define X86VMM_BARE_STRING_H

#include <stddef.h>

void *memset(void *to, int byte, size_t n);
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);

#endif
