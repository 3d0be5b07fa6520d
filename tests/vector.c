/* Reading test vectors. */
#include "tests/vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *word;
    unsigned indices;
} kinds[] = {
#define X(kind, word, indices) {word, indices},
    VECTOR_SETTINGS_LIST(X)
#undef X
};

/* The reader's place, for messages. */
struct reader {
    const char *file;
    unsigned line;
    struct vector *v;
    bool begun, after;
    struct diag *diag;
};

static enum status complain(const struct reader *r, const char *what,
                            const char *token)
{
    return diag_set(r->diag, STATUS_BAD_INPUT, "%s:%u: %s: %s", r->file,
                    r->line, token, what);
}

static bool hex_number(const char *text, uint64_t *v)
{
    char *end;

    *v = strtoull(text, &end, 16);
    return *text && !*end && strspn(text, "0123456789ABCDEFabcdef") <= 16;
}

/* Pairs of digits to bytes; how many, or -1. */
static int hex_bytes(const char *text, uint8_t *out, unsigned cap)
{
    size_t n = strspn(text, "0123456789ABCDEFabcdef");

    if (text[n] || n == 0 || n % 2 || n / 2 > cap)
        return -1;
    for (size_t i = 0; i < n / 2; i++) {
        char pair[3] = {text[2 * i], text[2 * i + 1], 0};

        out[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return (int)(n / 2);
}

/* The kind of "r12", "m", "cc"; the register number in *at. */
static bool kind_of(const char *word, enum vector_kind *kind, uint32_t *at)
{
    for (unsigned k = 0; k < SETTING_COUNT; k++) {
        size_t n = strlen(kinds[k].word);
        char *end;

        if (strncmp(word, kinds[k].word, n))
            continue;
        *kind = (enum vector_kind)k;
        *at = 0;
        if (!kinds[k].indices && !word[n])
            return true;
        if (!kinds[k].indices || word[n] < '0' || word[n] > '9')
            continue;
        *at = (uint32_t)strtoul(word + n, &end, 10);
        return !*end && *at < kinds[k].indices;
    }
    return false;
}

static enum status add_storage(struct reader *r, struct vector_setting *s,
                               const char *value)
{
    struct vector *v = r->v;
    int n = hex_bytes(value, v->bytes + v->used, VECTOR_BYTES - v->used);

    if (n < 0 || s->at > VECTOR_STORAGE - (unsigned)n)
        return complain(r, "not bytes that fit", value);
    s->bytes = v->bytes + v->used;
    s->len = (unsigned)n;
    v->used += s->len;
    return STATUS_OK;
}

/* Tokens are separated by blanks; strtok holds the line. */
static char *next_token(void)
{
    return strtok(NULL, " \t\r\n");
}

/* "m 2000=0A", "key 2000=18", "monitor 05 123": an address before the value. */
static enum status take_address(struct reader *r, struct vector_setting *s,
                                const char *token, char **value)
{
    char *where = next_token();
    uint64_t number;

    if (!where)
        return complain(r, "an address is missing", token);
    *value = strchr(where, '=');
    if (*value)
        *(*value)++ = 0;
    else
        *value = next_token();
    if (!hex_number(where, &number) || number >= VECTOR_STORAGE)
        return complain(r, "not an address", where);
    s->at = (uint32_t)number;
    return STATUS_OK;
}

static enum status take_value(struct reader *r, struct vector_setting *s,
                              const char *token, char *value)
{
    enum status st = STATUS_OK;

    if (s->kind == SETTING_BARE)
        return STATUS_OK;
    if (s->kind == SETTING_STORAGE || s->kind == SETTING_KEY ||
        s->kind == SETTING_MONITOR)
        st = take_address(r, s, token, &value);
    else if (!value)
        value = next_token();
    if (st)
        return st;
    if (!value)
        return complain(r, "a value is missing", token);
    if (s->kind == SETTING_STORAGE)
        return add_storage(r, s, value);
    if (!hex_number(value, &s->value))
        return complain(r, "not a hexadecimal number", value);
    return STATUS_OK;
}

static enum status take_setting(struct reader *r, char *token)
{
    struct vector *v = r->v;
    struct vector_setting s = {0};
    char *equals = strchr(token, '=');
    unsigned *n = r->after ? &v->afters : &v->befores;

    if (equals)
        *equals = 0;
    if (!kind_of(token, &s.kind, &s.at))
        return complain(r, "unknown word", token);
    enum status st = take_value(r, &s, token, equals ? equals + 1 : NULL);
    if (st)
        return st;
    if (*n == VECTOR_SETTINGS)
        return complain(r, "too many settings", token);
    (r->after ? v->after : v->before)[(*n)++] = s;
    return STATUS_OK;
}

static enum status take_insn(struct reader *r)
{
    struct vector *v = r->v;
    const char *name = next_token(), *code;

    *v = (struct vector){.file = r->file, .line = r->line};
    r->begun = true;
    r->after = false;
    if (!name || strlen(name) >= sizeof(v->name))
        return complain(r, "no name of an instruction", name ? name : "insn");
    strcpy(v->name, name);
    while ((code = next_token())) {
        int n = hex_bytes(code, v->insn + v->insn_len,
                          (unsigned)sizeof(v->insn) - v->insn_len);
        if (n < 0)
            return complain(r, "not an instruction in hexadecimal", code);
        v->insn_len += (unsigned)n;
    }
    return v->insn_len ? STATUS_OK : complain(r, "no code", name);
}

static enum status take_line(struct reader *r, char *line,
                             void (*fn)(const struct vector *, void *),
                             void *arg)
{
    enum status st = STATUS_OK;

    line[strcspn(line, "#")] = 0;
    for (char *t = strtok(line, " \t\r\n"); t && !st; t = next_token())
        if (!strcmp(t, "insn")) {
            if (r->begun)
                fn(r->v, arg);
            st = take_insn(r);
        } else if (!r->begun) {
            st = complain(r, "comes before the first insn", t);
        } else if (!strcmp(t, "=>")) {
            r->after = true;
        } else {
            st = take_setting(r, t);
        }
    return st;
}

enum status vector_each(const char *file,
                        void (*fn)(const struct vector *v, void *arg),
                        void *arg, struct diag *d)
{
    struct vector v;
    struct reader r = {.file = file, .v = &v, .diag = d};
    enum status st = STATUS_OK;
    char line[512];
    FILE *f = fopen(file, "r");

    if (!f)
        return diag_set(d, STATUS_BAD_INPUT, "%s: cannot be opened", file);
    while (!st && fgets(line, sizeof(line), f)) {
        r.line++;
        st = take_line(&r, line, fn, arg);
    }
    fclose(f);
    if (!st && r.begun)
        fn(&v, arg);
    return st;
}

const struct vector_setting *vector_find(const struct vector *v, bool after,
                                         enum vector_kind kind)
{
    const struct vector_setting *list = after ? v->after : v->before;

    for (unsigned n = after ? v->afters : v->befores; n > 0; n--)
        if (list[n - 1].kind == kind)
            return &list[n - 1];
    return NULL;
}
