#include "s370/dev/config.h"

#include "base/format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    STATEMENT_MAX = 4096, /* bytes, continuation lines included */
    FILE_MAX = 4 << 20,
    MEGABYTE = 1 << 20,
    MAIN_MAX = 16 * MEGABYTE,
    NOTES_MAX = 100
};

/* One statement, taken apart in place. */
struct parser {
    struct s370_config *c;
    const char *rest; /* of the text */
    size_t left;
    unsigned line;      /* last line read */
    unsigned statement; /* line on which the statement begins */
    char text[STATEMENT_MAX];
    char *words[2 + S370_CONFIG_ARGS_MAX];
    unsigned count;
    struct diag *diag;
};

typedef enum status (*take_fn)(struct parser *p);

PRINTF(2, 3) static enum status wrong(struct parser *p, const char *fmt, ...)
{
    char text[DIAG_SIZE];
    va_list ap;

    va_start(ap, fmt);
    format_va(text, sizeof(text), fmt, ap);
    va_end(ap);
    return diag_set(p->diag, STATUS_BAD_INPUT, "%s:%u: %s", p->c->path,
                    p->statement, text);
}

static enum status no_memory(struct parser *p)
{
    return diag_set(p->diag, STATUS_NO_MEMORY, "%s: no memory", p->c->path);
}

PRINTF(2, 3) static enum status note(struct parser *p, const char *fmt, ...)
{
    struct s370_config *c = p->c;
    char text[DIAG_SIZE];
    va_list ap;

    if (c->note_count == NOTES_MAX)
        return STATUS_OK;
    size_t n = format(text, sizeof(text), "%s:%u: ", c->path, p->statement);
    va_start(ap, fmt);
    format_va(text + n, sizeof(text) - n, fmt, ap);
    va_end(ap);
    char **notes = realloc(c->notes, (c->note_count + 1) * sizeof(*notes));
    if (!notes)
        return no_memory(p);
    c->notes = notes;
    notes[c->note_count] = strdup(text);
    if (!notes[c->note_count])
        return no_memory(p);
    c->note_count++;
    return STATUS_OK;
}

/* ---- Numbers ---- */

/* All of the word in this base, at most `max`. */
static bool number(const char *word, int base, unsigned long max,
                   unsigned long *value)
{
    char *end;

    if (!strchr("0123456789abcdefABCDEF", *word) || !*word)
        return false;
    errno = 0;
    *value = strtoul(word, &end, base);
    return !errno && !*end && *value <= max;
}

/* ---- Statements ---- */

static enum status take_archmode(struct parser *p)
{
    const char *mode = p->words[1];

    if (!strcasecmp(mode, "S/370") || !strcasecmp(mode, "S370"))
        return STATUS_OK;
    return wrong(p, "ARCHMODE %s: this machine is a System/370 (S/370)", mode);
}

/* Megabytes, or with a suffix K or M. */
static enum status take_mainsize(struct parser *p)
{
    char *word = p->words[1];
    size_t len = strlen(word);
    char unit = len ? word[len - 1] : '\0';
    bool kilo = unit == 'K' || unit == 'k';
    unsigned long n;

    if (kilo || unit == 'M' || unit == 'm')
        word[len - 1] = '\0';
    if (!number(word, 10, 1u << 20, &n) || !n)
        return wrong(p, "MAINSIZE: '%s' is not a number of megabytes",
                     p->words[1]);
    uint64_t size = (uint64_t)n * (kilo ? 1024 : MEGABYTE);
    if (size > MAIN_MAX) {
        p->c->main_size = MAIN_MAX;
        return note(p, "MAINSIZE: a System/370 has at most 16 MB");
    }
    p->c->main_size = (uint32_t)(size + 4095) & ~4095u;
    return STATUS_OK;
}

static enum status take_serial(struct parser *p)
{
    unsigned long n;

    if (!number(p->words[1], 16, 0xFFFFFF, &n))
        return wrong(p, "CPUSERIAL: '%s' is not 6 hexadecimal digits",
                     p->words[1]);
    p->c->cpu_serial = (uint32_t)n;
    return STATUS_OK;
}

static enum status take_model(struct parser *p)
{
    unsigned long n;

    if (!number(p->words[1], 16, 0xFFFF, &n))
        return wrong(p, "CPUMODEL: '%s' is not 4 hexadecimal digits",
                     p->words[1]);
    p->c->cpu_model = (uint16_t)n;
    return STATUS_OK;
}

static enum status take_numcpu(struct parser *p)
{
    unsigned long n;

    if (!number(p->words[1], 10, 128, &n) || !n)
        return wrong(p, "NUMCPU: '%s' is not a number of CPUs", p->words[1]);
    return n == 1 ? STATUS_OK : note(p, "NUMCPU: this machine has one CPU");
}

static enum status take_loadparm(struct parser *p)
{
    if (strlen(p->words[1]) >= sizeof(p->c->loadparm))
        return wrong(p, "LOADPARM: '%s' has more than 8 characters",
                     p->words[1]);
    format(p->c->loadparm, sizeof(p->c->loadparm), "%s", p->words[1]);
    return STATUS_OK;
}

