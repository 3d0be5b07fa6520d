#include "base/bus.h"

#include "base/bits.h"

enum status bus_add(struct bus *b, const struct bus_device *d)
{
    if (d->last < d->first)
        return STATUS_BAD_INPUT;
    for (unsigned i = 0; i < b->count; i++) {
        const struct bus_device *o = &b->devices[i];

        if (o->space == d->space && d->first <= o->last && o->first <= d->last)
            return STATUS_BAD_INPUT;
    }
    if (b->count == BUS_DEVICES_MAX)
        return STATUS_NO_MEMORY;
    b->devices[b->count++] = *d;
    return STATUS_OK;
}

INLINE const struct bus_device *find(const struct bus *b, enum bus_space space,
                                     uint64_t address)
{
    for (unsigned i = 0; i < b->count; i++) {
        const struct bus_device *d = &b->devices[i];

        if (d->space == space && address >= d->first && address <= d->last)
            return d;
    }
    return NULL;
}

EXIT_PATH const struct bus_device *bus_find(const struct bus *b,
                                            enum bus_space space,
                                            uint64_t address)
{
    return find(b, space, address);
}

EXIT_PATH bool bus_access(const struct bus *b, enum bus_space space,
                          uint64_t address, unsigned size, bool write,
                          uint64_t *value)
{
    const struct bus_device *d = find(b, space, address);

    if (d && d->io)
        d->io(d->dev, address - d->first, size, write, value);
    else if (!write)
        *value = BITS_MASK(size * 8);
    return d != NULL;
}
