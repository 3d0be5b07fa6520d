/* The object program: image, IPL tape, IPL cards. */
#include "base/bytes.h"
#include "s370/asm/symbol.h"

#include <stdlib.h>
#include <string.h>

enum {
    CARD_BYTES = 80,
    CARD_READS = 8,       /* CCWs of a card that read the image */
    IPL_BYTES = 24,       /* what IPL reads to location 0 (GA22-7000, "IPL") */
    RECORD_BYTES = 32768, /* of the image in one block of the tape */
    CCW_READ = 0x02,
    CCW_TIC = 0x08,
    CCW_CHAIN = 0x40, /* command chaining */
    CCW_SLI = 0x20,   /* suppress the length indication */
    AWS_WHOLE = 0xA0, /* a block that is one record */
    AWS_MARK = 0x40
};

static enum status find_extent(const struct assembly *a, uint32_t *low,
                               uint32_t *high)
{
    *low = STORAGE_END;
    *high = 0;
    for (const struct section *s = a->sections; s; s = s->next) {
        if (s->kind != SECTION_CONTROL || !s->size)
            continue;
        if (s->origin < *low)
            *low = s->origin;
        if (s->origin + s->size > *high)
            *high = s->origin + s->size;
    }
    return *low < *high ? STATUS_OK : STATUS_BAD_INPUT;
}

static enum status check_program(const struct assembly *a, struct diag *d)
{
    if (a->errors)
        return diag_set(d, STATUS_BAD_INPUT,
                        "there is no object program: %u errors", a->errors);
    return STATUS_OK;
}

static enum status check_resolved(const struct assembly *a, struct diag *d)
{
    for (const struct relocation *r = a->relocations; r; r = r->next)
        if (r->target->kind == SECTION_EXTERNAL && !r->target->weak)
            return diag_set(d, STATUS_BAD_INPUT,
                            "%s is external: only a deck can leave it to a "
                            "linkage editor",
                            r->target->name);
    return STATUS_OK;
}

enum status s370_asm_core(const struct assembly *a, struct s370_buffer *out,
                          uint32_t *origin, struct diag *d)
{
    uint32_t high;
    enum status st = check_program(a, d);

    if (st == STATUS_OK)
        st = check_resolved(a, d);
    if (st != STATUS_OK)
        return st;
    if (find_extent(a, origin, &high) != STATUS_OK)
        return diag_set(d, STATUS_BAD_INPUT, "the program has no code");
    uint8_t *image = calloc(1, high - *origin);
    if (!image)
        return diag_set(d, STATUS_NO_MEMORY, "no memory for the image");
    for (size_t i = 0; i < a->nobjects; i++) {
        const struct object *o = &a->objects[i];

        memcpy(image + (o->section->origin - *origin) + o->loc,
               a->code.bytes + o->at, o->len);
    }
    s370_buffer_put(out, image, high - *origin);
    free(image);
    return out->failed ? diag_set(d, STATUS_NO_MEMORY, "no memory") : STATUS_OK;
}

/* AWS format: each block behind a header of its length, the length of the one
 * before, and flags; the two lengths are little-endian. */
static void put_block(struct s370_buffer *out, const uint8_t *bytes, size_t n,
                      size_t *before, uint8_t flags)
{
    uint8_t header[6] = {0};

    store_le16(header, (uint16_t)n);
    store_le16(header + 2, (uint16_t)*before);
    header[4] = flags;
    s370_buffer_put(out, header, sizeof(header));
    s370_buffer_put(out, bytes, n);
    *before = n;
}

static void make_ccw(uint8_t *ccw, uint8_t code, uint32_t address,
                     uint8_t flags, size_t count)
{
    ccw[0] = code;
    store_be24(ccw + 1, address);
    ccw[4] = flags;
    ccw[5] = 0;
    store_be16(ccw + 6, (uint16_t)count);
}

static uint32_t entry_of(const struct assembly *a, uint32_t origin)
{
    return a->has_entry ? (uint32_t)value_total(&a->entry) : origin;
}

/* One READ for each block of the image; the last one ends the chain. */
static size_t make_reads(uint8_t *ccws, uint32_t origin, size_t len)
{
    size_t n = 0;

    for (size_t at = 0; at < len; at += RECORD_BYTES, n++) {
        size_t count = len - at < RECORD_BYTES ? len - at : RECORD_BYTES;
        bool more = at + count < len;

        make_ccw(ccws + 8 * n, CCW_READ, origin + (uint32_t)at,
                 (uint8_t)(CCW_SLI | (more ? CCW_CHAIN : 0)), count);
    }
    return n;
}

