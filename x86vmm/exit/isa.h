/* The x86 side of the monitor: what the dispatcher needs to handle its exits.
 *
 * vcpu.h says what vm->arch and vcpu->arch are. */
#ifndef X86VMM_EXIT_ISA_H
#define X86VMM_EXIT_ISA_H

#include "x86vmm/machine/insn.h"
#include "x86vmm/vcpu.h"

extern const struct guest_isa x86_isa;
extern const struct handler_row x86_handlers[EXIT_REASON_COUNT];
extern const interpreter_fn x86_interpreters[X86_OP_COUNT];

/* For a sensitive instruction that comes as a reason of its own: the reason;
 * EXIT_SENSITIVE for those with an interpreter; EXIT_REASON_COUNT for none. */
enum exit_reason x86_exit_reason_of(enum x86_insn op);

/* handle_*.c */
enum verdict handle_x86_io(struct vcpu *, struct vm_exit *);
enum verdict handle_x86_halt(struct vcpu *, struct vm_exit *);
enum verdict handle_x86_call(struct vcpu *, struct vm_exit *);
enum verdict handle_x86_shutdown(struct vcpu *, struct vm_exit *);

/* vm_*.c */
#define INTERPRETER(name, fn) enum verdict fn(struct vcpu *, struct vm_exit *);
#define BY_REASON(name, reason)
#include "x86vmm/exit/interpreters.def"
#undef INTERPRETER
#undef BY_REASON

/* #GP(0) for the guest, at the exiting instruction. */
struct vm_event x86_event_gp(void);

#endif
