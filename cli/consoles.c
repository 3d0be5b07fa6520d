#include "cli/consoles.h"

#include "cli/command.h"
#include "cli/session.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Lines that come faster than this were not typed by a person. */
enum { PASTE_MILLISECONDS = 200 };

void consoles_init(struct consoles *cs, const struct script *script)
{
    *cs = (struct consoles){.script = script};
    if (!script)
        cs->source = isatty(STDIN_FILENO) ? CONSOLES_TERMINAL : CONSOLES_PIPE;
}

void consoles_end(struct consoles *cs)
{
    if (cs->run)
        script_end(cs->run);
    free(cs->run);
    cs->run = NULL;
}

enum status consoles_add(struct consoles *cs, const struct console_seat *seat,
                         struct diag *diag)
{
    if (cs->count == CONSOLES_SEATS_MAX)
        return diag_set(diag, STATUS_BAD_INPUT, "more than %u guests",
                        CONSOLES_SEATS_MAX);
    cs->seats[cs->count++] = *seat;
    if ((int)strlen(seat->name) > cs->name_width)
        cs->name_width = (int)strlen(seat->name);
    if (!cs->script || cs->count > 1)
        return STATUS_OK;
    cs->run = malloc(sizeof(*cs->run));
    if (!cs->run ||
        script_begin(cs->run, cs->script, seat->clock, &cs->seats[0].hands))
        return diag_set(diag, STATUS_NO_MEMORY, "no room for a script");
    return STATUS_OK;
}

/* ---- What the guests print ---- */

static FILE *out(const struct consoles *cs)
{
    return cs->to_stderr ? stderr : stdout;
}

/* A console's line in the trace, in pieces that an event can hold. */
static void note(struct consoles *cs, struct console_seat *s)
{
    struct trace_event e = {.kind = TRACE_NOTE,
                            .vm = s->vm,
                            .time = s->clock->now,
                            .insns = s->insns(s->guest)};
    size_t width = sizeof(e.text) - 3, done = 0;

    do {
        size_t left = s->length - done;
        int n = (int)(left < width ? left : width);

        snprintf(e.text, sizeof(e.text), "| %.*s", n, s->line + done);
        trace_emit(cs->trace, &e);
        done += (size_t)n;
    } while (done < s->length);
    s->length = 0;
}

static void end_line(struct consoles *cs, struct console_seat *s)
{
    if (cs->trace) {
        note(cs, s);
        return;
    }
    if (cs->count > 1)
        fprintf(out(cs), "%-*s | ", cs->name_width, s->name);
    fwrite(s->line, 1, s->length, out(cs));
    fputc('\n', out(cs));
    s->length = 0;
}

/* With one guest its text goes out as it comes; otherwise line by line. */
static bool whole_lines(const struct consoles *cs)
{
    return cs->trace || cs->count > 1;
}

/* What of the guest's text a terminal may get: no escape sequence, in 7 bits
 * or in 8, can command the terminal of the person. */
static char harmless(char c)
{
    return (c >= ' ' && c <= '~') || c == '\n' || c == '\t' ? c : '.';
}

static void print_line_by_line(struct consoles *cs, struct console_seat *s,
                               const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n' || s->length == sizeof(s->line))
            end_line(cs, s);
        if (text[i] != '\n')
            s->line[s->length++] = harmless(text[i]);
    }
}

static void print(struct consoles *cs, struct console_seat *s, const char *text,
                  size_t len)
{
    if (cs->heard) {
        cs->heard(cs->who, text, len);
        return;
    }
    if (cs->prompted) /* others print while the person thinks */
        fputc('\n', out(cs));
    cs->prompted = false;
    if (whole_lines(cs)) {
        print_line_by_line(cs, s, text, len);
        return;
    }
    for (size_t i = 0; i < len; i++)
        fputc(harmless(text[i]), out(cs));
    if (len)
        s->length = text[len - 1] != '\n';
}

void consoles_printed(struct consoles *cs, unsigned seat, const char *text,
                      size_t len)
{
    if (cs->run && seat == 0)
        script_printed(cs->run, text, len);
    print(cs, &cs->seats[seat], text, len);
    if (out(cs) == stdout && ferror(stdout))
        session_output_failed();
}

void consoles_typed(struct consoles *cs, unsigned seat, const char *text)
{
    struct console_seat *s = &cs->seats[seat];

    if (cs->source == CONSOLES_TERMINAL && !cs->trace)
        return;
    if (s->length)
        print(cs, s, "\n", 1);
    print(cs, s, "> ", 2);
    print(cs, s, text, strlen(text));
    print(cs, s, "\n", 1);
}

void consoles_flush(struct consoles *cs)
{
    for (unsigned i = 0; i < cs->count; i++) {
        struct console_seat *s = &cs->seats[i];

        if (!s->length)
            continue;
        if (whole_lines(cs))
            end_line(cs, s);
        else
            fputc('\n', out(cs));
        s->length = 0;
    }
    fflush(out(cs));
}

/* ---- What the person types ---- */

