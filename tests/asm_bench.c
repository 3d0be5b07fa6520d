#include "tests/asm_bench.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

void asm_bench_read(const char *path, struct s370_buffer *b)
{
    FILE *f = fopen(path, "rb");
    char block[4096];
    size_t n;

    ck_assert_msg(f != NULL, "%s: cannot open", path);
    while ((n = fread(block, 1, sizeof(block), f)) > 0)
        s370_buffer_put(b, block, n);
    fclose(f);
    s370_buffer_put(b, "", 1);
    b->len--;
}

struct assembly *asm_bench_assemble(const char *name, const char *text,
                                    size_t len)
{
    struct assembly *a;

    ck_assert_int_eq(s370_assemble(name, text, len, NULL, &a), STATUS_OK);
    return a;
}

/* A source without errors, as its image. */
struct s370_buffer asm_bench_image(const char *text)
{
    struct assembly *a = asm_bench_assemble("test", text, strlen(text));
    const struct s370_asm_message *m = s370_asm_messages(a);
    struct s370_buffer image = {0};
    struct diag d = {""};
    uint32_t origin;

    ck_assert_msg(!m, "%u:%u: %s in\n%.2000s", m ? m->line : 0,
                  m ? m->column : 0, m ? m->text : "", text);
    ck_assert_msg(s370_asm_core(a, &image, &origin, &d) == STATUS_OK, "%s",
                  d.text);
    s370_asm_free(a);
    return image;
}
