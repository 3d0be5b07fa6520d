/* The device bus: who answers at this address?
 *
 * A device registers a range in a space and is complete in one file; the
 * handler of an I/O or MMIO exit asks the bus and knows no device.  Addresses
 * are port numbers, guest-physical addresses, or System/370 channel-and-unit
 * addresses, according to the space. */
#ifndef BASE_BUS_H
#define BASE_BUS_H

#include "base/types.h"

enum bus_space { BUS_PORT, BUS_MMIO, BUS_CHANNEL, BUS_SPACE_COUNT };

enum { BUS_DEVICES_MAX = 64 };

/* Read or write `size` bytes (1, 2, 4 or 8) at `offset` in the range; *value
 * is little-endian-valued in the low bytes.  A guest can send anything: the
 * callback takes every offset, size and value without failing. */
typedef void (*bus_io_fn)(void *dev, uint64_t offset, unsigned size, bool write,
                          uint64_t *value);

struct bus_device {
    enum bus_space space;
    uint64_t first, last; /* inclusive */
    const char *name;     /* for traces and messages */
    bus_io_fn io; /* NULL on BUS_CHANNEL: the wing talks to dev itself */
    void *dev;    /* borrowed */
};

struct bus {
    struct bus_device devices[BUS_DEVICES_MAX];
    unsigned count;
};

/* STATUS_BAD_INPUT when the range is empty or overlaps another device's;
 * STATUS_NO_MEMORY when the bus is full. */
MUST_USE enum status bus_add(struct bus *b, const struct bus_device *d);

/* The device whose range holds the address, or NULL. */
const struct bus_device *bus_find(const struct bus *b, enum bus_space space,
                                  uint64_t address);

/* Do one access.  An address where nobody answers reads as all ones and
 * swallows writes, as on a PC; returns whether somebody answered. */
bool bus_access(const struct bus *b, enum bus_space space, uint64_t address,
                unsigned size, bool write, uint64_t *value);

#endif
