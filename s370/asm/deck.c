/* The object deck: cards of types ESD, TXT, RLD and END, as the linkage
 * editors of OS and DOS read them (GC33-4010, "Object Deck Output"). */
#include "base/bytes.h"
#include "s370/asm/symbol.h"
#include "s370/asm/text.h"
#include "s370/dev/ebcdic.h"

#include <stdio.h>
#include <string.h>

enum {
    CARD_BYTES = 80,
    BLANK = 0x40,
    DATA = 16,     /* offset of the variable field: column 17 */
    DATA_MAX = 56, /* its length */
    ESD_ITEM = 16,
    RLD_ITEM = 8
};

struct deck {
    struct s370_buffer *out;
    unsigned cards;
    uint8_t card[CARD_BYTES];
    size_t used; /* of the variable field */
};

static void put_ebcdic(uint8_t *at, const char *text, size_t width)
{
    for (size_t i = 0; i < width && text[i]; i++)
        at[i] = ebcdic_from_ascii((uint8_t)text[i]);
}

static void begin_card(struct deck *k, const char *type)
{
    memset(k->card, BLANK, sizeof(k->card));
    k->card[0] = 0x02;
    put_ebcdic(k->card + 1, type, 3);
    k->used = 0;
}

/* Give the card its sequence number, and let it go. */
static void end_card(struct deck *k)
{
    char sequence[12];

    snprintf(sequence, sizeof(sequence), "%08u", ++k->cards);
    put_ebcdic(k->card + 72, sequence, 8);
    s370_buffer_put(k->out, k->card, sizeof(k->card));
}

/* ESD: columns 11-12 bytes of data, 15-16 ESDID of the first item that has
 * one; items of name, type, address, blank, length or ESDID. */
static void put_esd(struct deck *k, const char *name, uint8_t type, unsigned id,
                    uint32_t address, uint32_t tail)
{
    if (k->used + ESD_ITEM > 3 * ESD_ITEM) {
        end_card(k);
        begin_card(k, "ESD");
    }
    uint8_t *at = k->card + DATA + k->used;
    put_ebcdic(at, name, 8);
    at[8] = type;
    store_be24(at + 9, address);
    if (type != 0x02 && type != 0x0A)
        store_be24(at + 13, tail);
    k->used += ESD_ITEM;
    store_be16(k->card + 10, (uint16_t)k->used);
    if (id && k->card[14] == BLANK)
        store_be16(k->card + 14, (uint16_t)id);
}

static void put_sections(struct deck *k, const struct assembly *a)
{
    begin_card(k, "ESD");
    for (const struct section *s = a->sections; s; s = s->next) {
        uint8_t type = s->kind == SECTION_EXTERNAL ? (s->weak ? 0x0A : 0x02)
                       : *s->name                  ? 0x00
                                                   : 0x04;

        if (s->kind != SECTION_DUMMY)
            put_esd(k, s->name, type, s->id,
                    s->kind == SECTION_CONTROL ? s->origin : 0, s->size);
    }
    for (size_t i = 0; i < BUCKETS; i++)
        for (const struct symbol *s = a->symbols[i]; s; s = s->next)
            if (s->entry)
                put_esd(k, s->name, 0x01, 0, (uint32_t)value_total(&s->value),
                        s->value.terms[0].section->id);
    if (k->used)
        end_card(k);
}

/* TXT: columns 6-8 address, 11-12 bytes, 15-16 ESDID, 17-72 text.  Pieces that
 * follow one another share cards. */
static void put_texts(struct deck *k, const struct assembly *a)
{
    const struct section *section = NULL;
    uint32_t next = 0;

    k->used = 0;
    for (size_t i = 0; i < a->nobjects; i++) {
        const struct object *o = &a->objects[i];
        uint32_t at = o->section->origin + o->loc;

        for (size_t n = 0; n < o->len; n++, at++) {
            if (k->used &&
                (k->used == DATA_MAX || at != next || o->section != section)) {
                end_card(k);
                k->used = 0;
            }
            if (!k->used) {
                begin_card(k, "TXT");
                store_be24(k->card + 5, at);
                store_be16(k->card + 14, (uint16_t)o->section->id);
            }
            k->card[DATA + k->used++] = a->code.bytes[o->at + n];
            store_be16(k->card + 10, (uint16_t)k->used);
            next = at + 1;
            section = o->section;
        }
    }
    if (k->used)
        end_card(k);
}

/* RLD: columns 11-12 bytes; items of relocation ESDID, position ESDID, flags
 * (0x10 V type, length less one, 0x02 negative), address. */
static void put_relocations(struct deck *k, const struct assembly *a)
{
    k->used = 0;
    for (const struct relocation *r = a->relocations; r; r = r->next) {
        if (k->used + RLD_ITEM > DATA_MAX)
            end_card(k);
        if (!k->used || k->used + RLD_ITEM > DATA_MAX)
            begin_card(k, "RLD");
        uint8_t *at = k->card + DATA + k->used;
        store_be16(at, (uint16_t)r->target->id);
        store_be16(at + 2, (uint16_t)r->in->id);
        at[4] = (uint8_t)((r->branch ? 0x10 : 0) | (r->len - 1) << 2 |
                          (r->negative ? 2 : 0));
        store_be24(at + 5, r->in->origin + r->loc);
        k->used += RLD_ITEM;
        store_be16(k->card + 10, (uint16_t)k->used);
    }
    if (k->used)
        end_card(k);
}

static void put_end(struct deck *k, const struct assembly *a)
{
    begin_card(k, "END");
    if (a->has_entry) {
        store_be24(k->card + 5, (uint32_t)value_total(&a->entry));
        store_be16(k->card + 14, (uint16_t)a->entry.terms[0].section->id);
    }
    end_card(k);
}

enum status s370_asm_deck(const struct assembly *a, struct s370_buffer *out,
                          struct diag *d)
{
    struct deck k = {.out = out};

    if (a->errors)
        return diag_set(d, STATUS_BAD_INPUT,
                        "there is no object program: %u errors", a->errors);
    put_sections(&k, a);
    put_texts(&k, a);
    put_relocations(&k, a);
    put_end(&k, a);
    return out->failed ? diag_set(d, STATUS_NO_MEMORY, "no memory") : STATUS_OK;
}
