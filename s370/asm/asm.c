#include "s370/asm/asm.h"

#include "s370/asm/assemble.h"
#include "s370/asm/generate.h"
#include "s370/asm/reader.h"
#include "s370/asm/text.h"

#include <stdlib.h>

enum { OPEN_ACTR = 4096 };

static void begin(struct assembly *a)
{
    a->end = &a->first;
    a->sections_end = &a->sections;
    a->literals_end = &a->literals;
    a->relocations_end = &a->relocations;
    a->wanted_end = &a->wanted;
    a->open_actr = OPEN_ACTR;
    a->pass = 1;
}

static void assemble(struct assembly *a, const char *file, const char *text,
                     size_t len)
{
    if (!reader_add(a, NULL, file, text, len, 0)) {
        a->no_memory = true;
        return;
    }
    generate_all(a);
    if (asm_room(a))
        assemble_finish(a);
}

enum status s370_assemble(const char *file, const char *text, size_t len,
                          const struct s370_asm_options *options,
                          struct assembly **out)
{
    static const struct s370_asm_options plain;
    struct assembly *a = calloc(1, sizeof(*a));

    *out = NULL;
    if (!a)
        return STATUS_NO_MEMORY;
    a->options = options ? options : &plain;
    begin(a);
    assemble(a, file, text, len);
    a->options = NULL;
    if (a->no_memory) {
        bool too_large = a->too_large;

        s370_asm_free(a);
        return too_large ? STATUS_BAD_INPUT : STATUS_NO_MEMORY;
    }
    *out = a;
    return STATUS_OK;
}

void s370_asm_free(struct assembly *a)
{
    if (!a)
        return;
    asm_free_all(a);
    free(a->objects);
    s370_buffer_free(&a->code);
    free(a);
}

unsigned s370_asm_errors(const struct assembly *a)
{
    return a->errors;
}

const struct s370_asm_message *s370_asm_messages(const struct assembly *a)
{
    return a->messages;
}
