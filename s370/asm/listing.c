/* The listing, laid out as the assemblers of the 1960s and 70s printed it. */
#include "s370/asm/symbol.h"
#include "s370/asm/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 121,       /* columns of a page */
    DATA_LINE = 8,     /* bytes of a constant on one line */
    DATA_LINES = 2048, /* of one statement: a megabyte of zeros is enough */
    REFS_COLUMN = 30
};

struct page {
    const struct assembly *a;
    struct s370_buffer *out;
    unsigned number;
    bool heading; /* the next line begins a new page */
};

static void head(struct page *p, const char *title, const char *columns)
{
    p->number++;
    s370_buffer_say(p->out, "%s%-*.100sPAGE %4u\n", p->number > 1 ? "\f" : "",
                    WIDTH - 9, title, p->number);
    s370_buffer_say(p->out, "\n%s\n", columns);
}

/* External symbol dictionary ------------------------------------------- */

static void list_esd(struct page *p)
{
    static const char *const types[] = {"SD", "", "ER"};

    head(p,
         "                                              EXTERNAL SYMBOL "
         "DICTIONARY",
         "SYMBOL    TYPE ID   ADDR   LENGTH LD ID");
    for (const struct section *s = p->a->sections; s; s = s->next) {
        if (s->kind == SECTION_DUMMY)
            continue;
        const char *type = s->weak ? "WX" : *s->name ? types[s->kind] : "PC";
        s370_buffer_say(p->out, "%-9s  %s  %04X", s->name, type, s->id);
        if (s->kind == SECTION_CONTROL)
            s370_buffer_say(p->out, " %06X %06X", s->origin, s->size);
        s370_buffer_say(p->out, "\n");
    }
    for (size_t i = 0; i < BUCKETS; i++)
        for (const struct symbol *s = p->a->symbols[i]; s; s = s->next)
            if (s->entry && s->defined)
                s370_buffer_say(p->out, "%-9s  LD       %06X         %04X\n",
                                s->name, (unsigned)value_total(&s->value),
                                s->value.terms[0].section->id);
}

/* Statements ----------------------------------------------------------- */

/* Walks over the object code of one statement. */
struct walk {
    size_t object, byte;
};

/* The next bytes that lie together, at most DATA_LINE; *loc: of the first. */
static size_t next_bytes(const struct assembly *a, const struct statement *st,
                         struct walk *w, uint8_t out[DATA_LINE], uint32_t *loc)
{
    size_t n = 0;

    while (w->object < st->objects && n < DATA_LINE) {
        const struct object *o = &a->objects[st->object + w->object];
        uint32_t at = o->loc + (uint32_t)w->byte;

        if (n && at != *loc + n)
            break;
        if (!n)
            *loc = at;
        out[n++] = a->code.bytes[o->at + w->byte];
        if (++w->byte < o->len)
            continue;
        w->object++;
        w->byte = 0;
    }
    return n;
}

/* "90EC D00C" for instructions, "C1C2C3C4C5C6C7C8" for constants. */
static void show_bytes(const struct statement *st, const uint8_t *bytes,
                       size_t n, char *out, size_t cap)
{
    size_t len = 0;

    for (size_t i = 0; i < n; i++)
        len +=
            (size_t)snprintf(out + len, cap - len, "%s%02X",
                             st->insn && i && i % 2 == 0 ? " " : "", bytes[i]);
}

static void show_addresses(const struct statement *st, char *out, size_t cap)
{
    char addr[2][8] = {"", ""};

    for (unsigned i = 0; i < 2; i++)
        if (st->has_addr[i])
            snprintf(addr[i], sizeof(addr[i]), "%05X", st->addr[i] & 0xFFFFFF);
    if (st->show_value)
        snprintf(addr[1], sizeof(addr[1]), "%05X", st->shown_value);
    snprintf(out, cap, "%5s %5s", addr[0], addr[1]);
}

static void list_text(struct page *p, const struct statement *st)
{
    const struct line *l = st->source;
    unsigned lines = l ? st->source_lines : 0;

    s370_buffer_say(p->out, "%6u%c%s\n", st->number, st->generated ? '+' : ' ',
                    l ? l->text : st->text);
    for (unsigned i = 1; i < lines; i++) {
        l = l->next;
        s370_buffer_say(p->out, "%40s%s\n", "", l->text);
    }
}

/* The bytes that did not fit on the first line, when PRINT DATA asks. */
static void list_more(struct page *p, const struct statement *st,
                      struct walk *w)
{
    uint8_t bytes[DATA_LINE];
    char hex[24];
    uint32_t loc = 0;
    size_t n;

    for (unsigned i = 0; i < DATA_LINES; i++) {
        n = next_bytes(p->a, st, w, bytes, &loc);
        if (!n)
            return;
        show_bytes(st, bytes, n, hex, sizeof(hex));
        s370_buffer_say(p->out, "%06X %s\n", st->section->origin + loc, hex);
    }
}

static void list_messages(struct page *p, const struct statement *st,
                          const struct s370_asm_message **m)
{
    for (; *m && (*m)->statement <= st->number; *m = (*m)->next)
        s370_buffer_say(p->out, "*** %s *** %s:%u:%u: %s\n",
                        (*m)->warning ? "WARNING" : "ERROR", (*m)->file,
                        (*m)->line, (*m)->column, (*m)->text);
}

