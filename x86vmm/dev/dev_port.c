#include "x86vmm/dev/dev_port.h"

EXIT_PATH void debug_port_io(void *dev, uint64_t offset, unsigned size,
                             bool write, uint64_t *value)
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
        x86_stop(p, X86_STOP_EXIT, NULL);
        p->exit_code = (uint32_t)*value;
    } else {
        *value = 0;
    }
}

void off_port_io(void *dev, uint64_t offset, unsigned size, bool write,
                 uint64_t *value)
{
    static const char word[] = "Shutdown";
    struct off_port *p = dev;
    char letter = (char)*value;

    (void)offset, (void)size;
    if (!write) {
        *value = 0;
        return;
    }
    p->seen = letter == word[p->seen] ? p->seen + 1 : letter == word[0];
    if (word[p->seen])
        return;
    p->seen = 0;
    x86_stop(p->platform, X86_STOP_OFF, "port 8900h");
}
