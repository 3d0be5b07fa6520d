#include "popek-goldberg/language/isa.h"

#include <stdlib.h>
#include <string.h>

struct isa_chunk {
    struct isa_chunk *next;
    uint64_t bytes[];
};

void *isa_take(struct isa *isa, size_t size)
{
    struct isa_chunk *c = calloc(1, sizeof(*c) + (size ? size : 1));

    if (!c)
        return NULL;
    c->next = isa->chunks;
    isa->chunks = c;
    return c->bytes;
}

void isa_free(struct isa *isa)
{
    while (isa && isa->chunks) {
        struct isa_chunk *next = isa->chunks->next;

        free(isa->chunks);
        isa->chunks = next;
    }
    free(isa);
}

int isa_find_element(const struct isa *isa, const char *text, size_t len)
{
    for (unsigned i = 0; i < isa->element_count; i++)
        if (strlen(isa->elements[i].name) == len &&
            !memcmp(isa->elements[i].name, text, len))
            return (int)i;
    return -1;
}

int isa_find_encoding(const struct isa *isa, const char *name)
{
    for (unsigned i = 0; i < isa->encoding_count; i++)
        if (!strcmp(isa->encodings[i].name, name))
            return (int)i;
    return -1;
}

int isa_find_mnemonic(const struct isa *isa, const char *name)
{
    for (unsigned i = 0; i < isa->encoding_count; i++)
        if (!strcmp(isa->encodings[i].mnemonic, name))
            return (int)i;
    return -1;
}
