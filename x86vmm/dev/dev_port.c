#include "x86vmm/dev/dev_port.h"

void debug_port_io(void *dev, uint64_t offset, unsigned size, bool write,
                   uint64_t *value)
{
    struct debug_port *p = dev;
    uint8_t byte = (uint8_t)*value;

    (void)offset, (void)size;
    if (!write)
        *value = X86_PORT_DEBUG;
    else if (p->output)
        p->output(p->to, &byte, 1);
}

void exit_port_io(void *dev, uint64_t offset, unsigned size, bool write,
                  uint64_t *value)
{
    struct x86_platform *p = dev;

    (void)offset, (void)size;
    if (write) {
        p->stopped = true;
        p->exit_code = (uint32_t)*value;
    } else {
        *value = 0;
    }
}
