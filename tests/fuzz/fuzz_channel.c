/* Any bytes as channel programs for real devices: every access stays in the
 * storage, every state ends, nothing hangs.
 *
 * Input: 64 instructions of 8 bytes (which, device, CAW, ticks), then what
 * storage holds from 0. */
#include "tests/fuzz/fuzz.h"

#include "base/bytes.h"
#include "s370/dev/config.h"
#include "s370/dev/dev_console.h"
#include "s370/machine/interruption.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SIZE = 16 * 1024, INSTRUCTIONS = 64, ROW = 8 };

static const uint16_t addresses[] = {0x009, 0x00C, 0x00D, 0x00E, 0x180, 0x181};

/* Programs that do something with each device; mutations go on from here. */
#define CAW(which, device, at) \
    which, device, 0, 0, (uint8_t)((at) >> 8), (uint8_t)(at), 100, 0
static const uint8_t sample[] = {
    CAW(0, 0, 0x40),
    CAW(1, 1, 0x48),
    CAW(0, 2, 0x50),
    CAW(0, 3, 0x58),
    CAW(0, 4, 0x70),
    CAW(1, 5, 0x78),
    CAW(3, 4, 0),
    CAW(9, 0, 0),
    [INSTRUCTIONS * ROW + 0x40] = 0x09,
    0,
    1,
    0,
    0x20,
    0,
    0,
    20, /* print */
    0x02,
    0,
    8,
    0,
    0x20,
    0,
    0,
    80, /* read */
    0x01,
    0,
    1,
    0,
    0x20,
    0,
    0,
    80, /* punch */
    0x89,
    0,
    1,
    0,
    0x40,
    0,
    0,
    132,
    0x0B,
    0,
    0,
    0,
    0x40,
    0,
    0,
    1, /* chain */
    0x08,
    0,
    0,
    0x58,
    0,
    0,
    0,
    0, /* TIC */
    0x01,
    0,
    1,
    0,
    0x80,
    0,
    1,
    0,
    0x27,
    0,
    2,
    0,
    0x60,
    0,
    1,
    0,
    0x0C,
    0,
    9,
    0,
    0x20,
    0,
    1,
    0,
};

const struct fuzz_seed fuzz_seeds[] = {{sample, sizeof(sample)}, {NULL, 0}};

static struct s370_channels *equip(struct s370_storage *storage,
                                   struct clock *clock, int tape)
{
    char text[256];
    struct s370_config c;
    struct diag diag;
    struct s370_channels *ch = s370_channels_new(storage, clock, NULL, 0);
    int n = snprintf(text, sizeof(text),
                     "009 3215\n00C 3505 *\n00D 3525 /dev/null\n"
                     "00E 1403 /dev/null\n180 3420 /proc/self/fd/%d\n"
                     "181 3420\n",
                     tape);

    if (!ch ||
        s370_config_parse(text, (size_t)n, "fuzz", &c, &diag) != STATUS_OK ||
        s370_config_attach(&c, ch, NULL, 0, &diag) != STATUS_OK)
        abort();
    s370_config_free(&c);
    return ch;
}

static void instruct(struct s370_channels *ch, struct clock *clock,
                     struct s370_storage *storage, const uint8_t row[ROW])
{
    static uint8_t (*const instructions[])(struct s370_channels *, uint32_t) = {
        s370_sio,   s370_sio, s370_siof, s370_tio,
        s370_clrio, s370_hio, s370_hdv,  s370_tch};
    uint16_t address = addresses[row[1] % ARRAY_LEN(addresses)], from;
    struct s370_device *console = s370_channels_find(ch, addresses[0]);

    memcpy(storage->bytes + S370_PSA_CAW, row + 2, 4);
    if (row[0] == 8)
        s370_channels_multiplex(ch, row[1] & 1);
    else if (row[0] == 9 && s370_console_type(console, "abc") != STATUS_OK)
        s370_channels_reset(ch);
    else if (row[0] == 10)
        s370_console_attention(console);
    else if (instructions[row[0] % 8](ch, address) > 3)
        abort();
    clock_advance(clock, row[6]);
    if (row[7] & 1)
        while (s370_io_take(ch, 0xFFFF, &from))
            ;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    /* their own allocations, so that the sanitizer sees a byte too far */
    struct s370_storage storage = {malloc(SIZE), calloc(SIZE / S370_BLOCK, 1),
                                   SIZE};
    struct clock clock;
    int tape = memfd_create("tape", 0);
    uint8_t rows[INSTRUCTIONS * ROW] = {0};

    if (!storage.bytes || !storage.keys || tape < 0)
        abort();
    memset(storage.bytes, 0, SIZE);
    memcpy(rows, bytes, len < sizeof(rows) ? len : sizeof(rows));
    if (len > sizeof(rows))
        memcpy(storage.bytes, bytes + sizeof(rows),
               len - sizeof(rows) < SIZE ? len - sizeof(rows) : SIZE);
    for (unsigned k = 0; k < SIZE / S370_BLOCK; k++)
        storage.keys[k] = rows[k] & 0xF8;
    clock_init(&clock);
    struct s370_channels *ch = equip(&storage, &clock, tape);
    for (unsigned i = 0; i < INSTRUCTIONS; i++)
        instruct(ch, &clock, &storage, rows + (size_t)i * ROW);
    s370_channels_reset(ch);
    if (s370_io_pending(ch, 0xFFFF))
        abort();
    s370_channels_free(ch);
    close(tape);
    free(storage.bytes);
    free(storage.keys);
    return 0;
}
