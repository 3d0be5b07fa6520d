#include "x86vmm/dev/dev_text.h"

#include "x86vmm/dev/bytewise.h"

enum { INDEX, DATA, PORTS };
enum { RETRACE = 0x09 }; /* display off, and vertical retrace */

static uint8_t read_port(void *dev, unsigned reg)
{
    const struct text *t = dev;

    if (reg == INDEX)
        return t->index;
    return t->index < TEXT_REGISTERS ? t->registers[t->index] : 0;
}

static void write_port(void *dev, unsigned reg, uint8_t value)
{
    struct text *t = dev;

    if (reg == INDEX)
        t->index = value;
    else if (t->index < TEXT_REGISTERS)
        t->registers[t->index] = value;
}

void text_io(void *dev, uint64_t offset, unsigned size, bool write,
             uint64_t *value)
{
    bytewise_io(dev, PORTS, read_port, write_port, offset, size, write, value);
}

static uint8_t read_status(void *dev, unsigned reg)
{
    struct text *t = dev;

    (void)reg;
    t->status ^= RETRACE;
    return t->status;
}

static void write_nothing(void *dev, unsigned reg, uint8_t value)
{
    (void)dev;
    (void)reg;
    (void)value;
}

void text_status_io(void *dev, uint64_t offset, unsigned size, bool write,
                    uint64_t *value)
{
    bytewise_io(dev, 1, read_status, write_nothing, offset, size, write, value);
}
