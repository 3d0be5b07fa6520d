/* s370/machine/channel.c, ccw.c, channel_ipl.c: channel programs against a
 * device that does what the test says. */
#include "s370/machine/subchannel.h"

#include "base/bytes.h"
#include "s370/machine/interruption.h"
#include "s370/machine/psw.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* ---- A device for tests ---- */

enum {
    READ = 0x02,     /* a record of `length` bytes, 1 2 3 ... */
    WRITE = 0x01,    /* takes `limit` bytes */
    BACKWARD = 0x0C, /* the same record as READ */
    SENSE = 0x04,
    NOP = 0x03,    /* immediate */
    SLOW = 0x07,   /* CE at once, DE later */
    MODIFY = 0x0B, /* immediate, with status modifier */
    WAIT = 0x0A,   /* a read that waits for s370_device_ready */
    REFUSE = 0x13, /* unit check at initial selection */
    BREAK = 0x11,  /* a write that ends with unit check */
    MARK = 0x12,   /* a read of nothing that ends with unit exception */
    TIC = 0x08,
    ENDED = S370_UNIT_CHANNEL_END | S370_UNIT_DEVICE_END,
    LATENCY = 10
};

struct fake {
    struct s370_device base;
    uint32_t length, limit;
    uint8_t got[S370_RECORD_MAX];
    uint32_t got_len;
    unsigned starts, halts, writes;
    bool chained;
};

static unsigned destroyed;

static struct s370_start fake_start(struct s370_device *d, uint8_t command,
                                    bool chained)
{
    struct fake *f = (struct fake *)d;

    f->starts++;
    f->chained = chained;
    switch (command) {
    case NOP:
        return (struct s370_start){.status = ENDED};
    case MODIFY:
        return (struct s370_start){.status = ENDED | S370_UNIT_STATUS_MODIFIER};
    case SLOW:
        return (struct s370_start){.status = S370_UNIT_CHANNEL_END,
                                   .latency = LATENCY};
    case WAIT:
        return (struct s370_start){.waits = true};
    case REFUSE:
        d->sense[0] = S370_SENSE_COMMAND_REJECT;
        return (struct s370_start){.status = S370_UNIT_CHECK};
    default:
        return (struct s370_start){.latency = LATENCY, .limit = f->limit};
    }
}

static uint8_t fake_finish(struct s370_device *d, uint8_t command,
                           uint8_t *record, uint32_t *len)
{
    struct fake *f = (struct fake *)d;

    switch (command) {
    case READ:
    case WAIT:
    case BACKWARD:
        for (uint32_t i = 0; i < f->length; i++)
            record[i] = (uint8_t)(i + 1);
        *len = f->length;
        return ENDED;
    case WRITE:
        f->writes++;
        f->got_len = *len;
        memcpy(f->got, record, *len);
        return ENDED;
    case BREAK:
        d->sense[0] = S370_SENSE_EQUIPMENT_CHECK;
        return ENDED | S370_UNIT_CHECK;
    case MARK:
        return ENDED | S370_UNIT_EXCEPTION;
    default:
        return ENDED;
    }
}

static void fake_halt(struct s370_device *d)
{
    ((struct fake *)d)->halts++;
}

static void fake_destroy(struct s370_device *d)
{
    destroyed++;
    free(d);
}

static const struct s370_device_ops fake_ops = {.type = "fake",
                                                .start = fake_start,
                                                .finish = fake_finish,
                                                .halt = fake_halt,
                                                .destroy = fake_destroy};

/* ---- The bench ---- */

enum {
    SIZE = 64 * 1024,
    FENCE = 64, /* bytes on both sides that nobody may touch */
    PROGRAM = 0x1000,
    DATA = 0x2000
};

static uint8_t around[FENCE + SIZE + FENCE], keys[SIZE / S370_BLOCK];
static uint8_t *const bytes = around + FENCE;
static struct s370_storage storage = {around + FENCE, keys, SIZE};
static struct clock ticks;
static struct s370_channels *ch;
static uint32_t stored_bytes;

static void count_stored(void *who, uint32_t a, uint32_t len)
{
    (void)who;
    ck_assert(a < SIZE && len <= SIZE - a);
    stored_bytes += len;
}

static void set_up(void)
{
    memset(around, 0xEE, sizeof(around));
    memset(bytes, 0, SIZE);
    memset(keys, 0, sizeof(keys));
    destroyed = 0;
    stored_bytes = 0;
    clock_init(&ticks);
    ch = s370_channels_new(&storage, &ticks, count_stored, NULL, NULL, 0);
    ck_assert_ptr_nonnull(ch);
}

static void tear_down(void)
{
    s370_channels_free(ch);
    for (unsigned i = 0; i < FENCE; i++) {
        ck_assert_uint_eq(around[i], 0xEE);
        ck_assert_uint_eq(around[FENCE + SIZE + i], 0xEE);
    }
}

static struct fake *attach(uint16_t address)
{
    struct fake *f = calloc(1, sizeof(*f));

    ck_assert_ptr_nonnull(f);
    f->base.ops = &fake_ops;
    f->base.address = address;
    f->base.sense_len = 2;
    f->length = 8;
    ck_assert_int_eq(s370_channels_attach(ch, &f->base, NULL), STATUS_OK);
    return f;
}

static void put_ccw(uint32_t at, uint8_t command, uint32_t address,
                    uint8_t flags, uint16_t count)
{
    bytes[at] = command;
    store_be24(bytes + at + 1, address);
    bytes[at + 4] = flags;
    bytes[at + 5] = 0;
    store_be16(bytes + at + 6, count);
}

static void put_caw(uint8_t key, uint32_t at)
{
    store_be32(bytes + S370_PSA_CAW, (uint32_t)key << 28 | at);
}

struct csw {
    uint8_t key, unit, channel;
    uint32_t next, count;
};

static struct csw csw(void)
{
    const uint8_t *p = bytes + S370_PSA_CSW;

    return (struct csw){p[0], p[4], p[5], load_be24(p + 1), load_be16(p + 6)};
}

/* Let everything happen, then take the one interruption. */
static struct csw end(uint16_t from)
{
    uint16_t address = 0;

    clock_advance(&ticks, 1000);
    ck_assert(s370_io_pending(ch, 0xFFFF));
    ck_assert(s370_io_take(ch, 0xFFFF, &address));
    ck_assert_uint_eq(address, from);
    return csw();
}

