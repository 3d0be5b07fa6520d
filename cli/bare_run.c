/* A run: the console's characters, what is typed, and the verdict's facts. */
#include "cli/bare.h"
#include "cli/session.h"
#include "cli/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const bare_on_names[BARE_ON_COUNT] = {"bochs", "qemu", "model"};

/* ---- The console ---- */

static void take_line(struct bare_console *c)
{
    int code;

    c->line[c->n] = '\0';
    c->n = 0;
    char *start = strstr(c->line, "bare: ");
    if (!c->begun && !start)
        return; /* the firmware's screen */
    const char *line = c->begun ? c->line : start;
    bool was_begun = c->begun;
    c->begun = true;
    /* Bochs's debugger has a word at a triple fault, and at the end. */
    if (c->end->ended || !strncmp(line, "(0).[", 5))
        return;
    if (sscanf(line, "bare: the end, code %d", &code) == 1) {
        c->end->ended = true;
        c->end->code = code;
    }
    if (!c->raw)
        puts(line);
    else if (!was_begun) /* what came before was not shown */
        puts(line);
    fflush(stdout);
}

void bare_console_take(struct bare_console *c, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (c->raw && c->begun && !c->end->ended)
            putchar(bytes[i]);
        if (bytes[i] == '\n' || c->n == sizeof(c->line) - 1)
            take_line(c);
        if (bytes[i] >= ' ' && bytes[i] <= '~')
            c->line[c->n++] = (char)bytes[i];
    }
    fflush(stdout);
}

/* ---- Keys ---- */

void bare_keys_begin(struct bare_keys *k, const struct bare_plan *plan)
{
    *k = (struct bare_keys){.wanted = bare_is_terminal(plan)};
    session_watch_signals(false);
    k->raw = k->wanted && terminal_is_there() && terminal_raw();
    if (k->raw)
        fputs("The terminal is the guest's serial port; Ctrl-] ends.\n",
              stderr);
}

void bare_keys_end(struct bare_keys *k)
{
    if (k->raw) {
        terminal_restore();
        if (session_interrupted) /* in the midst of a line */
            fputc('\n', stderr);
    }
    session_forget_signals();
}

/* The monitor looks at its line a hundred times a second, and there is room for
 * 16 keys: one in two milliseconds can be typed. */
size_t bare_keys_take(struct bare_keys *k, uint8_t *keys, size_t n)
{
    const uint64_t pause = 2000000;
    uint64_t now = session_host_ns();

    if (!k->wanted || now - k->last < pause)
        return 0;
    long got = terminal_keys(keys, n, 0);
    const uint8_t *leave =
        k->raw && got > 0 ? memchr(keys, TERMINAL_LEAVE, (size_t)got) : NULL;
    k->wanted = got >= 0 && !leave;
    k->left = leave;
    if (leave || (k->raw && got < 0)) /* or the terminal has gone */
        session_leave();
    if (leave)
        got = leave - keys;
    k->last = now;
    return got > 0 ? (size_t)got : 0;
}

/* ---- A run ---- */

uint64_t bare_limit(const struct bare_plan *plan, const struct bare_keys *k)
{
    bool none = !plan->seconds || (k->raw && !plan->seconds_given);

    return none || plan->seconds > UINT64_MAX / 1000000000
               ? UINT64_MAX
               : plan->seconds * 1000000000;
}

enum status bare_run(const struct bare_plan *plan, struct bare_end *end,
                     struct diag *d)
{
    struct bare_keys keys;
    enum status st;
    size_t size;
    uint8_t *image = bare_image(plan, &size, &st, d);

    if (!image)
        return st;
    *end = (struct bare_end){0};
    FILE *json = plan->json ? fopen(plan->json, "w") : NULL;
    if (json)
        fclose(json);
    if (plan->json && !json) /* an emulator would have its own way */
        st = diag_set(d, STATUS_BAD_INPUT, "%s: %s", plan->json,
                      strerror(errno));
    if (!st) {
        bare_keys_begin(&keys, plan);
        st = plan->on == BARE_MODEL
                 ? bare_run_model(plan, image, size, &keys, end, d)
                 : bare_run_emulator(plan, image, size, &keys, end, d);
        bare_keys_end(&keys);
        end->left = end->left || keys.left;
    }
    free(image);
    return st;
}
