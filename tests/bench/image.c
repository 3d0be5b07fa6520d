/* From tests/bench/NAME.s to storage. */
#include "base/bytes.h"
#include "s370/asm/asm.h"
#include "tests/bench/bench.h"

#include <stdio.h>
#include <string.h>

#define FOLDER "tests/bench/"

static bool read_text(const char *path, struct s370_buffer *into)
{
    char text[4096];
    FILE *f = fopen(path, "r");
    size_t n;

    if (!f)
        return false;
    while ((n = fread(text, 1, sizeof(text), f)) > 0)
        s370_buffer_put(into, text, n);
    fclose(f);
    return !into->failed;
}

static bool copy_member(void *context, const char *member,
                        struct s370_buffer *into, char *file, size_t cap)
{
    (void)context;
    snprintf(file, cap, FOLDER "%s.mac", member);
    return read_text(file, into);
}

static enum status image_of(struct assembly *a, const char *path,
                            uint8_t image[BENCH_STORAGE], struct diag *d)
{
    const struct s370_asm_message *m = s370_asm_messages(a);
    struct s370_buffer core = {0};
    uint32_t origin = 0;

    if (s370_asm_errors(a))
        return diag_set(d, STATUS_BAD_INPUT, "%s:%u: %s", m->file, m->line,
                        m->text);
    enum status st = s370_asm_core(a, &core, &origin, d);
    if (st == STATUS_OK && (origin != 0 || core.len > BENCH_STORAGE))
        st = diag_set(d, STATUS_BAD_INPUT, "%s: does not fit", path);
    if (st == STATUS_OK) {
        memset(image, 0, BENCH_STORAGE);
        memcpy(image, core.bytes, core.len);
    }
    s370_buffer_free(&core);
    return st;
}

enum status bench_image(const struct bench_loop *loop, uint32_t turns,
                        uint8_t image[BENCH_STORAGE], struct diag *d)
{
    static const struct s370_asm_options options = {.copy = copy_member};
    struct s370_buffer text = {0};
    struct assembly *a = NULL;
    char path[64];

    snprintf(path, sizeof(path), FOLDER "%s.s", loop->name);
    if (!read_text(path, &text))
        return diag_set(d, STATUS_BAD_INPUT, "%s: cannot be read", path);
    enum status st =
        s370_assemble(path, (const char *)text.bytes, text.len, &options, &a);
    if (st == STATUS_OK)
        st = image_of(a, path, image, d);
    s370_asm_free(a);
    s370_buffer_free(&text);
    if (st == STATUS_OK)
        store_be32(image + BENCH_COUNT, turns);
    return st;
}