/* ---- Programs of a few CCWs, and how they end ---- */

struct ccw_row {
    uint8_t command;
    uint32_t address;
    uint8_t flags;
    uint16_t count;
};

enum { CD = 0x80, CC = 0x40, SLI = 0x20, SKIP = 0x10, PCI = 0x08, IDA = 0x04 };
enum { IL = 0x40, PGC = 0x20, PRC = 0x10 };

static const struct program {
    const char *name;
    struct ccw_row ccws[5];
    uint8_t cc, unit, channel;
    uint8_t ccws_used; /* CSW: address is PROGRAM + 8 * this */
    uint16_t residual;
} programs[] = {
    {"read, exact", {{READ, DATA, 0, 8}}, 0, ENDED, 0, 1, 0},
    {"read, count too long", {{READ, DATA, 0, 10}}, 0, ENDED, IL, 1, 2},
    {"read, count too short", {{READ, DATA, 0, 5}}, 0, ENDED, IL, 1, 0},
    {"SLI, count too long", {{READ, DATA, SLI, 10}}, 0, ENDED, 0, 1, 2},
    {"SLI, count too short", {{READ, DATA, SLI, 5}}, 0, ENDED, 0, 1, 0},
    {"write", {{WRITE, DATA, 0, 100}}, 0, ENDED, 0, 1, 0},
    {"nop is immediate", {{NOP, 0, 0, 1}}, 1, ENDED, 0, 1, 0},
    {"nop, then read",
     {{NOP, 0, CC, 1}, {READ, DATA, 0, 8}},
     0,
     ENDED,
     0,
     2,
     0},
    {"chained commands",
     {{READ, DATA, CC, 8}, {WRITE, DATA, CC, 8}, {READ, DATA, 0, 8}},
     0,
     ENDED,
     0,
     3,
     0},
    {"incorrect length stops chaining",
     {{READ, DATA, CC, 9}, {READ, DATA, 0, 8}},
     0,
     ENDED,
     IL,
     1,
     1},
    {"SLI lets chaining go on",
     {{READ, DATA, CC | SLI, 9}, {READ, DATA, 0, 8}},
     0,
     ENDED,
     0,
     2,
     0},
    {"chained data",
     {{READ, DATA, CD, 3}, {0, DATA + 64, 0, 5}},
     0,
     ENDED,
     0,
     2,
     0},
    {"chained data through a TIC",
     {{READ, DATA, CD, 3}, {TIC, PROGRAM + 24, 0, 0}, {0}, {0, DATA, 0, 5}},
     0,
     ENDED,
     0,
     4,
     0},
    {"data end before the chain does",
     {{READ, DATA, CD, 20}, {0, DATA, 0, 5}},
     0,
     ENDED,
     IL,
     1,
     12},
    {"SLI does not count with CD",
     {{READ, DATA, CD | SLI, 20}, {0, DATA, 0, 5}},
     0,
     ENDED,
     IL,
     1,
     12},
    {"data end where data chaining begins",
     {{READ, DATA, CD, 8}, {0, DATA, 0, 5}},
     0,
     ENDED,
     IL,
     2,
     5},
    {"chained write",
     {{WRITE, DATA, CD, 3}, {0, DATA, CD, 4}, {0, DATA, 0, 5}},
     0,
     ENDED,
     0,
     3,
     0},
    {"CC in a CCW with CD is ignored",
     {{READ, DATA, CD | CC, 3}, {0, DATA, 0, 5}},
     0,
     ENDED,
     0,
     2,
     0},
    {"status modifier skips a CCW",
     {{MODIFY, 0, CC, 1}, {REFUSE, 0, 0, 1}, {READ, DATA, 0, 8}},
     0,
     ENDED,
     0,
     3,
     0},
    {"chaining waits for device end",
     {{SLOW, 0, CC, 1}, {READ, DATA, 0, 8}},
     0,
     ENDED,
     0,
     2,
     0},
    {"TIC loops are not chains of TIC",
     {{NOP, 0, CC, 1}, {TIC, PROGRAM + 24, 0, 0}, {0}, {READ, DATA, 0, 8}},
     0,
     ENDED,
     0,
     4,
     0},
    {"TIC first",
     {{TIC, PROGRAM + 8, 0, 1}, {READ, DATA, 0, 8}},
     1,
     0,
     PGC,
     1,
     0},
    {"TIC to TIC",
     {{NOP, 0, CC, 1}, {TIC, PROGRAM + 16, 0, 0}, {TIC, PROGRAM, 0, 0}},
     0,
     0,
     PGC,
     3,
     0},
    {"TIC off a doubleword",
     {{NOP, 0, CC, 1}, {TIC, PROGRAM + 4, 0, 0}},
     0,
     0,
     PGC,
     2,
     0},
    {"TIC outside storage",
     {{NOP, 0, CC, 1}, {TIC, SIZE, 0, 0}},
     0,
     0,
     PGC,
     2,
     0},
    {"count zero", {{READ, DATA, 0, 0}}, 1, 0, PGC, 1, 0},
    {"count zero, chained",
     {{NOP, 0, CC, 1}, {READ, DATA, 0, 0}},
     0,
     0,
     PGC,
     2,
     0},
    {"count zero, data chained",
     {{READ, DATA, CD, 3}, {0, DATA, 0, 0}},
     0,
     ENDED,
     PGC,
     2,
     0},
    {"reserved flag", {{READ, DATA, 0x01, 8}}, 1, 0, PGC, 1, 0},
    {"command 0", {{0x00, DATA, 0, 8}}, 1, 0, PGC, 1, 0},
    {"command F0", {{0xF0, DATA, 0, 8}}, 1, 0, PGC, 1, 0},
    {"refused", {{REFUSE, 0, SLI, 1}}, 1, S370_UNIT_CHECK, 0, 1, 0},
    {"refused, chained",
     {{NOP, 0, CC, 1}, {REFUSE, 0, CC, 7}},
     0,
     S370_UNIT_CHECK,
     0,
     2,
     7},
    {"unit check stops chaining",
     {{BREAK, DATA, CC, 8}, {NOP, 0, 0, 1}},
     0,
     ENDED | S370_UNIT_CHECK,
     0,
     1,
     0},
    {"unit exception stops chaining",
     {{MARK, DATA, CC | SLI, 8}, {NOP, 0, 0, 1}},
     0,
     ENDED | S370_UNIT_EXCEPTION,
     0,
     1,
     8},
    {"data outside storage", {{READ, SIZE, 0, 8}}, 0, ENDED, PGC, 1, 8},
    {"data half outside storage",
     {{READ, SIZE - 5, 0, 8}},
     0,
     ENDED,
     PGC,
     1,
     3},
    {"write from outside storage",
     {{WRITE, 0xFFFFFF, 0, 8}},
     0,
     ENDED,
     PGC,
     1,
     7 + 1},
    {"backward below zero", {{BACKWARD, 3, 0, 8}}, 0, ENDED, PGC, 1, 4},
    {"skip needs no storage", {{READ, 0xFFFFFF, SKIP, 8}}, 0, ENDED, 0, 1, 0},
    {"sense", {{SENSE, DATA, 0, 2}}, 0, ENDED, 0, 1, 0},
};

