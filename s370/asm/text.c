#include "s370/asm/text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A statement of STATEMENT_MAX characters makes, with its copies, operands,
 * symbols and messages, much less than ROOM. */
enum { CHUNK = 1 << 20, ROOM = 1 << 18, ARENA_MAX = 1 << 29 };

struct chunk {
    struct chunk *next;
    size_t used, size;
    _Alignas(16) unsigned char bytes[];
};

static bool add_chunk(struct assembly *a, size_t size)
{
    struct chunk *c = calloc(1, sizeof(*c) + size);

    if (!c)
        return false;
    c->size = size;
    c->next = a->chunks;
    a->chunks = c;
    a->used += size;
    return true;
}

bool asm_room(struct assembly *a)
{
    if (a->no_memory)
        return false;
    if (a->chunks && a->chunks->size - a->chunks->used >= ROOM)
        return true;
    a->too_large = a->used >= ARENA_MAX;
    a->no_memory = a->too_large || !add_chunk(a, CHUNK);
    return !a->no_memory;
}

void *asm_new(struct assembly *a, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    if (a->chunks->size - a->chunks->used < size) {
        bool more = add_chunk(a, size > CHUNK ? size : CHUNK);

        assert(more && "asm_room promised enough for one statement");
        (void)more;
    }
    void *p = a->chunks->bytes + a->chunks->used;
    a->chunks->used += size;
    return p;
}

char *asm_copy(struct assembly *a, const char *text, size_t len)
{
    char *p = asm_new(a, len + 1);

    memcpy(p, text, len);
    return p;
}

char *asm_copy_upper(struct assembly *a, const char *text, size_t len)
{
    char *p = asm_copy(a, text, len);

    for (size_t i = 0; i < len; i++)
        p[i] = asm_upper(p[i]);
    return p;
}

void asm_free_all(struct assembly *a)
{
    while (a->chunks) {
        struct chunk *next = a->chunks->next;

        free(a->chunks);
        a->chunks = next;
    }
}

/* Where in the source the character at `offset` of the text stands. */
static void find_place(const struct statement *st, unsigned offset,
                       struct s370_asm_message *m)
{
    m->file = st->file;
    if (st->generated) { /* its columns are not those of the source */
        m->line = st->segments[0].line;
        m->column = 1;
        return;
    }
    for (unsigned i = 0; i < st->nsegments; i++) {
        const struct segment *s = &st->segments[i];

        if (i && s->at > offset)
            break;
        m->line = s->line;
        m->column = s->column + offset - s->at;
    }
}

static bool inside(const char *field, const char *p)
{
    return p >= field && p <= field + strlen(field);
}

static unsigned offset_of(const struct statement *st, const char *p)
{
    if (p && inside(st->operand, p))
        return st->operand_at + (unsigned)(p - st->operand);
    if (p && inside(st->name, p))
        return st->name_at;
    return st->op_at;
}

/* Messages stay in the order of the statements, whichever pass made them. */
static void file_message(struct assembly *a, struct s370_asm_message *m)
{
    struct s370_asm_message **at = &a->messages;

    while (*at && (*at)->statement <= m->statement)
        at = &(*at)->next;
    m->next = *at;
    *at = m;
}

static void complain(struct assembly *a, struct statement *st, const char *p,
                     bool warning, const char *fmt, va_list ap)
{
    char text[DIAG_SIZE], where[DIAG_SIZE] = "";

    a->errors += !warning;
    if (a->nmessages >= MESSAGES_MAX || a->no_memory)
        return;
    vsnprintf(text, sizeof(text), fmt, ap);
    if (st->call)
        snprintf(where, sizeof(where), " (in macro %.63s, called at line %u)",
                 st->call->op, st->call->segments[0].line);
    if (++a->nmessages == MESSAGES_MAX)
        snprintf(text, sizeof(text), "too many messages; no more are kept");
    strncat(text, where, sizeof(text) - strlen(text) - 1);

    struct s370_asm_message *m = asm_new(a, sizeof(*m));
    find_place(st, offset_of(st, p), m);
    m->statement = st->number ? st->number : a->count;
    m->text = asm_copy(a, text, strlen(text));
    m->warning = warning;
    file_message(a, m);
}

void asm_error(struct assembly *a, struct statement *st, const char *p,
               const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    complain(a, st, p, false, fmt, ap);
    va_end(ap);
}

void asm_warn(struct assembly *a, struct statement *st, const char *p,
              const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    complain(a, st, p, true, fmt, ap);
    va_end(ap);
}

bool asm_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool asm_is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '$' ||
           c == '#' || c == '@' || c == '_';
}

static bool is_alnum(char c)
{
    return asm_is_letter(c) || asm_is_digit(c);
}

char asm_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

size_t asm_name_len(const char *p)
{
    size_t n = 0;

    if (asm_is_letter(*p))
        while (is_alnum(p[n]))
            n++;
    return n;
}

bool asm_is_attribute(const char *from, const char *p)
{
    if (p == from || !strchr("LTKNSI", asm_upper(p[-1])))
        return false;
    if (p - 1 > from && (is_alnum(p[-2]) || p[-2] == '&'))
        return false;
    return asm_is_letter(p[1]) || p[1] == '&' || p[1] == '*';
}

const char *asm_skip_string(const char *p)
{
    for (p++; *p; p++)
        if (*p == '\'' && *++p != '\'')
            return p;
    return p;
}

const char *asm_operand_end(const char *from, const char *p)
{
    int depth = 0;

    while (*p) {
        if (*p == '\'' && !asm_is_attribute(from, p)) {
            p = asm_skip_string(p);
            continue;
        }
        depth += *p == '(';
        depth -= *p == ')';
        if (*p == ',' && depth <= 0)
            break;
        p++;
    }
    return p;
}

unsigned asm_hash(const char *text, size_t len)
{
    uint32_t h = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)asm_upper(text[i])) * 16777619u;
    return h % BUCKETS;
}
