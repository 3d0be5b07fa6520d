/* A bare System/370: storage, CPU, channels, clock, and an operator. */
#ifndef S370_MACHINE_MACHINE_H
#define S370_MACHINE_MACHINE_H

#include "base/diag.h"
#include "base/trace.h"
#include "s370/machine/channel.h"
#include "s370/machine/cpu.h"
#include "s370/machine/timer.h"

struct s370_machine {
    struct s370_storage storage; /* owned */
    struct clock clock;
    struct s370_cpu cpu;
    struct s370_channels *channels; /* owned */
    struct trace *trace;            /* borrowed, may be NULL */
    uint64_t patience; /* ticks of an enabled wait that are skipped at most */
    uint64_t insns;    /* attempted since the machine was made */

    /* Since the last instruction: interruptions, and waits skipped. */
    unsigned storm, skips;
};

/* STIDP before a configuration says otherwise: version 0, serial 000001,
 * model 3033, no machine-check extended logout. */
#define S370_CPUID UINT64_C(0x0000000130330000)

/* A wait for a timer is skipped when the timer comes within `patience`; one
 * that would last longer is S370_STOP_IDLE, so that a guest that waits for its
 * operator is not run through hours of its interval timer instead. */
#define S370_PATIENCE (UINT64_C(600) * S370_TICKS_PER_SECOND)

/* Why a run ended. */
enum s370_stop {
    S370_STOP_BUDGET, /* n instructions were attempted */
    S370_STOP_IDLE,   /* enabled wait, and nothing will happen by itself */
    S370_STOP_DISABLED_WAIT, /* the end of a guest */
    S370_STOP_PSW_LOOP,      /* interruptions without an instruction in between:
                              * invalid new PSWs */
    S370_STOP_STOPPED, /* the stopped state (SIGP): the restart key goes on */
    S370_STOP_COUNT
};

/* Storage of `size` bytes (multiple of 4096, up to 16M).  NULL: no memory. */
struct s370_machine *s370_machine_new(uint32_t size, struct trace *trace);
void s370_machine_free(struct s370_machine *m);

/* Run until n instructions were attempted, or something ends it.  Time in
 * waits is skipped and costs no instructions.  *ran (may be NULL): how many.
 * A run in pieces does the same as a run at once.
 *
 * Before a disabled wait is reported, the channels end what they are doing:
 * the last line of a guest that does not wait for it is printed. */
enum s370_stop s370_machine_run(struct s370_machine *m, uint64_t n,
                                uint64_t *ran);

/* System reset, then IPL from the device; the new PSW is loaded.  Storage is
 * not cleared (GA22-7000, "Initial Program Loading"). */
MUST_USE enum status s370_machine_ipl(struct s370_machine *m, uint16_t address,
                                      struct diag *d);
/* Put an image at an absolute address. STATUS_BAD_INPUT: does not fit. */
MUST_USE enum status s370_machine_load(struct s370_machine *m, uint32_t at,
                                       const uint8_t *bytes, uint32_t len);
/* The operator's keys: restart (also ends the stopped state), interrupt (an
 * external interruption), store status (s370_cpu_store_status), and the
 * interval-timer switch. */
void s370_machine_restart(struct s370_machine *m);
void s370_machine_interrupt_key(struct s370_machine *m);
void s370_machine_store_status(struct s370_machine *m);
void s370_machine_interval_switch(struct s370_machine *m, bool on);

#endif
