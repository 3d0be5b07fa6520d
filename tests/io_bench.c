#include "tests/io_bench.h"

#include "base/bytes.h"
#include "s370/dev/ebcdic.h"
#include "s370/machine/interruption.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROGRAM = 0x1000, SENSE_AT = 0x3000 };

static void take_print(void *who, uint16_t address, const char *text,
                       size_t len)
{
    struct bench *b = who;

    (void)address;
    ck_assert_uint_lt(b->printed_len + len, BENCH_TEXT);
    memcpy(b->printed + b->printed_len, text, len);
    b->printed_len += len;
    b->printed[b->printed_len] = '\0';
}

static void take_trouble(void *who, uint16_t address, const char *text)
{
    struct bench *b = who;

    (void)address;
    snprintf(b->trouble, sizeof(b->trouble), "%s", text);
}

struct bench *bench_new(void)
{
    struct bench *b = calloc(1, sizeof(*b));

    ck_assert_ptr_nonnull(b);
    b->storage = (struct s370_storage){b->bytes, b->keys, BENCH_SIZE};
    clock_init(&b->clock);
    b->channels = s370_channels_new(&b->storage, &b->clock, NULL, 0);
    ck_assert_ptr_nonnull(b->channels);
    b->host = (struct s370_console_host){
        .print = take_print, .who = b, .trouble = take_trouble};
    snprintf(b->folder, sizeof(b->folder), "/tmp/trapline-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(b->folder));
    return b;
}

void bench_free(struct bench *b)
{
    DIR *d = opendir(b->folder);
    struct dirent *e;

    s370_channels_free(b->channels);
    while (d && (e = readdir(d)))
        if (e->d_name[0] != '.')
            unlink(bench_path(b, e->d_name));
    if (d)
        closedir(d);
    rmdir(b->folder);
    free(b);
}

const char *bench_path(const struct bench *b, const char *name)
{
    static char path[512];

    snprintf(path, sizeof(path), "%s/%s", b->folder, name);
    return path;
}

void bench_write(const struct bench *b, const char *name, const void *bytes,
                 size_t len)
{
    FILE *f = fopen(bench_path(b, name), "wb");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
}

void bench_text(const struct bench *b, const char *name, const char *text)
{
    bench_write(b, name, text, strlen(text));
}

uint8_t *bench_read(const struct bench *b, const char *name, size_t *len)
{
    FILE *f = fopen(bench_path(b, name), "rb");
    uint8_t *bytes = calloc(1, 1 << 20);

    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(bytes);
    *len = fread(bytes, 1, (1 << 20) - 1, f);
    fclose(f);
    return bytes;
}

void bench_expect(const struct bench *b, const char *name, const char *text)
{
    size_t len;
    uint8_t *bytes = bench_read(b, name, &len);

    ck_assert_str_eq((const char *)bytes, text);
    ck_assert_uint_eq(len, strlen(text));
    free(bytes);
}

enum status bench_attach(struct bench *b, const char *config, unsigned flags)
{
    struct s370_config c;
    char text[2048];
    size_t n = 0;

    for (; *config; config++) {
        ck_assert_uint_lt(n + 80, sizeof(text));
        if (*config == '@')
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s/", b->folder);
        else
            text[n++] = *config;
    }
    enum status st = s370_config_parse(text, n, "test.conf", &c, &b->diag);
    if (st != STATUS_OK)
        return st;
    st = s370_config_attach(&c, b->channels, &b->host, flags, &b->diag);
    s370_config_free(&c);
    return st;
}

/* Fetch all status until the device is at rest. */
static void settle(struct bench *b, uint16_t address, struct bench_end *end)
{
    bool first = end->cc == 0;

    for (;;) {
        clock_advance(&b->clock, 100000);
        uint8_t cc = s370_tio(b->channels, address);
        if (cc == 0 || cc == 2)
            break;
        const uint8_t *csw = b->bytes + S370_PSA_CSW;
        end->unit |= csw[4];
        end->channel |= csw[5];
        if (first)
            end->residual = load_be16(csw + 6);
        first = false;
    }
}

struct bench_end bench_run(struct bench *b, uint16_t address,
                           const struct bench_ccw *ccws)
{
    struct bench_end end = {0};
    uint32_t at = PROGRAM;

    for (bool more = true; more; ccws++, at += 8) {
        b->bytes[at] = ccws->command;
        store_be24(b->bytes + at + 1, ccws->address);
        b->bytes[at + 4] = ccws->flags;
        b->bytes[at + 5] = 0;
        store_be16(b->bytes + at + 6, ccws->count);
        more = ccws->flags & 0xC0;
    }
    store_be32(b->bytes + S370_PSA_CAW, PROGRAM);
    end.cc = s370_sio(b->channels, address);
    if (end.cc == 1) {
        end.unit = b->bytes[S370_PSA_CSW + 4];
        end.channel = b->bytes[S370_PSA_CSW + 5];
    }
    if (end.cc < 2)
        settle(b, address, &end);
    return end;
}

struct bench_end bench_do(struct bench *b, uint16_t address, uint8_t command,
                          uint16_t count)
{
    return bench_run(b, address,
                     &(struct bench_ccw){command, BENCH_DATA, 0x20, count});
}

void bench_put(struct bench *b, const char *text)
{
    memset(b->bytes + BENCH_DATA, 0x40, 256);
    for (size_t i = 0; text[i] && i < 256; i++)
        b->bytes[BENCH_DATA + i] = ebcdic_from_ascii((uint8_t)text[i]);
}

bool bench_has(const struct bench *b, const char *text)
{
    for (size_t i = 0; text[i]; i++)
        if (b->bytes[BENCH_DATA + i] != ebcdic_from_ascii((uint8_t)text[i]))
            return false;
    return true;
}

uint8_t bench_sense(struct bench *b, uint16_t address, unsigned n)
{
    memset(b->bytes + SENSE_AT, 0, S370_SENSE_BYTES);
    bench_run(b, address,
              &(struct bench_ccw){0x04, SENSE_AT, 0x20, S370_SENSE_BYTES});
    return b->bytes[SENSE_AT + n];
}