static const struct statement {
    const char *name;
    take_fn take; /* NULL: it has no effect */
} statements[] = {
#define STATEMENT(name, take) {name, take},
#define NO_EFFECT(name)       {name, NULL},
#include "s370/dev/statement.def"
};

/* ---- Device statements ---- */

static enum status add_device(struct parser *p, unsigned long address,
                              const struct s370_dev_type *type)
{
    struct s370_config *c = p->c;

    for (unsigned i = 0; i < c->device_count; i++)
        if (c->devices[i].address == address)
            return wrong(p, "device %03lX is on line %u already", address,
                         c->devices[i].line);
    if (c->device_count == S370_CONFIG_DEVICES_MAX)
        return wrong(p, "more than %d devices", S370_CONFIG_DEVICES_MAX);
    struct s370_config_device *devices =
        realloc(c->devices, (c->device_count + 1) * sizeof(*devices));
    if (!devices)
        return no_memory(p);
    c->devices = devices;
    struct s370_config_device *d = &devices[c->device_count++];
    *d = (struct s370_config_device){
        .line = p->statement, .address = (uint16_t)address, .type = type};
    unsigned n = p->count - 2;
    d->args = calloc(n + 1, sizeof(*d->args));
    if (!d->args)
        return no_memory(p);
    for (; d->count < n; d->count++) {
        d->args[d->count] = strdup(p->words[2 + d->count]);
        if (!d->args[d->count])
            return no_memory(p);
    }
    return STATUS_OK;
}

/* One of "150", "150-153", "150.4"; first and last device. */
static bool address_range(const char *word, unsigned long *first,
                          unsigned long *last)
{
    char a[16];
    size_t n = strcspn(word, "-.");
    unsigned long count;

    if (n >= sizeof(a))
        return false;
    memcpy(a, word, n);
    a[n] = '\0';
    if (!number(a, 16, 0xFFFF, first))
        return false;
    *last = *first;
    if (word[n] == '-')
        return number(word + n + 1, 16, 0xFFFF, last) && *last >= *first;
    if (word[n] != '.')
        return true;
    if (!number(word + n + 1, 10, 256, &count) || !count)
        return false;
    *last = *first + count - 1;
    return true;
}

static void list_types(char *out, size_t cap)
{
    unsigned count;
    const struct s370_dev_type *types = s370_dev_types(&count);
    size_t n = 0;

    for (unsigned i = 0; i < count; i++)
        n += format(out + n, cap - n, "%s%s", i ? " " : "", types[i].name);
}

static enum status take_devices(struct parser *p)
{
    const struct s370_dev_type *type = s370_dev_find(p->words[1]);
    char *next = p->words[0], known[200];
    enum status st = STATUS_OK;

    list_types(known, sizeof(known));
    if (!type)
        return wrong(p, "device %s: type %s is not supported; there are %s",
                     p->words[0], p->words[1], known);
    if (!strncmp(next, "0:", 2))
        next += 2; /* logical channel subsystem 0: the only one */
    while (next && st == STATUS_OK) {
        char *comma = strchr(next, ',');
        unsigned long first, last;

        if (comma)
            *comma++ = '\0';
        if (!address_range(next, &first, &last))
            return wrong(p, "'%s' is not a device address", next);
        if (last > 0xFFF)
            return wrong(p, "device %04lX: a System/370 has channels 0 to F",
                         last);
        for (unsigned long a = first; a <= last && st == STATUS_OK; a++)
            st = add_device(p, a, type);
        next = comma;
    }
    return st;
}

/* ---- Lines ---- */

/* Is the first word meant as device addresses? */
static bool is_address(const char *word)
{
    size_t digits = strspn(word, "0123456789abcdefABCDEF");

    return (*word >= '0' && *word <= '9') ||
           (digits && digits <= 4 &&
            (!word[digits] || strchr(".-,", word[digits])));
}

static enum status unknown_statement(struct parser *p)
{
    char known[200];
    size_t n = 0;

    for (unsigned i = 0; i < ARRAY_LEN(statements); i++)
        if (statements[i].take)
            n +=
                format(known + n, sizeof(known) - n, " %s", statements[i].name);
    return wrong(p,
                 "unknown statement '%.100s'; there are device statements "
                 "(ADDRESS TYPE ...) and%s",
                 p->words[0], known);
}

static enum status take_statement(struct parser *p)
{
    for (unsigned i = 0; i < ARRAY_LEN(statements); i++) {
        if (strcasecmp(statements[i].name, p->words[0]))
            continue;
        if (!statements[i].take)
            return note(p, "%s has no effect here", statements[i].name);
        if (p->count < 2)
            return wrong(p, "%s: a value is missing", statements[i].name);
        return statements[i].take(p);
    }
    if (!is_address(p->words[0]))
        return unknown_statement(p);
    if (p->count < 2)
        return wrong(p, "device %s: its type is missing", p->words[0]);
    return take_devices(p);
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f';
}

