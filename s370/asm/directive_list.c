/* Assembler instructions for the listing, and PUSH and POP. */
#include "s370/asm/directive.h"
#include "s370/asm/expr.h"
#include "s370/asm/text.h"

#include <string.h>

enum { TITLE_MAX = 100 };

/* TITLE 'text': the heading of the pages that follow. */
void directive_title2(struct assembly *a, struct statement *st)
{
    const char *p = st->operand;
    char text[TITLE_MAX + 1];
    size_t n = 0;

    if (*p != '\'') {
        asm_error(a, st, p, "TITLE needs text in apostrophes");
        return;
    }
    for (p++; *p; p++) {
        if (*p == '\'' && *++p != '\'')
            break;
        if (*p == '&' && p[1] == '&')
            p++;
        if (n < TITLE_MAX)
            text[n++] = *p;
    }
    st->shown_title = asm_copy(a, text, n);
}

static bool word_is(const char *p, size_t len, const char *word)
{
    for (size_t i = 0; i < len; i++)
        if (!word[i] || asm_upper(p[i]) != word[i])
            return false;
    return !word[len];
}

void directive_print2(struct assembly *a, struct statement *st)
{
    static const struct {
        const char *word;
        size_t offset;
        bool value;
    } words[] = {
        {"ON", offsetof(struct print, on), true},
        {"OFF", offsetof(struct print, on), false},
        {"GEN", offsetof(struct print, gen), true},
        {"NOGEN", offsetof(struct print, gen), false},
        {"DATA", offsetof(struct print, data), true},
        {"NODATA", offsetof(struct print, data), false},
    };
    struct scan s = scan_begin(a, st);

    do {
        size_t len = asm_name_len(s.p), i = 0;

        while (i < ARRAY_LEN(words) && !word_is(s.p, len, words[i].word))
            i++;
        if (i == ARRAY_LEN(words)) {
            asm_error(a, st, s.p,
                      "PRINT has ON, OFF, GEN, NOGEN, DATA and "
                      "NODATA");
            return;
        }
        *(bool *)((char *)&a->print + words[i].offset) = words[i].value;
        s.p += len;
    } while (scan_take(&s, ','));
    scan_done(&s);
}

/* PUSH and POP name USING, PRINT, or both. */
static void each_kind(struct assembly *a, struct statement *st,
                      void (*fn)(struct assembly *, struct statement *,
                                 bool is_using))
{
    struct scan s = scan_begin(a, st);

    do {
        size_t len = asm_name_len(s.p);
        bool is_using = word_is(s.p, len, "USING");

        if (!is_using && !word_is(s.p, len, "PRINT")) {
            asm_error(a, st, s.p, "%s has USING and PRINT", st->op);
            return;
        }
        fn(a, st, is_using);
        s.p += len;
    } while (scan_take(&s, ','));
    scan_done(&s);
}

static void push(struct assembly *a, struct statement *st, bool is_using)
{
    struct saved *s = asm_new(a, sizeof(*s));

    (void)st;
    s->is_using = is_using;
    s->print = a->print;
    memcpy(s->bases, a->bases, sizeof(s->bases));
    s->next = a->saved;
    a->saved = s;
}

void directive_push2(struct assembly *a, struct statement *st)
{
    each_kind(a, st, push);
}

static void pop(struct assembly *a, struct statement *st, bool is_using)
{
    struct saved **link = &a->saved;

    while (*link && (*link)->is_using != is_using)
        link = &(*link)->next;
    if (!*link) {
        asm_error(a, st, NULL, "POP without a PUSH before it");
        return;
    }
    if (is_using)
        memcpy(a->bases, (*link)->bases, sizeof(a->bases));
    else
        a->print = (*link)->print;
    *link = (*link)->next;
}

void directive_pop2(struct assembly *a, struct statement *st)
{
    each_kind(a, st, pop);
}
