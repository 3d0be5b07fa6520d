/* What a compiler may ask of any program (GCC's manual, "Standards"). */
#include "x86vmm/bare/memory.h"

void *memset(void *to, int byte, size_t n)
{
    void *at = to;

    __asm__ volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(byte) : "memory");
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    void *at = to;

    __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(n) : : "memory");
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    const uint8_t *f = from;
    uint8_t *t = to;

    if (t <= f || t >= f + n)
        return memcpy(to, from, n);
    while (n--)
        t[n] = f[n];
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *p = a, *q = b;

    for (size_t i = 0; i < n; i++)
        if (p[i] != q[i])
            return p[i] - q[i];
    return 0;
}

static uint8_t pages[MEMORY_PAGES][MEMORY_PAGE]
    __attribute__((aligned(MEMORY_PAGE)));
static unsigned used;

void *memory_pages(unsigned n)
{
    if (n > MEMORY_PAGES - used)
        return NULL;
    used += n;
    return pages[used - n]; /* boot.S has cleared them */
}
