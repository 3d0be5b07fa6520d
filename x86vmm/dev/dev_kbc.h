/* The keyboard controller of a PC (8042), ports 60h and 64h, with no keyboard
 * and no mouse at it; and the two other ports by which a PC is begun anew or
 * its address line 20 is turned on, 92h and CF9h.
 *
 * Line 20 is as it was written last, through whichever port, and both show it:
 * so programs can rely on either, whatever firmware has left in the other.
 *
 * Source: IBM, PC AT Technical Reference, "Keyboard Controller"; Intel
 * 82371SB data sheet, "Reset Control Register", "Port 92". */
#ifndef X86VMM_DEV_DEV_KBC_H
#define X86VMM_DEV_DEV_KBC_H

#include "base/bus.h"
#include "x86vmm/machine/platform.h"

enum {
    KBC_PORT_DATA = 0x60,
    KBC_PORT_COMMAND = 0x64,
    KBC_PORT_92 = 0x92,
    KBC_PORT_RESET = 0xCF9
};

struct kbc {
    uint8_t status, command_byte, output_port;
    uint8_t ram[32];
    uint8_t output;   /* for the program, when STATUS_OUTPUT */
    uint8_t expected; /* the command whose data byte comes next, or 0 */
    uint8_t port_92, reset_control;
    struct x86_platform *platform;
    /* Line 20 has changed; NULL: it is on whatever a program wants. */
    void (*a20)(void *who, bool on);
    void *who;
};

/* Line 20 is on; the callback is yet to be set. */
void kbc_init(struct kbc *k, struct x86_platform *platform);

/* bus_io_fn of one register each. */
void kbc_data_io(void *dev, uint64_t offset, unsigned size, bool write,
                 uint64_t *value);
void kbc_command_io(void *dev, uint64_t offset, unsigned size, bool write,
                    uint64_t *value);
void kbc_92_io(void *dev, uint64_t offset, unsigned size, bool write,
               uint64_t *value);
void kbc_reset_io(void *dev, uint64_t offset, unsigned size, bool write,
                  uint64_t *value);

#endif