START_TEST(test_program)
{
    const struct program *p = &programs[_i];
    struct fake *f;

    set_up();
    f = attach(0x00C);
    for (unsigned i = 0; i < ARRAY_LEN(p->ccws); i++)
        put_ccw(PROGRAM + 8 * i, p->ccws[i].command, p->ccws[i].address,
                p->ccws[i].flags, p->ccws[i].count);
    put_caw(0, PROGRAM);
    memset(bytes + S370_PSA_CSW, 0xAA, 8);
    ck_assert_msg(s370_sio(ch, 0x00C) == p->cc, "%s: condition code", p->name);
    struct csw c = p->cc ? csw() : end(0x00C);
    ck_assert_msg(c.unit == p->unit, "%s: unit status %02X", p->name, c.unit);
    ck_assert_msg(c.channel == p->channel, "%s: channel status %02X", p->name,
                  c.channel);
    if (p->cc) { /* SIO replaces bits 32-47 only */
        ck_assert_uint_eq(c.next, 0xAAAAAA);
        ck_assert_uint_eq(c.count, 0xAAAA);
    } else {
        ck_assert_msg(c.next == PROGRAM + 8u * p->ccws_used,
                      "%s: CCW address %06X", p->name, c.next);
        ck_assert_msg(c.count == p->residual, "%s: residual count %u", p->name,
                      c.count);
    }
    ck_assert(!s370_io_pending(ch, 0xFFFF));
    ck_assert_uint_eq(s370_tio(ch, 0x00C), 0);
    ck_assert(ticks.next == CLOCK_NEVER);
    (void)f;
    tear_down();
}
END_TEST

/* ---- Data ---- */

START_TEST(test_read_lands_under_its_ccws)
{
    attach(0x00C);
    put_ccw(PROGRAM, READ, DATA, CD, 3);
    put_ccw(PROGRAM + 8, 0, 0, CD | SKIP, 2);
    put_ccw(PROGRAM + 16, 0, DATA + 16, 0, 3);
    put_caw(0, PROGRAM);
    stored_bytes = 0;
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 0);
    clock_advance(&ticks, 1000);
    ck_assert_mem_eq(bytes + DATA, "\1\2\3\0", 4);
    ck_assert_mem_eq(bytes + DATA + 16, "\6\7\10\0", 4);
    ck_assert_uint_eq(stored_bytes, 6);
    ck_assert_uint_eq(keys[DATA / S370_BLOCK],
                      S370_KEY_REFERENCE | S370_KEY_CHANGE);
    ck_assert_uint_eq(keys[PROGRAM / S370_BLOCK], S370_KEY_REFERENCE);
}
END_TEST

START_TEST(test_read_backward_fills_downward)
{
    attach(0x00C);
    put_ccw(PROGRAM, BACKWARD, DATA + 2, CD, 4); /* across a 2K boundary */
    put_ccw(PROGRAM + 8, 0, DATA + 0x103, 0, 4);
    put_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 0);
    ck_assert_uint_eq(end(0x00C).unit, ENDED);
    ck_assert_mem_eq(bytes + DATA - 1, "\5\6\7\10\0", 5);
    ck_assert_mem_eq(bytes + DATA + 0x100, "\1\2\3\4\0", 5);
}
END_TEST

START_TEST(test_write_is_gathered_up_to_the_limit)
{
    struct fake *f = attach(0x00C);

    for (unsigned i = 0; i < 32; i++)
        bytes[DATA + i] = (uint8_t)(0xC0 + i);
    f->limit = 6;
    put_ccw(PROGRAM, WRITE, DATA, CD, 4);
    put_ccw(PROGRAM + 8, 0, DATA + 16, 0, 4);
    put_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 0);
    struct csw c = end(0x00C);
    ck_assert_uint_eq(c.channel, IL);
    ck_assert_uint_eq(c.count, 2);
    ck_assert_uint_eq(f->got_len, 6);
    ck_assert_mem_eq(f->got, "\xC0\xC1\xC2\xC3\xD0\xD1", 6);
}
END_TEST

START_TEST(test_write_that_cannot_be_fetched_is_not_done)
{
    struct fake *f = attach(0x00C);

    put_ccw(PROGRAM, WRITE, SIZE - 4, 0, 8);
    put_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 0);
    struct csw c = end(0x00C);
    ck_assert_uint_eq(c.channel, PGC);
    ck_assert_uint_eq(f->writes, 0);
    ck_assert_uint_eq(f->halts, 1);
}
END_TEST

START_TEST(test_sense_gives_the_bytes_of_the_unit_check_once)
{
    attach(0x00C);
    put_ccw(PROGRAM, REFUSE, 0, SLI, 1);
    put_ccw(PROGRAM + 8, SENSE, DATA, 0, 2);
    put_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 1);
    put_caw(0, PROGRAM + 8);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 0);
    end(0x00C);
    ck_assert_uint_eq(bytes[DATA], S370_SENSE_COMMAND_REJECT);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 0);
    end(0x00C);
    ck_assert_uint_eq(bytes[DATA], 0);
}
END_TEST

