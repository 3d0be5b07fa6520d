/* s370/dev/aws.c and dev_tape.c: tapes on disk, whole and damaged. */
#include "tests/io_bench.h"

#include "base/bytes.h"
#include "s370/dev/aws.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    ENDED = S370_UNIT_CHANNEL_END | S370_UNIT_DEVICE_END,
    UC = S370_UNIT_CHECK,
    UE = S370_UNIT_EXCEPTION,
    TAPE = 0x180,
    READ = 0x02,
    BACKWARD = 0x0C,
    WRITE = 0x01,
    REWIND = 0x07,
    UNLOAD = 0x0F,
    ERASE = 0x17,
    MARK = 0x1F,
    BACK_BLOCK = 0x27,
    BACK_FILE = 0x2F,
    SPACE_BLOCK = 0x37,
    SPACE_FILE = 0x3F
};

static struct bench *b;

static void set_up(void)
{
    b = bench_new();
}

static void tear_down(void)
{
    bench_free(b);
}

/* ---- Images ---- */

struct image {
    uint8_t bytes[200 * 1024];
    size_t len;
    uint16_t before;
};

static void add_chunk(struct image *i, uint8_t flags, const void *data,
                      uint16_t len)
{
    uint8_t *p = i->bytes + i->len;

    ck_assert_uint_lt(i->len + 6 + len, sizeof(i->bytes));
    store_le16(p, len);
    store_le16(p + 2, i->before);
    p[4] = flags;
    p[5] = 0;
    if (len)
        memcpy(p + 6, data, len);
    i->before = len;
    i->len += 6u + len;
}

/* Blocks of 10 and 300 bytes (in three chunks), a mark, a block of 5, two
 * marks. */
static struct image *sample(void)
{
    struct image *i = calloc(1, sizeof(*i));
    uint8_t data[300];

    ck_assert_ptr_nonnull(i);
    for (unsigned k = 0; k < sizeof(data); k++)
        data[k] = (uint8_t)k;
    add_chunk(i, 0xA0, data, 10);
    add_chunk(i, 0x80, data, 100);
    add_chunk(i, 0x00, data + 100, 150);
    add_chunk(i, 0x20, data + 250, 50);
    add_chunk(i, 0x40, NULL, 0);
    add_chunk(i, 0xA0, "EBCDI", 5);
    add_chunk(i, 0x40, NULL, 0);
    add_chunk(i, 0x40, NULL, 0);
    return i;
}

enum { SAMPLE_BLOCKS = 6 };

static void mount(const char *config)
{
    struct image *i = sample();

    bench_write(b, "t", i->bytes, i->len);
    free(i);
    enum status st = bench_attach(b, config, 0);
    ck_assert_msg(st == STATUS_OK, "%s", b->diag.text);
}

static uint8_t status(uint8_t command)
{
    return bench_do(b, TAPE, command, 1000).unit;
}

/* ---- Moving and reading ---- */

START_TEST(test_reads_what_is_there)
{
    mount("180 3420 @t");
    struct bench_end end =
        bench_run(b, TAPE, &(struct bench_ccw){READ, BENCH_DATA, 0, 10});
    ck_assert_uint_eq(end.unit, ENDED);
    ck_assert_uint_eq(end.channel, 0);
    end = bench_run(b, TAPE, &(struct bench_ccw){READ, BENCH_DATA, 0, 300});
    ck_assert_uint_eq(end.channel, 0); /* the chunks are one block */
    ck_assert_uint_eq(b->bytes[BENCH_DATA + 299], 299 - 256);
    end = bench_do(b, TAPE, READ, 80);
    ck_assert_uint_eq(end.unit, ENDED | UE);
    ck_assert_uint_eq(end.residual, 80);
    ck_assert_uint_eq(status(READ), ENDED);
    ck_assert_mem_eq(b->bytes + BENCH_DATA, "EBCDI", 5);
    ck_assert_uint_eq(status(READ), ENDED | UE);
    ck_assert_uint_eq(status(READ), ENDED | UE);
    ck_assert_uint_eq(status(READ), ENDED | UC);
    ck_assert_uint_eq(bench_sense(b, TAPE, 0), S370_SENSE_DATA_CHECK);
    ck_assert_uint_eq(status(REWIND), ENDED);
    ck_assert_uint_eq(status(READ), ENDED);
}
END_TEST

