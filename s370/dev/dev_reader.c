/* Card readers: 2501, 3505, and the readers of 2540 and 1442.
 *
 * The decks are read whole when the device is made, so that a damaged one is
 * found before the guest runs.  A deck is text (one line a card) or EBCDIC (80
 * bytes a card); without an option its first 160 bytes decide, as in Hercules.
 * Between decks, and at the end, the guest sees unit exception (`eof`) or
 * intervention required (`intrq`, which is the default); `multifile` makes one
 * deck of all. */
#include "s370/dev/dev.h"
#include "s370/dev/ebcdic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CARD = 80,
    DETECT = 160,
    READER_LATENCY = 200,
    DECK_MAX = 64 << 20, /* bytes of a file; a deck is a few boxes of cards */
    SENSE1_RETRY = 0x10  /* 3505: retry after intervention required cleared */
};

/* In place of a card: the end of a deck. */
enum hopper_item { ITEM_CARD, ITEM_END };

struct item {
    uint8_t kind; /* enum hopper_item */
    uint8_t card[CARD];
};

struct reader {
    struct s370_device base;
    struct item *items; /* owned */
    size_t count, room, next;
    bool eof; /* end of deck is unit exception */
};

/* The options of one statement. */
struct options {
    bool ascii, ebcdic, eof, multifile, autopad, trunc;
};

/* ---- The guest's side ---- */

static struct s370_start reader_start(struct s370_device *d, uint8_t command,
                                      bool chained)
{
    (void)chained;
    if ((command & 0x17) == 0x02) /* read and feed; stacker in bits 0-1 */
        return dev_started(READER_LATENCY);
    if (command == 0x03 || (command & 0x37) == 0x23) /* feed, select stacker */
        return dev_immediate();
    return dev_refuse(d, S370_SENSE_COMMAND_REJECT);
}

static uint8_t end_of_deck(struct reader *r)
{
    if (r->eof)
        return DEV_ENDED | S370_UNIT_EXCEPTION;
    r->base.sense[1] |= SENSE1_RETRY;
    return dev_check(&r->base, S370_SENSE_INTERVENTION);
}

static uint8_t reader_finish(struct s370_device *d, uint8_t command,
                             uint8_t *record, uint32_t *len)
{
    struct reader *r = (struct reader *)d;

    (void)command;
    *len = 0;
    if (r->next == r->count)
        return end_of_deck(r);
    const struct item *it = &r->items[r->next++];
    if (it->kind == ITEM_END)
        return end_of_deck(r);
    memcpy(record, it->card, CARD);
    *len = CARD;
    return DEV_ENDED;
}

static void reader_destroy(struct s370_device *d)
{
    free(((struct reader *)d)->items);
    free(d);
}

/* An empty hopper shows in a sense that nobody's unit check asked for. */
static void reader_sense(struct s370_device *d)
{
    struct reader *r = (struct reader *)d;

    if (r->next == r->count && !d->sense[0]) {
        d->sense[0] |= S370_SENSE_INTERVENTION;
        d->sense[1] |= SENSE1_RETRY;
    }
}

static const struct s370_device_ops reader_ops = {
    .type = "reader",
    .start = reader_start,
    .finish = reader_finish,
    .destroy = reader_destroy,
    .sense = reader_sense,
};

/* ---- Filling the hopper ---- */

/* What is being read, for messages. */
struct deck {
    const struct s370_dev_spec *spec;
    const struct options *options;
    struct reader *reader;
    const char *path;
    struct diag *diag;
};

static struct item *add_item(const struct deck *k, enum hopper_item kind)
{
    struct reader *r = k->reader;

    if (r->count == r->room) {
        size_t room = r->room ? r->room * 2 : 64;
        struct item *items = realloc(r->items, room * sizeof(*items));

        if (!items)
            return NULL;
        r->items = items;
        r->room = room;
    }
    struct item *it = &r->items[r->count++];
    it->kind = (uint8_t)kind;
    memset(it->card, 0x40, CARD);
    return it;
}

static enum status no_memory(const struct deck *k)
{
    return dev_fail(k->spec, k->diag, STATUS_NO_MEMORY, "no memory for %s",
                    k->path);
}

static enum status bad_column(const struct deck *k, unsigned line,
                              unsigned column, uint8_t c)
{
    return dev_fail(k->spec, k->diag, STATUS_BAD_INPUT,
                    "%s:%u: column %u holds the byte %02X, which is not ASCII "
                    "text",
                    k->path, line, column, c);
}

/* One line of text onto a card; tabs go to the next multiple of 8. */
static enum status punch_line(const struct deck *k, struct item *it,
                              const uint8_t *text, size_t len, unsigned line)
{
    unsigned column = 0, used = 0;

    for (size_t i = 0; i < len; i++) {
        uint8_t c = text[i];

        if (c == '\t') {
            column = (column & ~7u) + 8;
            continue;
        }
        if (c < 0x20 || c > 0x7E)
            return bad_column(k, line, column + 1, c);
        if (column < CARD)
            it->card[column] = ebcdic_from_ascii(c);
        column++;
        if (c != ' ')
            used = column;
    }
    if (used > CARD && !k->options->trunc)
        return dev_fail(k->spec, k->diag, STATUS_BAD_INPUT,
                        "%s:%u: %u columns, and a card has 80 (option trunc "
                        "cuts them)",
                        k->path, line, used);
    return STATUS_OK;
}

