#include "x86vmm/dev/dev_kbc.h"

#include "x86vmm/dev/bytewise.h"

enum {
    STATUS_OUTPUT = 1, /* a byte waits for the program */
    STATUS_SYSTEM = 4,
    STATUS_COMMAND = 8, /* the last byte written was a command */
    STATUS_UNLOCKED = 0x10,
    STATUS_MOUSE = 0x20,
    STATUS_TIMEOUT = 0x40,
    BYTE_KEYBOARD_IRQ = 1,
    BYTE_SYSTEM = 4,
    OUTPUT_RUNNING = 1, /* the processor's reset is off */
    OUTPUT_A20 = 2,
    RESEND = 0xFE, /* what the controller says for a keyboard that is not */
    P92_RESET = 1,
    P92_A20 = 2,
    RESET_NOW = 4
};

static void update_line(struct kbc *k)
{
    x86_line_set(k->platform, X86_LINE_KEYBOARD,
                 (k->status & STATUS_OUTPUT) && !(k->status & STATUS_MOUSE) &&
                     (k->command_byte & BYTE_KEYBOARD_IRQ));
}

static void reply(struct kbc *k, uint8_t byte, uint8_t status)
{
    k->output = byte;
    k->status &= (uint8_t) ~(STATUS_MOUSE | STATUS_TIMEOUT);
    k->status |= STATUS_OUTPUT | status;
    update_line(k);
}

static void reset(struct kbc *k)
{
    x86_stop(k->platform, X86_STOP_RESET, "the keyboard controller");
}

/* Both registers have the line at the same bit. */
static void set_a20(struct kbc *k, uint8_t byte)
{
    bool on = byte & P92_A20, was = k->port_92 & P92_A20;

    k->output_port =
        (uint8_t)((k->output_port & ~OUTPUT_A20) | (byte & OUTPUT_A20));
    k->port_92 = (uint8_t)((k->port_92 & ~P92_A20) | (byte & P92_A20));
    if (on != was && k->a20)
        k->a20(k->who, on);
}

static void set_command_byte(struct kbc *k, uint8_t byte)
{
    k->command_byte = byte;
    k->status = (uint8_t)((k->status & ~STATUS_SYSTEM) |
                          (byte & BYTE_SYSTEM ? STATUS_SYSTEM : 0));
    update_line(k);
}

/* The second byte of a command of two, or one for the keyboard. */
static void write_data(struct kbc *k, uint8_t byte)
{
    uint8_t command = k->expected;

    k->expected = 0;
    k->status &= (uint8_t)~STATUS_COMMAND;
    switch (command) {
    case 0x60:
        set_command_byte(k, byte);
        break;
    case 0xD1:
        k->output_port = byte; /* A20 follows */
        set_a20(k, byte);
        if (!(byte & OUTPUT_RUNNING))
            reset(k);
        break;
    case 0xD2: /* as if it came from the keyboard, from the mouse */
        reply(k, byte, 0);
        break;
    case 0xD3:
        reply(k, byte, STATUS_MOUSE);
        break;
    case 0xD4:
        reply(k, RESEND, STATUS_MOUSE | STATUS_TIMEOUT);
        break;
    default:
        if (command > 0x60 && command < 0x80)
            k->ram[command % 32] = byte;
        else
            reply(k, RESEND, STATUS_TIMEOUT);
        break;
    }
}

static void write_command(struct kbc *k, uint8_t command)
{
    k->status |= STATUS_COMMAND;
    k->expected = 0;
    if (command == 0x20) {
        reply(k, k->command_byte, 0);
    } else if (command > 0x20 && command < 0x40) {
        reply(k, k->ram[command % 32], 0);
    } else if (command >= 0xF0) { /* pulse the lines that are 0 */
        if (!(command & OUTPUT_RUNNING))
            reset(k);
    } else {
        switch (command) {
        case 0xA7: /* mouse off, on */
            k->command_byte |= 0x20;
            break;
        case 0xA8:
            k->command_byte &= (uint8_t)~0x20;
            break;
        case 0xA9: /* tests: the mouse's clock line does not move */
            reply(k, 1, 0);
            break;
        case 0xAA:
            reply(k, 0x55, 0);
            break;
        case 0xAB:
            reply(k, 0, 0);
            break;
        case 0xAD: /* keyboard off, on */
            k->command_byte |= 0x10;
            break;
        case 0xAE:
            k->command_byte &= (uint8_t)~0x10;
            break;
        case 0xC0: /* input port: not locked, color display */
            reply(k, 0x80, 0);
            break;
        case 0xD0:
            reply(k, k->output_port, 0);
            break;
        case 0xDD: /* line 20 off, on, without a second byte */
        case 0xDF:
            set_a20(k, command);
            break;
        default: /* 60h to 7Fh and D1h to D4h take a byte; others nothing */
            k->expected = command;
            break;
        }
    }
}

static uint8_t read_data_port(void *dev, unsigned reg)
{
    struct kbc *k = dev;

    (void)reg;
    k->status &= (uint8_t) ~(STATUS_OUTPUT | STATUS_MOUSE | STATUS_TIMEOUT);
    update_line(k);
    return k->output;
}

static void write_data_port(void *dev, unsigned reg, uint8_t byte)
{
    (void)reg;
    write_data(dev, byte);
}

static uint8_t read_status(void *dev, unsigned reg)
{
    (void)reg;
    return ((struct kbc *)dev)->status;
}

static void write_command_port(void *dev, unsigned reg, uint8_t byte)
{
    (void)reg;
    write_command(dev, byte);
}

static uint8_t read_92(void *dev, unsigned reg)
{
    (void)reg;
    return ((struct kbc *)dev)->port_92;
}

static void write_92(void *dev, unsigned reg, uint8_t byte)
{
    struct kbc *k = dev;

    (void)reg;
    if (byte & P92_RESET)
        x86_stop(k->platform, X86_STOP_RESET, "port 92h");
    k->port_92 = (uint8_t)((k->port_92 & P92_A20) | (byte & ~P92_A20));
    set_a20(k, byte);
}

static uint8_t read_reset(void *dev, unsigned reg)
{
    (void)reg;
    return ((struct kbc *)dev)->reset_control;
}

static void write_reset(void *dev, unsigned reg, uint8_t byte)
{
    struct kbc *k = dev;

    (void)reg;
    if ((byte & RESET_NOW) && !(k->reset_control & RESET_NOW))
        x86_stop(k->platform, X86_STOP_RESET, "port CF9h");
    k->reset_control = byte;
}

#define REGISTER(name, read, write)                                      \
    void name(void *dev, uint64_t offset, unsigned size, bool is_write,  \
              uint64_t *value)                                           \
    {                                                                    \
        bytewise_io(dev, 1, read, write, offset, size, is_write, value); \
    }
REGISTER(kbc_data_io, read_data_port, write_data_port)
REGISTER(kbc_command_io, read_status, write_command_port)
REGISTER(kbc_92_io, read_92, write_92)
REGISTER(kbc_reset_io, read_reset, write_reset)

void kbc_init(struct kbc *k, struct x86_platform *platform)
{
    *k = (struct kbc){.status = STATUS_UNLOCKED,
                      .output_port = 0xCC | OUTPUT_RUNNING | OUTPUT_A20,
                      .port_92 = P92_A20,
                      .platform = platform};
}