START_TEST(test_reads_backward)
{
    mount("180 3420 @t");
    ck_assert_uint_eq(status(BACKWARD), ENDED | UC); /* load point */
    ck_assert_uint_eq(bench_sense(b, TAPE, 1), 0x48);
    ck_assert_uint_eq(status(SPACE_FILE), ENDED);
    ck_assert_uint_eq(status(BACKWARD), ENDED | UE);
    bench_run(b, TAPE, &(struct bench_ccw){BACKWARD, BENCH_DATA + 299, 0, 300});
    for (unsigned k = 0; k < 300; k++)
        ck_assert_uint_eq(b->bytes[BENCH_DATA + k], (uint8_t)k);
    struct bench_end end = bench_run(
        b, TAPE, &(struct bench_ccw){BACKWARD, BENCH_DATA + 1009, 0x20, 20});
    ck_assert_uint_eq(end.unit, ENDED);
    ck_assert_uint_eq(end.residual, 10);
    ck_assert_uint_eq(b->bytes[BENCH_DATA + 1000], 0);
    ck_assert_uint_eq(b->bytes[BENCH_DATA + 1009], 9);
    ck_assert_uint_eq(status(BACKWARD), ENDED | UC);
}
END_TEST

START_TEST(test_spaces)
{
    mount("180 2400 @t ro");
    ck_assert_uint_eq(bench_sense(b, TAPE, 1), 0x4A); /* ready, BOT, protect */
    struct bench_end end = bench_do(b, TAPE, SPACE_BLOCK, 1);
    ck_assert_uint_eq(end.cc, 1); /* channel end at once */
    ck_assert_uint_eq(end.unit, ENDED);
    ck_assert_uint_eq(bench_sense(b, TAPE, 1), 0x42);
    ck_assert_uint_eq(status(SPACE_BLOCK), ENDED);
    ck_assert_uint_eq(status(SPACE_BLOCK), ENDED | UE);
    ck_assert_uint_eq(status(BACK_BLOCK), ENDED | UE);
    ck_assert_uint_eq(status(BACK_BLOCK), ENDED);
    ck_assert_uint_eq(status(SPACE_FILE), ENDED);
    ck_assert_uint_eq(status(SPACE_FILE), ENDED);
    ck_assert_uint_eq(status(SPACE_FILE), ENDED);
    ck_assert_uint_eq(status(SPACE_FILE), ENDED | UC);
    ck_assert_uint_eq(status(BACK_FILE), ENDED);
    ck_assert_uint_eq(status(BACK_FILE), ENDED);
    ck_assert_uint_eq(status(BACK_FILE), ENDED);
    ck_assert_uint_eq(status(BACK_FILE), ENDED | UC);
    ck_assert_uint_eq(status(BACK_BLOCK), ENDED | UC);
    ck_assert_uint_eq(status(0xC3), ENDED); /* a mode set */
    ck_assert_uint_eq(status(0x05), UC);
    ck_assert_uint_eq(bench_sense(b, TAPE, 0), S370_SENSE_COMMAND_REJECT);
}
END_TEST

START_TEST(test_motion_chains_at_device_end)
{
    static const struct bench_ccw program[] = {{SPACE_FILE, 0, 0x60, 1},
                                               {READ, BENCH_DATA, 0x40, 5},
                                               {REWIND, 0, 0x20, 1}};

    mount("180 3420 @t");
    struct bench_end end = bench_run(b, TAPE, program);
    ck_assert_uint_eq(end.cc, 0);
    ck_assert_uint_eq(end.unit, ENDED);
    ck_assert_mem_eq(b->bytes + BENCH_DATA, "EBCDI", 5);
    ck_assert_uint_eq(bench_sense(b, TAPE, 1), 0x48);
}
END_TEST

START_TEST(test_unload)
{
    mount("180 3420 @t\n181 3420\n182 3420 *");
    ck_assert_uint_eq(status(UNLOAD), ENDED | UC | S370_UNIT_CONTROL_UNIT_END);
    ck_assert_uint_eq(status(READ), UC);
    ck_assert_uint_eq(bench_sense(b, TAPE, 0), S370_SENSE_INTERVENTION);
    ck_assert_uint_eq(bench_do(b, 0x181, READ, 1).unit, UC);
    ck_assert_uint_eq(bench_sense(b, 0x182, 0), S370_SENSE_INTERVENTION);
    ck_assert_uint_eq(bench_sense(b, 0x182, 1), 0x22);
}
END_TEST

