/* Assembler instructions that make object code: DC DS CCW CNOP. */
#include "base/bytes.h"
#include "s370/asm/constant.h"
#include "s370/asm/directive.h"
#include "s370/asm/location.h"
#include "s370/asm/object.h"
#include "s370/asm/symbol.h"
#include "s370/asm/text.h"

#include <stdlib.h>
#include <string.h>

enum { COPIES_AT_ONCE = 4096 };

static bool is_dc(const struct statement *st)
{
    return st->kind == STATEMENT_LITERAL || st->op[1] == 'C';
}

/* The name stands for the first operand, behind its alignment. */
void directive_dc1(struct assembly *a, struct statement *st)
{
    struct scan s = scan_begin(a, st);
    struct constant c;
    bool first = true;

    do {
        s.section = section_current(a);
        s.loc = a->section->loc;
        if (!constant_read(&s, &c, is_dc(st))) {
            location_locate(a, st);
            return;
        }
        location_align(a, c.align);
        if (first) {
            location_locate(a, st);
            struct value v = value_at(st->section, st->loc);
            symbol_define(a, st, &v, c.length, c.type);
        }
        location_advance(a, st, constant_size(&c));
        first = false;
    } while (scan_take(&s, ','));
    scan_done(&s);
}

static void put_copies(struct assembly *a, struct statement *st, struct scan *s,
                       const struct constant *c, uint8_t *bytes)
{
    size_t n = c->values_size;
    uint32_t per = n < COPIES_AT_ONCE ? COPIES_AT_ONCE / (uint32_t)n : 1;
    uint8_t *block = malloc(n * per);

    if (!block) {
        a->no_memory = true;
        return;
    }
    for (uint32_t i = 0; i < per; i++)
        memcpy(block + i * n, bytes, n);
    for (uint32_t left = c->copies; left && a->code.len <= OBJECT_MAX;) {
        uint32_t now = left < per ? left : per;

        object_put(a, st, s->loc, block, now * n);
        s->loc += now * (uint32_t)n;
        left -= now;
    }
    free(block);
}

/* Address constants differ from copy to copy when they ask for the location
 * counter, and each copy has its relocation. */
static void put_addresses(struct assembly *a, struct statement *st,
                          struct scan *s, const struct constant *c,
                          uint8_t *bytes)
{
    for (uint32_t i = 0; i < c->copies && asm_room(a); i++) {
        if (!constant_encode(s, c, bytes) || a->code.len > OBJECT_MAX)
            return;
        object_put(a, st, s->loc, bytes, c->values_size);
        s->loc += c->values_size;
    }
}

static void put_constant(struct assembly *a, struct statement *st,
                         struct scan *s, const struct constant *c)
{
    uint8_t *bytes = malloc(c->values_size);

    if (!bytes)
        a->no_memory = true;
    else if (constant_is_address(c))
        put_addresses(a, st, s, c, bytes);
    else if (constant_encode(s, c, bytes))
        put_copies(a, st, s, c, bytes);
    free(bytes);
}

void directive_dc2(struct assembly *a, struct statement *st)
{
    struct scan s = scan_begin(a, st);
    struct constant c;

    st->show_loc = true;
    do {
        s.quiet = true; /* pass 1 has complained about the form */
        if (!constant_read(&s, &c, is_dc(st)))
            return;
        s.quiet = false;
        s.loc += (c.align - s.loc % c.align) % c.align;
        uint32_t next = s.loc + (uint32_t)constant_size(&c);
        if (is_dc(st) && c.copies)
            put_constant(a, st, &s, &c);
        s.loc = next;
    } while (scan_take(&s, ','));
}

void directive_ccw1(struct assembly *a, struct statement *st)
{
    location_align(a, 8);
    location_locate(a, st);
    struct value v = value_at(st->section, st->loc);
    symbol_define(a, st, &v, 8, 'W');
    location_advance(a, st, 8);
}

static bool next_absolute(struct scan *s, const char *what, int64_t high,
                          int64_t *n)
{
    if (!scan_take(s, ','))
        return scan_fail(s, s->p, "%s is missing: code,address,flags,count",
                         what);
    return expr_absolute(s, what, 0, high, n);
}

/* CCW code,address,flags,count (GA22-7000, "Channel-Command Word"). */
void directive_ccw2(struct assembly *a, struct statement *st)
{
    struct scan s = scan_begin(a, st);
    struct value v = {0};
    int64_t code, flags, count;

    st->show_loc = true;
    if (!expr_absolute(&s, "the command code", 0, 255, &code))
        return;
    if (!scan_take(&s, ',')) {
        scan_fail(&s, s.p, "operands are missing: code,address,flags,count");
        return;
    }
    const char *at = s.p;
    if (!expr_value(&s, &v) || !next_absolute(&s, "the flags", 255, &flags) ||
        !next_absolute(&s, "the count", 65535, &count) || !scan_done(&s))
        return;
    int64_t address = value_total(&v);
    if (address < 0 || address >= STORAGE_END || v.nterms > 1) {
        asm_error(a, st, at, "the data address has more than 24 bits");
        return;
    }
    for (unsigned i = 0; i < v.nterms; i++)
        object_relocate(a, st->section, st->loc + 1, 3, v.terms[i].section,
                        v.terms[i].count < 0, false);
    uint8_t bytes[8] = {(uint8_t)code};
    store_be24(bytes + 1, (uint32_t)address);
    bytes[4] = (uint8_t)flags;
    store_be16(bytes + 6, (uint16_t)count);
    object_put(a, st, st->loc, bytes, sizeof(bytes));
}

static unsigned cnop_bytes(struct assembly *a, struct statement *st, bool quiet)
{
    struct scan s = scan_begin(a, st);
    int64_t byte, word;

    s.quiet = quiet;
    if (!expr_absolute(&s, "the byte", 0, 6, &byte))
        return 0;
    if (!scan_take(&s, ',')) {
        scan_fail(&s, s.p, "the second operand, 4 or 8, is missing");
        return 0;
    }
    if (!expr_absolute(&s, "the word", 4, 8, &word) || !scan_done(&s))
        return 0;
    if (byte % 2 || word % 4 || byte >= word) {
        scan_fail(&s, st->operand,
                  "CNOP has 0 or 2 with 4, or 0, 2, 4 or 6 with 8");
        return 0;
    }
    return (unsigned)(((uint32_t)byte - st->loc) & (uint32_t)(word - 1));
}

void directive_cnop1(struct assembly *a, struct statement *st)
{
    location_align(a, 2);
    location_locate(a, st);
    struct value v = value_at(st->section, st->loc);
    symbol_define(a, st, &v, 1, 'I');
    location_advance(a, st, cnop_bytes(a, st, false));
}

void directive_cnop2(struct assembly *a, struct statement *st)
{
    static const uint8_t nopr[] = {0x07, 0x00};
    unsigned n = cnop_bytes(a, st, true); /* pass 1 complained */

    st->show_loc = true;
    for (unsigned i = 0; i < n; i += 2)
        object_put(a, st, st->loc + i, nopr, 2);
}
