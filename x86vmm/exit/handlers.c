/* Who handles what: one row for each reason, one for each instruction. */
#include "x86vmm/exit/isa.h"

const struct handler_row x86_handlers[EXIT_REASON_COUNT] = {
    [EXIT_SENSITIVE] = {dispatch_sensitive, X86_GPR},
    [EXIT_IO] = {handle_x86_io, 0},
    [EXIT_MMIO] = {handle_x86_io, 0},
    [EXIT_FAULT] = {handle_fail, X86_ALL},
    [EXIT_TRAP] = {handle_reflect, X86_ALL},
    [EXIT_HYPERCALL] = {handle_x86_call, X86_GPR},
    [EXIT_HALT] = {handle_x86_halt, X86_GPR},
    [EXIT_INTERRUPT] = {handle_resume, 0},
    [EXIT_WINDOW] = {handle_resume, 0},
    [EXIT_TIMER] = {handle_resume, 0},
    [EXIT_STEP] = {handle_step, 0},
    [EXIT_SETTLED] = {handle_resume, 0},
    [EXIT_SHUTDOWN] = {handle_x86_shutdown, X86_ALL},
    [EXIT_ENTRY_FAILED] = {handle_fail, X86_ALL},
    [EXIT_UNKNOWN] = {handle_fail, X86_ALL},
};

const interpreter_fn x86_interpreters[X86_OP_COUNT] = {
#define INTERPRETER(name, fn) [X86_OP_##name] = fn,
#define BY_REASON(name, reason)
#include "x86vmm/exit/interpreters.def"
#undef INTERPRETER
#undef BY_REASON
};

enum exit_reason x86_exit_reason_of(enum x86_insn op)
{
    switch (op) {
#define INTERPRETER(name, fn) \
    case X86_OP_##name:       \
        return EXIT_SENSITIVE;
#define BY_REASON(name, reason) \
    case X86_OP_##name:         \
        return EXIT_##reason;
#include "x86vmm/exit/interpreters.def"
#undef INTERPRETER
#undef BY_REASON
    default:
        return EXIT_REASON_COUNT;
    }
}