/* ---- Writing ---- */

static void expect_file(const struct image *want)
{
    size_t len;
    uint8_t *bytes = bench_read(b, "t", &len);

    ck_assert_uint_eq(len, want->len);
    ck_assert_mem_eq(bytes, want->bytes, len);
    free(bytes);
}

START_TEST(test_writes_at_once_and_cuts_the_rest)
{
    struct image want = {.len = 0};
    uint8_t data[300];

    for (unsigned k = 0; k < sizeof(data); k++)
        data[k] = (uint8_t)k;
    mount("180 3420 @t");
    status(SPACE_BLOCK);
    status(SPACE_BLOCK); /* behind the block of three chunks */
    memcpy(b->bytes + BENCH_DATA, "WRITTEN", 7);
    ck_assert_uint_eq(bench_do(b, TAPE, WRITE, 7).unit, ENDED);
    add_chunk(&want, 0xA0, data, 10);
    add_chunk(&want, 0x80, data, 100);
    add_chunk(&want, 0x00, data + 100, 150);
    add_chunk(&want, 0x20, data + 250, 50);
    add_chunk(&want, 0xA0, "WRITTEN", 7);
    expect_file(&want);
    ck_assert_uint_eq(status(MARK), ENDED);
    add_chunk(&want, 0x40, NULL, 0);
    expect_file(&want);
    ck_assert_uint_eq(status(BACK_BLOCK), ENDED | UE);
    ck_assert_uint_eq(status(BACK_BLOCK), ENDED);
    ck_assert_uint_eq(status(READ), ENDED);
    ck_assert_mem_eq(b->bytes + BENCH_DATA, "WRITTEN", 7);
    ck_assert_uint_eq(status(ERASE), ENDED); /* the mark is gone */
    want.len -= 6;
    expect_file(&want);
    ck_assert_uint_eq(status(READ), ENDED | UC);
}
END_TEST

START_TEST(test_largest_block)
{
    struct bench_ccw program[] = {{WRITE, BENCH_DATA, 0x80, 65000},
                                  {0, BENCH_DATA, 0, 535}};

    mount("180 3420 @t");
    for (unsigned k = 0; k < 65000; k++)
        b->bytes[BENCH_DATA + k] = (uint8_t)(k * 7);
    struct bench_end end = bench_run(b, TAPE, program);
    ck_assert_uint_eq(end.unit, ENDED);
    ck_assert_uint_eq(end.channel, 0);
    program[1].count = 536; /* one byte too many for an AWS block */
    status(REWIND);
    end = bench_run(b, TAPE, program);
    ck_assert_uint_eq(end.channel, 0x40);
    ck_assert_uint_eq(end.residual, 1);
    status(REWIND);
    memset(b->bytes + BENCH_DATA, 0, 65535);
    program[0] = (struct bench_ccw){READ, BENCH_DATA, 0, 65535};
    end = bench_run(b, TAPE, program);
    ck_assert_uint_eq(end.channel, 0);
    ck_assert_uint_eq(b->bytes[BENCH_DATA + 64999], (uint8_t)(64999 * 7));
    ck_assert_uint_eq(b->bytes[BENCH_DATA + 65000], 0);
    ck_assert_uint_eq(b->bytes[BENCH_DATA + 65001], 7);
}
END_TEST

START_TEST(test_file_protect)
{
    struct image *i = sample();

    mount("180 3420 @t ro");
    for (unsigned k = 0; k < 3; k++) {
        ck_assert_uint_eq(status((const uint8_t[]){WRITE, MARK, ERASE}[k]), UC);
        ck_assert_uint_eq(bench_sense(b, TAPE, 0), S370_SENSE_COMMAND_REJECT);
        ck_assert_uint_eq(status(MARK), UC);
        ck_assert_uint_eq(bench_sense(b, TAPE, 1) & 2, 2);
    }
    expect_file(i);
    free(i);
}
END_TEST