START_TEST(test_indirect_data_addresses)
{
    struct fake *f = attach(0x00C);

    f->length = 3000;
    store_be32(bytes + 0x800, DATA + 2000); /* 48 bytes, then whole blocks */
    store_be32(bytes + 0x804, 0x6000);
    store_be32(bytes + 0x808, 0x8000);
    put_ccw(PROGRAM, READ, 0x800, IDA, 3000);
    put_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 0);
    struct csw c = end(0x00C);
    ck_assert_uint_eq(c.channel, 0);
    ck_assert_uint_eq(c.count, 0);
    ck_assert_uint_eq(bytes[DATA + 2047], 48);
    ck_assert_uint_eq(bytes[0x6000], 49);
    ck_assert_uint_eq(bytes[0x8000], (uint8_t)(48 + 2048 + 1));
    ck_assert_uint_eq(bytes[0x8000 + 3000 - 48 - 2048], 0);

    store_be32(bytes + 0x804, 0x6004); /* not on a block boundary */
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 0);
    c = end(0x00C);
    ck_assert_uint_eq(c.channel, PGC);
    ck_assert_uint_eq(c.count, 3000 - 48);

    put_ccw(PROGRAM, READ, 0x802, IDA, 8); /* list off a word */
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 1);
    ck_assert_uint_eq(csw().channel, PGC);
}
END_TEST

/* ---- Protection ---- */

START_TEST(test_keys)
{
    attach(0x00C);
    put_ccw(PROGRAM, READ, DATA + S370_BLOCK - 4, 0, 8);
    keys[DATA / S370_BLOCK] = 0x30;
    keys[DATA / S370_BLOCK + 1] = 0x40;
    put_caw(3, PROGRAM);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 0);
    struct csw c = end(0x00C);
    ck_assert_uint_eq(c.channel, PRC);
    ck_assert_uint_eq(c.key, 0x30);
    ck_assert_uint_eq(c.count, 4);
    ck_assert_mem_eq(bytes + DATA + S370_BLOCK - 4, "\1\2\3\4\0", 5);

    put_ccw(PROGRAM, WRITE, DATA + S370_BLOCK, 0, 8); /* fetch is free */
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 0);
    ck_assert_uint_eq(end(0x00C).channel, 0);
    keys[DATA / S370_BLOCK + 1] |= S370_KEY_FETCH;
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 0);
    ck_assert_uint_eq(end(0x00C).channel, PRC);

    put_caw(0, PROGRAM); /* key 0 fits every lock */
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 0);
    ck_assert_uint_eq(end(0x00C).channel, 0);

    keys[PROGRAM / S370_BLOCK] = 0x58; /* the CCW itself */
    put_caw(3, PROGRAM);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 1);
    ck_assert_uint_eq(csw().channel, PRC);
}
END_TEST

START_TEST(test_invalid_caw)
{
    static const uint32_t caws[] = {PROGRAM + 4, PROGRAM | 0x01000000,
                                    PROGRAM | 0x08000000, SIZE, 0x00FFFFF8};

    attach(0x00C);
    put_ccw(PROGRAM, NOP, 0, 0, 1);
    store_be32(bytes + S370_PSA_CAW, caws[_i]);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 1);
    ck_assert_uint_eq(csw().unit, 0);
    ck_assert_uint_eq(csw().channel, PGC);
    ck_assert_uint_eq(s370_tio(ch, 0x00C), 0);
}
END_TEST

/* ---- PCI ---- */

START_TEST(test_pci_interrupts_a_working_program)
{
    uint16_t from;

    attach(0x00C);
    put_ccw(PROGRAM, READ, DATA, CC, 8);
    put_ccw(PROGRAM + 8, READ, DATA, PCI, 8);
    put_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 0);
    clock_advance(&ticks, LATENCY);
    ck_assert(!s370_io_pending(ch, 0xFFFF));
    clock_advance(&ticks, 1);
    ck_assert(s370_io_take(ch, 0xFFFF, &from));
    ck_assert_uint_eq(csw().unit, 0);
    ck_assert_uint_eq(csw().channel, PCI << 4);
    ck_assert_uint_eq(csw().next, PROGRAM + 16);
    ck_assert_uint_eq(s370_tio(ch, 0x00C), 2);
    ck_assert_uint_eq(end(0x00C).channel, 0);
}
END_TEST

START_TEST(test_pci_not_taken_joins_the_end)
{
    attach(0x00C);
    put_ccw(PROGRAM, READ, DATA, PCI, 8);
    put_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 0);
    struct csw c = end(0x00C);
    ck_assert_uint_eq(c.unit, ENDED);
    ck_assert_uint_eq(c.channel, 0x80);
    ck_assert(!s370_io_pending(ch, 0xFFFF));
}
END_TEST

/* A program may be changed while it runs: each CCW is fetched when the one
 * before it is done. */
START_TEST(test_nothing_is_prefetched)
{
    struct fake *f = attach(0x00C);

    put_ccw(PROGRAM, READ, PROGRAM + 8, CC, 8); /* reads its own next CCW */
    put_ccw(PROGRAM + 8, READ, DATA, 0, 8);
    put_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 0);
    struct csw c = end(0x00C); /* 01020304 05060708: a write, bad flags */
    ck_assert_uint_eq(c.channel, PGC);
    ck_assert_uint_eq(f->starts, 1);

    put_ccw(PROGRAM, READ, DATA, CC, 8);
    put_ccw(PROGRAM + 8, READ, DATA, CC, 8);
    put_ccw(PROGRAM + 16, TIC, PROGRAM, 0, 0);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 0);
    clock_advance(&ticks, 1000);
    ck_assert_uint_eq(s370_tio(ch, 0x00C), 2); /* goes round for ever ... */
    bytes[PROGRAM + 8 + 4] = 0;                /* ... until its flag is off */
    ck_assert_uint_eq(end(0x00C).next, PROGRAM + 16);
}
END_TEST

/* ---- Conditions ---- */

START_TEST(test_not_operational)
{
    attach(0x00C);
    for (unsigned i = 0; i < 3; i++) {
        uint32_t address = (const uint32_t[]){0x00D, 0x20C, 0x100C}[i];

        ck_assert_uint_eq(s370_sio(ch, address), 3);
        ck_assert_uint_eq(s370_siof(ch, address), 3);
        ck_assert_uint_eq(s370_tio(ch, address), 3);
        ck_assert_uint_eq(s370_clrio(ch, address), 3);
        ck_assert_uint_eq(s370_hio(ch, address), 3);
        ck_assert_uint_eq(s370_hdv(ch, address), 3);
    }
    ck_assert_uint_eq(s370_tch(ch, 0x0FF), 0); /* only the channel counts */
    ck_assert_uint_eq(s370_tch(ch, 0x200), 3);
    ck_assert_uint_eq(s370_stidc(ch, 0x200), 3);
}
END_TEST

