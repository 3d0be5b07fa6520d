/* Registers of one byte each: wider accesses are bytes side by side. */
#ifndef X86VMM_DEV_BYTEWISE_H
#define X86VMM_DEV_BYTEWISE_H

#include "base/types.h"

typedef uint8_t (*bytewise_read_fn)(void *dev, unsigned reg);
typedef void (*bytewise_write_fn)(void *dev, unsigned reg, uint8_t value);

/* What a bus_io_fn is asked for, byte by byte; behind the last register there
 * is nothing. */
static inline void bytewise_io(void *dev, unsigned registers,
                               bytewise_read_fn read, bytewise_write_fn set,
                               uint64_t offset, unsigned size, bool write,
                               uint64_t *value)
{
    uint64_t result = 0;

    for (unsigned i = 0; i < size && i < 8; i++) {
        bool there = offset + i < registers;
        unsigned reg = (unsigned)(offset + i);

        if (!write)
            result |= (uint64_t)(there ? read(dev, reg) : 0xFF) << 8 * i;
        else if (there)
            set(dev, reg, (uint8_t)(*value >> 8 * i));
    }
    if (!write)
        *value = result;
}

#endif
