/* 3525 card punch, and the punches of 2540 and 1442: write (01, with the
 * stacker in bits 0-1), no-operation, sense. */
#include "s370/dev/dev.h"
#include "s370/dev/ebcdic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CARD = 80, PUNCH_LATENCY = 200 };

struct punch {
    struct s370_device base;
    struct s370_console_host host;
    FILE *file;
    char path[DEV_PATH_MAX];
    bool ascii, crlf;
};

static struct s370_start punch_start(struct s370_device *d, uint8_t command,
                                     bool chained)
{
    (void)chained;
    if (command == 0x03)
        return dev_immediate();
    if ((command & 0x3F) == 0x01)
        return (struct s370_start){.latency = PUNCH_LATENCY, .limit = CARD};
    return dev_refuse(d, S370_SENSE_COMMAND_REJECT);
}

/* A card image: 80 EBCDIC bytes, or a line of text without the blanks at its
 * end.  Returns its length. */
static size_t image(const struct punch *p, const uint8_t *record, uint32_t len,
                    char out[CARD + 2])
{
    size_t n = 0;

    if (!p->ascii) {
        memcpy(out, record, len);
        memset(out + len, 0x40, CARD - len);
        return CARD;
    }
    for (uint32_t i = 0; i < len; i++) {
        out[i] = ebcdic_glyph(record[i]);
        if (out[i] != ' ')
            n = i + 1;
    }
    if (p->crlf)
        out[n++] = '\r';
    out[n++] = '\n';
    return n;
}

static uint8_t punch_finish(struct s370_device *d, uint8_t command,
                            uint8_t *record, uint32_t *len)
{
    struct punch *p = (struct punch *)d;
    char out[CARD + 2];
    size_t n = image(p, record, *len, out);

    (void)command;
    fwrite(out, 1, n, p->file); /* a failure stays until dev_written */
    return dev_written(d, &p->host, p->path, p->file);
}

static void punch_destroy(struct s370_device *d)
{
    struct punch *p = (struct punch *)d;

    if (fclose(p->file))
        dev_trouble(d, &p->host, "%s: cannot write: %s", p->path,
                    strerror(errno));
    free(p);
}

static const struct s370_device_ops punch_ops = {
    .type = "punch",
    .start = punch_start,
    .finish = punch_finish,
    .destroy = punch_destroy,
};

static enum status parse(struct punch *p, const struct s370_dev_spec *spec,
                         bool *append, struct diag *diag)
{
    if (!spec->count)
        return dev_fail(spec, diag, STATUS_BAD_INPUT,
                        "a punch needs a file to punch into");
    for (unsigned i = 1; i < spec->count; i++) {
        const char *a = spec->args[i];

        if (dev_option(a, "ascii"))
            p->ascii = true;
        else if (dev_option(a, "ebcdic"))
            p->ascii = false;
        else if (dev_option(a, "crlf"))
            p->crlf = true;
        else if (dev_option(a, "noclear"))
            *append = true;
        else if (!dev_option(a, "punch"))
            return dev_fail(spec, diag, STATUS_BAD_INPUT,
                            "a punch takes no argument '%s' (ascii, ebcdic, "
                            "crlf, noclear)",
                            a);
    }
    return STATUS_OK;
}

enum status dev_punch_create(const struct s370_dev_spec *spec,
                             struct s370_device **out, struct diag *diag)
{
    struct punch *p = calloc(1, sizeof(*p));
    bool append = false;

    if (!p)
        return dev_fail(spec, diag, STATUS_NO_MEMORY, "no memory");
    p->base.ops = &punch_ops;
    p->base.address = spec->address;
    p->base.sense_len = 4;
    if (spec->host)
        p->host = *spec->host;
    enum status st = parse(p, spec, &append, diag);
    if (st == STATUS_OK)
        st = dev_output(spec, append, p->path, &p->file, diag);
    if (st == STATUS_OK)
        *out = &p->base;
    else
        free(p);
    return st;
}

enum status dev_card_create(const struct s370_dev_spec *spec,
                            struct s370_device **out, struct diag *diag)
{
    for (unsigned i = 0; i < spec->count; i++)
        if (dev_option(spec->args[i], "punch"))
            return dev_punch_create(spec, out, diag);
    return dev_reader_create(spec, out, diag);
}
