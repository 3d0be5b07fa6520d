#include "x86vmm/vtx/dump_log.h"

#include "base/digit.h"

#include <string.h>

enum part { PART_NONE, PART_GUEST, PART_HOST, PART_CONTROL, PART_COUNT };

static const char *const headings[PART_COUNT] = {
    [PART_GUEST] = "*** Guest State ***",
    [PART_HOST] = "*** Host State ***",
    [PART_CONTROL] = "*** Control State ***",
};

static const struct {
    enum part part;
    const char *line, *name;
    enum vmcs_field field, next;
} rows[] = {
#define LOG(part, line, name, field, next) \
    {PART_##part, line, name, VMCS_##field, VMCS_##next},
#include "x86vmm/vtx/dump_log.def"
#undef LOG
};

/* In the order of enum x86_seg. */
static const char *const segments[] = {
    "ES:", "CS:", "SS:", "DS:", "FS:", "GS:", "LDTR:", "TR:"};

/* ---- Words and values ---- */

/* Behind this word, which begins one; NULL: it is not there. */
static const char *behind(struct span t, const char *word)
{
    size_t n = strlen(word);

    for (const char *p = t.p; p + n <= t.p + t.n; p++)
        if (!memcmp(p, word, n) && (p == t.p || p[-1] == ' '))
            return p + n;
    return NULL;
}

static struct span rest(struct span t, const char *from)
{
    return (struct span){from, (size_t)(t.p + t.n - from)};
}

/* A hexadecimal number, 0x before it or not; NULL: there is none.  Else what
 * is behind it. */
static const char *number(struct span t, uint64_t *value)
{
    const char *p = t.p, *end = t.p + t.n, *from;

    while (p < end && *p == ' ')
        p++;
    if (end - p > 2 && p[0] == '0' && p[1] == 'x')
        p += 2;
    *value = 0;
    for (from = p; p < end && p - from < 16 && digit_value(*p) < 16; p++)
        *value = *value << 4 | digit_value(*p);
    return p > from ? p : NULL;
}

/* Of `name = VALUE`, the blanks at will. */
static const char *value_of(struct span t, const char *name, uint64_t *value)
{
    const char *end = t.p + t.n;

    for (const char *p = behind(t, name); p; p = behind(rest(t, p), name)) {
        while (p < end && *p == ' ')
            p++;
        if (p < end && *p == '=')
            return number(rest(t, p + 1), value);
    }
    return NULL;
}

/* ---- Lines ---- */

static unsigned set(struct vmcs *v, unsigned field, uint64_t value)
{
    vmcs_set(v, (enum vmcs_field)field, value);
    return 1;
}

/* "CS:   sel=0x0008, attr=0x0a09b, limit=0xffffffff, base=0x...", or four
 * numbers in this order; a table has the last two. */
static unsigned read_segment(struct span t, const unsigned fields[4],
                             struct vmcs *v)
{
    static const char *const names[] = {"sel", "attr", "limit", "base"};
    bool named = behind(t, "base=") != NULL;
    unsigned found = 0;

    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        uint64_t value;

        if (fields[i] == VMCS_FIELD_COUNT)
            continue;
        const char *p =
            named ? value_of(t, names[i], &value) : number(t, &value);
        if (!p)
            continue;
        found += set(v, fields[i], value);
        if (!named)
            t = rest(t, p);
    }
    return found;
}

static unsigned read_segments(struct span t, struct vmcs *v)
{
    static const unsigned none = VMCS_FIELD_COUNT;
    const char *p;

    for (unsigned i = 0; i < ARRAY_LEN(segments); i++)
        if ((p = behind(t, segments[i])) && p < t.p + t.n && *p == ' ')
            return read_segment(rest(t, p),
                                (unsigned[]){VMCS_GUEST_ES_SELECTOR + i,
                                             VMCS_GUEST_ES_RIGHTS + i,
                                             VMCS_GUEST_ES_LIMIT + i,
                                             VMCS_GUEST_ES_BASE + i},
                                v);
    if ((p = behind(t, "GDTR:")))
        return read_segment(rest(t, p),
                            (unsigned[]){none, none, VMCS_GUEST_GDTR_LIMIT,
                                         VMCS_GUEST_GDTR_BASE},
                            v);
    if ((p = behind(t, "IDTR:")))
        return read_segment(rest(t, p),
                            (unsigned[]){none, none, VMCS_GUEST_IDTR_LIMIT,
                                         VMCS_GUEST_IDTR_BASE},
                            v);
    return 0;
}

/* The word that it begins with, of those in the table; "": none. */
static const char *line_word(struct span t)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (*rows[i].line && behind(t, rows[i].line))
            return rows[i].line;
    return "";
}

static unsigned read_line(struct span t, enum part part, struct vmcs *v)
{
    const char *word = line_word(t), *end = t.p + t.n;
    unsigned found = part == PART_GUEST ? read_segments(t, v) : 0;

    if (found)
        return found;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t value;
        const char *p;

        if (rows[i].part != part || strcmp(rows[i].line, word) != 0 ||
            !(p = value_of(t, rows[i].name, &value)))
            continue;
        found += set(v, rows[i].field, value);
        if (rows[i].next != VMCS_FIELD_COUNT && p < end && *p == ':' &&
            number(rest(t, p + 1), &value))
            found += set(v, rows[i].next, value);
    }
    return found;
}

/* ---- All ---- */

bool log_is_in(struct span t)
{
    return behind(t, headings[PART_GUEST]) != NULL ||
           behind(t, headings[PART_CONTROL]) != NULL;
}

unsigned log_read(struct span t, struct vmcs *v)
{
    enum part part = PART_NONE;
    unsigned found = 0;
    struct span line;

    while (span_next_line(&t, &line)) {
        for (unsigned i = PART_GUEST; i < PART_COUNT; i++)
            if (behind(line, headings[i]))
                part = (enum part)i;
        found += part ? read_line(line, part, v) : 0;
    }
    return found;
}