/* "@NAME text" turns to that console; returns the text behind it. */
static const char *choose_seat(struct consoles *cs, const char *line)
{
    size_t n = strcspn(line + 1, " ");

    for (unsigned i = 0; i < cs->count; i++)
        if (!strncmp(cs->seats[i].name, line + 1, n) && !cs->seats[i].name[n]) {
            cs->focus = i;
            return line + 1 + n + (line[1 + n] == ' ');
        }
    fprintf(stderr, "No guest %.*s; there are:", (int)n, line + 1);
    for (unsigned i = 0; i < cs->count; i++)
        fprintf(stderr, " %s", cs->seats[i].name);
    fputc('\n', stderr);
    return NULL;
}

/* The first whole line of what has come in; false if there is none. */
static bool take_line(struct consoles *cs, char line[CONSOLES_LINE_MAX])
{
    char *end = memchr(cs->input, '\n', cs->input_length);

    if (!end)
        return false;
    size_t n = (size_t)(end - cs->input);
    if (n >= CONSOLES_LINE_MAX)
        cli_say("a line of %zu characters is cut to %d", n,
                CONSOLES_LINE_MAX - 1);
    snprintf(line, CONSOLES_LINE_MAX, "%.*s", (int)n, cs->input);
    line[strcspn(line, "\r")] = '\0';
    cs->input_length -= n + 1;
    memmove(cs->input, end + 1, cs->input_length);
    return true;
}

/* One read(2).  At the end of the file a line without newline is whole. */
static void fill(struct consoles *cs)
{
    size_t room = sizeof(cs->input) - 1 - cs->input_length;
    ssize_t n = read(STDIN_FILENO, cs->input + cs->input_length, room);

    if (n < 0 && errno == EINTR)
        return;
    if (n > 0) {
        cs->input_length += (size_t)n;
        return;
    }
    cs->source = CONSOLES_NOBODY; /* also when there is no room left */
    if (cs->input_length && cs->input[cs->input_length - 1] != '\n')
        cs->input[cs->input_length++] = '\n';
}

static uint64_t host_milliseconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static bool is_addressed(const struct consoles *cs, const char *line)
{
    return cs->count > 1 && line[0] == '@';
}

/* False when the line was for no guest: it turned to another console, or
 * could not. */
static bool answer(struct consoles *cs, const char *line)
{
    bool addressed = is_addressed(cs, line);

    cs->prompted = false; /* the terminal has echoed a newline */
    if (addressed)
        line = choose_seat(cs, line);
    if (!line)
        return false;
    struct console_seat *s = &cs->seats[cs->focus];
    bool reads = s->hands.reading(s->hands.machine);

    s->length = 0;
    if (addressed && (!reads || !*line)) {
        if (!reads)
            cli_say("%s does not read; Enter alone is its attention key",
                    s->name);
        cs->asking = reads;
        return false;
    }
    cs->asking = false;
    s->hands.answer(s->hands.machine, line);
    return true;
}

/* Is Enter alone the attention key now?  Not when a read waits for a line,
 * and not when it belongs to lines that were typed ahead or pasted. */
static bool is_attention(const struct consoles *cs, size_t before)
{
    const struct script_hands *h = &cs->seats[cs->focus].hands;

    return cs->input_length == before + 1 && cs->input[before] == '\n' &&
           !h->reading(h->machine) &&
           (!before || host_milliseconds() > cs->typed_at + PASTE_MILLISECONDS);
}

/* What has just come from the terminal, behind `before` older bytes. */
static void typed(struct consoles *cs, size_t before)
{
    struct console_seat *s = &cs->seats[cs->focus];
    char line[CONSOLES_LINE_MAX];

    if (is_attention(cs, before)) {
        cs->input_length = before;
        s->length = 0;
        cs->prompted = false;
        s->hands.attention(s->hands.machine);
        return;
    }
    cs->typed_at = host_milliseconds();
    while (
        (is_addressed(cs, cs->input) || s->hands.reading(s->hands.machine)) &&
        take_line(cs, line)) {
        (void)answer(cs, line);
        s = &cs->seats[cs->focus];
    }
}

/* Ask for a line, when the guests have come to rest. */
static void prompt(struct consoles *cs)
{
    const struct console_seat *s = &cs->seats[cs->focus];

    if (!cs->asking || cs->prompted || cs->trace)
        return;
    consoles_flush(cs);
    fprintf(out(cs), "%s> ", cs->count > 1 ? s->name : "");
    cs->prompted = true;
}

bool consoles_look(struct consoles *cs, int milliseconds)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};

    if (cs->source != CONSOLES_TERMINAL || !cs->count)
        return false;
    prompt(cs);
    fflush(out(cs));
    for (; poll(&p, 1, milliseconds) > 0; milliseconds = 0) {
        size_t before = cs->input_length;

        if (p.revents & POLLHUP) /* the terminal is gone */
            session_leave();
        fill(cs);
        typed(cs, before);
        if (cs->source != CONSOLES_TERMINAL)
            return false;
    }
    return true;
}

void consoles_reading(struct consoles *cs, unsigned seat)
{
    char line[CONSOLES_LINE_MAX];

    if (cs->run && seat == 0)
        script_reading(cs->run);
    if (cs->script)
        return;
    cs->focus = seat;
    bool got;
    do {
        got = take_line(cs, line);
        while (!got && cs->source == CONSOLES_PIPE) {
            fill(cs);
            got = take_line(cs, line);
        }
    } while (got && !answer(cs, line));
    if (!got)
        cs->asking = cs->source == CONSOLES_TERMINAL;
}
