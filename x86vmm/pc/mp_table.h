/* What firmware leaves in storage for those who start without any: where the
 * extended BIOS data are, and the MultiProcessor configuration table.
 *
 * Source: Intel, MultiProcessor Specification 1.4 (242016), chapter 4. */
#ifndef X86VMM_PC_MP_TABLE_H
#define X86VMM_PC_MP_TABLE_H

#include "base/types.h"

enum {
    PC_EBDA = 0x9FC00, /* 1 KiB, up to PC_LOW_END */
    PC_EBDA_SIZE = 0x400
};

/* The BIOS data area's two words that tell of the EBDA. */
void mp_put_bios_data(uint8_t *storage);

/* The table of a PC with one processor and one I/O APIC, into the EBDA. */
void mp_put_table(uint8_t *storage);

#endif
