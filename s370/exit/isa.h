/* System/370 as the dispatcher knows it. */
#ifndef S370_EXIT_ISA_H
#define S370_EXIT_ISA_H

#include "s370/vcpu.h"

extern const struct guest_isa s370_isa;

/* One row a reason. */
extern const struct handler_row s370_handlers[EXIT_REASON_COUNT];

#endif
