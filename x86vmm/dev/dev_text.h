/* A text display adapter that nobody looks at: its storage at B8000h is the
 * machine's affair, its CRT controller keeps what is written, and retrace comes
 * and goes.  Programs that have a console of their own beside it go on.
 *
 * Source: IBM, Enhanced Graphics Adapter and VGA technical references, "CRT
 * Controller", "Input Status Register 1". */
#ifndef X86VMM_DEV_DEV_TEXT_H
#define X86VMM_DEV_DEV_TEXT_H

#include "base/bus.h"

enum {
    TEXT_PORT = 0x3D4,        /* index and data of the CRT controller */
    TEXT_PORT_STATUS = 0x3DA, /* input status 1 */
    TEXT_AT = 0xB8000,
    TEXT_SIZE = 0x8000,
    TEXT_REGISTERS = 25
};

struct text {
    uint8_t index, registers[TEXT_REGISTERS];
    uint8_t status;
};

/* bus_io_fn of the two ports, and of the status port. */
void text_io(void *dev, uint64_t offset, unsigned size, bool write,
             uint64_t *value);
void text_status_io(void *dev, uint64_t offset, unsigned size, bool write,
                    uint64_t *value);

#endif