static void set_limit(rlim_t bytes)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A file that may not grow: as good as a full disk. */
START_TEST(test_full_disk)
{
    struct image *i = sample();

    mount("180 3420 @t");
    signal(SIGXFSZ, SIG_IGN);
    set_limit(i->len + 100);
    status(SPACE_FILE);
    status(SPACE_FILE);
    status(SPACE_FILE);
    ck_assert_uint_eq(bench_do(b, TAPE, WRITE, 500).unit, ENDED | UC);
    ck_assert_uint_eq(bench_sense(b, TAPE, 0), S370_SENSE_EQUIPMENT_CHECK);
    ck_assert_ptr_nonnull(strstr(b->trouble, "180 tape: "));
    ck_assert_ptr_nonnull(strstr(b->trouble, "cannot write: File too large"));
    expect_file(i); /* nothing half written */
    ck_assert_uint_eq(bench_do(b, TAPE, WRITE, 50).unit, ENDED);
    ck_assert_uint_eq(status(BACK_BLOCK), ENDED);
    ck_assert_uint_eq(status(BACK_BLOCK), ENDED | UE);
    free(i);
}
END_TEST

START_TEST(test_missing_tape)
{
    struct image three = {.len = 0};

    ck_assert_int_eq(bench_attach(b, "180 3420 @t", 0), STATUS_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(b->diag.text, "test.conf:1: 180 3420: "));
    ck_assert_ptr_nonnull(strstr(b->diag.text, "/t: cannot open: No such"));
    ck_assert_int_eq(
        bench_attach(b, "180 3420 @t ro", S370_CONFIG_CREATE_TAPES),
        STATUS_BAD_INPUT);
    ck_assert_int_eq(bench_attach(b, "180 3420 @t", S370_CONFIG_CREATE_TAPES),
                     STATUS_OK);
    for (unsigned k = 0; k < 3; k++)
        add_chunk(&three, 0x40, NULL, 0);
    expect_file(&three);
    ck_assert_uint_eq(bench_sense(b, TAPE, 1), 0x48);
    ck_assert_int_eq(bench_attach(b, "181 3420 @ ro", 0), STATUS_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(b->diag.text, "not a file"));
    ck_assert_int_eq(bench_attach(b, "181 3420 @t rx", 0), STATUS_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(b->diag.text, "no argument 'rx'"));
}
END_TEST

START_TEST(test_one_writes_or_many_read)
{
    mount("180 3420 @t ro\n181 3420 @t ro");
    ck_assert_int_eq(bench_attach(b, "182 3420 @t", 0), STATUS_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(b->diag.text, "mounted elsewhere"));
    status(UNLOAD);
    bench_do(b, 0x181, UNLOAD, 1);
    ck_assert_int_eq(bench_attach(b, "182 3420 @t", 0), STATUS_OK);
    ck_assert_int_eq(bench_attach(b, "183 3420 @t ro", 0), STATUS_BAD_INPUT);
}
END_TEST

/* ---- Damage ---- */

/* Open the bytes as a tape; STATUS_OK or the message in b->diag. */
static enum status open_bytes(const uint8_t *bytes, size_t len)
{
    struct aws *t = NULL;

    bench_write(b, "t", bytes, len);
    enum status st = aws_open(bench_path(b, "t"), AWS_READ_ONLY, &t, &b->diag);
    if (st == STATUS_OK)
        aws_close(t);
    return st;
}

/* Cut anywhere but between blocks, a tape is refused with its block. */
START_TEST(test_truncated_at_every_length)
{
    static const unsigned whole[] = {0, 16, 334, 340, 351, 357, 363};
    struct image *i = sample();
    unsigned block = 0;

    ck_assert_uint_eq(i->len, whole[SAMPLE_BLOCKS]);
    for (unsigned len = 0; len <= i->len; len++) {
        enum status st = open_bytes(i->bytes, len);
        char want[32];

        if (len == whole[block]) {
            ck_assert_msg(st == STATUS_OK, "%s", b->diag.text);
            block++;
            continue;
        }
        snprintf(want, sizeof(want), "/t: block %u, ", block);
        ck_assert_int_eq(st, STATUS_BAD_INPUT);
        ck_assert_msg(strstr(b->diag.text, want), "%u: %s", len, b->diag.text);
    }
    free(i);
}
END_TEST