/* The IPL record holds a PSW and two CCWs.  An image of one block is read by
 * the first; a longer one by a list of CCWs, which the first reads to behind
 * the image and the second transfers to.  So nothing of the image, not even
 * locations 0-23, can overlay a CCW that is still needed. */
enum status s370_asm_ipl_tape(const struct assembly *a, struct s370_buffer *out,
                              struct diag *d)
{
    struct s370_buffer image = {0};
    uint8_t record[IPL_BYTES] = {0};
    uint8_t ccws[8 * (STORAGE_END / RECORD_BYTES)];
    uint32_t origin;
    size_t before = 0;
    enum status st = s370_asm_core(a, &image, &origin, d);

    if (st != STATUS_OK) {
        s370_buffer_free(&image);
        return st;
    }
    store_be32(record + 4, entry_of(a, origin));
    size_t n = make_reads(ccws, origin, image.len);
    uint32_t list = (uint32_t)((origin + image.len + 7) & ~(size_t)7);
    if (n == 1) {
        memcpy(record + 8, ccws, 8);
    } else {
        make_ccw(record + 8, CCW_READ, list, CCW_CHAIN | CCW_SLI, n * 8);
        make_ccw(record + 16, CCW_TIC, list, 0, 1);
    }
    put_block(out, record, sizeof(record), &before, AWS_WHOLE);
    if (n > 1)
        put_block(out, ccws, n * 8, &before, AWS_WHOLE);
    for (size_t at = 0; at < image.len; at += RECORD_BYTES)
        put_block(out, image.bytes + at,
                  image.len - at < RECORD_BYTES ? image.len - at : RECORD_BYTES,
                  &before, AWS_WHOLE);
    put_block(out, NULL, 0, &before, AWS_MARK);
    put_block(out, NULL, 0, &before, AWS_MARK);
    s370_buffer_free(&image);
    return out->failed ? diag_set(d, STATUS_NO_MEMORY, "no memory") : STATUS_OK;
}

/* One card: n bytes, the rest zeros. */
static void put_card(struct s370_buffer *out, const uint8_t *bytes, size_t n)
{
    uint8_t card[CARD_BYTES] = {0};

    memcpy(card, bytes, n);
    s370_buffer_put(out, card, sizeof(card));
}

/* A card of CCWs at `list`, for the part of the image that begins at `at`:
 * eight that read a card each; one that reads the next card of CCWs over this
 * one; and a transfer to its beginning.  The last one only reads. */
static size_t put_ccw_card(struct s370_buffer *out, uint32_t list,
                           uint32_t origin, size_t at, size_t len)
{
    uint8_t ccws[CARD_BYTES] = {0};
    unsigned n = 0;

    for (; n < CARD_READS && at < len; n++, at += CARD_BYTES) {
        size_t count = len - at < CARD_BYTES ? len - at : CARD_BYTES;
        bool last = at + count == len;

        make_ccw(ccws + 8 * n, CCW_READ, origin + (uint32_t)at,
                 (uint8_t)(CCW_SLI | (last ? 0 : CCW_CHAIN)), count);
    }
    if (at < len)
        make_ccw(ccws + 8 * n, CCW_READ, list, CCW_CHAIN | CCW_SLI, CARD_BYTES);
    make_ccw(ccws + CARD_BYTES - 8, CCW_TIC, list, 0, 1);
    put_card(out, ccws, sizeof(ccws));
    return at;
}

enum status s370_asm_ipl_cards(const struct assembly *a,
                               struct s370_buffer *out, struct diag *d)
{
    struct s370_buffer image = {0};
    uint8_t record[IPL_BYTES] = {0};
    uint32_t origin;
    enum status st = s370_asm_core(a, &image, &origin, d);

    if (st != STATUS_OK) {
        s370_buffer_free(&image);
        return st;
    }
    uint32_t list = (uint32_t)((origin + image.len + 7) & ~(size_t)7);
    store_be32(record + 4, entry_of(a, origin));
    make_ccw(record + 8, CCW_READ, list, CCW_CHAIN | CCW_SLI, CARD_BYTES);
    make_ccw(record + 16, CCW_TIC, list, 0, 1);
    put_card(out, record, sizeof(record));
    for (size_t at = 0; at < image.len;) {
        size_t end = put_ccw_card(out, list, origin, at, image.len);

        for (; at < end && at < image.len; at += CARD_BYTES)
            put_card(out, image.bytes + at,
                     image.len - at < CARD_BYTES ? image.len - at : CARD_BYTES);
    }
    s370_buffer_free(&image);
    return out->failed ? diag_set(d, STATUS_NO_MEMORY, "no memory") : STATUS_OK;
}
