/* Line printers 1403, 1443 and 3211 (GA24-3312, GA24-3543).
 *
 * The paper is a text file, laid out as Hercules 3.13 does it, so that listings
 * compare: spacing is line feeds, a skip is line feeds or, over the end of the
 * form, a form feed and line feeds; overprinting is a carriage return.  Without
 * an FCB the carriage tape has the stops that Hercules assumes.  Blanks at the
 * end of a line are not written.
 *
 * Unlike it, spaces that go over the end of the form begin the next one, a line
 * has the columns of its printer, and a character that no print train has
 * prints blank (our choice; tests/oracle/io_difference.def has the others). */
#include "s370/dev/dev.h"
#include "s370/dev/ebcdic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    PRINTER_LATENCY = 100,
    COLUMNS_MAX = 150, /* of a 3211; see columns() */
    BUFFER_MAX = 512,  /* UCS and FCB images */
    CHANNEL_STOPS = 12,
    FORM_MAX = 180, /* lines of a 3211's FCB */
    FCB_LAST = 0x10 /* flag of the last line */
};

struct printer {
    struct s370_device base;
    struct s370_console_host host;
    FILE *file;
    char path[DEV_PATH_MAX];
    bool crlf;
    bool gates; /* a UCS load has to follow a UCS gate load (2821) */
    bool gate;  /* and the last command was one */
    uint32_t columns;
    unsigned line;                    /* 1 is the first of the form */
    unsigned lines;                   /* of a form */
    unsigned stop[1 + CHANNEL_STOPS]; /* line of a channel; 0: none */
};

static const unsigned default_stops[1 + CHANNEL_STOPS] = {
    0, 1, 7, 13, 19, 25, 31, 37, 43, 63, 49, 55, 61};

/* ---- Commands ---- */

/* Write 09 and control 0B: bits 0-4 are 0 and the lines to space by, or 1
 * and the channel to skip to.  False when they say neither. */
static bool carriage(uint8_t command, unsigned *space, unsigned *channel)
{
    unsigned field = command >> 3;

    *space = *channel = 0;
    if (field <= 3)
        *space = field;
    else if (field >= 0x11 && field <= 0x1C)
        *channel = field & 0xF;
    else
        return false;
    return true;
}

static bool is_write(uint8_t command)
{
    unsigned space, channel;

    return (command & 7) == 1 && carriage(command, &space, &channel);
}

static bool is_control(uint8_t command)
{
    unsigned space, channel;

    return (command & 7) == 3 && command != 0x03 &&
           carriage(command, &space, &channel);
}

static struct s370_start printer_start(struct s370_device *d, uint8_t command,
                                       bool chained)
{
    struct printer *p = (struct printer *)d;
    bool shut = p->gates && !(p->gate && chained);

    p->gate = command == 0xEB;
    if (is_write(command))
        return (struct s370_start){.latency = PRINTER_LATENCY,
                                   .limit = p->columns};
    if (is_control(command)) /* channel end now, device end when it stands */
        return (struct s370_start){.status = S370_UNIT_CHANNEL_END,
                                   .latency = PRINTER_LATENCY};
    switch (command) {
    case 0x03: /* no-operation */
    case 0x07: /* 1443: select tape-controlled stacker */
    case 0x23: /* 3211: fold */
    case 0x43: /* 3211: unfold */
    case 0x73: /* block data check */
    case 0x7B: /* allow data check */
    case 0xEB: /* UCS gate load */
        return dev_immediate();
    case 0xF3: /* load UCS, with folding */
    case 0xFB: /* load UCS */
    case 0x63: /* load FCB */
        if (shut && command != 0x63)
            break;
        return (struct s370_start){.latency = PRINTER_LATENCY,
                                   .limit = BUFFER_MAX};
    default:
        break;
    }
    return dev_refuse(d, S370_SENSE_COMMAND_REJECT);
}

/* ---- Paper ---- */

static void feed(struct printer *p, unsigned lines)
{
    p->line = (p->line - 1 + lines) % p->lines + 1;
    while (lines--)
        putc('\n', p->file);
}

/* False: nothing stops the paper. */
static bool skip_to(struct printer *p, unsigned channel)
{
    unsigned to = p->stop[channel];

    if (!to)
        return false;
    if (p->line > to) {
        putc('\f', p->file);
        p->line = 1;
    }
    feed(p, to - p->line);
    return true;
}

