#include "x86vmm/machine/settings.h"

#include "base/bits.h"
#include "base/digit.h"
#include "base/format.h"

#include <string.h>
#include <strings.h>

enum { SHOWN_MAX = 60 };

enum status settings_complain(const struct settings *s, const char *what,
                              struct span t)
{
    char shown[SHOWN_MAX + 1];
    size_t n = t.n < SHOWN_MAX ? t.n : SHOWN_MAX;

    /* Any bytes may stand there: they are not for a terminal. */
    for (size_t i = 0; i < n; i++)
        shown[i] = (char)(t.p[i] >= ' ' && t.p[i] <= '~' ? t.p[i] : '?');
    shown[n] = '\0';
    return diag_set(s->diag, STATUS_BAD_INPUT, "%s:%u: %s: '%s'", s->name,
                    s->line, what, shown);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

struct span span_trim(struct span t)
{
    while (t.n && is_space(t.p[0]))
        t.p++, t.n--;
    while (t.n && is_space(t.p[t.n - 1]))
        t.n--;
    return t;
}

bool span_is(struct span t, const char *word)
{
    return t.n == strlen(word) && !strncasecmp(t.p, word, t.n);
}

/* A number as C writes it, decimal or hexadecimal; false: it is none, or too
 * large. */
static bool span_number(struct span t, uint64_t *value)
{
    uint64_t base = 10;

    if (t.n > 2 && t.p[0] == '0' && (t.p[1] == 'x' || t.p[1] == 'X')) {
        base = 16;
        t.p += 2;
        t.n -= 2;
    }
    *value = 0;
    for (size_t i = 0; i < t.n; i++) {
        uint64_t d = digit_value(t.p[i]);

        if (d >= base || *value > (UINT64_MAX - d) / base)
            return false;
        *value = *value * base + d;
    }
    return t.n != 0;
}

enum status settings_number(const struct settings *s, struct span t,
                            unsigned bits, uint64_t *value)
{
    if (!span_number(t, value))
        return settings_complain(s, "not a number", t);
    if (*value & ~BITS_MASK(bits))
        return settings_complain(s, "too large for this field", t);
    return STATUS_OK;
}

enum status settings_either(const struct settings *s, struct span t,
                            const char *yes, const char *no, bool *is)
{
    char wanted[SHOWN_MAX];

    *is = span_is(t, yes);
    if (*is || span_is(t, no))
        return STATUS_OK;
    format(wanted, sizeof(wanted), "%s or %s, not", yes, no);
    return settings_complain(s, wanted, t);
}

const char *x86_sample_name(enum x86_sample sample)
{
    static const char *const names[X86_SAMPLE_COUNT] = {
#define SAMPLE(name, NAME, words) #name,
#include "x86vmm/machine/sample.def"
#undef SAMPLE
    };

    return names[sample];
}

enum status settings_sample(const struct settings *s, struct span t,
                            enum x86_sample *sample)
{
    for (unsigned i = 0; i < X86_SAMPLE_COUNT; i++)
        if (span_is(t, x86_sample_name((enum x86_sample)i))) {
            *sample = (enum x86_sample)i;
            return STATUS_OK;
        }
    return settings_complain(s, "like real, v86, protected, pae or long, not",
                             t);
}

bool span_next_line(struct span *rest, struct span *line)
{
    const char *end;

    if (!rest->n)
        return false;
    end = memchr(rest->p, '\n', rest->n);
    line->p = rest->p;
    line->n = end ? (size_t)(end - rest->p) : rest->n;
    rest->p += line->n + (end != NULL);
    rest->n -= line->n + (end != NULL);
    return true;
}

static enum status read_line(struct settings *s, struct span line,
                             setting_fn take, void *who)
{
    const char *comment = memchr(line.p, '#', line.n);
    const char *equals;

    if (comment)
        line.n = (size_t)(comment - line.p);
    line = span_trim(line);
    if (!line.n)
        return STATUS_OK;
    equals = memchr(line.p, '=', line.n);
    if (!equals)
        return settings_complain(s, "NAME = VALUE is wanted, not", line);
    struct span name = {line.p, (size_t)(equals - line.p)};
    struct span value = {equals + 1, line.n - name.n - 1};
    return take(who, s, span_trim(name), span_trim(value));
}

enum status settings_read(struct settings *s, struct span text, setting_fn take,
                          void *who)
{
    struct span line;

    s->line = 0;
    while (span_next_line(&text, &line)) {
        enum status st;

        s->line++;
        st = read_line(s, line, take, who);
        if (st)
            return st;
    }
    return STATUS_OK;
}
