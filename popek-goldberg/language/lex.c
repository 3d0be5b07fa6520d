#include "popek-goldberg/language/lex.h"

#include "base/digit.h"

#include <stdio.h>
#include <string.h>

enum { WORD_MAX = 40 };

void lex_fault_at(struct lex *l, unsigned line, unsigned column,
                  const char *fmt, ...)
{
    char text[DIAG_SIZE];
    va_list ap;

    if (l->failed)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    l->failed = true;
    l->token.kind = LEX_END;
    l->at = l->end;
    diag_set(l->diag, STATUS_BAD_INPUT, "%s:%u:%u: %s", l->file, line, column,
             text);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static void step(struct lex *l)
{
    if (*l->at == '\n') {
        l->line++;
        l->column = 0;
    }
    l->at++;
    l->column++;
}

static void skip_blank(struct lex *l)
{
    while (l->at < l->end) {
        if (*l->at == '#')
            while (l->at < l->end && *l->at != '\n')
                step(l);
        else if (*l->at == ' ' || *l->at == '\t' || *l->at == '\r' ||
                 *l->at == '\n')
            step(l);
        else
            return;
    }
}

static void take_number(struct lex *l, struct lex_token *t)
{
    unsigned base = 10;
    const char *from;
    bool fits = true;

    if (l->end - l->at > 2 && l->at[0] == '0' &&
        (l->at[1] == 'x' || l->at[1] == 'b')) {
        base = l->at[1] == 'x' ? 16 : 2;
        step(l);
        step(l);
    }
    from = l->at;
    for (; l->at < l->end && digit_value(*l->at) < base; step(l))
        fits =
            fits && !__builtin_mul_overflow(t->value, base, &t->value) &&
            !__builtin_add_overflow(t->value, digit_value(*l->at), &t->value);
    t->kind = LEX_NUMBER;
    if (!fits)
        lex_fault_at(l, t->line, t->column, "a number of more than 64 bits");
    else if (from == l->at || (l->at < l->end && is_letter(*l->at)))
        lex_fault_at(l, t->line, t->column,
                     "expected a number, like 12, 0x1F or 0b101; names begin "
                     "with a letter");
}

static void take_string(struct lex *l, struct lex_token *t)
{
    step(l);
    t->text = l->at;
    while (l->at < l->end && *l->at != '"' && *l->at != '\n')
        step(l);
    t->len = (size_t)(l->at - t->text);
    t->kind = LEX_STRING;
    if (l->at == l->end || *l->at == '\n')
        lex_fault_at(l, t->line, t->column,
                     "a text without its closing quote on this line");
    else
        step(l);
}

static void take_mark(struct lex *l, struct lex_token *t)
{
    static const char *const marks[] = {"<-", "<=", ">=", "!=", "<<", ">>"};
    const char *all = "{}[](),:?=<>+-*/%&|^~";

    t->kind = LEX_MARK;
    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        if (l->end - l->at >= 2 && !memcmp(l->at, marks[i], 2)) {
            step(l);
            step(l);
            return;
        }
    if (*l->at && strchr(all, *l->at)) {
        step(l);
        return;
    }
    if (*l->at >= ' ' && *l->at <= '~')
        lex_fault_at(l, t->line, t->column, "'%c' is no part of the language%s",
                     *l->at,
                     *l->at == ';'    ? "; nothing ends a line but its end"
                     : *l->at == '!'  ? "; write 'not', or '!=' between values"
                     : *l->at == '\'' ? "; a text stands between double quotes"
                                      : "");
    else
        lex_fault_at(l, t->line, t->column,
                     "byte 0x%02X is no part of the language; only comments "
                     "and texts have other characters than ASCII's",
                     (unsigned)(unsigned char)*l->at);
}

void lex_next(struct lex *l)
{
    struct lex_token *t = &l->token;

    skip_blank(l);
    *t =
        (struct lex_token){.text = l->at, .line = l->line, .column = l->column};
    if (l->at == l->end)
        return;
    if (is_letter(*l->at)) {
        t->kind = LEX_WORD;
        while (l->at < l->end &&
               (is_letter(*l->at) || digit_value(*l->at) < 10 || *l->at == '.'))
            step(l);
    } else if (digit_value(*l->at) < 10) {
        take_number(l, t);
    } else if (*l->at == '"') {
        take_string(l, t);
        return;
    } else {
        take_mark(l, t);
    }
    t->len = (size_t)(l->at - t->text);
    if (l->failed)
        t->kind = LEX_END;
}

void lex_open(struct lex *l, const char *file, const char *text, size_t len,
              struct diag *d)
{
    *l = (struct lex){.file = file,
                      .at = text,
                      .end = text + len,
                      .line = 1,
                      .column = 1,
                      .diag = d};
    lex_next(l);
}

bool lex_is(const struct lex *l, const char *word)
{
    return (l->token.kind == LEX_WORD || l->token.kind == LEX_MARK) &&
           l->token.len == strlen(word) &&
           !memcmp(l->token.text, word, l->token.len);
}

/* As in small letters. */
static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* How many letters must be added, dropped or changed (Levenshtein); capitals
 * are no other letters. */
static unsigned distance(const char *a, size_t n, const char *b)
{
    unsigned row[WORD_MAX + 1];
    size_t m = strlen(b);

    if (n > WORD_MAX || m > WORD_MAX)
        return WORD_MAX;
    for (unsigned j = 0; j <= m; j++)
        row[j] = j;
    for (unsigned i = 1; i <= n; i++) {
        unsigned diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            unsigned above = row[j];

            row[j] = least(least(above, row[j - 1]) + 1,
                           diagonal + (lower(a[i - 1]) != lower(b[j - 1])));
            diagonal = above;
        }
    }
    return row[m];
}

