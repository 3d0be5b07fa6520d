/* Interrupts and NMIs from outside for hostile programs (x86_hostile.h), each
 * before an instruction that the seed says. */
#ifndef TESTS_X86_HOSTILE_ARRIVAL_H
#define TESTS_X86_HOSTILE_ARRIVAL_H

#include "tests/x86_hostile_monitor.h"

/* Behind so many instructions, or as soon as the processor halts before that.
 */
struct hostile_arrival {
    uint64_t at;
    int vector; /* HOSTILE_NMI; or an interrupt's */
};
enum { HOSTILE_NMI = -1, HOSTILE_ARRIVALS = 32 };

/* In order; returns how many. */
unsigned hostile_arrivals(uint64_t seed,
                          struct hostile_arrival to[HOSTILE_ARRIVALS]);

/* A controller of one line: what has come waits until it is acknowledged; what
 * comes meanwhile is lost. */
struct hostile_controller {
    struct x86_cpu *cpu; /* whose line follows; NULL: nobody's */
    bool waits;
    uint8_t vector;
};
void hostile_controller_raise(struct hostile_controller *c, int vector);
/* Its vector, or -1; `who` is the controller. */
int hostile_controller_acknowledge(void *who);
bool hostile_controller_waits(void *who);
/* The controller of this processor from now on. */
void hostile_controller_attach(struct hostile_controller *c,
                               struct x86_cpu *cpu);

/* A program that is to meet them, before it begins: mostly with IF on, with
 * HLT, STI and loads of SS in it, and gates of all kinds. */
void hostile_disturb(struct x86_bare *m, uint64_t seed);
/* And a monitor's guest: what its monitor wants of them. */
void hostile_disturb_monitor(struct hostile_monitor *h, bool svm,
                             uint64_t seed);

#endif
