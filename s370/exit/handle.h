/* Handlers of exits that are not one instruction's. */
#ifndef S370_EXIT_HANDLE_H
#define S370_EXIT_HANDLE_H

#include "s370/vcpu.h"

/* FAULT: the guest has no such storage, or its tables do not lead to it. */
enum verdict handle_fault(struct vcpu *v, struct vm_exit *x);

#endif