START_TEST(test_byte_multiplexor_runs_devices_side_by_side)
{
    attach(0x00C);
    attach(0x00D);
    put_ccw(PROGRAM, READ, DATA, 0, 8);
    put_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(ch, 0x00D), 0);
    clock_advance(&ticks, 1);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 0);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 2);
    ck_assert_uint_eq(s370_tio(ch, 0x00C), 2);
    ck_assert_uint_eq(s370_tch(ch, 0x00C), 0);
    clock_advance(&ticks, LATENCY);
    ck_assert_uint_eq(s370_tch(ch, 0x00C), 1);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 2); /* interruption pending */
    ck_assert_uint_eq(end(0x00D).unit, ENDED); /* first come, first served */
    ck_assert_uint_eq(end(0x00C).unit, ENDED);
}
END_TEST

/* 2: selector, or block multiplexor with CR0 bit 0 off. */
START_TEST(test_selector_is_busy_as_a_whole)
{
    if (_i)
        s370_channels_type(ch, 1, S370_CHANNEL_SELECTOR);
    attach(0x180);
    struct fake *f = attach(0x181);
    put_ccw(PROGRAM, READ, DATA, 0, 8);
    put_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(ch, 0x180), 0);
    ck_assert_uint_eq(s370_sio(ch, 0x181), 2);
    ck_assert_uint_eq(s370_tio(ch, 0x181), 2);
    ck_assert_uint_eq(s370_clrio(ch, 0x181), 2);
    ck_assert_uint_eq(s370_hdv(ch, 0x181), 2);
    ck_assert_uint_eq(s370_tch(ch, 0x181), 2);
    ck_assert_uint_eq(s370_stidc(ch, 0x181), 2);
    s370_device_attention(&f->base, S370_UNIT_ATTENTION);
    ck_assert(!s370_io_pending(ch, 0xFFFF)); /* waits for the channel */
    clock_advance(&ticks, LATENCY);
    ck_assert_uint_eq(s370_sio(ch, 0x181), 2); /* its subchannel has status */
    ck_assert_uint_eq(s370_tio(ch, 0x181), 2);
    ck_assert_uint_eq(end(0x180).unit, ENDED);
    ck_assert_uint_eq(end(0x181).unit, S370_UNIT_ATTENTION);
    ck_assert_uint_eq(s370_sio(ch, 0x181), 0);
}
END_TEST

START_TEST(test_block_multiplexor_in_its_own_mode)
{
    s370_channels_multiplex(ch, true);
    attach(0x180);
    attach(0x181);
    put_ccw(PROGRAM, READ, DATA, 0, 8);
    put_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(ch, 0x180), 0);
    ck_assert_uint_eq(s370_sio(ch, 0x181), 0);
    ck_assert_uint_eq(s370_tch(ch, 0x180), 0);
    ck_assert_uint_eq(end(0x180).unit, ENDED);
    ck_assert_uint_eq(end(0x181).unit, ENDED);
}
END_TEST

START_TEST(test_channel_end_first_device_end_later)
{
    attach(0x00C);
    put_ccw(PROGRAM, SLOW, 0, 0, 1);
    put_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 1);
    ck_assert_uint_eq(csw().unit, S370_UNIT_CHANNEL_END);
    ck_assert_uint_eq(s370_tio(ch, 0x00C), 1);
    ck_assert_uint_eq(csw().unit, S370_UNIT_BUSY);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 1);
    ck_assert_uint_eq(csw().unit, S370_UNIT_BUSY);
    clock_advance(&ticks, LATENCY);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 1); /* fetches device end */
    ck_assert_uint_eq(csw().unit, S370_UNIT_DEVICE_END | S370_UNIT_BUSY);
    ck_assert(!s370_io_pending(ch, 0xFFFF));
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 1);
    ck_assert_uint_eq(csw().unit, S370_UNIT_CHANNEL_END);
    struct csw c = end(0x00C);
    ck_assert_uint_eq(c.unit, S370_UNIT_DEVICE_END);
    ck_assert_uint_eq(c.next, 0); /* belongs to no program */
}
END_TEST

START_TEST(test_late_device_end_of_a_chain)
{
    attach(0x00C);
    put_ccw(PROGRAM, NOP, 0, CC, 1);
    put_ccw(PROGRAM + 8, SLOW, 0, 0, 1);
    put_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 0);
    clock_advance(&ticks, 1000); /* device end comes while CE is pending */
    ck_assert_uint_eq(end(0x00C).unit, S370_UNIT_CHANNEL_END);
    ck_assert_uint_eq(end(0x00C).unit, S370_UNIT_DEVICE_END);
    ck_assert(!s370_io_pending(ch, 0xFFFF));
}
END_TEST

START_TEST(test_tio_clears_status)
{
    attach(0x00C);
    put_ccw(PROGRAM, READ, DATA, 0, 8);
    put_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_tio(ch, 0x00C), 0);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 0);
    clock_advance(&ticks, LATENCY);
    ck_assert_uint_eq(s370_tio(ch, 0x00C), 1);
    ck_assert_uint_eq(csw().unit, ENDED);
    ck_assert_uint_eq(csw().next, PROGRAM + 8);
    ck_assert(!s370_io_pending(ch, 0xFFFF));
    ck_assert_uint_eq(s370_tio(ch, 0x00C), 0);
}
END_TEST

START_TEST(test_attention)
{
    struct fake *f = attach(0x00C);

    put_ccw(PROGRAM, NOP, 0, 0, 1);
    put_caw(0, PROGRAM);
    s370_device_attention(&f->base, S370_UNIT_ATTENTION);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 1);
    ck_assert_uint_eq(csw().unit, S370_UNIT_ATTENTION | S370_UNIT_BUSY);
    ck_assert_uint_eq(f->starts, 0);
    s370_device_attention(&f->base, S370_UNIT_ATTENTION);
    ck_assert_uint_eq(s370_tio(ch, 0x00C), 1);
    ck_assert_uint_eq(csw().unit, S370_UNIT_ATTENTION);
    s370_device_attention(&f->base, S370_UNIT_ATTENTION);
    ck_assert_uint_eq(end(0x00C).unit, S370_UNIT_ATTENTION);
    ck_assert_uint_eq(s370_tio(ch, 0x00C), 0);
}
END_TEST