/* Words end at blanks unless quoted; # begins a comment. */
static enum status split(struct parser *p)
{
    char *at = p->text;

    p->count = 0;
    for (;;) {
        while (blank(*at))
            at++;
        if (!*at || *at == '#' || (*at == '*' && !p->count))
            return STATUS_OK;
        if (p->count == ARRAY_LEN(p->words))
            return wrong(p, "more than %d arguments", S370_CONFIG_ARGS_MAX);
        char quote = *at == '"' || *at == '\'' ? *at++ : '\0';
        p->words[p->count++] = at;
        while (*at && (quote ? *at != quote : !blank(*at)))
            at++;
        if (quote && !*at)
            return wrong(p, "the quotation mark %c is not closed", quote);
        if (*at)
            *at++ = '\0';
    }
}

/* One statement with its continuation lines (those before end in \).  False
 * at the end of the text. */
static bool next_statement(struct parser *p, enum status *st)
{
    size_t used = 0;
    bool more = true;

    *st = STATUS_OK;
    if (!p->left)
        return false;
    p->statement = p->line + 1;
    while (more && p->left) {
        const char *nl = memchr(p->rest, '\n', p->left);
        size_t len = nl ? (size_t)(nl - p->rest) : p->left, keep = len;

        p->line++;
        while (keep && blank(p->rest[keep - 1]))
            keep--;
        more = keep && p->rest[keep - 1] == '\\';
        keep -= more;
        if (memchr(p->rest, '\0', keep))
            *st = wrong(p, "a zero byte: this is not a text file");
        else if (used + keep >= sizeof(p->text))
            *st = wrong(p, "the statement is longer than %d bytes",
                        STATEMENT_MAX);
        if (*st != STATUS_OK)
            return true;
        memcpy(p->text + used, p->rest, keep);
        used += keep;
        len += nl != NULL;
        p->rest += len;
        p->left -= len;
    }
    p->text[used] = '\0';
    return true;
}

static enum status set_path(struct s370_config *c, const char *path,
                            struct diag *diag)
{
    const char *slash = strrchr(path, '/');

    c->path = strdup(path);
    c->folder = slash
                    ? strndup(path, slash == path ? 1 : (size_t)(slash - path))
                    : strdup("");
    if (c->path && c->folder)
        return STATUS_OK;
    return diag_set(diag, STATUS_NO_MEMORY, "%s: no memory", path);
}

static enum status parse(struct parser *p)
{
    enum status st;

    while (next_statement(p, &st)) {
        if (st == STATUS_OK)
            st = split(p);
        if (st == STATUS_OK && p->count)
            st = take_statement(p);
        if (st != STATUS_OK)
            return st;
    }
    if (p->c->device_count)
        return STATUS_OK;
    return diag_set(p->diag, STATUS_BAD_INPUT, "%s: there is no device in it",
                    p->c->path);
}

enum status s370_config_parse(const char *text, size_t len, const char *path,
                              struct s370_config *out, struct diag *diag)
{
    struct parser *p = calloc(1, sizeof(*p));

    *out = (struct s370_config){
        .main_size = 2 * MEGABYTE, .cpu_serial = 1, .cpu_model = 0x3033};
    if (!p)
        return diag_set(diag, STATUS_NO_MEMORY, "%s: no memory", path);
    p->c = out;
    p->rest = text;
    p->left = len;
    p->diag = diag;
    enum status st = set_path(out, path, diag);
    if (st == STATUS_OK)
        st = parse(p);
    free(p);
    if (st != STATUS_OK)
        s370_config_free(out);
    return st;
}

enum status s370_config_read(const char *path, struct s370_config *out,
                             struct diag *diag)
{
    FILE *f = fopen(path, "rb");
    char *text;

    *out = (struct s370_config){0};
    if (!f)
        return diag_set(diag, STATUS_BAD_INPUT, "%s: cannot open: %s", path,
                        strerror(errno));
    text = malloc(FILE_MAX);
    if (!text) {
        fclose(f);
        return diag_set(diag, STATUS_NO_MEMORY, "%s: no memory", path);
    }
    errno = 0;
    size_t len = fread(text, 1, FILE_MAX, f);
    bool failed = ferror(f);
    fclose(f);
    enum status st;
    if (failed)
        st = diag_set(diag, STATUS_BAD_INPUT, "%s: cannot read: %s", path,
                      strerror(errno));
    else if (len == FILE_MAX)
        st = diag_set(diag, STATUS_BAD_INPUT, "%s: too long", path);
    else
        st = s370_config_parse(text, len, path, out, diag);
    free(text);
    return st;
}

void s370_config_free(struct s370_config *c)
{
    for (unsigned i = 0; i < c->device_count; i++) {
        for (unsigned a = 0; a < c->devices[i].count; a++)
            free(c->devices[i].args[a]);
        free(c->devices[i].args);
    }
    for (unsigned i = 0; i < c->note_count; i++)
        free(c->notes[i]);
    free(c->devices);
    free(c->notes);
    free(c->path);
    free(c->folder);
    *c = (struct s370_config){0};
}
