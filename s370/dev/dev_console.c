/* 1052 and 3215 printer-keyboard (GA24-3231 and GA33-1510: commands 01, 09,
 * 0A, 0B, 03, 04; one sense byte). */
#include "s370/dev/dev_console.h"

#include "s370/dev/ebcdic.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONSOLE_LATENCY = 100, /* ticks of a line: the order of events counts, not
                            * the 15 characters a second of the real one */
    CONSOLE_WRITE_MAX = 4096
};

struct line {
    struct line *next;
    uint32_t len;
    uint8_t text[]; /* EBCDIC */
};

struct console {
    struct s370_device base;
    struct s370_console_host host;
    struct line *first, **last; /* owned; typed and not yet read */
    unsigned waiting;           /* lines in that list */
    bool reading;
    bool cancelled;
};

static struct s370_start console_start(struct s370_device *d, uint8_t command,
                                       bool chained)
{
    struct console *c = (struct console *)d;

    (void)chained;
    switch (command) {
    case 0x01: /* write */
    case 0x09: /* write, automatic carrier return */
        return (struct s370_start){.latency = CONSOLE_LATENCY,
                                   .limit = CONSOLE_WRITE_MAX};
    case 0x0A: /* read inquiry */
        c->reading = true;
        c->cancelled = false;
        if (!c->first && c->host.reading)
            c->host.reading(c->host.who, d->address);
        return (struct s370_start){.latency = CONSOLE_LATENCY,
                                   .waits = !c->first};
    case 0x03: /* no-operation */
    case 0x0B: /* audible alarm */
        return dev_immediate();
    default:
        return dev_refuse(d, S370_SENSE_COMMAND_REJECT);
    }
}

static char printed(uint8_t c)
{
    uint8_t a = ebcdic_to_ascii(c);

    return c == 0x15 || a == '\n' ? '\n' : ebcdic_glyph(c);
}

static void print(struct console *c, const uint8_t *text, uint32_t len,
                  bool carrier_return)
{
    char out[CONSOLE_WRITE_MAX + 1];
    uint32_t n = 0;

    while (n < len && n < CONSOLE_WRITE_MAX) {
        out[n] = printed(text[n]);
        n++;
    }
    if (carrier_return)
        out[n++] = '\n';
    if (c->host.print)
        c->host.print(c->host.who, c->base.address, out, n);
}

static uint8_t read_line(struct console *c, uint8_t *record, uint32_t *len)
{
    struct line *l = c->first;

    *len = 0;
    c->reading = false;
    if (c->cancelled || !l)
        return DEV_ENDED | S370_UNIT_EXCEPTION;
    c->first = l->next;
    if (!c->first)
        c->last = &c->first;
    c->waiting--;
    *len = l->len;
    memcpy(record, l->text, l->len);
    free(l);
    return DEV_ENDED;
}

static uint8_t console_finish(struct s370_device *d, uint8_t command,
                              uint8_t *record, uint32_t *len)
{
    struct console *c = (struct console *)d;

    if (command == 0x0A)
        return read_line(c, record, len);
    print(c, record, *len, command == 0x09);
    return DEV_ENDED;
}

static void console_halt(struct s370_device *d)
{
    ((struct console *)d)->reading = false;
}

static void drop_lines(struct console *c)
{
    while (c->first) {
        struct line *l = c->first;

        c->first = l->next;
        free(l);
    }
    c->last = &c->first;
    c->waiting = 0;
}

static void console_destroy(struct s370_device *d)
{
    drop_lines((struct console *)d);
    free(d);
}

static const struct s370_device_ops console_ops = {
    .type = "console",
    .start = console_start,
    .finish = console_finish,
    .halt = console_halt,
    .destroy = console_destroy,
};

bool s370_console_is(const struct s370_device *d)
{
    return d && d->ops == &console_ops;
}

static uint8_t keyed(char ch)
{
    uint8_t c = (uint8_t)ch;

    if (c >= 'a' && c <= 'z')
        c = (uint8_t)(c - 'a' + 'A');
    return c >= 0x20 && c < 0x7F ? ebcdic_from_ascii(c) : 0x40;
}

enum status s370_console_type(struct s370_device *d, const char *text)
{
    struct console *c = (struct console *)d;

    if (!s370_console_is(d))
        return STATUS_BAD_INPUT;
    size_t len = strlen(text);
    if (len && text[len - 1] == '\n')
        len--;
    if (len > S370_CONSOLE_LINE_MAX || c->waiting == S370_CONSOLE_QUEUE_MAX)
        return STATUS_BAD_INPUT;
    struct line *l = malloc(sizeof(*l) + len);
    if (!l)
        return STATUS_NO_MEMORY;
    l->next = NULL;
    l->len = (uint32_t)len;
    for (size_t i = 0; i < len; i++)
        l->text[i] = keyed(text[i]);
    *c->last = l;
    c->last = &l->next;
    c->waiting++;
    if (c->reading)
        s370_device_ready(d);
    return STATUS_OK;
}

enum status s370_console_attention(struct s370_device *d)
{
    if (!s370_console_is(d))
        return STATUS_BAD_INPUT;
    s370_device_attention(d, S370_UNIT_ATTENTION);
    return STATUS_OK;
}

enum status s370_console_cancel(struct s370_device *d)
{
    struct console *c = (struct console *)d;

    if (!s370_console_is(d))
        return STATUS_BAD_INPUT;
    drop_lines(c);
    if (c->reading) {
        c->cancelled = true;
        s370_device_ready(d);
    }
    return STATUS_OK;
}

bool s370_console_reading(const struct s370_device *d)
{
    const struct console *c = (const struct console *)d;

    return s370_console_is(d) && c->reading && !c->cancelled && !c->first;
}

enum status dev_console_create(const struct s370_dev_spec *spec,
                               struct s370_device **out, struct diag *diag)
{
    struct console *c;

    /* Hercules takes a prefix for its command line, which is not used here:
     * "3215-C /" */
    for (unsigned i = 0; i < spec->count; i++)
        if (!dev_option(spec->args[i], "noprompt") &&
            (!ispunct((unsigned char)spec->args[i][0]) ||
             strlen(spec->args[i]) > 2))
            return dev_fail(spec, diag, STATUS_BAD_INPUT,
                            "a console takes no argument '%s' (noprompt)",
                            spec->args[i]);
    c = calloc(1, sizeof(*c));
    if (!c)
        return dev_fail(spec, diag, STATUS_NO_MEMORY, "no memory");
    c->base.ops = &console_ops;
    c->base.address = spec->address;
    c->base.sense_len = 1;
    c->last = &c->first;
    if (spec->host)
        c->host = *spec->host;
    *out = &c->base;
    return STATUS_OK;
}