/* ---- Halting ---- */

START_TEST(test_halt_on_a_byte_multiplexor)
{
    struct fake *f = attach(0x00C);
    uint8_t (*halt)(struct s370_channels *, uint32_t) =
        _i ? s370_hdv : s370_hio;

    put_ccw(PROGRAM, WAIT, DATA, CC, 8);
    put_ccw(PROGRAM + 8, NOP, 0, 0, 1);
    put_caw(0, PROGRAM);
    ck_assert_uint_eq(halt(ch, 0x00C), 0);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 0);
    clock_advance(&ticks, 1000);
    ck_assert_uint_eq(s370_tio(ch, 0x00C), 2); /* nobody answers it */
    memset(bytes + S370_PSA_CSW, 0xAA, 8);
    ck_assert_uint_eq(halt(ch, 0x00C), 1);
    ck_assert_mem_eq(bytes + S370_PSA_CSW, "\xAA\xAA\xAA\xAA\0\0\xAA\xAA", 8);
    ck_assert_uint_eq(f->halts, 1);
    struct csw c = end(0x00C);
    ck_assert_uint_eq(c.unit, ENDED);
    ck_assert_uint_eq(c.next, PROGRAM + 8); /* not chained */
    ck_assert_uint_eq(c.count, 8);
    s370_device_ready(&f->base); /* too late: nothing happens */
    ck_assert(ticks.next == CLOCK_NEVER);
}
END_TEST

START_TEST(test_halt_ends_an_endless_chain)
{
    attach(0x00C);
    put_ccw(PROGRAM, NOP, 0, CC, 1);
    put_ccw(PROGRAM + 8, TIC, PROGRAM, 0, 0);
    put_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 0);
    clock_advance(&ticks, 100000);
    ck_assert_uint_eq(s370_hio(ch, 0x00C), 1);
    ck_assert_uint_eq(end(0x00C).unit, ENDED);
    ck_assert(ticks.next == CLOCK_NEVER);
}
END_TEST

START_TEST(test_hio_ends_a_burst_of_any_device)
{
    struct fake *f = attach(0x180);

    attach(0x181);
    put_ccw(PROGRAM, WAIT, DATA, 0, 8);
    put_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(ch, 0x180), 0);
    ck_assert_uint_eq(s370_hio(ch, 0x181), 2);
    ck_assert_uint_eq(f->halts, 1);
    ck_assert_uint_eq(end(0x180).unit, ENDED);
    ck_assert_uint_eq(s370_sio(ch, 0x180), 0);
    ck_assert_uint_eq(s370_hdv(ch, 0x180), 1);
    ck_assert_uint_eq(end(0x180).unit, ENDED);
}
END_TEST

START_TEST(test_clear_io)
{
    struct fake *f = attach(0x180);

    put_ccw(PROGRAM, WAIT, DATA, CC, 8);
    put_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_clrio(ch, 0x180), 0);
    ck_assert_uint_eq(s370_sio(ch, 0x180), 0);
    ck_assert_uint_eq(s370_clrio(ch, 0x180), 1);
    ck_assert_uint_eq(csw().unit, 0);
    ck_assert_uint_eq(csw().next, PROGRAM + 8);
    ck_assert_uint_eq(f->halts, 1);
    clock_advance(&ticks, 1000);
    ck_assert(!s370_io_pending(ch, 0xFFFF));
    put_ccw(PROGRAM, READ, DATA, 0, 8);
    ck_assert_uint_eq(s370_sio(ch, 0x180), 0);
    clock_advance(&ticks, LATENCY);
    ck_assert_uint_eq(s370_clrio(ch, 0x180), 1);
    ck_assert_uint_eq(csw().unit, ENDED);
}
END_TEST

START_TEST(test_reset)
{
    struct fake *f = attach(0x00C);

    put_ccw(PROGRAM, WAIT, DATA, CC, 8);
    put_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 0);
    s370_device_attention(&f->base, S370_UNIT_ATTENTION);
    s370_channels_reset(ch);
    ck_assert_uint_eq(f->halts, 1);
    clock_advance(&ticks, 1000);
    ck_assert(!s370_io_pending(ch, 0xFFFF));
    ck_assert_uint_eq(s370_tio(ch, 0x00C), 0);
}
END_TEST

/* ---- SIOF, STIDC, masks ---- */

START_TEST(test_siof_defers_on_a_block_multiplexor)
{
    struct fake *f = attach(0x180);

    put_ccw(PROGRAM, REFUSE, 0, 0, 1);
    put_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_siof(ch, 0x180), 0);
    ck_assert_uint_eq(f->starts, 0);
    struct csw c = end(0x180);
    ck_assert_uint_eq(c.unit, S370_UNIT_CHECK);
    ck_assert_uint_eq(c.key, 1); /* deferred condition code 1 */

    put_ccw(PROGRAM, READ, DATA, 0, 8);
    s370_device_attention(&f->base, S370_UNIT_ATTENTION);
    ck_assert_uint_eq(s370_siof(ch, 0x180), 1);
    ck_assert_uint_eq(csw().unit, S370_UNIT_ATTENTION | S370_UNIT_BUSY);
    ck_assert_uint_eq(s370_siof(ch, 0x180), 0);
    c = end(0x180);
    ck_assert_uint_eq(c.unit, ENDED);
    ck_assert_uint_eq(c.key, 0);

    attach(0x00C); /* elsewhere it is SIO */
    put_ccw(PROGRAM, REFUSE, 0, 0, 1);
    ck_assert_uint_eq(s370_siof(ch, 0x00C), 1);
}
END_TEST

START_TEST(test_channel_id)
{
    attach(0x00C);
    attach(0x10C);
    attach(0x20C);
    s370_channels_type(ch, 2, S370_CHANNEL_SELECTOR);
    ck_assert_uint_eq(s370_stidc(ch, 0x000), 0);
    ck_assert_uint_eq(load_be32(bytes + S370_PSA_CHANNEL_ID), 0x10000000);
    ck_assert_uint_eq(s370_stidc(ch, 0x100), 0);
    ck_assert_uint_eq(load_be32(bytes + S370_PSA_CHANNEL_ID), 0x20000000);
    s370_channels_prefix(ch, 0x4000);
    ck_assert_uint_eq(s370_stidc(ch, 0x200), 0);
    ck_assert_uint_eq(load_be32(bytes + 0x4000 + S370_PSA_CHANNEL_ID), 0);
    ck_assert_uint_eq(load_be32(bytes + S370_PSA_CHANNEL_ID), 0x20000000);
}
END_TEST

