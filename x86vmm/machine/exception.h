/* Exceptions and interrupts by name. */
#ifndef X86VMM_MACHINE_EXCEPTION_H
#define X86VMM_MACHINE_EXCEPTION_H

#include "base/types.h"

enum x86_exception {
#define EXCEPTION(vector, name, error, words) X86_EXC_##name = vector,
#include "x86vmm/machine/exception.def"
#undef EXCEPTION
};

enum { X86_NMI_VECTOR = 2 };

/* Kinds of event that a processor delivers through its IDT. */
enum x86_event_kind {
    X86_EVENT_INTERRUPT, /* external, code: vector; only when IF allows */
    X86_EVENT_NMI,
    X86_EVENT_EXCEPTION, /* code: vector; info[0]: error code, if any */
    X86_EVENT_WAKE,      /* HLT ends, by an interrupt that another gets */
    X86_EVENT_VM_EXIT,   /* of a guest's guest, for its monitor; code: the
                          * hardware's number of the reason */
    X86_EVENT_COUNT
};

/* "GP" and "general protection"; NULL for a vector without exception. */
const char *x86_exception_name(unsigned vector);
const char *x86_exception_words(unsigned vector);
/* Does it push an error code (outside real mode)? */
bool x86_exception_has_error(unsigned vector);

/* An event as a trace shows it: "interrupt 20", "NMI", "#PF(0002)". */
void x86_event_words(enum x86_event_kind kind, unsigned code, bool has_error,
                     uint64_t error, char *out, size_t cap);

#endif
