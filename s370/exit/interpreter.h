/* The interpreters v_i: what each sensitive instruction does in a virtual
 * System/370.  vm_x is op_x of the bare machine, said for a virtual one. */
#ifndef S370_EXIT_INTERPRETER_H
#define S370_EXIT_INTERPRETER_H

#include "s370/vcpu.h"

#define INTERPRETER(name, fn) enum verdict fn(struct vcpu *, struct vm_exit *);
#include "s370/exit/interpreters.def"
#undef INTERPRETER

/* Indexed by enum s370_op; NULL where an instruction never exits. */
extern const interpreter_fn s370_interpreters[S370_OP_COUNT];

#endif
