#include "tests/io_oracle.h"

#include "base/bytes.h"
#include "s370/dev/config.h"
#include "s370/dev/ebcdic.h"
#include "s370/machine/machine.h"
#include "tests/oracle/driver.h"
#include "tests/oracle/hercules.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WORDS_MAX = 8, /* doublewords of a program */
    FILE_MAX = 1 << 18,
    SECONDS = 20 /* for Hercules */
};

/* What io_program.def names. */
enum {
    SIO = 0x9C00,
    SIOF = 0x9C01,
    TIO = 0x9D00,
    CLRIO = 0x9D01,
    HIO = 0x9E00,
    HDV = 0x9E01,
    TCH = 0x9F00,
    STIDC = 0xB203,

    LONGER = 0x008,
    FORM = 0x009,
    LONG = 0x00A,
    READER2 = 0x00B,
    READER = 0x00C,
    PUNCH = 0x00D,
    PRINTER = 0x00E,
    WIDE = 0x00F,
    PUNCH2 = 0x010,
    TAPE = 0x180,
    TAPE2 = 0x181,

    CD = 0x80,
    CC = 0x40,
    SLI = 0x20,
    SKIP = 0x10,
    PCI = 0x08,
    IDA = 0x04
};

/* Both read these lines; %1$s is the folder. */
static const char devices[] = "0008 3211 %1$s/longer\n"
                              "0009 1403 %1$s/form\n"
                              "000A 1403 %1$s/long\n"
                              "000B 3505 %1$s/hopper intrq\n"
                              "000C 3505 %1$s/deck eof\n"
                              "000D 3525 %1$s/cards\n"
                              "000E 1403 %1$s/paper\n"
                              "000F 3211 %1$s/wide crlf\n"
                              "0010 3525 %1$s/text ascii\n"
                              "0180 3420 %1$s/tape.aws\n"
                              "0181 3420 %1$s/protected.aws ro\n";

const struct io_file io_files[IO_FILES] = {
    {"cards", 0, 0},   {"text", 0, 0},     {"paper", 0, 0},
    {"wide", 0, 0},    {"long", 132, 0},   {"longer", 150, 0},
    {"form", 0, true}, {"tape.aws", 0, 0}, {"protected.aws", 0, 0},
};

/* ---- The tables ---- */

const struct io_difference io_differences[DIFFERENCES] = {
#define DIFFERENCE(name, fields, why) {#name, fields},
#include "tests/oracle/io_difference.def"
#undef DIFFERENCE
};

