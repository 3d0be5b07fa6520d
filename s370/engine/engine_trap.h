/* The trap-and-emulate engine: guests in problem state on one real System/370.
 *
 * Every virtual machine runs on the same struct s370_cpu, in EC mode, in the
 * problem state, with dynamic address translation on.  The translation tables
 * are the monitor's, in real storage that no guest can address, so that a
 * guest real address is relocated into its own grant or nowhere.  Every
 * privileged instruction and every exception ends s370_run and leaves this
 * file as a vm_exit. */
#ifndef S370_ENGINE_ENGINE_TRAP_H
#define S370_ENGINE_ENGINE_TRAP_H

#include "monitor/allocator.h"
#include "monitor/engine.h"
#include "s370/vcpu.h"

/* The real machine.  Owned by whoever made it; shared by all its guests. */
struct trap_machine {
    struct s370_storage storage; /* borrowed: the allocator's pool, with keys */
    struct allocator *allocator; /* borrowed */
    struct s370_cpu cpu;
    struct vcpu *loaded; /* whose registers and mapping are in the CPU */
};

/* vm->backing: set by whoever makes the VM, with `machine` filled in; the rest
 * belongs to the engine. */
struct trap_vm {
    struct trap_machine *machine;
    uint32_t tables;   /* real address of the segment table, see below */
    uint32_t segments; /* 64K segments that the tables reach */
    uint32_t cr1;      /* what the real control register 1 holds for it */
    uint32_t prefix;   /* guest's prefix that the page tables reflect */

    uint32_t shadow;     /* real address of the shadow segment table */
    uint32_t shadow_cr1; /* and what it is in control register 1 */
    bool shadow_filled;  /* some entry is valid */
};

/* Prepare the real CPU; the machine's storage and allocator are set. */
void trap_machine_init(struct trap_machine *m);

extern const struct engine_ops engine_trap;

#endif
