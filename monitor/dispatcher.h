/* The dispatcher D: one exit, one verdict, one actor. */
#ifndef MONITOR_DISPATCHER_H
#define MONITOR_DISPATCHER_H

#include "monitor/vm.h"

/* What a turn of a virtual processor came to. */
enum turn {
    TURN_EXIT,    /* one exit was handled */
    TURN_EVENT,   /* one event was delivered, no instruction ran */
    TURN_IDLE,    /* it waits, and only the outside can wake it */
    TURN_STOPPED, /* it has ended, by itself or at a limit; see vm->state */
    TURN_COUNT
};

/* Deliver a pending event, or let guest time pass in a wait, or run the guest
 * until one exit and act on it. */
enum turn vcpu_once(struct vcpu *v);

/* One VM's turn: exits and events until its slice of guest instructions is
 * used, it stops or is idle, or *interrupted becomes true. */
enum turn vm_turn(struct vm *vm, const volatile bool *interrupted);

/* Take turns among the VMs (round robin, each for its slice of guest
 * instructions) until all have stopped or all are idle.  Stops early when
 * *interrupted becomes true.  Returns TURN_STOPPED or TURN_IDLE. */
enum turn vmm_run(struct vm **vms, size_t count,
                  const volatile bool *interrupted);

#endif
