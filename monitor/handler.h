/* Handlers, one per reason, and interpreters, one per sensitive instruction. */
#ifndef MONITOR_HANDLER_H
#define MONITOR_HANDLER_H

#include "monitor/exit.h"

struct vcpu;

typedef enum verdict (*handler_fn)(struct vcpu *, struct vm_exit *);

/* v_i of Popek and Goldberg: does in the virtual machine what the instruction
 * does on the bare one.  The dispatcher has checked that the guest is in its
 * virtual supervisor mode if the instruction is privileged. */
typedef enum verdict (*interpreter_fn)(struct vcpu *, struct vm_exit *);

/* A wing's table has one row for each reason, indexed by it. */
struct handler_row {
    handler_fn handle;
    uint32_t regs; /* register groups it reads and writes; loaded before,
                    * stored after */
};

/* The handlers that need to know no architecture: handle_common.c. */
enum verdict handle_resume(struct vcpu *, struct vm_exit *);  /* TIMER */
enum verdict handle_step(struct vcpu *, struct vm_exit *);    /* STEP */
enum verdict handle_reflect(struct vcpu *, struct vm_exit *); /* TRAP */
enum verdict handle_wait(struct vcpu *, struct vm_exit *);    /* HALT */
enum verdict handle_bus(struct vcpu *, struct vm_exit *);     /* IO MMIO */
enum verdict handle_stop(struct vcpu *, struct vm_exit *);    /* SHUTDOWN */
enum verdict handle_fail(struct vcpu *, struct vm_exit *);    /* the rest */
enum verdict handle_hypercall(struct vcpu *, struct vm_exit *);

/* SENSITIVE: the privilege check of the guest's own mode, then v_i. */
enum verdict dispatch_sensitive(struct vcpu *, struct vm_exit *);

#endif
