#include "x86vmm/bare/console.h"

#include "base/format.h"
#include "x86vmm/bare/cpu.h"

enum {
    COM1 = 0x3F8,
    COM2 = 0x2F8,
    LINE_CONTROL = 3,
    LINE_STATUS = 5,
    READY = 1,
    EMPTY = 0x20,
    IDLE = 0x40,
    DEBUG = 0xE9
};

static bool has_debug, has_com1, has_com2;

/* PC16550D data sheet: 115200 baud, 8 bits, no parity; FIFOs on. */
static bool serial_init(uint16_t port)
{
    out8(port + 7, 0x5A); /* scratch: is there anybody? */
    if (in8(port + 7) != 0x5A)
        return false;
    out8(port + 1, 0);
    out8(port + LINE_CONTROL, 0x80);
    out8(port, 1);
    out8(port + 1, 0);
    out8(port + LINE_CONTROL, 3);
    out8(port + 2, 7);
    out8(port + 4, 3);
    return true;
}

void console_init(void)
{
    has_debug = in8(DEBUG) == DEBUG;
    has_com1 = serial_init(COM1);
    has_com2 = serial_init(COM2);
}

static void serial(uint16_t port, uint8_t byte)
{
    while (!(in8(port + LINE_STATUS) & EMPTY))
        ;
    out8(port, byte);
}

void console_drain(void)
{
    while (has_com1 && !(in8(COM1 + LINE_STATUS) & IDLE))
        ;
    while (has_com2 && !(in8(COM2 + LINE_STATUS) & IDLE))
        ;
}

int console_read(void)
{
    return has_com1 && (in8(COM1 + LINE_STATUS) & READY) ? in8(COM1) : -1;
}

bool console_write(void *to, const char *text, size_t n)
{
    (void)to;
    for (size_t i = 0; i < n; i++) {
        if (has_debug)
            out8(DEBUG, (uint8_t)text[i]);
        else if (has_com1)
            serial(COM1, (uint8_t)text[i]);
    }
    return true;
}

bool console_write_json(void *to, const char *text, size_t n)
{
    (void)to;
    for (size_t i = 0; i < n && has_com2; i++)
        serial(COM2, (uint8_t)text[i]);
    return true;
}

void say(const char *fmt, ...)
{
    char line[512];
    va_list ap;

    va_start(ap, fmt);
    size_t n = format_va(line, sizeof(line) - 1, fmt, ap);
    va_end(ap);
    line[n++] = '\n';
    console_write(NULL, "bare: ", 6);
    console_write(NULL, line, n);
}
