/* Hardware assistance for monitors, as a part that is added to a processor
 * (x86vmm/vtx, x86vmm/svm).  The processor knows only when to ask; without it
 * cpu->assist is NULL, and cpu->guest is too unless a guest is being run. */
#ifndef X86VMM_MACHINE_ASSIST_H
#define X86VMM_MACHINE_ASSIST_H

#include "x86vmm/machine/access.h"

struct x86_op;
struct x86_cpuid_row;

/* What the part adds to the processor at all. */
struct x86_assist {
    uint64_t cr4, efer; /* bits of these registers */
    /* RDPMC reads so many MSRs from the first on; 0: there are none. */
    uint32_t counters, first_counter;
    /* An instruction of op_assist.def; an outcome.  #UD if it is another
     * part's. */
    int (*instruction)(struct x86_cpu *cpu, const struct x86_op *op);
    /* Is this MSR the part's own?  Then *code is 0, or X86_FAULT. */
    bool (*msr)(struct x86_cpu *cpu, uint32_t index, bool write,
                uint64_t *value, int *code);
    /* The processor is reset. */
    void (*reset)(struct x86_cpu *cpu);
    /* What CPUID leaves for this leaf, changed. */
    void (*cpuid)(const struct x86_cpu *cpu, uint32_t leaf,
                  struct x86_cpuid_row *row);
    /* May CR0, CR4 become this?  NULL: what the processor has. */
    bool (*may_set)(const struct x86_cpu *cpu, unsigned reg, uint64_t value);
};

#define X86_NO_LINEAR (UINT64_C(1) << 63) /* no canonical address */

/* While a guest is run: what leaves it.  A VM exit is X86_FAULT with
 * fault.exits set, found in the middle of an instruction; deliver() then makes
 * it, and returns X86_SYNC (the monitor goes on) or X86_EXIT. */
struct x86_guest {
    /* PAE paging's four pointers are read at each walk instead of being kept:
     * AMD's, with nested paging. */
    bool walks_pdptes;
    /* A row that is asked (op.def), after the check of CPL and before its body.
     * True: it has been dealt with, and *code is its outcome. */
    bool (*instruction)(struct x86_cpu *cpu, const struct x86_op *op,
                        int *code);
    /* cpu->fault is to be delivered; `during`: it came up in the delivery of
     * that.  0: yes, as on the bare processor. */
    int (*deliver)(struct x86_cpu *cpu, const struct x86_fault *during);
    /* The third fault. */
    int (*shutdown)(struct x86_cpu *cpu);
    /* Between two instructions.  0: nothing. */
    int (*between)(struct x86_cpu *cpu);
    /* Would an interrupt end HLT?  NULL: if RFLAGS.IF is set. */
    bool (*wakes)(const struct x86_cpu *cpu);
    /* To a task by this selector.  0: go on. */
    int (*task_switch)(struct x86_cpu *cpu, uint16_t selector, unsigned how);
    /* A guest-physical address: of what the linear address was translated to,
     * or (`entry`) of a paging-structure entry; X86_NO_LINEAR: one that a load
     * of CR3 brings.  0, or X86_FAULT. */
    int (*translate)(struct x86_cpu *cpu, uint64_t gpa, uint64_t linear,
                     enum x86_access access, bool entry, uint64_t *physical);
};

/* In front of the body of a row that is asked (op.def). */
static inline bool x86_ask_guest(struct x86_cpu *cpu, const struct x86_op *op,
                                 int *code)
{
    return UNLIKELY(cpu->guest) && cpu->guest->instruction(cpu, op, code);
}

/* Would an interrupt, if one came, end HLT? */
static inline bool x86_interrupt_wakes(const struct x86_cpu *cpu)
{
    if (cpu->guest && cpu->guest->wakes)
        return cpu->guest->wakes(cpu);
    return (cpu->state.rflags & X86_FLAG_IF) &&
           !(cpu->held & X86_HELD_INTERRUPTS);
}

#endif
