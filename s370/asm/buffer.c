/* A growing byte buffer: what listing and object program are written into. */
#include "s370/asm/asm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool grow(struct s370_buffer *b, size_t n)
{
    size_t cap = b->cap ? b->cap : 4096;

    if (b->failed || n > SIZE_MAX / 4 - b->len)
        return false;
    while (cap < b->len + n)
        cap *= 2;
    if (cap == b->cap)
        return true;
    uint8_t *bytes = realloc(b->bytes, cap);
    if (!bytes)
        return false;
    b->bytes = bytes;
    b->cap = cap;
    return true;
}

void s370_buffer_put(struct s370_buffer *b, const void *bytes, size_t n)
{
    if (!grow(b, n)) {
        b->failed = true;
        return;
    }
    if (n)
        memcpy(b->bytes + b->len, bytes, n);
    b->len += n;
}

void s370_buffer_say(struct s370_buffer *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || !grow(b, (size_t)n + 1)) {
        b->failed = true;
        return;
    }
    va_start(ap, fmt);
    vsnprintf((char *)b->bytes + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
}

void s370_buffer_free(struct s370_buffer *b)
{
    free(b->bytes);
    *b = (struct s370_buffer){0};
}
