#include "popek-goldberg/report/text.h"

#include <stdarg.h>
#include <string.h>

enum { COLUMNS = 79, REPLACEMENT = 0xFFFD, FORMAT_SIZE = 1024 };

enum { FOLLOW_MAX = 3, NONE = 4 };

/* How many bytes of a character follow this first one, and its bits; NONE: it
 * begins no character. */
static unsigned follow(unsigned char first, uint32_t *bits)
{
    static const struct {
        unsigned char mask, want;
    } rows[] = {{0x80, 0x00}, {0xE0, 0xC0}, {0xF0, 0xE0}, {0xF8, 0xF0}};

    for (unsigned n = 0; n < ARRAY_LEN(rows); n++)
        if ((first & rows[n].mask) == rows[n].want) {
            *bits = first & (unsigned char)~rows[n].mask;
            return n;
        }
    return NONE;
}

uint32_t pg_take_character(const char **at)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000, UINT32_MAX};
    const unsigned char *p = (const unsigned char *)*at;
    uint32_t c = 0;

    if (!*p)
        return 0;
    unsigned n = follow(*p, &c);
    for (unsigned i = 1; i <= n && n <= FOLLOW_MAX; i++) {
        if ((p[i] & 0xC0) != 0x80)
            n = NONE;
        else
            c = c << 6 | (p[i] & 0x3F);
    }
    bool good = c >= least[n] && c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
    *at += good ? n + 1 : 1;
    return good ? c : REPLACEMENT;
}

void pg_put_character(FILE *to, uint32_t c)
{
    if (c < 0x80) {
        fputc((int)c, to);
    } else if (c < 0x800) {
        fprintf(to, "%c%c", 0xC0 | c >> 6, 0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        fprintf(to, "%c%c%c", 0xE0 | c >> 12, 0x80 | (c >> 6 & 0x3F),
                0x80 | (c & 0x3F));
    } else {
        fprintf(to, "%c%c%c%c", 0xF0 | c >> 18, 0x80 | (c >> 12 & 0x3F),
                0x80 | (c >> 6 & 0x3F), 0x80 | (c & 0x3F));
    }
}

void pg_put_json_string(FILE *to, const char *text)
{
    uint32_t c;

    fputc('"', to);
    while ((c = pg_take_character(&text))) {
        if (c == '"' || c == '\\')
            fprintf(to, "\\%c", (int)c);
        else if (c >= 0x10000)
            fprintf(to, "\\u%04x\\u%04x", 0xD800 + ((c - 0x10000) >> 10),
                    0xDC00 + ((c - 0x10000) & 0x3FF));
        else if (c < 0x20 || c > 0x7E)
            fprintf(to, "\\u%04x", c);
        else
            fputc((int)c, to);
    }
    fputc('"', to);
}

void pg_put_html(FILE *to, const char *text)
{
    uint32_t c;

    while ((c = pg_take_character(&text)))
        if (c == '&')
            fputs("&amp;", to);
        else if (c == '<')
            fputs("&lt;", to);
        else if (c == '>')
            fputs("&gt;", to);
        else if (c == '"')
            fputs("&quot;", to);
        else if (c == '\'')
            fputs("&#39;", to);
        else if (c < 0x20 || (c >= 0x7F && c < 0xA0) || (c & 0xFFFE) == 0xFFFE)
            fputc(' ', to);
        else
            pg_put_character(to, c);
}

unsigned pg_text_length(const char *text)
{
    unsigned n = 0;

    while (pg_take_character(&text))
        n++;
    return n;
}

static void put_word(struct pg_lines *l, const char *word, size_t size)
{
    char copy[FORMAT_SIZE];
    const char *at = copy;
    uint32_t c;

    snprintf(copy, sizeof(copy), "%.*s", (int)size, word);
    unsigned length = pg_text_length(copy);
    bool blank = l->spaced || l->column > l->indent;
    if (l->column > l->indent && l->column + blank + length > COLUMNS) {
        fputc('\n', l->to);
        l->column = 0;
    }
    if (!l->column)
        l->column = (unsigned)fprintf(l->to, "%*s", (int)l->indent, "");
    else if (blank)
        l->column += (unsigned)fprintf(l->to, " ");
    l->spaced = true;
    while ((c = pg_take_character(&at)))
        pg_put_character(l->to, c < ' ' || (c >= 0x7F && c < 0xA0) ? ' ' : c);
    l->column += length;
}

void pg_put_words(struct pg_lines *l, const char *text)
{
    static const char blanks[] = " \t\r\n";

    for (text += strspn(text, blanks); *text; text += strspn(text, blanks)) {
        size_t size = strcspn(text, blanks);

        put_word(l, text, size);
        text += size;
    }
}

void pg_put_words_of(struct pg_lines *l, const char *fmt, ...)
{
    char text[FORMAT_SIZE];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    pg_put_words(l, text);
}

void pg_put_sentence(struct pg_lines *l, const char *text)
{
    size_t n = strlen(text);

    pg_put_words(l, text);
    if (n && text[n - 1] == ')') /* "(It ends within.)" */
        n--;
    if (!n || !strchr(".?!", text[n - 1]))
        pg_put_mark(l, '.');
}

void pg_put_mark(struct pg_lines *l, char mark)
{
    fputc(mark, l->to);
    l->column++;
}

void pg_begin_line(struct pg_lines *l, const char *text)
{
    pg_end_line(l);
    fputs(text, l->to);
    l->column = (unsigned)strlen(text);
    l->spaced = false;
}

void pg_end_line(struct pg_lines *l)
{
    if (l->column)
        fputc('\n', l->to);
    l->column = 0;
    l->spaced = false;
}