/* Data that are not text. */
static const char CODES[] = "every code", FCB[] = "channels 1, 2; ten lines";
static const char ALPHABET[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789 .<(+|&!$*);-/,%_>?:#@'=\" "
    "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789 "
    "THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG AND COMES BACK AGAIN";

#define CCW(command, address, flags, count)                                    \
    {(uint32_t)(command) << 24 | (address), (uint32_t)(flags) << 24 | (count), \
     0},
#define KEY(key)             ((uint32_t)(key) << 28)
#define WORDS(first, second) {first, second, 1},

const struct program io_programs[] = {
#define IO(name, instruction, device, caw, words, data, difference)          \
    {name,                                                                   \
     instruction,                                                            \
     device,                                                                 \
     caw,                                                                    \
     (const struct doubleword[]){words},                                     \
     sizeof((const struct doubleword[]){words}) / sizeof(struct doubleword), \
     data,                                                                   \
     difference},
#include "tests/oracle/io_program.def"
#undef IO
};
const unsigned io_program_count = ARRAY_LEN(io_programs);

/* ---- The image ---- */

static void put_text(uint8_t *at, const char *text, size_t room)
{
    size_t n = strlen(text);

    ck_assert_uint_le(n, room);
    memset(at, 0x40, room);
    for (size_t i = 0; i < n; i++)
        at[i] = ebcdic_from_ascii((uint8_t)text[i]);
}

static void put_data(uint8_t *at, const char *data)
{
    enum { ROOM = 300 };

    if (data == FCB)
        memcpy(at, "\x80\1\0\0\0\2\0\0\0\0\x10", 11);
    else if (data && data != CODES)
        put_text(at, data, ROOM);
    for (unsigned i = 0; data == CODES && i < 256; i++)
        at[i] = (uint8_t)i;
}

/* The word, with an address in the case made absolute. */
static uint32_t relocated(uint32_t word, uint32_t at)
{
    return (word & 0xFFFFFF) < IO_CASE_SIZE ? word + at : word;
}

static void put_program(uint8_t *image, unsigned i)
{
    const struct program *p = &io_programs[i];
    uint32_t at = io_case(i);
    uint8_t *c = image + at;

    ck_assert_uint_le(p->count, WORDS_MAX);
    memset(c + DATA, 0xEE, IO_CASE_SIZE - DATA);
    store_be16(c + CASE_DEVICE, p->device);
    store_be16(c + CASE_INSTRUCTION, p->instruction);
    store_be32(c + CASE_CAW, at + PROGRAM + p->caw);
    for (unsigned k = 0; k < p->count; k++) {
        const struct doubleword *w = &p->words[k];
        uint32_t second = w->addresses ? relocated(w->second, at) : w->second;

        store_be32(c + PROGRAM + k * 8, relocated(w->first, at));
        store_be32(c + PROGRAM + k * 8 + 4, second);
    }
    put_data(c + DATA, p->data);
}

static uint8_t *make_image(bool interruptions)
{
    uint8_t *image = calloc(1, STORAGE);
    struct diag d = {{0}};

    ck_assert_ptr_nonnull(image);
    enum status st = driver_assemble("tests/oracle/io.asm", image, &d);
    ck_assert_msg(st == STATUS_OK, "%s", d.text);
    ck_assert_uint_le(io_case(io_program_count), AREA);
    store_be32(image + AT_COUNT, io_program_count);
    store_be32(image + AT_MODE, interruptions);
    for (unsigned i = 0; i < io_program_count; i++)
        put_program(image, i);
    for (uint32_t at = AREA; at < FENCED; at++)
        image[at] = (uint8_t)(at * 7 + (at >> 8));
    for (uint32_t at = FENCED; at < STORAGE; at += 64)
        put_text(image + at, "FENCED", 64);
    return image;
}

/* ---- The files ---- */

static const char *path_of(const char *folder, const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void write_bytes(const char *folder, const char *name, const void *bytes,
                        size_t n)
{
    FILE *f = fopen(path_of(folder, name), "wb");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
    ck_assert_int_eq(fclose(f), 0);
}

static void write_deck(const char *folder)
{
    enum { CARDS = 20, CARD = 80 };
    uint8_t deck[CARDS * CARD];
    char text[CARD + 1];

    for (unsigned i = 0; i < CARDS; i++) {
        snprintf(text, sizeof(text), "CARD %02u OF THE DECK %59u", i, i);
        put_text(deck + (size_t)i * CARD, text, CARD);
    }
    write_bytes(folder, "deck", deck, sizeof(deck));
    write_bytes(folder, "hopper", "the only card\n", 14);
}

/* Lengths of the blocks; 0 is a mark. */
static void write_tape(const char *folder, const char *name)
{
    static const uint16_t lengths[] = {100, 200, 50, 0, 100, 60, 0, 0};
    uint8_t tape[1024];
    size_t len = 0;

    for (unsigned i = 0; i < ARRAY_LEN(lengths); i++) {
        uint8_t *p = tape + len;

        store_le16(p, lengths[i]);
        store_le16(p + 2, i ? lengths[i - 1] : 0);
        p[4] = lengths[i] ? 0xA0 : 0x40;
        p[5] = 0;
        for (unsigned k = 0; k < lengths[i]; k++)
            p[6 + k] = (uint8_t)(i << 4 ^ k);
        len += 6u + lengths[i];
    }
    write_bytes(folder, name, tape, len);
}

static void begin(char *folder, struct outcome *o)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    write_deck(folder);
    write_tape(folder, "tape.aws");
    write_tape(folder, "protected.aws");
    int n = snprintf(o->text, sizeof(o->text), devices, folder);
    ck_assert_int_lt(n, (int)sizeof(o->text));
}

static void take_file(const char *folder, const char *name, struct file *into)
{
    FILE *f = fopen(path_of(folder, name), "rb");

    into->bytes = malloc(FILE_MAX);
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(into->bytes);
    into->len = fread(into->bytes, 1, FILE_MAX, f);
    ck_assert_uint_lt(into->len, FILE_MAX);
    fclose(f);
}

static void end(const char *folder, struct outcome *o)
{
    for (unsigned i = 0; i < IO_FILES; i++) {
        take_file(folder, io_files[i].name, &o->files[i]);
        unlink(path_of(folder, io_files[i].name));
    }
    unlink(path_of(folder, "deck"));
    unlink(path_of(folder, "hopper"));
    rmdir(folder);
}

/* ---- The machines ---- */

static void run_ours(const uint8_t *image, struct outcome *o)
{
    char folder[] = "/tmp/trapline-io-XXXXXX";
    struct s370_machine *m = s370_machine_new(STORAGE, NULL);
    struct s370_config c;
    struct diag d = {{0}};

    begin(folder, o);
    ck_assert_ptr_nonnull(m);
    enum status st =
        s370_config_parse(o->text, strlen(o->text), "io.conf", &c, &d);
    ck_assert_msg(st == STATUS_OK, "%s", d.text);
    st = s370_config_attach(&c, m->channels, NULL, 0, &d);
    ck_assert_msg(st == STATUS_OK, "%s", d.text);
    s370_config_free(&c);
    memcpy(m->storage.bytes, image, STORAGE);
    s370_machine_restart(m);
    enum s370_stop stop = s370_machine_run(m, 10000000, NULL);
    ck_assert_msg(stop == S370_STOP_DISABLED_WAIT, "stopped for %d", stop);
    o->wait = m->cpu.psw.ia;
    o->storage = malloc(STORAGE);
    ck_assert_ptr_nonnull(o->storage);
    memcpy(o->storage, m->storage.bytes, STORAGE);
    s370_machine_free(m);
    end(folder, o);
}

static void run_theirs(const uint8_t *image, struct outcome *o)
{
    char folder[] = "/tmp/trapline-io-XXXXXX";
    struct hercules h;
    struct diag d = {{0}};

    setenv("HERCULES_CP", "819/1047", 1); /* the one with our brackets */
    begin(folder, o);
    o->storage = malloc(STORAGE);
    ck_assert_ptr_nonnull(o->storage);
    enum status st = hercules_start_with(&h, STORAGE >> 20, o->text, NULL, &d);
    if (st == STATUS_OK)
        st =
            hercules_run(&h, image, o->storage, STORAGE, SECONDS, &o->wait, &d);
    hercules_end(&h);
    ck_assert_msg(st == STATUS_OK, "%s", d.text);
    end(folder, o);
}

void io_run(bool interruptions, struct outcome *ours, struct outcome *theirs)
{
    uint8_t *image = make_image(interruptions);

    run_ours(image, ours);
    run_theirs(image, theirs);
    free(image);
}

void io_forget(struct outcome *o)
{
    free(o->storage);
    for (unsigned i = 0; i < IO_FILES; i++)
        free(o->files[i].bytes);
}
