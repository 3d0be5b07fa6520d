#include "cli/overheard.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = 65536 };

static void append(struct overheard *t, const char *text, size_t len)
{
    if (t->len + len > t->room) {
        size_t room = 2 * t->room + len + ROOM;
        char *bytes = realloc(t->bytes, room);
        if (!bytes) {
            t->differs = true; /* what cannot be compared is not the same */
            return;
        }
        t->bytes = bytes;
        t->room = room;
    }
    memcpy(t->bytes + t->len, text, len);
    t->len += len;
}

void overheard_begin(struct overheard *a, struct overheard *b)
{
    a->len = b->len = 0;
    a->differs = b->differs = false;
    a->other = b;
    b->other = a;
}

void overheard_free(struct overheard *a)
{
    free(a->bytes);
    *a = (struct overheard){0};
}

void overheard_text(void *who, const char *text, size_t len)
{
    struct overheard *t = who, *ahead = t->other;
    size_t n = len < ahead->len ? len : ahead->len;

    if (t->differs || ahead->differs)
        return;
    if (n && memcmp(ahead->bytes, text, n)) {
        t->differs = true;
        return;
    }
    ahead->len -= n;
    if (n)
        memmove(ahead->bytes, ahead->bytes + n, ahead->len);
    if (len > n)
        append(t, text + n, len - n);
}

bool overheard_same(const struct overheard *a)
{
    const struct overheard *b = a->other;

    return !a->differs && !b->differs && !a->len && !b->len;
}
