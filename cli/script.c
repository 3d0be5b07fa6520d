#include "cli/script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 4096, FILE_SIZE_MAX = 1 << 20 };

enum verb { ATTENTION, WAIT, TYPE, STOP, VERBS };

static const struct {
    const char *name;
    enum { NONE, OPTIONAL, NEEDED } text;
} verbs[VERBS] = {
    [ATTENTION] = {"attention", NONE},
    [WAIT] = {"wait", NEEDED},
    [TYPE] = {"type", OPTIONAL},
    [STOP] = {"stop", NONE},
};

struct script_line {
    enum verb verb;
    const char *text; /* in script->text, terminated */
    unsigned number;  /* in the file, from 1 */
};

struct script {
    char *name, *text; /* owned; lines are cut in place */
    struct script_line lines[LINES_MAX];
    unsigned count;
};

/* ---- Reading a script ---- */

static enum status parse_line(struct script *s, char *line, unsigned number,
                              struct diag *diag)
{
    line += strspn(line, " \t");
    size_t word = strcspn(line, " \t");
    char *text = line + word + (line[word] != '\0');

    if (!*line || *line == '#')
        return STATUS_OK;
    line[word] = '\0';
    if (s->count == LINES_MAX)
        return diag_set(diag, STATUS_BAD_INPUT, "%s:%u: more than %u lines",
                        s->name, number, LINES_MAX);
    for (enum verb v = 0; v < VERBS; v++) {
        if (strcmp(line, verbs[v].name))
            continue;
        if (verbs[v].text == NEEDED && !*text)
            return diag_set(diag, STATUS_BAD_INPUT, "%s:%u: %s for what?",
                            s->name, number, line);
        if (verbs[v].text == NONE && text[strspn(text, " \t")])
            return diag_set(diag, STATUS_BAD_INPUT,
                            "%s:%u: %s takes no text, but here is '%s'",
                            s->name, number, line, text);
        s->lines[s->count++] = (struct script_line){v, text, number};
        return STATUS_OK;
    }
    return diag_set(diag, STATUS_BAD_INPUT,
                    "%s:%u: '%s' is none of attention, wait, type, stop",
                    s->name, number, line);
}

static enum status parse_lines(struct script *s, struct diag *diag)
{
    enum status st = STATUS_OK;
    char *line = s->text;

    for (unsigned number = 1; line && !st; number++) {
        char *next = strchr(line, '\n');

        if (next)
            *next++ = '\0';
        line[strcspn(line, "\r")] = '\0';
        st = parse_line(s, line, number, diag);
        line = next;
    }
    return st;
}

struct script *script_parse(const char *name, const char *text,
                            struct diag *diag)
{
    struct script *s = calloc(1, sizeof(*s));

    if (s) {
        s->name = strdup(name);
        s->text = strdup(text);
    }
    if (!s || !s->name || !s->text) {
        diag_set(diag, STATUS_NO_MEMORY, "%s: no memory", name);
        script_free(s);
        return NULL;
    }
    if (parse_lines(s, diag)) {
        script_free(s);
        return NULL;
    }
    return s;
}

struct script *script_read(const char *path, struct diag *diag)
{
    FILE *f = fopen(path, "r");
    char *text = malloc(FILE_SIZE_MAX);
    struct script *s = NULL;

    if (!f)
        diag_set(diag, STATUS_BAD_INPUT, "%s: %s", path, strerror(errno));
    if (!f || !text) {
        free(text);
        return NULL;
    }
    errno = 0;
    size_t n = fread(text, 1, FILE_SIZE_MAX - 1, f);
    text[n] = '\0';
    if (ferror(f))
        diag_set(diag, STATUS_BAD_INPUT, "%s: %s", path, strerror(errno));
    else if (strlen(text) != n || !feof(f))
        diag_set(diag, STATUS_BAD_INPUT, "%s: not a text of a sane size", path);
    else
        s = script_parse(path, text, diag);
    fclose(f);
    free(text);
    return s;
}

void script_free(struct script *s)
{
    if (!s)
        return;
    free(s->name);
    free(s->text);
    free(s);
}

/* ---- Following it ---- */

static void react(void *owner, uint64_t arg);

/* Look again a reaction later; a full clock means that the guest's devices
 * hold all events, and each of their ends comes by here. */
static void schedule(struct script_run *r)
{
    if (!r->scheduled)
        r->scheduled =
            clock_after(r->clock, SCRIPT_REACTION, react, r, 0) == STATUS_OK;
}

/* Is the text in what was printed?  If so, forget everything up to its end. */
static bool find_printed(struct script_run *r, const char *text)
{
    size_t n = strlen(text);
    char *at = memmem(r->printed, r->length, text, n);

    if (!at)
        return false;
    size_t used = (size_t)(at - r->printed) + n;
    r->length -= used;
    memmove(r->printed, r->printed + used, r->length);
    return true;
}

/* Do one line if its time has come. */
static bool do_line(struct script_run *r, const struct script_line *l)
{
    const struct script_hands *h = &r->hands;

    switch (l->verb) {
    case ATTENTION:
        if (!h->in_wait(h->machine)) {
            schedule(r);
            return false;
        }
        h->attention(h->machine);
        return true;
    case WAIT:
        return find_printed(r, l->text);
    case TYPE:
        if (!h->reading(h->machine))
            return false;
        h->answer(h->machine, l->text);
        return true;
    default:
        h->stop(h->machine);
        return true;
    }
}

/* One reaction does all that can be done, but presses one key at most: what
 * follows an attention or an answer has a time of its own. */
static void react(void *owner, uint64_t arg)
{
    struct script_run *r = owner;
    bool acted = false;

    (void)arg;
    r->scheduled = false;
    while (!acted && r->next < r->script->count) {
        const struct script_line *l = &r->script->lines[r->next];

        if (!do_line(r, l))
            return;
        r->next++;
        acted = l->verb != WAIT;
    }
    if (r->next < r->script->count)
        schedule(r);
}

enum status script_begin(struct script_run *r, const struct script *s,
                         struct clock *clock, const struct script_hands *hands)
{
    *r = (struct script_run){.script = s, .hands = *hands, .clock = clock};
    schedule(r);
    return r->scheduled ? STATUS_OK : STATUS_NO_MEMORY;
}

void script_end(struct script_run *r)
{
    if (r->clock)
        clock_cancel(r->clock, react, r);
    r->clock = NULL;
}

void script_printed(struct script_run *r, const char *text, size_t len)
{
    if (r->next >= r->script->count)
        return; /* nobody will look at it any more */
    if (len > sizeof(r->printed)) {
        text += len - sizeof(r->printed);
        len = sizeof(r->printed);
    }
    size_t room = sizeof(r->printed) - r->length;
    if (len > room) { /* the oldest goes */
        size_t gone = len - room;

        r->length -= gone;
        memmove(r->printed, r->printed + gone, r->length);
    }
    memcpy(r->printed + r->length, text, len);
    r->length += len;
    schedule(r);
}

void script_reading(struct script_run *r)
{
    schedule(r);
}

bool script_done(const struct script_run *r, struct diag *diag)
{
    if (r->next >= r->script->count)
        return true;
    const struct script_line *l = &r->script->lines[r->next];
    diag_set(diag, STATUS_BAD_INPUT, "%s:%u: '%s%s%s' was not met",
             r->script->name, l->number, verbs[l->verb].name,
             *l->text ? " " : "", l->text);
    return false;
}
