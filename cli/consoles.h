/* The person at the consoles of a run: a terminal, a pipe, or a script.
 *
 * On a terminal: text and Enter answer the read that is outstanding, or the
 * next one; Enter alone answers a read with an empty line, and presses the
 * attention (request) key when there is no read.  With several guests
 * "@NAME text" turns to another console.
 * From a pipe or a file: each line answers one read, when the guest reads.
 * With a script (cli/script.h): as it says, at the first console. */
#ifndef CLI_CONSOLES_H
#define CLI_CONSOLES_H

#include "base/trace.h"
#include "cli/script.h"

enum {
    CONSOLES_SEATS_MAX = 16,
    CONSOLES_LINE_MAX = 512,
    CONSOLES_AHEAD_MAX = 16384 /* bytes typed ahead */
};

enum console_source { CONSOLES_NOBODY, CONSOLES_TERMINAL, CONSOLES_PIPE };

/* A guest's console, as the operator sits before it. */
struct console_seat {
    const char *name; /* of the guest; borrowed */
    struct script_hands hands;
    struct clock *clock;
    unsigned vm;                          /* its number in a trace */
    uint64_t (*insns)(const void *guest); /* for the trace */
    const void *guest;
    char line[CONSOLES_LINE_MAX]; /* printed, and not yet ended by a newline */
    size_t length;
};

struct consoles {
    struct console_seat seats[CONSOLES_SEATS_MAX];
    unsigned count, focus; /* whose read the next line answers */
    int name_width;        /* of the longest name */
    bool asking;           /* it has begun to read, at a terminal */
    bool prompted;         /* and the prompt stands at the end of the screen */
    enum console_source source;
    const struct script *script; /* borrowed; NULL: none */
    struct script_run *run;      /* owned; at seats[0] */
    struct trace *trace;         /* console lines become notes in it; or NULL */
    /* A program that hears what is printed, instead of stdout; or NULL. */
    void (*heard)(void *who, const char *text, size_t len);
    void *who;
    bool to_stderr; /* stdout is for a program that reads JSON */
    char input[CONSOLES_AHEAD_MAX]; /* lines that no read has taken yet */
    size_t input_length;
    uint64_t typed_at; /* host's milliseconds: the newest of them */
};

/* Look at what stdin is; a script keeps hands off it. */
void consoles_init(struct consoles *cs, const struct script *script);
void consoles_end(struct consoles *cs);

/* Sit down at one more console, before its guest runs.  Everything that *seat
 * points to lives as long as the consoles. */
MUST_USE enum status consoles_add(struct consoles *cs,
                                  const struct console_seat *seat,
                                  struct diag *diag);

/* Console `seat` prints; begins to read.  Of what goes to the terminal or the
 * trace, bytes that are not printable ASCII, newline or tab become dots. */
void consoles_printed(struct consoles *cs, unsigned seat, const char *text,
                      size_t len);
void consoles_reading(struct consoles *cs, unsigned seat);

/* Somebody has typed this line at it: show it, unless the terminal has. */
void consoles_typed(struct consoles *cs, unsigned seat, const char *text);

/* Look for input on the terminal, for at most so long (-1: until there is
 * some).  False when there will never be any again. */
bool consoles_look(struct consoles *cs, int milliseconds);

/* End lines that have no newline yet, and flush. */
void consoles_flush(struct consoles *cs);

#endif
