/* One access to a device, as a bus makes it. */
#ifndef TESTS_PORT_IO_H
#define TESTS_PORT_IO_H

#include "base/bus.h"
#include "x86vmm/dev/dev_pic.h"
#include "x86vmm/machine/platform.h"

static inline uint64_t port_get(bus_io_fn io, void *dev, unsigned reg,
                                unsigned size)
{
    uint64_t value = 0;

    io(dev, reg, size, false, &value);
    return value;
}

static inline void port_put(bus_io_fn io, void *dev, unsigned reg,
                            unsigned size, uint64_t value)
{
    io(dev, reg, size, true, &value);
}

/* Both 8259As as firmware leaves them, unmasked, but that interrupts end by
 * themselves (AEOI is ICW4 bit 1): vectors 08h and 70h. */
static inline void pic_begin(struct pic *p, struct x86_platform *platform)
{
    static const uint8_t setup[2][5] = {{0x11, 0x08, 4, 3, 0},
                                        {0x11, 0x70, 2, 3, 0}};

    pic_init(p);
    platform->line_changed = pic_line;
    platform->controller = p;
    for (unsigned i = 0; i < 5; i++) {
        port_put(pic_first_io, p, i > 0, 1, setup[0][i]);
        port_put(pic_second_io, p, i > 0, 1, setup[1][i]);
    }
}

#endif
