#include "cli/operator.h"

#include "cli/command.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Lines that come faster than this were not typed by a person. */
enum { PASTE_MILLISECONDS = 200 };

void operator_init(struct operator* op, const struct script *script)
{
    *op = (struct operator){.script = script};
    if (!script)
        op->source = isatty(STDIN_FILENO) ? OPERATOR_TERMINAL : OPERATOR_PIPE;
}

void operator_end(struct operator* op)
{
    if (op->run)
        script_end(op->run);
    free(op->run);
    op->run = NULL;
}

enum status operator_sit(struct operator* op, const struct operator_seat *seat,
                         struct diag *diag)
{
    if (op->count == OPERATOR_SEATS_MAX)
        return diag_set(diag, STATUS_BAD_INPUT, "more than %u guests",
                        OPERATOR_SEATS_MAX);
    op->seats[op->count++] = *seat;
    if (!op->script || op->count > 1)
        return STATUS_OK;
    op->run = malloc(sizeof(*op->run));
    if (!op->run ||
        script_begin(op->run, op->script, seat->clock, &op->seats[0].hands))
        return diag_set(diag, STATUS_NO_MEMORY, "no room for a script");
    return STATUS_OK;
}

/* ---- What the guests print ---- */

static FILE *out(const struct operator* op)
{
    return op->to_stderr ? stderr : stdout;
}

/* A console's line in the trace, in pieces that an event can hold. */
static void note(struct operator* op, struct operator_seat *s)
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
        trace_emit(op->trace, &e);
        done += (size_t)n;
    } while (done < s->length);
    s->length = 0;
}

static void end_line(struct operator* op, struct operator_seat *s)
{
    if (op->trace) {
        note(op, s);
        return;
    }
    if (op->count > 1)
        fprintf(out(op), "%-8s| ", s->name);
    fwrite(s->line, 1, s->length, out(op));
    fputc('\n', out(op));
    s->length = 0;
}

/* With one guest its text goes out as it comes; otherwise line by line. */
static bool whole_lines(const struct operator* op)
{
    return op->trace || op->count > 1;
}

void operator_printed(struct operator* op, unsigned seat, const char *text,
                      size_t len)
{
    struct operator_seat *s = &op->seats[seat];

    if (op->run && seat == 0)
        script_printed(op->run, text, len);
    if (!whole_lines(op)) {
        fwrite(text, 1, len, out(op));
        if (len)
            s->length = text[len - 1] != '\n';
        return;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n' || s->length == sizeof(s->line))
            end_line(op, s);
        if (text[i] != '\n')
            s->line[s->length++] = text[i];
    }
}

void operator_flush(struct operator* op)
{
    for (unsigned i = 0; i < op->count; i++) {
        struct operator_seat *s = &op->seats[i];

        if (!s->length)
            continue;
        if (whole_lines(op))
            end_line(op, s);
        else
            fputc('\n', out(op));
        s->length = 0;
    }
    fflush(out(op));
}

/* ---- What the person types ---- */

/* "@NAME text" turns to that console; returns the text behind it. */
static const char *choose_seat(struct operator* op, const char *line)
{
    size_t n = strcspn(line + 1, " ");

    for (unsigned i = 0; i < op->count; i++)
        if (!strncmp(op->seats[i].name, line + 1, n) && !op->seats[i].name[n]) {
            op->focus = i;
            return line + 1 + n + (line[1 + n] == ' ');
        }
    fprintf(stderr, "No guest %.*s; there are:", (int)n, line + 1);
    for (unsigned i = 0; i < op->count; i++)
        fprintf(stderr, " %s", op->seats[i].name);
    fputc('\n', stderr);
    return NULL;
}

/* The first whole line of what has come in; false if there is none. */
static bool take_line(struct operator* op, char line[OPERATOR_LINE_MAX])
{
    char *end = memchr(op->input, '\n', op->input_length);

    if (!end)
        return false;
    size_t n = (size_t)(end - op->input);
    if (n >= OPERATOR_LINE_MAX)
        cli_say("a line of %zu characters is cut to %d", n,
                OPERATOR_LINE_MAX - 1);
    snprintf(line, OPERATOR_LINE_MAX, "%.*s", (int)n, op->input);
    line[strcspn(line, "\r")] = '\0';
    op->input_length -= n + 1;
    memmove(op->input, end + 1, op->input_length);
    return true;
}

/* One read(2).  At the end of the file a line without newline is whole. */
static void fill(struct operator* op)
{
    size_t room = sizeof(op->input) - 1 - op->input_length;
    ssize_t n = read(STDIN_FILENO, op->input + op->input_length, room);

    if (n < 0 && errno == EINTR)
        return;
    if (n > 0) {
        op->input_length += (size_t)n;
        return;
    }
    op->source = OPERATOR_NOBODY; /* also when there is no room left */
    if (op->input_length && op->input[op->input_length - 1] != '\n')
        op->input[op->input_length++] = '\n';
}

static uint64_t host_milliseconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void answer(struct operator* op, const char *line)
{
    if (op->count > 1 && line[0] == '@')
        line = choose_seat(op, line);
    if (!line)
        return;
    struct operator_seat *s = &op->seats[op->focus];
    s->length = 0; /* the terminal has echoed a newline */
    s->hands.answer(s->hands.machine, line);
}

/* Is Enter alone the attention key now?  Not when a read waits for a line,
 * and not when it belongs to lines that were typed ahead or pasted. */
static bool is_attention(const struct operator* op, size_t before)
{
    const struct script_hands *h = &op->seats[op->focus].hands;

    return op->input_length == before + 1 && op->input[before] == '\n' &&
           !h->reading(h->machine) &&
           (!before || host_milliseconds() > op->typed_at + PASTE_MILLISECONDS);
}

/* What has just come from the terminal, behind `before` older bytes. */
static void typed(struct operator* op, size_t before)
{
    struct operator_seat *s = &op->seats[op->focus];
    char line[OPERATOR_LINE_MAX];

    if (is_attention(op, before)) {
        op->input_length = before;
        s->length = 0;
        s->hands.attention(s->hands.machine);
        return;
    }
    op->typed_at = host_milliseconds();
    while (s->hands.reading(s->hands.machine) && take_line(op, line)) {
        answer(op, line);
        s = &op->seats[op->focus];
    }
}

bool operator_look(struct operator* op, int milliseconds)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};

    if (op->source != OPERATOR_TERMINAL || !op->count)
        return false;
    fflush(out(op));
    for (; poll(&p, 1, milliseconds) > 0; milliseconds = 0) {
        size_t before = op->input_length;

        fill(op);
        typed(op, before);
        if (op->source != OPERATOR_TERMINAL)
            return false;
    }
    return true;
}

static void prompt(struct operator* op, const struct operator_seat *s)
{
    operator_flush(op);
    fprintf(out(op), "%s> ", op->count > 1 ? s->name : "");
    fflush(out(op));
}

void operator_reading(struct operator* op, unsigned seat)
{
    struct operator_seat *s = &op->seats[seat];
    char line[OPERATOR_LINE_MAX];

    if (op->run && seat == 0)
        script_reading(op->run);
    if (op->script)
        return;
    op->focus = seat;
    bool got = take_line(op, line);
    while (!got && op->source == OPERATOR_PIPE) {
        fill(op);
        got = take_line(op, line);
    }
    if (got)
        answer(op, line);
    else if (op->source == OPERATOR_TERMINAL)
        prompt(op, s);
}
