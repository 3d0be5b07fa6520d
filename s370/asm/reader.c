#include "s370/asm/reader.h"

#include "s370/asm/text.h"

#include <stdio.h>
#include <string.h>

/* Columns of a source card (GC33-4010, "The Coding Form"). */
enum {
    CARD = 80,
    TEXT_END = 71,
    CONTINUES = 72,
    CONTINUATION = 16,
    TAB = 8,
    SEGMENTS = 64, /* lines of one statement */
    LINE_MAX_LEN = 4096
};

/* One line without tabs, carriage return and trailing blanks. */
static char *expand(struct assembly *a, const char *text, size_t len)
{
    char out[LINE_MAX_LEN];
    size_t n = 0;

    for (size_t i = 0; i < len && n < sizeof(out); i++) {
        if (text[i] != '\t') {
            out[n++] = text[i] ? text[i] : ' ';
            continue;
        }
        do
            out[n++] = ' ';
        while (n % TAB && n < sizeof(out));
    }
    while (n && (out[n - 1] == ' ' || out[n - 1] == '\r'))
        n--;
    return asm_copy(a, out, n);
}

static bool is_fixed(const struct assembly *a, const char *text, size_t len)
{
    size_t begin = 0;

    if (a->options->columns != S370_ASM_AUTO)
        return a->options->columns == S370_ASM_FIXED;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n')
            begin = i + 1;
        else if (i - begin >= CARD && text[i] != '\r')
            return false;
    }
    return true;
}

bool reader_add(struct assembly *a, struct line *after, const char *file,
                const char *text, size_t len, unsigned depth)
{
    struct line **link = after ? &after->next : &a->lines;
    struct line *rest = *link;
    bool fixed = is_fixed(a, text, len);
    unsigned number = 0;

    if (!asm_room(a))
        return false;
    file = asm_copy(a, file, strlen(file));
    while (len) {
        const char *end = memchr(text, '\n', len);
        size_t n = end ? (size_t)(end - text) : len;

        a->too_large |= a->nlines++ >= LINES_MAX;
        if (a->too_large || !asm_room(a))
            return false;
        struct line *l = asm_new(a, sizeof(*l));
        number++;
        *l = (struct line){.file = file,
                           .text = expand(a, text, n),
                           .number = number,
                           .depth = (uint8_t)depth,
                           .fixed = fixed};
        *link = l;
        link = &l->next;
        n += end != NULL;
        text += n;
        len -= n;
    }
    *link = rest;
    return true;
}

static size_t line_len(const struct line *l)
{
    size_t n = strlen(l->text);

    return l->fixed && n > TEXT_END ? TEXT_END : n;
}

static bool continues(const struct line *l)
{
    return l->fixed && strlen(l->text) >= CONTINUES &&
           l->text[CONTINUES - 1] != ' ';
}

/* Are the columns before the continuation column blank? */
static bool is_continuation(const struct line *l)
{
    size_t blank = strspn(l->text, " ");

    return !l->text[blank] || blank >= CONTINUATION - 1;
}

/* Operations whose operand field may hold blanks inside parentheses. */
static bool is_logical(const char *op)
{
    return !strcmp(op, "AIF") || !strcmp(op, "SETB") || !strcmp(op, "SETA") ||
           !strcmp(op, "SETC");
}

/* The end of the operand field that begins at p: a blank outside strings. */
static const char *field_end(const char *p, bool logical)
{
    const char *from = p;
    int depth = 0;

    while (*p && (*p != ' ' || (logical && depth > 0))) {
        if (*p == '\'' && !asm_is_attribute(from, p)) {
            p = asm_skip_string(p);
            continue;
        }
        depth += *p == '(';
        depth -= *p == ')';
        p++;
    }
    return p;
}

/* The fields of a joined statement, as pointers into it. */
struct fields {
    const char *name, *name_end, *op, *op_end, *operand, *operand_end;
};

static struct fields split(const char *text)
{
    struct fields f = {.name = text};
    char op[8];

    f.name_end = text + strcspn(text, " ");
    f.op = f.name_end + strspn(f.name_end, " ");
    f.op_end = f.op + strcspn(f.op, " ");
    f.operand = f.op_end + strspn(f.op_end, " ");
    size_t n = (size_t)(f.op_end - f.op);
    if (n >= sizeof(op))
        n = 0;
    for (size_t i = 0; i < n; i++)
        op[i] = asm_upper(f.op[i]);
    op[n] = '\0';
    f.operand_end = field_end(f.operand, is_logical(op));
    return f;
}

/* A statement being joined. */
struct joined {
    char text[STATEMENT_MAX + 1];
    size_t len;
    struct segment segments[SEGMENTS];
    unsigned nsegments;
};

static bool append(struct joined *j, const struct line *l, size_t from)
{
    size_t n = line_len(l);

    if (j->nsegments == SEGMENTS || j->len + n > STATEMENT_MAX)
        return false;
    j->segments[j->nsegments++] =
        (struct segment){(unsigned)j->len, l->number, (unsigned)from + 1};
    if (n > from) {
        memcpy(j->text + j->len, l->text + from, n - from);
        j->len += n - from;
    }
    j->text[j->len] = '\0';
    return true;
}