START_TEST(test_masks)
{
    struct s370_psw bc = {.system_mask = 0xFE}, ec = {.ec = true};

    ck_assert_uint_eq(s370_io_mask(&bc, 0xFFFFFFFF), 0xFFFF);
    ck_assert_uint_eq(s370_io_mask(&bc, 0), 0xFC00);
    bc.system_mask = 0x42; /* channel 1, and those from 6 by CR2 */
    ck_assert_uint_eq(s370_io_mask(&bc, 0xFE400000), 0x4240);
    ec.system_mask = 0xFD; /* all but I/O */
    ck_assert_uint_eq(s370_io_mask(&ec, 0xFFFFFFFF), 0);
    ec.system_mask = S370_MASK_IO;
    ck_assert_uint_eq(s370_io_mask(&ec, 0x8001FFFF), 0x8001);
}
END_TEST

START_TEST(test_interruptions_wait_for_their_mask)
{
    struct fake *f = attach(0x20C), *g = attach(0x50C);
    uint16_t from = 0;

    s370_device_attention(&g->base, S370_UNIT_ATTENTION);
    s370_device_attention(&f->base, S370_UNIT_ATTENTION);
    ck_assert(!s370_io_pending(ch, 0xDBFF));
    ck_assert(!s370_io_take(ch, 0xDBFF, &from));
    ck_assert(s370_io_take(ch, 0xFFFF, &from)); /* lower channel first */
    ck_assert_uint_eq(from, 0x20C);
    ck_assert(s370_io_take(ch, 0x0400, &from));
    ck_assert_uint_eq(from, 0x50C);
}
END_TEST

/* ---- IPL ---- */

START_TEST(test_ipl)
{
    struct fake *f = attach(0x00C);
    struct diag diag = {{0}};

    /* the record is 01 02 03 ...: its second CCW, at 8, is a program check */
    f->length = 24;
    ck_assert_int_eq(s370_channels_ipl(ch, 0x00C, &diag), STATUS_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(diag.text, "00C"));
    ck_assert_ptr_nonnull(strstr(diag.text, "PGC"));

    f->length = 8; /* only a PSW; the CCW at 8 is ours */
    put_ccw(8, NOP, 0, 0, 1);
    ck_assert_int_eq(s370_channels_ipl(ch, 0x00C, &diag), STATUS_OK);
    ck_assert_mem_eq(bytes, "\1\2\0\x0C\5\6\7\10", 8); /* BC: address at 2 */
    ck_assert(!s370_io_pending(ch, 0xFFFF));

    put_ccw(8, NOP, 0, CC, 1);
    put_ccw(16, TIC, 8, 0, 0);
    ck_assert_int_eq(s370_channels_ipl(ch, 0x00C, &diag), STATUS_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(diag.text, "does not end"));
    put_ccw(8, WAIT, DATA, 0, 1);
    ck_assert_int_eq(s370_channels_ipl(ch, 0x00C, &diag), STATUS_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(diag.text, "operator"));
    ck_assert_int_eq(s370_channels_ipl(ch, 0x00D, &diag), STATUS_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(diag.text, "no such device"));
    put_ccw(8, REFUSE, 0, 0, 1);
    ck_assert_int_eq(s370_channels_ipl(ch, 0x00C, &diag), STATUS_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(diag.text, "sense 80"));
}
END_TEST

/* ---- Attaching ---- */

START_TEST(test_attach_and_free)
{
    struct diag diag;
    struct fake again = {.base = {.ops = &fake_ops, .address = 0x00C}};

    set_up();
    attach(0x00C);
    attach(0x00A);
    ck_assert_int_eq(s370_channels_attach(ch, &again.base, &diag),
                     STATUS_BAD_INPUT);
    ck_assert_str_eq(diag.text, "device address 00C is used twice");
    again.base.address = 0x100C;
    ck_assert_int_eq(s370_channels_attach(ch, &again.base, &diag),
                     STATUS_BAD_INPUT);
    ck_assert_uint_eq(s370_channels_find(ch, 0x00A)->address, 0x00A);
    ck_assert_ptr_null(s370_channels_find(ch, 0x00B));
    put_ccw(PROGRAM, READ, DATA, 0, 8);
    put_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(ch, 0x00C), 0);
    tear_down(); /* while it works */
    ck_assert_uint_eq(destroyed, 2);
    ck_assert(ticks.next == CLOCK_NEVER);
}
END_TEST

/* ---- Trace ---- */

struct listener {
    struct trace_sink sink;
    char lines[8][80];
    unsigned count;
};

static void listen(struct trace_sink *sink, const struct trace_event *e)
{
    struct listener *l = (struct listener *)sink;

    ck_assert_int_eq(e->kind, TRACE_IO);
    ck_assert_uint_eq(e->insns, 77);
    ck_assert_uint_eq(e->vm, 3);
    ck_assert_uint_lt(l->count, 8);
    strcpy(l->lines[l->count++], e->text);
}

static uint64_t insns(const void *of)
{
    return *(const uint64_t *)of;
}

START_TEST(test_trace_tells_each_ccw)
{
    struct listener l = {.sink.emit = listen};
    struct trace t = {0};

    trace_attach(&t, &l.sink);
    set_up();
    s370_channels_free(ch);
    ch = s370_channels_new(&storage, &ticks, NULL, NULL, &t, 3);
    static const uint64_t seventy_seven = 77;
    s370_channels_counter(ch, insns, &seventy_seven);
    attach(0x00E);
    put_ccw(PROGRAM, NOP, 0, CC, 1);
    put_ccw(PROGRAM + 8, TIC, PROGRAM + 24, 0, 0);
    put_ccw(PROGRAM + 24, WRITE, DATA, CC, 132);
    put_ccw(PROGRAM + 32, SLOW, 0, 0, 1);
    put_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(ch, 0x00E), 0);
    clock_advance(&ticks, 1000);
    ck_assert_uint_eq(l.count, 5);
    ck_assert_str_eq(l.lines[3], "00E CCW 07 control 000000 1 CE");
    ck_assert_str_eq(l.lines[4], "00E DE");
    ck_assert_str_eq(l.lines[0], "00E CCW 03 no-op 000000 1 CE DE");
    ck_assert_str_eq(l.lines[1], "00E CCW 08 tic 001018 0");
    ck_assert_str_eq(l.lines[2], "00E CCW 01 write 002000 132 CE DE");
    tear_down();
}
END_TEST

