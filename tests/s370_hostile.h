/* A guest that does its worst beside one that must not notice. */
#ifndef TESTS_S370_HOSTILE_H
#define TESTS_S370_HOSTILE_H

#include "tests/s370_random.h"

enum { HOSTILE_WORDS = 200 };

/* What kind of worst: a mix, and what is special about the image. */
enum hostile_kind {
    HOSTILE_BYTES,       /* random bytes as a program */
    HOSTILE_PROGRAM,     /* random instructions, half of them privileged */
    HOSTILE_CHANNELS,    /* I/O instructions and wild channel programs */
    HOSTILE_LOOPS,       /* new PSWs that are invalid or make interruptions */
    HOSTILE_KEYS,        /* storage keys, prefix and control registers */
    HOSTILE_TIMERS,      /* clocks, comparators, timers */
    HOSTILE_EVENTS,      /* program-event recording */
    HOSTILE_TRANSLATION, /* translation by wild tables */
    HOSTILE_KINDS
};
extern const char *const hostile_names[HOSTILE_KINDS];

void hostile_guest(struct random *r, enum hostile_kind kind,
                   struct s370_image *im);

/* Run a hostile guest beside a peaceful one, twice, with different contents
 * around it, and check that
 *   - nothing outside the guest's own storage and keys changed,
 *   - the monitor's tables map its own pages and no others,
 *   - the guest did the same both times: it has read nothing of the rest,
 *   - the peaceful guest did what it does alone.
 * False, and words, when one of these does not hold. */
bool hostile_confined(uint64_t seed, enum hostile_kind kind, uint64_t insns,
                      char words[HOSTILE_WORDS]);

/* The same guest in lockstep with the bare machine. */
bool hostile_equivalent(uint64_t seed, enum hostile_kind kind, uint64_t insns,
                        char words[HOSTILE_WORDS]);

#endif
