/* What hardware leaves to software: an instruction that touches a device in
 * storage, a switch of tasks, an event whose delivery was cut short.  They are
 * executed by the bodies of x86vmm/machine, on a processor of its kind that has
 * the guest's state for as long.
 *
 * What an instruction asks of devices becomes exits, one after the other; it is
 * begun anew, with the answers so far, until there is nothing more to ask. */
#ifndef X86VMM_BARE_EMULATOR_H
#define X86VMM_BARE_EMULATOR_H

#include "monitor/vm.h"
#include "x86vmm/machine/task.h"

enum { EMULATOR_ACCESSES = 16 };

struct emulator_access {
    uint64_t addr, value;
    uint8_t size;
    bool write;
};

/* Of each guest's processor. */
struct emulator {
    struct emulator_access done[EMULATOR_ACCESSES]; /* with their answers */
    unsigned count, next; /* of them; and those met this time */
    struct emulator_access wanted;
    bool wants;  /* the one above, and nothing has happened yet */
    bool deaf;   /* an event is delivered: devices do not answer */
    bool down;   /* the processor has shut down; the next exit tells */
    uint8_t len; /* of the instruction */

    /* The engine's, once: what its control structure has beside the state (DR7,
     * DR6, PDPTEs), into that processor or out of it. */
    void (*rest)(struct vcpu *v, struct x86_cpu *cpu, bool store);
    bool walks_pdptes; /* PAE paging's pointers are not kept: AMD's */
};

enum emulated {
    EMULATED_DONE,    /* the state is as after it, faults delivered */
    EMULATED_WANTS,   /* `wanted` is to be answered */
    EMULATED_UNKNOWN, /* no instruction of machine/device_op.def */
    EMULATED_SHUTDOWN
};

/* The instruction at RIP. */
enum emulated emulator_insn(struct vcpu *v);
/* Fetching it, where its page tables lead to no storage; EMULATED_UNKNOWN: they
 * do not. */
enum emulated emulator_fetch(struct vcpu *v);
/* Deliver this; the instruction at RIP, of `len` bytes, has asked for it if
 * f->trap is set. */
enum emulated emulator_deliver(struct vcpu *v, const struct x86_fault *f,
                               uint64_t len);
/* To the task of this TSS, by the instruction at RIP, of `len` bytes. */
enum emulated emulator_task(struct vcpu *v, uint16_t selector,
                            enum x86_switch how, uint64_t len);

#endif