/* Before a continuation: the columns up to 71 count, blanks too, if the
 * operand goes up to there; remarks after a comma and blank are dropped (GC33-
 * 4010's alternate format, which we allow for every operation). */
static void prepare_continuation(struct joined *j)
{
    struct fields f = split(j->text);
    size_t used = (size_t)(f.operand_end - j->text);

    if (used < j->len && f.operand_end > f.operand && f.operand_end[-1] == ',')
        j->len = used;
    j->text[j->len] = '\0';
}

/* Pad what was cut by trimming, so that a string may span column 71. */
static void pad_card(struct joined *j, const struct line *l)
{
    size_t n = line_len(l);

    while (n++ < TEXT_END && j->len < STATEMENT_MAX)
        j->text[j->len++] = ' ';
    j->text[j->len] = '\0';
}

static struct statement *make(struct assembly *a, struct line *first,
                              const struct joined *j)
{
    struct statement *st = asm_new(a, sizeof(*st));
    size_t size = j->nsegments * sizeof(j->segments[0]);
    struct segment *segments = asm_new(a, size);
    struct fields f = split(j->text);

    memcpy(segments, j->segments, size);
    st->file = first->file;
    st->source = first;
    st->segments = segments;
    st->nsegments = j->nsegments;
    st->text = asm_copy(a, j->text, j->len);
    st->mask = -1;
    st->is_comment =
        j->text[0] == '*' || (j->text[0] == '.' && j->text[1] == '*') || !*f.op;
    st->name = st->op = st->operand = "";
    if (st->is_comment)
        return st;
    st->name = asm_copy_upper(a, f.name, (size_t)(f.name_end - f.name));
    st->op = asm_copy_upper(a, f.op, (size_t)(f.op_end - f.op));
    st->operand = asm_copy(a, f.operand, (size_t)(f.operand_end - f.operand));
    st->name_at = 0;
    st->op_at = (unsigned)(f.op - j->text);
    st->operand_at = (unsigned)(f.operand - j->text);
    return st;
}

static struct statement *complain_line(struct assembly *a, struct line *l,
                                       struct statement *st, const char *what)
{
    struct segment *s = asm_new(a, sizeof(*s));
    struct statement *at = asm_new(a, sizeof(*at));

    *s = (struct segment){0, l->number, 1};
    *at = (struct statement){.name = "",
                             .op = "",
                             .operand = "",
                             .text = l->text,
                             .file = l->file,
                             .segments = s,
                             .nsegments = 1,
                             .number = a->count + 1};
    asm_error(a, at, NULL, "%s", what);
    return st;
}

struct statement *reader_next(struct assembly *a)
{
    struct line *first = a->cursor, *l = first;
    struct joined j = {.len = 0};
    const char *wrong = NULL;
    unsigned lines = 1;

    if (!l)
        return NULL;
    append(&j, l, 0);
    bool comment = l->text[0] == '*' || !strncmp(l->text, ".*", 2);
    while (continues(l) && l->next) {
        /* A comment that merely is as wide as the card does not continue. */
        if (!is_continuation(l->next)) {
            if (!comment)
                wrong = "a continuation line must be blank before column 16";
            break;
        }
        pad_card(&j, l);
        prepare_continuation(&j);
        l = l->next;
        lines++;
        if (!append(&j, l, CONTINUATION - 1)) {
            wrong = "the statement has too many continuation lines";
            break;
        }
    }
    a->cursor = l->next;
    struct statement *st = make(a, first, &j);
    st->source_lines = lines;
    if (wrong)
        complain_line(a, l->next ? l->next : l, st, wrong);
    return st;
}

/* Column 1, 10, 16: where the manuals write the fields. */
struct statement *reader_compose(struct assembly *a, const struct statement *of,
                                 const char *name, const char *op,
                                 const char *operand)
{
    struct statement *st = asm_new(a, sizeof(*st));
    size_t size = strlen(name) + strlen(op) + strlen(operand) + 24;
    char *text = asm_new(a, size);

    *st = *of;
    st->next = NULL;
    st->source = NULL;
    st->source_lines = 0;
    st->name = asm_copy_upper(a, name, strlen(name));
    st->op = asm_copy_upper(a, op, strlen(op));
    st->operand = asm_copy(a, operand, strlen(operand));
    int n = snprintf(text, size, "%-8s %-5s ", name, op);
    st->operand_at = (unsigned)n;
    snprintf(text + n, size - (size_t)n, "%s", operand);
    st->op_at = (unsigned)strcspn(text, " ") + 1;
    st->text = text;
    st->generated = true;
    return st;
}

void reader_peek_op(const struct line *l, char *op, size_t cap)
{
    struct fields f = split(l->text);
    size_t n = (size_t)(f.op_end - f.op);

    op[0] = '\0';
    if (l->text[0] == '*' || !strncmp(l->text, ".*", 2) || n >= cap)
        return;
    for (size_t i = 0; i < n; i++)
        op[i] = asm_upper(f.op[i]);
    op[n] = '\0';
}

bool reader_has_name(const struct line *l, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < n; i++)
        if (asm_upper(l->text[i]) != name[i])
            return false;
    return n && (l->text[n] == ' ' || !l->text[n]);
}
