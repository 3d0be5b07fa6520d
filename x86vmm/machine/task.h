/* Switching tasks (Intel SDM vol. 3, "Task Management"; "16-Bit Task-State
 * Segment").  None in long mode. */
#ifndef X86VMM_MACHINE_TASK_H
#define X86VMM_MACHINE_TASK_H

#include "x86vmm/machine/segment.h"

enum x86_switch {
    X86_SWITCH_JMP,
    X86_SWITCH_CALL, /* CALL, interrupt or exception: nested */
    X86_SWITCH_IRET  /* back to the task in the link field */
};

/* To the task whose TSS this is.  cpu->next_rip is where the present task will
 * go on.  Until the new task's state is in the registers a fault changes
 * nothing; afterwards it is the new task's: state.rip is already its EIP, and
 * so is cpu->next_rip. */
MUST_USE int x86_task_switch(struct x86_cpu *cpu, struct x86_descriptor *tss,
                             enum x86_switch how);

/* The TSS that a selector names: #GP(selector), `vector` instead where it is
 * from a task gate or a link field. */
MUST_USE int x86_find_tss(struct x86_cpu *cpu, uint16_t selector,
                          unsigned vector, struct x86_descriptor *tss);

/* The task gate is at its descriptor's selector: to the task of its TSS. */
MUST_USE int x86_task_gate(struct x86_cpu *cpu,
                           const struct x86_descriptor *gate,
                           enum x86_switch how);

#endif
