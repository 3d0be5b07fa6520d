/* Resets of a virtual processor, and what a stopped one leaves in storage. */
#ifndef S370_EXIT_GUEST_RESET_H
#define S370_EXIT_GUEST_RESET_H

#include "s370/vcpu.h"

/* GA22-7000, "CPU Reset" and "Initial CPU Reset".  General and floating-point
 * registers stay. */
void guest_reset(struct vcpu *v, bool initial);

/* GA22-7000, "Store Status".  All register groups are loaded. */
void guest_store_status(struct vcpu *v);

#endif
