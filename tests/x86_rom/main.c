/* Run a test ROM on the modelled x86 processor: its text to standard output,
 * its POST codes to standard error.
 *
 *   build/x86-rom ROM [POST-PORT [TEXT-PORT [INSTRUCTIONS]]]
 *
 * Status 0 if the last POST code is FF. */
#include "tests/x86_rom.h"

#include <stdio.h>
#include <stdlib.h>

static uint8_t *read_rom(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = malloc(0x20001);

    if (!f || !bytes) {
        perror(path);
        exit(2);
    }
    *size = fread(bytes, 1, 0x20001, f);
    fclose(f);
    return bytes;
}

static void tell(const struct x86_rom *m, enum x86_outcome end)
{
    static const char *const ends[X86_OUTCOME_COUNT] = {
        [X86_HALT] = "halted",
        [X86_SHUTDOWN] = "shut down",
        [X86_BUDGET] = "still running"};
    const struct x86_state *s = &m->cpu.state;

    fprintf(stderr, "POST");
    for (unsigned i = 0; i < m->posts; i++)
        fprintf(stderr, " %02X", m->trail[i]);
    fprintf(stderr, "\n%s at %04X:%08llX after %llu instructions\n",
            ends[end] ? ends[end] : "?", s->seg[X86_CS].selector,
            (unsigned long long)s->rip, (unsigned long long)m->cpu.ran);
    for (unsigned i = 0; i < 8; i++)
        fprintf(stderr, "%s=%08llX%c", x86_regs.rows[i].name,
                (unsigned long long)s->gpr[i], i == 7 ? '\n' : ' ');
}

static unsigned long number(int argc, char **argv, int i, unsigned long other)
{
    return argc > i ? strtoul(argv[i], NULL, 0) : other;
}

int main(int argc, char **argv)
{
    size_t size;

    if (argc < 2) {
        fputs("usage: x86-rom ROM [POST-PORT [TEXT-PORT [INSTRUCTIONS]]]\n",
              stderr);
        return 2;
    }
    uint8_t *rom = read_rom(argv[1], &size);
    struct x86_rom *m =
        x86_rom_new(rom, size, (uint16_t)number(argc, argv, 2, 0x190),
                    (uint16_t)number(argc, argv, 3, 0xE9));
    if (!m) {
        fprintf(stderr, "%s: not a ROM of 64 or 128 KiB\n", argv[1]);
        return 2;
    }
    enum x86_outcome end = x86_run(&m->cpu, number(argc, argv, 4, 1000000000));
    int status = m->post != 0xFF;

    if (m->length)
        fwrite(m->text, 1, m->length, stdout);
    tell(m, end);
    x86_rom_free(m);
    free(rom);
    return status;
}