static void put_line(struct printer *p, const uint8_t *record, uint32_t len)
{
    while (len && ebcdic_glyph(record[len - 1]) == ' ')
        len--;
    for (uint32_t i = 0; i < len; i++)
        putc(ebcdic_glyph(record[i]), p->file);
    if (p->crlf)
        putc('\r', p->file);
}

/* The carriage part of a command; `wrote`: after a line. */
static bool move_paper(struct printer *p, uint8_t command, bool wrote)
{
    unsigned space, channel;

    carriage(command, &space, &channel);
    if (wrote && !space && channel <= 1)
        putc('\r', p->file);
    if (channel)
        return skip_to(p, channel);
    feed(p, space);
    return true;
}

/* A forms control buffer: a byte a line, the channel in bits 4-7; the last
 * line is flagged.  The 3211's index byte, if any, comes first. */
static bool load_fcb(struct printer *p, const uint8_t *image, uint32_t len)
{
    unsigned stop[1 + CHANNEL_STOPS] = {0};
    uint32_t first = len && (image[0] & 0x80) ? 1 : 0;

    for (uint32_t i = first; i < len && i - first < FORM_MAX; i++) {
        unsigned channel = image[i] & 0xF, line = i - first + 1;

        if (channel > CHANNEL_STOPS)
            return false;
        if (channel && !stop[channel])
            stop[channel] = line;
        if (image[i] & FCB_LAST) {
            memcpy(p->stop, stop, sizeof(stop));
            p->lines = line;
            p->line = 1;
            return true;
        }
    }
    return false;
}

static uint8_t printer_finish(struct s370_device *d, uint8_t command,
                              uint8_t *record, uint32_t *len)
{
    struct printer *p = (struct printer *)d;
    bool wrote = is_write(command);

    if (command == 0x63)
        return load_fcb(p, record, *len) ? DEV_ENDED
                                         : dev_check(d, S370_SENSE_DATA_CHECK);
    if (!wrote && !is_control(command))
        return DEV_ENDED; /* a UCS image: every train has our characters */
    if (wrote)
        put_line(p, record, *len);
    bool moved = move_paper(p, command, wrote);
    uint8_t status = dev_written(d, &p->host, p->path, p->file);
    return moved ? status : status | dev_check(d, S370_SENSE_DATA_CHECK);
}

static void printer_destroy(struct s370_device *d)
{
    struct printer *p = (struct printer *)d;

    if (fclose(p->file))
        dev_trouble(d, &p->host, "%s: cannot write: %s", p->path,
                    strerror(errno));
    free(p);
}

static const struct s370_device_ops printer_ops = {
    .type = "printer",
    .start = printer_start,
    .finish = printer_finish,
    .destroy = printer_destroy,
};

/* ---- Making ---- */

static uint32_t columns(const char *type)
{
    if (!strcmp(type, "3211"))
        return COLUMNS_MAX;
    return !strcmp(type, "1443") ? 144 : 132;
}

static enum status open_file(struct printer *p,
                             const struct s370_dev_spec *spec,
                             struct diag *diag)
{
    bool append = false;

    if (!spec->count)
        return dev_fail(spec, diag, STATUS_BAD_INPUT,
                        "a printer needs a file to print into");
    for (unsigned i = 1; i < spec->count; i++) {
        if (dev_option(spec->args[i], "crlf"))
            p->crlf = true;
        else if (dev_option(spec->args[i], "noclear"))
            append = true;
        else
            return dev_fail(spec, diag, STATUS_BAD_INPUT,
                            "a printer takes no argument '%s' (crlf, noclear)",
                            spec->args[i]);
    }
    return dev_output(spec, append, p->path, &p->file, diag);
}

enum status dev_printer_create(const struct s370_dev_spec *spec,
                               struct s370_device **out, struct diag *diag)
{
    struct printer *p = calloc(1, sizeof(*p));

    if (!p)
        return dev_fail(spec, diag, STATUS_NO_MEMORY, "no memory");
    p->base.ops = &printer_ops;
    p->base.address = spec->address;
    p->base.sense_len = strcmp(spec->type, "3211") ? 1 : 6;
    p->gates = !strcmp(spec->type, "1403");
    p->columns = columns(spec->type);
    p->line = 1;
    p->lines = 66;
    memcpy(p->stop, default_stops, sizeof(default_stops));
    if (spec->host)
        p->host = *spec->host;
    enum status st = open_file(p, spec, diag);
    if (st == STATUS_OK)
        *out = &p->base;
    else
        free(p);
    return st;
}
