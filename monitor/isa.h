/* What the dispatcher may ask of a guest's architecture. */
#ifndef MONITOR_ISA_H
#define MONITOR_ISA_H

#include "base/table.h"
#include "monitor/exit.h"

struct vcpu;

struct guest_isa {
    const char *name;
    const struct insn_table *insns;
    const struct reg_table *regs;
    unsigned pc_digits; /* hexadecimal digits of an address */

    /* What the guest gets for a privileged instruction in user mode. */
    struct vm_event privileged_event;

    uint64_t (*pc)(const struct vcpu *);
    void (*set_pc)(struct vcpu *, uint64_t);

    /* The mode the guest BELIEVES it is in. */
    bool (*virtual_supervisor)(const struct vcpu *);

    /* Let the guest take the event now: swap states, push a frame.  May leave
     * v->waiting set (the new state is a wait). */
    enum status (*reflect)(struct vcpu *, const struct vm_event *);

    /* The highest-priority event that is pending and enabled, taken from its
     * source; false when there is none.  Called before every entry. */
    bool (*take_pending)(struct vcpu *, struct vm_event *);

    /* Would the guest accept this posted event now? */
    bool (*accepts)(const struct vcpu *, const struct vm_event *);

    /* Can any event end the wait that the guest is in? */
    bool (*can_wake)(const struct vcpu *);

    /* Timers that belong to the architecture and are functions of guest time;
     * all NULL where every timer is an event of the clock.  timer_next: the
     * first tick after now at which the dispatcher has to look again.
     * timer_step: guest time has come to vm->clock.now; called before the
     * clock's own events of that tick.  timer_due: the first tick at which a
     * timer would end a wait, CLOCK_NEVER if none. */
    uint64_t (*timer_next)(const struct vcpu *);
    void (*timer_step)(struct vcpu *);
    uint64_t (*timer_due)(const struct vcpu *);

    enum status (*translate)(struct vcpu *, uint64_t gva, enum access,
                             uint64_t *gpa);
    /* One line of disassembly; returns the instruction's length, 0 if none. */
    size_t (*disasm)(const uint8_t *bytes, size_t n, uint64_t pc, char *out,
                     size_t cap);
    /* The same in the mode that the guest is in, and whatever the bytes are;
     * NULL where a code means the same in every mode. */
    size_t (*disasm_in)(const struct vcpu *, const uint8_t *bytes, size_t n,
                        uint64_t pc, char *out, size_t cap);
    /* What a trace line says of this exit behind the instruction: what was
     * asked, in registers that no operand names; and done, when that has
     * happened (the verdict is to advance): what it gave.  NULL: nothing. */
    void (*show_exit)(const struct vcpu *, const struct vm_exit *, bool done,
                      char *out, size_t cap);
    /* The virtual state that a trace line shows. */
    void (*show_state)(const struct vcpu *, char *out, size_t cap);
    /* Name of an event for the trace. */
    void (*show_event)(const struct vm_event *, char *out, size_t cap);
};

#endif