static enum status load_text(const struct deck *k, const uint8_t *bytes,
                             size_t size)
{
    const uint8_t *end = memchr(bytes, 0x1A, size); /* Ctrl-Z ends a deck */
    enum status st = STATUS_OK;

    if (end)
        size = (size_t)(end - bytes);
    for (unsigned line = 1; size && st == STATUS_OK; line++) {
        const uint8_t *nl = memchr(bytes, '\n', size);
        size_t len = nl ? (size_t)(nl - bytes) : size;
        size_t text = len && bytes[len - 1] == '\r' ? len - 1 : len;
        struct item *it = add_item(k, ITEM_CARD);

        if (!it)
            return no_memory(k);
        st = punch_line(k, it, bytes, text, line);
        len += nl != NULL;
        bytes += len;
        size -= len;
    }
    return st;
}

static enum status load_cards(const struct deck *k, const uint8_t *bytes,
                              size_t size)
{
    if (size % CARD && !k->options->autopad)
        return dev_fail(k->spec, k->diag, STATUS_BAD_INPUT,
                        "%s: card %zu has %zu bytes instead of 80 (option "
                        "autopad fills it up)",
                        k->path, size / CARD + 1, size % CARD);
    while (size) {
        size_t n = size < CARD ? size : CARD;
        struct item *it = add_item(k, ITEM_CARD);

        if (!it)
            return no_memory(k);
        memset(it->card, 0, CARD);
        memcpy(it->card, bytes, n);
        bytes += n;
        size -= n;
    }
    return STATUS_OK;
}

static bool looks_like_text(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size && i < DETECT && bytes[i] != 0x1A; i++)
        if ((bytes[i] < 0x20 || bytes[i] > 0x7F) && bytes[i] != '\r' &&
            bytes[i] != '\n' && bytes[i] != '\t')
            return false;
    return true;
}

/* The whole file; *bytes is the caller's to free. */
static enum status read_file(const struct deck *k, uint8_t **bytes,
                             size_t *size)
{
    FILE *f = fopen(k->path, "rb");
    long len = -1;

    if (f && !fseek(f, 0, SEEK_END))
        len = ftell(f);
    if (len < 0 || len > DECK_MAX) {
        int error = f && len > DECK_MAX ? EFBIG : errno;

        if (f)
            fclose(f);
        return dev_fail(k->spec, k->diag, STATUS_BAD_INPUT,
                        "%s: cannot read: %s", k->path, strerror(error));
    }
    rewind(f);
    *size = (size_t)len;
    *bytes = malloc(*size + 1);
    bool ok = *bytes && fread(*bytes, 1, *size, f) == *size;
    fclose(f);
    if (ok)
        return STATUS_OK;
    if (!*bytes)
        return no_memory(k);
    free(*bytes);
    return dev_fail(k->spec, k->diag, STATUS_HOST_FAILED, "%s: cannot read",
                    k->path);
}

static enum status load_deck(struct reader *r, const struct options *o,
                             const struct s370_dev_spec *spec, const char *name,
                             struct diag *diag)
{
    char path[DEV_PATH_MAX];
    struct deck k = {spec, o, r, path, diag};
    uint8_t *bytes = NULL;
    size_t size = 0;
    enum status st = dev_path(spec, name, path, diag);

    if (st == STATUS_OK)
        st = read_file(&k, &bytes, &size);
    if (st != STATUS_OK)
        return st;
    bool text = o->ascii || (!o->ebcdic && looks_like_text(bytes, size));
    st = text ? load_text(&k, bytes, size) : load_cards(&k, bytes, size);
    free(bytes);
    if (st == STATUS_OK && !o->multifile && !add_item(&k, ITEM_END))
        st = no_memory(&k);
    return st;
}

/* Is it an option?  Then it is noted. */
static bool note_option(struct options *o, const char *a)
{
    const struct {
        const char *name;
        bool *flag, value;
    } options[] = {
        {"ascii", &o->ascii, true},
        {"ebcdic", &o->ebcdic, true},
        {"eof", &o->eof, true},
        {"intrq", &o->eof, false},
        {"autopad", &o->autopad, true},
        {"trunc", &o->trunc, true},
        {"multifile", &o->multifile, true},
    };

    for (unsigned i = 0; i < ARRAY_LEN(options); i++)
        if (dev_option(a, options[i].name)) {
            *options[i].flag = options[i].value;
            return true;
        }
    return false;
}

static enum status fill(struct reader *r, const struct s370_dev_spec *spec,
                        struct diag *diag)
{
    struct options o = {0}, again;
    enum status st = STATUS_OK;

    for (unsigned i = 0; i < spec->count; i++)
        note_option(&o, spec->args[i]);
    r->eof = o.eof;
    if (o.ascii && o.ebcdic)
        return dev_fail(spec, diag, STATUS_BAD_INPUT,
                        "ascii and ebcdic exclude each other");
    for (unsigned i = 0; i < spec->count && st == STATUS_OK; i++)
        if (!note_option(&again, spec->args[i]) && strcmp(spec->args[i], "*"))
            st = load_deck(r, &o, spec, spec->args[i], diag);
    return st;
}

enum status dev_reader_create(const struct s370_dev_spec *spec,
                              struct s370_device **out, struct diag *diag)
{
    struct reader *r = calloc(1, sizeof(*r));

    if (!r)
        return dev_fail(spec, diag, STATUS_NO_MEMORY, "no memory");
    r->base.ops = &reader_ops;
    r->base.address = spec->address;
    r->base.sense_len = 4;
    enum status st = fill(r, spec, diag);
    if (st == STATUS_OK)
        *out = &r->base;
    else
        reader_destroy(&r->base);
    return st;
}
