#include "tests/x86_oracle/emit.h"

#include <stdarg.h>
#include <stdio.h>

void ox_byte(struct ox_case *c, unsigned byte)
{
    if (c->at < c->end)
        c->arena[c->at++] = (uint8_t)byte;
}

void ox_bytes(struct ox_case *c, unsigned n, uint64_t bytes)
{
    for (unsigned i = 0; i < n; i++)
        ox_byte(c, (unsigned)(bytes >> (8 * i) & 0xFF));
}

void ox_operands(struct ox_case *c, unsigned bits)
{
    if ((c->bits == 16) != (bits == 16))
        ox_byte(c, 0x66);
}

void ox_set(struct ox_case *c, unsigned reg, uint32_t value)
{
    ox_operands(c, 32);
    ox_byte(c, 0xB8 + reg);
    ox_bytes(c, 4, value);
}

void ox_address_size(struct ox_case *c)
{
    if (c->bits == 16)
        ox_byte(c, 0x67);
}

void ox_modrm(struct ox_case *c, unsigned reg, uint32_t address)
{
    if (c->bits == 64) {
        ox_byte(c, reg << 3 | 4);
        ox_byte(c, 0x25);
    } else {
        ox_byte(c, reg << 3 | 5);
    }
    ox_bytes(c, 4, address);
}

void ox_memory(struct ox_case *c, unsigned prefix, unsigned n, uint32_t opcode,
               unsigned reg, uint32_t address)
{
    if (prefix)
        ox_byte(c, prefix);
    ox_address_size(c);
    ox_bytes(c, n, opcode);
    ox_modrm(c, reg, address);
}

void ox_push(struct ox_case *c, uint32_t value)
{
    ox_operands(c, 32);
    ox_byte(c, 0x68);
    ox_bytes(c, 4, value);
}

void ox_say(struct ox_case *c, const char *format, ...)
{
    size_t room = sizeof(c->text) - c->text_end;
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(c->text + c->text_end, room, format, args);
    va_end(args);
    if (n > 0)
        c->text_end += (size_t)n < room ? (uint32_t)n : (uint32_t)room - 1;
}

unsigned ox_segment_prefix(struct ox_case *c)
{
    static const uint8_t list[] = {0, 0, 0, 0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65};

    return OX_PICK(c, list);
}