/* ---- Hostile programs ---- */

static uint32_t random_word(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(*state >> 32);
}

/* A CCW that may go far: mostly plausible, anywhere in storage. */
static void random_ccw(uint64_t *rng, uint32_t at)
{
    static const uint8_t commands[] = {
        READ,   WRITE, BACKWARD, SENSE, NOP, SLOW, MODIFY, WAIT,
        REFUSE, BREAK, MARK,     TIC,   TIC, TIC,  READ,   WRITE};
    uint32_t r = random_word(rng), a = random_word(rng);
    uint8_t command = r & 0x100 ? (uint8_t)r : commands[r & 15];

    if (command == TIC)
        a &= 0x1F8;
    put_ccw(at, command, a & (r & 0x200 ? 0xFFFFFF : 0x1FFFF),
            (uint8_t)(r >> 16 & (r & 0x400 ? 0xFF : 0xFC)),
            (uint16_t)(random_word(rng) >> (r & 0x800 ? 16 : 22)));
}

static void hostile_instruction(uint64_t *rng, struct fake *f[3])
{
    static uint8_t (*const instructions[])(struct s370_channels *, uint32_t) = {
        s370_sio,   s370_sio, s370_sio, s370_siof, s370_tio,
        s370_clrio, s370_hio, s370_hdv, s370_tch,  s370_stidc};
    uint32_t r = random_word(rng);
    unsigned i = r % 3;
    uint16_t from;

    f[i]->length = random_word(rng) % (S370_RECORD_MAX + 1);
    f[i]->limit = r & 0x40 ? random_word(rng) % 2000 : 0;
    store_be32(bytes + S370_PSA_CAW,
               r & 0x80 ? random_word(rng)
                        : (r & 0xF0000000) | (random_word(rng) & 0x1F8));
    uint8_t cc = instructions[(r >> 8) % ARRAY_LEN(instructions)](
        ch, f[i]->base.address);
    ck_assert_uint_le(cc, 3);
    if (r & 0x10000)
        s370_device_ready(&f[(r >> 17) % 3]->base);
    if ((r & 0x700000) == 0)
        s370_device_attention(&f[(r >> 17) % 3]->base, S370_UNIT_ATTENTION);
    if (r & 0x800000)
        while (s370_io_take(ch, 0xFFFF, &from))
            ;
    if ((r & 0x7000000) == 0)
        s370_channels_multiplex(ch, r & 0x8000000);
    clock_advance(&ticks, random_word(rng) % 64);
}

START_TEST(test_hostile_programs)
{
    uint64_t rng = 1000 + (uint64_t)_i;
    struct fake *f[3];

    set_up();
    f[0] = attach(0x00C);
    f[1] = attach(0x180);
    f[2] = attach(0x181);
    for (unsigned round = 0; round < 60; round++) {
        for (uint32_t at = 0; at < 0x200; at += 8)
            if (at != S370_PSA_CSW)
                random_ccw(&rng, at);
        for (unsigned k = 0; k < sizeof(keys); k++)
            keys[k] = (uint8_t)(random_word(&rng) & 0x18);
        for (unsigned n = 0; n < 20; n++)
            hostile_instruction(&rng, f);
    }
    s370_channels_reset(ch);
    ck_assert(!s370_io_pending(ch, 0xFFFF));
    tear_down();
}
END_TEST

static void add_conditions(TCase *t)
{
    tcase_add_test(t, test_not_operational);
    tcase_add_test(t, test_byte_multiplexor_runs_devices_side_by_side);
    tcase_add_loop_test(t, test_selector_is_busy_as_a_whole, 0, 2);
    tcase_add_test(t, test_block_multiplexor_in_its_own_mode);
    tcase_add_test(t, test_channel_end_first_device_end_later);
    tcase_add_test(t, test_late_device_end_of_a_chain);
    tcase_add_test(t, test_tio_clears_status);
    tcase_add_test(t, test_attention);
    tcase_add_loop_test(t, test_halt_on_a_byte_multiplexor, 0, 2);
    tcase_add_test(t, test_halt_ends_an_endless_chain);
    tcase_add_test(t, test_hio_ends_a_burst_of_any_device);
    tcase_add_test(t, test_clear_io);
    tcase_add_test(t, test_reset);
    tcase_add_test(t, test_siof_defers_on_a_block_multiplexor);
    tcase_add_test(t, test_channel_id);
    tcase_add_test(t, test_masks);
    tcase_add_test(t, test_interruptions_wait_for_their_mask);
    tcase_add_test(t, test_ipl);
}

Suite *suite_s370_channel(void)
{
    Suite *s = suite_create("s370/machine/channel");
    TCase *bench = tcase_create("one bench a test");
    TCase *own = tcase_create("own bench");

    tcase_add_checked_fixture(bench, set_up, tear_down);
    tcase_add_test(bench, test_read_lands_under_its_ccws);
    tcase_add_test(bench, test_read_backward_fills_downward);
    tcase_add_test(bench, test_write_is_gathered_up_to_the_limit);
    tcase_add_test(bench, test_write_that_cannot_be_fetched_is_not_done);
    tcase_add_test(bench, test_sense_gives_the_bytes_of_the_unit_check_once);
    tcase_add_test(bench, test_indirect_data_addresses);
    tcase_add_test(bench, test_keys);
    tcase_add_loop_test(bench, test_invalid_caw, 0, 5);
    tcase_add_test(bench, test_pci_interrupts_a_working_program);
    tcase_add_test(bench, test_pci_not_taken_joins_the_end);
    tcase_add_test(bench, test_nothing_is_prefetched);
    add_conditions(bench);
    suite_add_tcase(s, bench);
    tcase_add_loop_test(own, test_program, 0, ARRAY_LEN(programs));
    tcase_add_test(own, test_attach_and_free);
    tcase_add_test(own, test_trace_tells_each_ccw);
    tcase_add_loop_test(own, test_hostile_programs, 0, 8);
    tcase_set_timeout(own, 30);
    suite_add_tcase(s, own);
    return s;
}
