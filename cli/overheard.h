/* What two machines print, compared as it comes.
 *
 * What the other one has printed already is compared and forgotten; so a guest
 * that prints for ever fills nothing. */
#ifndef CLI_OVERHEARD_H
#define CLI_OVERHEARD_H

#include "base/types.h"

/* What one has printed and the other has not yet. */
struct overheard {
    char *bytes; /* owned */
    size_t len, room;
    bool differs; /* from what the other has printed */
    struct overheard *other;
};

/* From the start: each is the other's other. */
void overheard_begin(struct overheard *a, struct overheard *b);
void overheard_free(struct overheard *a);

/* A machine has printed; `who` is its struct overheard. */
void overheard_text(void *who, const char *text, size_t len);

/* Have both printed the same, and equally much? */
bool overheard_same(const struct overheard *a);

#endif
