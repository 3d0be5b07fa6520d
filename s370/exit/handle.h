/* Handlers of exits that are not one instruction's. */
#ifndef S370_EXIT_HANDLE_H
#define S370_EXIT_HANDLE_H

#include "s370/vcpu.h"

/* FAULT: the guest has no such storage. */
enum verdict handle_fault(struct vcpu *v, struct vm_exit *x);
/* ENTRY_FAILED: the guest wants what this monitor cannot do. */
enum verdict handle_entry_failed(struct vcpu *v, struct vm_exit *x);

#endif