static const struct damage {
    unsigned at;
    uint8_t byte;
    const char *message;
} damages[] = {
    {4, 0xA1, "block 1, byte 0 of the file: the header has flags"},
    {4, 0x20, "block 1, byte 0 of the file: the beginning of the block"},
    {4, 0x60, "block 1, byte 0 of the file: a tape mark with data"},
    {0, 11, "block 2, byte 17"},
    {2, 1, "block 1, byte 0 of the file: the header does not fit"},
    {18, 9, "block 2, byte 16 of the file: the header does not fit"},
    {16 + 106 + 4, 0x80, "block 2, byte 122 of the file: a block begins"},
    {16 + 106 + 4, 0x40, "block 2, byte 122 of the file: a tape mark inside"},
    {340 + 1, 0xFF, "block 4, byte 340 of the file: the file ends inside"},
    {340, 0, "block 4, byte 340 of the file: a chunk without data"},
};

START_TEST(test_damage_is_found)
{
    const struct damage *d = &damages[_i];
    struct image *i = sample();

    i->bytes[d->at] = d->byte;
    ck_assert_int_eq(open_bytes(i->bytes, i->len), STATUS_BAD_INPUT);
    ck_assert_msg(strstr(b->diag.text, d->message), "%s", b->diag.text);
    free(i);
}
END_TEST

START_TEST(test_too_long_a_block_is_damage)
{
    struct image *i = calloc(1, sizeof(*i));
    static uint8_t data[40000];

    ck_assert_ptr_nonnull(i);
    add_chunk(i, 0x80, data, 40000);
    add_chunk(i, 0x20, data, 25535);
    ck_assert_int_eq(open_bytes(i->bytes, i->len), STATUS_OK);
    i->len = i->before = 0;
    add_chunk(i, 0x80, data, 40000);
    add_chunk(i, 0x20, data, 25536);
    ck_assert_int_eq(open_bytes(i->bytes, i->len), STATUS_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(b->diag.text, "longer than 65535"));
    free(i);
}
END_TEST

/* Somebody changes the file while the guest has it. */
START_TEST(test_damage_while_mounted)
{
    struct image *i = sample();

    mount("180 3420 @t ro");
    ck_assert_int_eq(truncate(bench_path(b, "t"), 100), 0);
    ck_assert_uint_eq(status(READ), ENDED);
    ck_assert_uint_eq(status(READ), ENDED | UC);
    ck_assert_uint_eq(bench_sense(b, TAPE, 0), S370_SENSE_EQUIPMENT_CHECK);
    ck_assert_ptr_nonnull(strstr(b->trouble, "the file has become shorter"));
    i->bytes[0] = 200; /* the first block claims more than it has */
    bench_write(b, "t", i->bytes, i->len);
    status(REWIND);
    ck_assert_uint_eq(status(READ), ENDED | UC);
    ck_assert_uint_eq(bench_sense(b, TAPE, 0), S370_SENSE_DATA_CHECK);
    ck_assert_ptr_nonnull(strstr(b->trouble, "block 1 was changed"));
    free(i);
}
END_TEST

Suite *suite_s370_aws(void)
{
    Suite *s = suite_create("s370/dev/aws and tape");
    TCase *t = tcase_create("tape");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, test_reads_what_is_there);
    tcase_add_test(t, test_reads_backward);
    tcase_add_test(t, test_spaces);
    tcase_add_test(t, test_motion_chains_at_device_end);
    tcase_add_test(t, test_unload);
    tcase_add_test(t, test_writes_at_once_and_cuts_the_rest);
    tcase_add_test(t, test_largest_block);
    tcase_add_test(t, test_file_protect);
    tcase_add_test(t, test_full_disk);
    tcase_add_test(t, test_missing_tape);
    tcase_add_test(t, test_one_writes_or_many_read);
    tcase_add_test(t, test_truncated_at_every_length);
    tcase_add_loop_test(t, test_damage_is_found, 0, ARRAY_LEN(damages));
    tcase_add_test(t, test_too_long_a_block_is_damage);
    tcase_add_test(t, test_damage_while_mounted);
    suite_add_tcase(s, t);
    return s;
}