const char *lex_nearest(const char *text, size_t len, const char *const *words)
{
    const char *best = NULL;
    unsigned most = (unsigned)(len < WORD_MAX ? len : WORD_MAX) / 3 + 2;

    for (; words && *words; words++) {
        unsigned d = distance(text, len, *words);

        if (d < most && d < strlen(*words)) {
            most = d;
            best = *words;
        }
    }
    return best;
}

/* What is written out of habit where something else is expected: the beginning
 * of that, the word or mark (NULL: any), what to say. */
static const char *const habits[][3] = {
    {"an action", "if", "a condition begins with 'when'"},
    {"an action", "else", "one action, or a block, of a 'when' comes before"},
    {"an action", "instruction", "is a '}' missing before it?"},
    {"an action", "register", "is a '}' missing before it?"},
    {"an action", "resource", "is a '}' missing before it?"},
    {"an action", "claim", "is a '}' missing before it?"},
    {"an action", "note", "is a '}' missing before it?"},
    {"'<-'", NULL, "'<-', in one piece, assigns"},
    {"'['", NULL, "it is mem[ADDRESS], in brackets"},
    {"':'", "then", "':' says it"},
    {"':'", "register", "each name needs a width: NAME : WIDTH"},
    {"':'", "resource", "each name needs a width: NAME : WIDTH"},
    {"':'", "instruction", "each name needs a width, and a trap its kind"},
    {"':'", ")", "each operand needs a width: NAME : WIDTH"},
    {"a value", "&", "'and' joins conditions, one '&' bits"},
    {"a value", "|", "'or' joins conditions, one '|' bits"},
    {"a value", "/", "'#' begins a comment"},
    {"an action", "/", "'#' begins a comment"},
    {"a declaration", "/", "'#' begins a comment"},
    {"a declaration", "}", "each block that ends must have begun"},
    {"a confidence", "high", "one letter: H"},
    {"a confidence", "medium", "one letter: M"},
    {"a confidence", "low", "one letter: L"},
    {"a value", "kernel", "the modes are user and supervisor"},
    {"a value", "system", "the modes are user and supervisor"},
    {"a value", "privileged", "the modes are user and supervisor"},
};

static const char *habit(const struct lex *l, const char *what)
{
    for (size_t i = 0; i < ARRAY_LEN(habits); i++)
        if (!strncmp(what, habits[i][0], strlen(habits[i][0])) &&
            (!habits[i][1] || lex_is(l, habits[i][1])))
            return habits[i][2];
    return NULL;
}

void lex_expected(struct lex *l, const char *what, const char *const *words)
{
    const struct lex_token *t = &l->token;
    const char *hint = habit(l, what);
    const char *guess = t->kind == LEX_WORD && !hint
                            ? lex_nearest(t->text, t->len, words)
                            : NULL;
    int n = t->len > WORD_MAX ? WORD_MAX : (int)t->len;

    if (t->kind == LEX_END)
        lex_fault_at(l, t->line, t->column,
                     "expected %s, but the text ends here", what);
    else
        lex_fault_at(l, t->line, t->column, "expected %s, found '%.*s'%s%s%s",
                     what, n, t->text,
                     hint    ? "; "
                     : guess ? "; did you mean '"
                             : "",
                     hint    ? hint
                     : guess ? guess
                             : "",
                     guess ? "'?" : "");
}