static void list_statement(struct page *p, const struct statement *st)
{
    char loc[8] = "", hex[24] = "", addresses[16];
    uint8_t bytes[DATA_LINE];
    struct walk w = {0, 0};
    uint32_t first = 0;
    size_t n = next_bytes(p->a, st, &w, bytes, &first);

    if (st->show_loc && st->section)
        snprintf(loc, sizeof(loc), "%06X",
                 (st->section->origin + st->loc) & 0xFFFFFF);
    show_bytes(st, bytes, n, hex, sizeof(hex));
    show_addresses(st, addresses, sizeof(addresses));
    if (n > 7) /* 16 digits reach into the address columns */
        s370_buffer_say(p->out, "%6s %-16s%10s", loc, hex, "");
    else
        s370_buffer_say(p->out, "%6s %-14s %s", loc, hex, addresses);
    list_text(p, st);
    if (st->all_data)
        list_more(p, st, &w);
}

/* SPACE n */
static void list_space(struct page *p, const struct statement *st)
{
    int n = *st->operand ? 0 : 1;

    for (const char *c = st->operand; asm_is_digit(*c) && n < 100; c++)
        n = n * 10 + (*c - '0');
    while (n-- > 0)
        s370_buffer_say(p->out, "\n");
}

static void list_statements(struct page *p)
{
    static const char columns[] =
        "  LOC  OBJECT CODE    ADDR1 ADDR2  STMT   SOURCE STATEMENT";
    const struct s370_asm_message *m = p->a->messages;
    const char *title = "";

    p->heading = true;
    for (const struct statement *st = p->a->first; st; st = st->next) {
        bool is_title = st->directive && !strcmp(st->op, "TITLE");

        if (is_title)
            title = st->shown_title ? st->shown_title : "";
        if (is_title || (st->directive && !strcmp(st->op, "EJECT")))
            p->heading = true;
        else if (st->hidden && st->directive && !strcmp(st->op, "SPACE"))
            list_space(p, st);
        bool flagged = m && m->statement <= st->number;
        if (!st->hidden || flagged) {
            if (p->heading)
                head(p, title, columns);
            p->heading = false;
            list_statement(p, st);
        }
        list_messages(p, st, &m);
    }
    if (p->a->first)
        list_messages(p, &(struct statement){.number = UINT32_MAX}, &m);
}

/* Relocation dictionary and cross-reference ---------------------------- */

static void list_rld(struct page *p)
{
    if (!p->a->relocations)
        return;
    head(p,
         "                                               RELOCATION DICTIONARY",
         "POS.ID   REL.ID   FLAGS   ADDRESS");
    for (const struct relocation *r = p->a->relocations; r; r = r->next)
        s370_buffer_say(p->out, " %04X     %04X      %02X     %06X\n",
                        r->in->id, r->target->id,
                        (r->branch ? 0x10 : 0) | (r->len - 1) << 2 |
                            (r->negative ? 2 : 0),
                        r->in->origin + r->loc);
}

/* EBCDIC order: letters, then digits. */
static int order(const void *px, const void *py)
{
    const char *x = (*(const struct symbol *const *)px)->name;
    const char *y = (*(const struct symbol *const *)py)->name;

    for (; *x && *x == *y; x++, y++)
        ;
    if (!*x || !*y || asm_is_digit(*x) == asm_is_digit(*y))
        return (uint8_t)*x - (uint8_t)*y;
    return asm_is_digit(*x) ? 1 : -1;
}

/* All defined symbols in that order; the caller frees.  NULL: no memory. */
static const struct symbol **sorted_symbols(const struct assembly *a,
                                            size_t *count)
{
    const struct symbol **all;
    size_t n = 0;

    for (size_t i = 0; i < BUCKETS; i++)
        for (const struct symbol *s = a->symbols[i]; s; s = s->next)
            n += s->defined;
    all = malloc((n + 1) * sizeof(all[0]));
    *count = 0;
    for (size_t i = 0; all && i < BUCKETS; i++)
        for (const struct symbol *s = a->symbols[i]; s; s = s->next)
            if (s->defined)
                all[(*count)++] = s;
    if (all)
        qsort(all, *count, sizeof(all[0]), order);
    return all;
}

static void list_references(struct page *p, const struct symbol *s)
{
    unsigned column = REFS_COLUMN;

    for (const struct reference *r = s->refs; r; r = r->next) {
        if (column + 6 > WIDTH) {
            s370_buffer_say(p->out, "\n%*s", REFS_COLUMN, "");
            column = REFS_COLUMN;
        }
        s370_buffer_say(p->out, "%s%04u", r == s->refs ? "    " : "  ",
                        r->statement);
        column += 6;
    }
}

static void list_xref(struct page *p)
{
    size_t n;
    const struct symbol **all = sorted_symbols(p->a, &n);

    if (!all) {
        p->out->failed = true;
        return;
    }
    head(p, "                                             CROSS-REFERENCE",
         "SYMBOL    LEN  VALUE  DEFN");
    for (size_t i = 0; i < n; i++) {
        s370_buffer_say(p->out, "%-8s %05u %06X %04u", all[i]->name,
                        all[i]->length,
                        (unsigned)value_total(&all[i]->value) & 0xFFFFFF,
                        all[i]->statement);
        list_references(p, all[i]);
        s370_buffer_say(p->out, "\n");
    }
    free(all);
}

void s370_asm_listing(const struct assembly *a, bool xref,
                      struct s370_buffer *out)
{
    struct page p = {.a = a, .out = out};
    unsigned flagged = 0, last = 0;

    list_esd(&p);
    list_statements(&p);
    list_rld(&p);
    if (xref)
        list_xref(&p);
    for (const struct s370_asm_message *m = a->messages; m; m = m->next) {
        flagged += m->statement != last;
        last = m->statement;
    }
    if (flagged)
        s370_buffer_say(out, "\n%6u STATEMENT%s FLAGGED IN THIS ASSEMBLY\n",
                        flagged, flagged > 1 ? "S" : "");
    else
        s370_buffer_say(out, "\nNO STATEMENTS FLAGGED IN THIS ASSEMBLY\n");
}
