/* A modelled x86 processor with a ROM in place of firmware, a port that tells
 * how far it has come (POST) and one for text: what a test ROM needs. */
#ifndef TESTS_X86_ROM_H
#define TESTS_X86_ROM_H

#include "x86vmm/machine/cpu.h"

enum { ROM_STORAGE = 1 << 20, ROM_TRAIL = 64 };

struct x86_rom {
    struct x86_cpu cpu;
    struct mem_map mem;
    struct bus bus;
    struct clock clock;
    uint8_t *storage;         /* the first MiB; the ROM is at its end */
    uint8_t post;             /* what came last */
    uint8_t trail[ROM_TRAIL]; /* all that came, as far as there is room */
    unsigned posts;
    char *text; /* from the text port; allocated */
    size_t length, room;
};

/* At the reset vector; the ROM, a power of two from 64 to 128 KiB, is at the
 * end of the first MiB and of the first 4 GiB.  NULL: a size that does not
 * fit, or no memory. */
struct x86_rom *x86_rom_new(const uint8_t *rom, size_t size, uint16_t post_port,
                            uint16_t text_port);
void x86_rom_free(struct x86_rom *m);

#endif
