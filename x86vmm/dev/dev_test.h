/* The device that kvm-unit-tests ask for: interrupt lines that a program moves
 * itself, and a port and some storage that keep what is written.
 *
 * Source: QEMU's pc-testdev, as those tests use it. */
#ifndef X86VMM_DEV_DEV_TEST_H
#define X86VMM_DEV_DEV_TEST_H

#include "base/bus.h"
#include "x86vmm/machine/platform.h"

#define TEST_STORAGE_AT UINT64_C(0xFF000000)
enum {
    TEST_PORT_KEEPS = 0xE0,
    TEST_PORT_SIZE = 4,
    TEST_PORT_LINES = 0x2000, /* and line n at 2000 + n */
    TEST_STORAGE_SIZE = 0x10000
};

struct test_device {
    struct x86_platform *platform; /* borrowed */
    bool pulses; /* a line that falls stays up until it is raised again */
    uint8_t port[TEST_PORT_SIZE], storage[TEST_STORAGE_SIZE];
};

/* bus_io_fn of the lines (bit 0 of what is written is the level), of the port
 * and of the storage. */
void test_lines_io(void *dev, uint64_t offset, unsigned size, bool write,
                   uint64_t *value);
void test_port_io(void *dev, uint64_t offset, unsigned size, bool write,
                  uint64_t *value);
void test_storage_io(void *dev, uint64_t offset, unsigned size, bool write,
                     uint64_t *value);

#endif
