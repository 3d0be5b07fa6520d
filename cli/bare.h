/* The monitor on bare metal, as seen from outside: its image, and the PCs, real
 * programs or modelled, that run it. */
#ifndef CLI_BARE_H
#define CLI_BARE_H

#include "base/diag.h"

enum { BARE_GUESTS_MAX = 8, BARE_PATH = 4096 };

enum bare_on { BARE_BOCHS, BARE_QEMU, BARE_MODEL, BARE_ON_COUNT };
extern const char *const bare_on_names[BARE_ON_COUNT];

struct bare_plan {
    const char *guests[BARE_GUESTS_MAX]; /* files, or names of our own */
    unsigned count;
    const char *command;                  /* words for the monitor */
    const char *kernel, *initrd, *append; /* of a whole PC; NULL: none */
    enum bare_on on;
    const char *cpu;    /* the emulator's model of a processor; NULL: default */
    const char *json;   /* a file for the second serial port; NULL: none */
    uint64_t seconds;   /* time limit; 0: none */
    bool seconds_given; /* if not, who types at a terminal has no limit */
    bool debug;         /* wait for gdb */
    bool nested;        /* on the model, as a guest of our monitor */
};

/* A whole image: monitor, command, guests; malloced.  NULL, with *d:
 * STATUS_UNSUPPORTED in *st when there is no monitor to begin from. */
uint8_t *bare_image(const struct bare_plan *plan, size_t *size, enum status *st,
                    struct diag *d);
/* Tell how gdb comes to a PC that waits for it at this port. */
void bare_tell_gdb(unsigned port);

/* Is the console a kernel's terminal?  Then standard input is its keys. */
static inline bool bare_is_terminal(const struct bare_plan *plan)
{
    return plan->kernel && !plan->count;
}

/* Who types: a person at a terminal, whose keys are the guest's as they are
 * until Ctrl-], or whatever standard input is.  With nobody (no kernel) there
 * are no keys.  From begin to end signals set session_interrupted; the terminal
 * is as it was after the end. */
struct bare_keys {
    bool wanted; /* and standard input has not ended */
    bool raw;
    bool left;     /* by Ctrl-] */
    uint64_t last; /* when it was, session_host_ns() */
};
void bare_keys_begin(struct bare_keys *k, const struct bare_plan *plan);
void bare_keys_end(struct bare_keys *k);
/* What has been typed by now, at most n; 0: nothing, or no more. */
size_t bare_keys_take(struct bare_keys *k, uint8_t *keys, size_t n);

/* The limit in nanoseconds. */
uint64_t bare_limit(const struct bare_plan *plan, const struct bare_keys *k);

/* How a run ended: what the monitor said last. */
struct bare_end {
    bool ended; /* it said its last line: */
    int code;   /* and this is the code in it */
    bool late;  /* the time limit was reached */
    bool left;  /* the person has */
    double seconds;
    uint64_t insns; /* of the model, the monitor's and the guests' */
    /* With `nested`, since its first guest: exits to the monitor below; of
     * them, those of its guest's guests that it has passed on. */
    uint64_t exits, passed;
    bool refused;  /* the emulator has no processor as plan->cpu */
    char how[256]; /* the emulator's end, if the monitor did not */
};

/* Run it, with the monitor's console on stdout.  STATUS_UNSUPPORTED: what is
 * missing, in *d. */
MUST_USE enum status bare_run(const struct bare_plan *plan,
                              struct bare_end *end, struct diag *d);
/* On Bochs or QEMU. */
MUST_USE enum status bare_run_emulator(const struct bare_plan *plan,
                                       const uint8_t *image, size_t size,
                                       struct bare_keys *keys,
                                       struct bare_end *end, struct diag *d);
/* On the modelled PC, whose processor has VT-x. */
MUST_USE enum status bare_run_model(const struct bare_plan *plan,
                                    const uint8_t *image, size_t size,
                                    struct bare_keys *keys,
                                    struct bare_end *end, struct diag *d);

/* The console's characters, from the first line of the monitor's on: to stdout,
 * and into *end. */
struct bare_console {
    struct bare_end *end;
    bool begun;
    bool raw; /* a kernel's terminal: each byte at once */
    char line[512];
    size_t n;
};
void bare_console_take(struct bare_console *c, const uint8_t *bytes, size_t n);

#endif
