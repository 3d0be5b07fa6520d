/* Ports of one register each, as emulators have them for small guests. */
#ifndef X86VMM_DEV_DEV_PORT_H
#define X86VMM_DEV_DEV_PORT_H

#include "base/bus.h"
#include "x86vmm/machine/platform.h"

/* The debug port: bytes written are printed; read, it says E9, by which a
 * guest finds that it is there (the custom of Bochs and QEMU). */
struct debug_port {
    void (*output)(void *to, const uint8_t *bytes, size_t n); /* or NULL */
    void *to;
};
void debug_port_io(void *dev, uint64_t offset, unsigned size, bool write,
                   uint64_t *value);

/* The exit port; dev is the struct x86_platform.  A write of any size ends the
 * machine with the value as its code; it reads as zeros. */
void exit_port_io(void *dev, uint64_t offset, unsigned size, bool write,
                  uint64_t *value);

/* The power-off port: "Shutdown", written letter by letter, turns the machine
 * off (the custom of Bochs). */
struct off_port {
    unsigned seen; /* letters */
    struct x86_platform *platform;
};
void off_port_io(void *dev, uint64_t offset, unsigned size, bool write,
                 uint64_t *value);

#endif
