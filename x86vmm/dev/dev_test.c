#include "x86vmm/dev/dev_test.h"

void test_lines_io(void *dev, uint64_t offset, unsigned size, bool write,
                   uint64_t *value)
{
    struct test_device *t = dev;
    bool up = *value & 1;

    (void)size;
    if (!write)
        *value = 0;
    else if (offset < X86_LINES && (up || !t->pulses))
        x86_line_set(t->platform, (unsigned)offset, up);
}

/* Behind the last byte there is nothing. */
static void keep(uint8_t *bytes, uint64_t count, uint64_t offset, unsigned size,
                 bool write, uint64_t *value)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < size && i < 8; i++) {
        bool there = offset + i < count;

        if (!write)
            v |= (uint64_t)(there ? bytes[offset + i] : 0xFF) << 8 * i;
        else if (there)
            bytes[offset + i] = (uint8_t)(*value >> 8 * i);
    }
    if (!write)
        *value = v;
}

void test_port_io(void *dev, uint64_t offset, unsigned size, bool write,
                  uint64_t *value)
{
    struct test_device *t = dev;

    keep(t->port, sizeof(t->port), offset, size, write, value);
}

void test_storage_io(void *dev, uint64_t offset, unsigned size, bool write,
                     uint64_t *value)
{
    struct test_device *t = dev;

    keep(t->storage, sizeof(t->storage), offset, size, write, value);
}
