/* An engine: whatever runs guest instructions until one exit. */
#ifndef MONITOR_ENGINE_H
#define MONITOR_ENGINE_H

#include "base/diag.h"
#include "base/mem.h"
#include "monitor/exit.h"

struct vm;
struct vcpu;

/* All calls return STATUS_OK or a host failure with its words in vm->diag.
 * A guest can never make one of them fail except `run` with ENTRY_FAILED,
 * which is an exit, not a status. */
struct engine_ops {
    const char *name;  /* as --on takes it */
    const char *title; /* one line for doctor */

    bool breaks;      /* it heeds vcpu.stops */
    uint32_t present; /* register groups that are in the vcpu's state after
                       * every run: load_regs need not be asked for them */

    /* Can this host run guests on it?  Found out by running some; where not,
     * *d says precisely what is missing. */
    enum status (*probe)(struct diag *d);

    enum status (*vm_init)(struct vm *);
    void (*vm_fini)(struct vm *);
    enum status (*vcpu_init)(struct vcpu *);
    void (*vcpu_fini)(struct vcpu *);

    /* Make a slot of guest storage reachable for the guest. */
    enum status (*map)(struct vm *, const struct mem_slot *);

    /* Run the guest from its architectural state until one exit or until
     * v->budget instructions were attempted (EXIT_TIMER), and say in *x, which
     * says nothing before, what happened.  On return the guest's pc is where
     * the guest would go on if the monitor did nothing: for SENSITIVE, IO,
     * MMIO, FAULT, HALT and HYPERCALL that is x->pc; for TRAP it is what the
     * interruption saves.  A trap that the engine settles by itself (an entry
     * that its own tables lack) is no exit, and is told by vm_trace_fill. */
    enum status (*run)(struct vcpu *, struct vm_exit *x);

    /* Bring register groups (bit masks, the wing's enum) from the engine into
     * the vcpu's architectural state, and back.  After `run` nothing is
     * guaranteed to be there but what load_regs has brought.  store_regs is
     * called after each handler; NULL: nothing is to be done there. */
    enum status (*load_regs)(struct vcpu *, uint32_t groups);
    enum status (*store_regs)(struct vcpu *, uint32_t groups);

    /* Make the processor itself deliver an event at next entry.  NULL where
     * the isa's reflect does it in the guest's state. */
    enum status (*inject)(struct vcpu *, const struct vm_event *);

    /* A device has written n bytes of guest storage by itself.  NULL where the
     * processor sees that. */
    void (*wrote)(struct vcpu *, uint64_t gpa, size_t n);

    /* How many pages of 4 KiB were written, by the guest or by devices, since
     * it was last asked; the first call begins to count.  One that comes into
     * the guest's reach may count as written.  NULL: it cannot. */
    enum status (*written)(struct vm *, uint64_t *pages);

    /* From another thread or a signal handler: make `run` return soon. */
    void (*kick)(struct vcpu *);

    /* Of a VM with `host_time`: ticks since its start, by the host's clock.
     * Sleeps until this tick first, if it is yet to come; less when a signal
     * comes.  NULL: the engine cannot. */
    uint64_t (*now)(struct vcpu *, uint64_t until);
};

#endif
