/* An architecture of our own, forty lines of it, for tests of the framework:
 * its engine plays exits from a list. */
#ifndef TESTS_TOY_H
#define TESTS_TOY_H

#include "monitor/dispatcher.h"

enum { TAPE_MAX = 16 };

struct toy {
    uint64_t pc;
    bool supervisor, masked, wakes;
    char log[256];                 /* what was done to the guest, in words */
    struct vm_exit tape[TAPE_MAX]; /* what the engine plays, in turn */
    unsigned count, next;
    unsigned level; /* take_pending delivers it once when > 0 */
    enum status run_status;
    struct trace trace;
    struct trace_event seen[8];
    struct trace_ring ring;
    struct vm vm;
};

extern const struct handler_row toy_handlers[EXIT_REASON_COUNT];

/* A virtual machine in *t, ready: pc 100, supervisor state, slice 1000. */
struct toy *toy_start(struct toy *t);

/* The exit of a sensitive instruction whose interpreter gives this verdict:
 * 0 PRIV is privileged, 1 FREE is not, 2 NONE has no interpreter. */
struct vm_exit toy_sensitive(unsigned insn, enum verdict verdict);

/* Put the exit on the list and go round the loop once. */
enum turn toy_play(struct toy *t, struct vm_exit x);

#endif
