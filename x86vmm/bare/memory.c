/* What a compiler may ask of any program (GCC's manual, "Standards"). */
#include "x86vmm/bare/memory.h"

#include "x86vmm/bare/include/string.h"

void *memset(void *to, int byte, size_t n)
{
    size_t words = n / 8, rest = n % 8;
    uint64_t pattern = (uint8_t)byte * UINT64_C(0x0101010101010101);
    void *at = to;

    __asm__ volatile("rep stosq\n\tmov %3, %1\n\trep stosb"
                     : "+D"(at), "+c"(words)
                     : "a"(pattern), "r"(rest)
                     : "memory");
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    size_t words = n / 8, rest = n % 8;
    void *at = to;

    __asm__ volatile("rep movsq\n\tmov %3, %2\n\trep movsb"
                     : "+D"(at), "+S"(from), "+c"(words)
                     : "r"(rest)
                     : "memory");
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

size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n])
        n++;
    return n;
}

/* Of 128 bits, for a DIV that is executed for a guest, digit by digit.
 * libgcc's would use the guest's XMM registers.  gcc asks for the first, clang
 * for the second. */
unsigned __int128 __udivmodti4(unsigned __int128 n, unsigned __int128 d,
                               unsigned __int128 *rest);
unsigned __int128 __udivti3(unsigned __int128 n, unsigned __int128 d);

unsigned __int128 __udivmodti4(unsigned __int128 n, unsigned __int128 d,
                               unsigned __int128 *rest)
{
    unsigned __int128 quotient = 0, left = 0;

    for (unsigned i = 0; i < 128; i++) {
        bool carry = left >> 127;

        left = left << 1 | n >> 127;
        n <<= 1;
        quotient <<= 1;
        if (carry || left >= d) {
            left -= d;
            quotient |= 1;
        }
    }
    if (rest)
        *rest = left;
    return quotient;
}

unsigned __int128 __udivti3(unsigned __int128 n, unsigned __int128 d)
{
    return __udivmodti4(n, d, NULL);
}

static uint8_t pages[MEMORY_PAGES][MEMORY_PAGE]
    __attribute__((aligned(MEMORY_PAGE)));
static unsigned used;

void *memory_pages(unsigned n)
{
    if (n > MEMORY_PAGES - used)
        return NULL;
    used += n;
    return pages[used - n]; /* boot.S has cleared them, or memory_back */
}

unsigned memory_used(void)
{
    return used;
}

void memory_back(unsigned n)
{
    memset(pages[n], 0, (size_t)(used - n) * MEMORY_PAGE);
    used = n;
}
