/* The I/O interrupt controller of a PC with APICs.
 *
 * Source: Intel 82093AA data sheet (290566), "Register Description".  Input 0
 * is nobody's; the PIT's line comes in at input 2, the others at their own. */
#ifndef X86VMM_DEV_DEV_IOAPIC_H
#define X86VMM_DEV_DEV_IOAPIC_H

#include "base/bus.h"
#include "x86vmm/dev/dev_lapic.h"

#define IOAPIC_AT UINT64_C(0xFEC00000)
enum { IOAPIC_SIZE = 0x20, IOAPIC_INPUTS = 24, IOAPIC_VERSION = 0x11 };
enum { IOAPIC_TIMER = 2 }; /* where line 0 is */

struct ioapic {
    uint32_t id;
    uint8_t select;
    uint32_t lines;  /* levels at the inputs */
    uint32_t wanted; /* edges that wait while their input is masked */
    uint64_t table[IOAPIC_INPUTS];
    struct lapic *lapic; /* the processor's; borrowed */
};

void ioapic_init(struct ioapic *p, struct lapic *lapic);

/* Line 0 to 15 of the platform changes. */
void ioapic_line(struct ioapic *p, unsigned line, bool raised);

/* The processor has ended a level-triggered interrupt. */
void ioapic_ended(struct ioapic *p, unsigned vector);

/* bus_io_fn of the registers. */
void ioapic_io(void *dev, uint64_t offset, unsigned size, bool write,
               uint64_t *value);

#endif
