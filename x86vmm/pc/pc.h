/* A bare PC: the modelled processor, storage, the board and its clock.
 *
 * A tick of the clock is an instruction, and X86_TICKS_SECOND of them are a
 * second of the devices; while the processor waits in HLT, time goes on to the
 * next event.  So the same input gives the same run on every host. */
#ifndef X86VMM_PC_PC_H
#define X86VMM_PC_PC_H

#include "x86vmm/machine/cpu.h"
#include "x86vmm/pc/board.h"

/* How a run came back. */
enum pc_stop {
    PC_BUDGET,   /* as many instructions as asked for were attempted */
    PC_STOPPED,  /* a device ended it: platform.how and .through */
    PC_HALTED,   /* HLT with interrupts off: nothing can wake it */
    PC_IDLE,     /* HLT, and no event is due: only input can wake it */
    PC_SHUTDOWN, /* triple fault */
    PC_FAILED    /* of a PC under a monitor, which has given up */
};

struct pc {
    struct mem_map mem;
    struct bus bus;
    struct clock clock;
    struct x86_platform platform;
    struct board board;
    struct pc_plan plan;    /* with its own firmware */
    uint8_t *storage, *rom; /* owned */
    uint64_t bytes;         /* of storage */
    struct trace *trace;    /* borrowed; NULL: not traced */
    struct x86_cpu cpu;
};

/* NULL, with *diag, when it cannot be made.  It stands after a reset: a loader
 * or firmware does the rest. */
struct pc *pc_new(const struct pc_plan *plan, struct diag *diag);
void pc_free(struct pc *pc);

/* Tell this trace, which is borrowed, of every exception and interrupt
 * (TRACE_EVENT) and of every access to a device (TRACE_IO). */
void pc_trace(struct pc *pc, struct trace *trace);

/* RESET#: processor and board begin anew, and firmware is as it was; storage
 * keeps what else is in it, and time goes on.  A loader is to do the rest, as
 * after pc_new. */
void pc_reset(struct pc *pc);

/* The state has been set from outside: begin from it. */
void pc_state_set(struct pc *pc);

/* Attempt n instructions, or come back earlier. */
enum pc_stop pc_run(struct pc *pc, uint64_t n);

/* Characters for the serial port; returns how many found room. */
size_t pc_input(struct pc *pc, const uint8_t *bytes, size_t n);

/* "through its exit port, code 3": why it came back, at this RIP; "" for
 * PC_BUDGET. */
void pc_stop_words(const struct x86_platform *p, enum pc_stop stop,
                   uint64_t rip, char *out, size_t size);

#endif
