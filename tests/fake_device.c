#include "tests/fake_device.h"

#include "base/bytes.h"
#include "s370/machine/interruption.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

unsigned fake_destroyed;

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
    fake_destroyed++;
    free(d);
}

static const struct s370_device_ops fake_ops = {.type = "fake",
                                                .start = fake_start,
                                                .finish = fake_finish,
                                                .halt = fake_halt,
                                                .destroy = fake_destroy};

/* ---- The bench ---- */

static uint8_t around[FENCE + SIZE + FENCE];
uint8_t *const io_bytes = around + FENCE;
uint8_t io_keys[SIZE / S370_BLOCK];
struct s370_storage io_storage = {around + FENCE, io_keys, SIZE};
struct clock io_clock;
struct s370_channels *io_channels;

void fake_set_up(void)
{
    memset(around, 0xEE, sizeof(around));
    memset(io_bytes, 0, SIZE);
    memset(io_keys, 0, SIZE / S370_BLOCK);
    fake_destroyed = 0;
    clock_init(&io_clock);
    io_channels = s370_channels_new(&io_storage, &io_clock, NULL, 0);
    ck_assert_ptr_nonnull(io_channels);
}

void fake_tear_down(void)
{
    s370_channels_free(io_channels);
    for (unsigned i = 0; i < FENCE; i++) {
        ck_assert_uint_eq(around[i], 0xEE);
        ck_assert_uint_eq(around[FENCE + SIZE + i], 0xEE);
    }
}

struct fake *fake_attach(uint16_t address)
{
    struct fake *f = calloc(1, sizeof(*f));

    ck_assert_ptr_nonnull(f);
    f->base.ops = &fake_ops;
    f->base.address = address;
    f->base.sense_len = 2;
    f->length = 8;
    ck_assert_int_eq(s370_channels_attach(io_channels, &f->base, NULL),
                     STATUS_OK);
    return f;
}

void fake_ccw(uint32_t at, uint8_t command, uint32_t address, uint8_t flags,
              uint16_t count)
{
    io_bytes[at] = command;
    store_be24(io_bytes + at + 1, address);
    io_bytes[at + 4] = flags;
    io_bytes[at + 5] = 0;
    store_be16(io_bytes + at + 6, count);
}

void fake_caw(uint8_t key, uint32_t at)
{
    store_be32(io_bytes + S370_PSA_CAW, (uint32_t)key << 28 | at);
}

struct fake_csw fake_csw(void)
{
    const uint8_t *p = io_bytes + S370_PSA_CSW;

    return (struct fake_csw){p[0], p[4], p[5], load_be24(p + 1),
                             load_be16(p + 6)};
}

struct fake_csw fake_end(uint16_t from)
{
    uint16_t address = 0;

    clock_advance(&io_clock, 1000);
    ck_assert(s370_io_pending(io_channels, 0xFFFF));
    ck_assert(s370_io_take(io_channels, 0xFFFF, &address));
    ck_assert_uint_eq(address, from);
    return fake_csw();
}
