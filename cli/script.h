/* An operator who follows a script, in guest time.
 *
 * A line each; empty lines and those that begin with # say nothing:
 *
 *     attention      press the request key when the guest next is in an
 *                    enabled wait
 *     wait TEXT      until the console has printed TEXT (within a line, after
 *                    what the last wait found)
 *     type TEXT      answer the console's next read; no TEXT: an empty line
 *     stop           end the run
 *
 * The operator reacts SCRIPT_REACTION ticks of the guest's clock after
 * something happened and never looks at the host's time, so that a run is the
 * same on every host, bare and under the monitor. */
#ifndef CLI_SCRIPT_H
#define CLI_SCRIPT_H

#include "base/clock.h"
#include "base/diag.h"

enum { SCRIPT_REACTION = 10000 };

struct script; /* the lines; may serve several runs at a time */

/* NULL when the file cannot be read or a line is not understood: *diag. */
struct script *script_read(const char *path, struct diag *diag);
/* The same from text; `name` (borrowed for the call) is for messages. */
struct script *script_parse(const char *name, const char *text,
                            struct diag *diag);
void script_free(struct script *s);

/* What the operator sees of a machine and does to it; called from events of
 * its clock. */
struct script_hands {
    bool (*in_wait)(void *machine); /* is the guest in an enabled wait? */
    bool (*reading)(void *machine); /* does its console wait for a line? */
    void (*attention)(void *machine);
    void (*answer)(void *machine, const char *text); /* the read's line */
    void (*stop)(void *machine);
    void *machine;
};

enum { SCRIPT_PRINTED_MAX = 64 * 1024 };

/* One run through a script, at one machine's console. */
struct script_run {
    const struct script *script; /* borrowed */
    struct script_hands hands;
    struct clock *clock; /* borrowed */
    unsigned next;       /* line to do */
    bool scheduled;      /* a reaction is in the clock */
    /* What was printed and no wait has found yet, or the newest part of it. */
    char printed[SCRIPT_PRINTED_MAX];
    size_t length;
};

/* STATUS_NO_MEMORY when the clock is full. */
MUST_USE enum status script_begin(struct script_run *r, const struct script *s,
                                  struct clock *clock,
                                  const struct script_hands *hands);
void script_end(struct script_run *r);

/* The guest has printed, the guest has begun to read. */
void script_printed(struct script_run *r, const char *text, size_t len);
void script_reading(struct script_run *r);

/* Is all done?  If not, *diag names the line that the run did not reach:
 * "tos.script:4: 'wait READY' was not met". */
bool script_done(const struct script_run *r, struct diag *diag);

#endif
