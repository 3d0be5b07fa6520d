#include "tests/oracle/driver.h"
#include "s370/asm/asm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static enum status read_source(const char *file, struct s370_buffer *b,
                               struct diag *d)
{
    FILE *f = fopen(file, "r");
    char text[4096];
    size_t n;

    if (!f)
        return diag_set(d, STATUS_BAD_INPUT, "%s: %s", file, strerror(errno));
    while ((n = fread(text, 1, sizeof(text), f)) > 0)
        s370_buffer_put(b, text, n);
    fclose(f);
    return STATUS_OK;
}

/* The first error stands for all. */
static enum status complain(const struct assembly *a, struct diag *d)
{
    const struct s370_asm_message *m = s370_asm_messages(a);

    while (m && m->warning)
        m = m->next;
    return diag_set(d, STATUS_BAD_INPUT, "%s:%u: %s", m ? m->file : "?",
                    m ? m->line : 0, m ? m->text : "?");
}

static enum status take_core(const struct assembly *a,
                             uint8_t driver[DRIVER_SIZE], struct diag *d)
{
    struct s370_buffer core = {0};
    uint32_t origin;
    enum status st = s370_asm_core(a, &core, &origin, d);

    if (st == STATUS_OK && (origin != 0 || core.len > DRIVER_SIZE))
        st = diag_set(d, STATUS_BAD_INPUT, "the driver is not one page at 0");
    if (st == STATUS_OK) {
        memset(driver, 0, DRIVER_SIZE);
        memcpy(driver, core.bytes, core.len);
    }
    s370_buffer_free(&core);
    return st;
}

enum status driver_assemble(const char *file, uint8_t driver[DRIVER_SIZE],
                            struct diag *d)
{
    struct s370_buffer source = {0};
    struct assembly *a = NULL;
    enum status st = read_source(file, &source, d);

    if (st == STATUS_OK)
        st = s370_assemble(file, (const char *)source.bytes, source.len, NULL,
                           &a);
    if (st == STATUS_OK)
        st = s370_asm_errors(a) ? complain(a, d) : take_core(a, driver, d);
    s370_asm_free(a);
    s370_buffer_free(&source);
    return st;
}
