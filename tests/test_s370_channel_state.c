/* s370/machine/channel.c, subchannel.c, channel_ipl.c: conditions, halting,
 * interruptions, IPL, and programs that mean harm. */
#include "tests/fake_device.h"

#include "base/bytes.h"
#include "s370/machine/interruption.h"
#include "s370/machine/psw.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* ---- Conditions ---- */

START_TEST(test_not_operational)
{
    fake_attach(0x00C);
    for (unsigned i = 0; i < 3; i++) {
        uint32_t address = (const uint32_t[]){0x00D, 0x20C, 0x100C}[i];

        ck_assert_uint_eq(s370_sio(io_channels, address), 3);
        ck_assert_uint_eq(s370_siof(io_channels, address), 3);
        ck_assert_uint_eq(s370_tio(io_channels, address), 3);
        ck_assert_uint_eq(s370_clrio(io_channels, address), 3);
        ck_assert_uint_eq(s370_hio(io_channels, address), 3);
        ck_assert_uint_eq(s370_hdv(io_channels, address), 3);
    }
    ck_assert_uint_eq(s370_tch(io_channels, 0x0FF),
                      0); /* only the channel counts */
    ck_assert_uint_eq(s370_tch(io_channels, 0x200), 3);
    ck_assert_uint_eq(s370_stidc(io_channels, 0x200), 3);
}
END_TEST

START_TEST(test_byte_multiplexor_runs_devices_side_by_side)
{
    fake_attach(0x00C);
    fake_attach(0x00D);
    fake_ccw(PROGRAM, READ, DATA, 0, 8);
    fake_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00D), 0);
    clock_advance(&io_clock, 1);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 0);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 2);
    ck_assert_uint_eq(s370_tio(io_channels, 0x00C), 2);
    ck_assert_uint_eq(s370_tch(io_channels, 0x00C), 0);
    clock_advance(&io_clock, LATENCY);
    ck_assert_uint_eq(s370_tch(io_channels, 0x00C), 1);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C),
                      2); /* interruption pending */
    ck_assert_uint_eq(fake_end(0x00D).unit,
                      ENDED); /* first come, first served */
    ck_assert_uint_eq(fake_end(0x00C).unit, ENDED);
}
END_TEST

/* 2: selector, or block multiplexor with CR0 bit 0 off. */
START_TEST(test_selector_is_busy_as_a_whole)
{
    if (_i)
        s370_channels_type(io_channels, 1, S370_CHANNEL_SELECTOR);
    fake_attach(0x180);
    struct fake *f = fake_attach(0x181);
    fake_ccw(PROGRAM, READ, DATA, 0, 8);
    fake_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(io_channels, 0x180), 0);
    ck_assert_uint_eq(s370_sio(io_channels, 0x181), 2);
    ck_assert_uint_eq(s370_tio(io_channels, 0x181), 2);
    ck_assert_uint_eq(s370_clrio(io_channels, 0x181), 2);
    ck_assert_uint_eq(s370_hdv(io_channels, 0x181), 2);
    ck_assert_uint_eq(s370_tch(io_channels, 0x181), 2);
    ck_assert_uint_eq(s370_stidc(io_channels, 0x181), 2);
    s370_device_attention(&f->base, S370_UNIT_ATTENTION);
    ck_assert(
        !s370_io_pending(io_channels, 0xFFFF)); /* waits for the channel */
    clock_advance(&io_clock, LATENCY);
    ck_assert_uint_eq(s370_sio(io_channels, 0x181),
                      2); /* its subchannel has status */
    ck_assert_uint_eq(s370_tio(io_channels, 0x181), 2);
    ck_assert_uint_eq(fake_end(0x180).unit, ENDED);
    ck_assert_uint_eq(fake_end(0x181).unit, S370_UNIT_ATTENTION);
    ck_assert_uint_eq(s370_sio(io_channels, 0x181), 0);
}
END_TEST

START_TEST(test_block_multiplexor_in_its_own_mode)
{
    s370_channels_multiplex(io_channels, true);
    fake_attach(0x180);
    fake_attach(0x181);
    fake_ccw(PROGRAM, READ, DATA, 0, 8);
    fake_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(io_channels, 0x180), 0);
    ck_assert_uint_eq(s370_sio(io_channels, 0x181), 0);
    ck_assert_uint_eq(s370_tch(io_channels, 0x180), 0);
    ck_assert_uint_eq(fake_end(0x180).unit, ENDED);
    ck_assert_uint_eq(fake_end(0x181).unit, ENDED);
}
END_TEST

START_TEST(test_channel_end_first_device_end_later)
{
    fake_attach(0x00C);
    fake_ccw(PROGRAM, SLOW, 0, 0, 1);
    fake_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 1);
    ck_assert_uint_eq(fake_csw().unit, S370_UNIT_CHANNEL_END);
    ck_assert_uint_eq(s370_tio(io_channels, 0x00C), 1);
    ck_assert_uint_eq(fake_csw().unit, S370_UNIT_BUSY);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 1);
    ck_assert_uint_eq(fake_csw().unit, S370_UNIT_BUSY);
    clock_advance(&io_clock, LATENCY);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 1); /* fetches device end */
    ck_assert_uint_eq(fake_csw().unit, S370_UNIT_DEVICE_END | S370_UNIT_BUSY);
    ck_assert(!s370_io_pending(io_channels, 0xFFFF));
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 1);
    ck_assert_uint_eq(fake_csw().unit, S370_UNIT_CHANNEL_END);
    struct fake_csw c = fake_end(0x00C);
    ck_assert_uint_eq(c.unit, S370_UNIT_DEVICE_END);
    ck_assert_uint_eq(c.next, 0); /* belongs to no program */
}
END_TEST

START_TEST(test_late_device_end_of_a_chain)
{
    fake_attach(0x00C);
    fake_ccw(PROGRAM, NOP, 0, CC, 1);
    fake_ccw(PROGRAM + 8, SLOW, 0, 0, 1);
    fake_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 0);
    clock_advance(&io_clock, 1000); /* device end comes while CE is pending */
    ck_assert_uint_eq(fake_end(0x00C).unit, S370_UNIT_CHANNEL_END);
    ck_assert_uint_eq(fake_end(0x00C).unit, S370_UNIT_DEVICE_END);
    ck_assert(!s370_io_pending(io_channels, 0xFFFF));
}
END_TEST

START_TEST(test_tio_clears_status)
{
    fake_attach(0x00C);
    fake_ccw(PROGRAM, READ, DATA, 0, 8);
    fake_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_tio(io_channels, 0x00C), 0);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 0);
    clock_advance(&io_clock, LATENCY);
    ck_assert_uint_eq(s370_tio(io_channels, 0x00C), 1);
    ck_assert_uint_eq(fake_csw().unit, ENDED);
    ck_assert_uint_eq(fake_csw().next, PROGRAM + 8);
    ck_assert(!s370_io_pending(io_channels, 0xFFFF));
    ck_assert_uint_eq(s370_tio(io_channels, 0x00C), 0);
}
END_TEST

START_TEST(test_attention)
{
    struct fake *f = fake_attach(0x00C);

    fake_ccw(PROGRAM, NOP, 0, 0, 1);
    fake_caw(0, PROGRAM);
    s370_device_attention(&f->base, S370_UNIT_ATTENTION);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 1);
    ck_assert_uint_eq(fake_csw().unit, S370_UNIT_ATTENTION | S370_UNIT_BUSY);
    ck_assert_uint_eq(f->starts, 0);
    s370_device_attention(&f->base, S370_UNIT_ATTENTION);
    ck_assert_uint_eq(s370_tio(io_channels, 0x00C), 1);
    ck_assert_uint_eq(fake_csw().unit, S370_UNIT_ATTENTION);
    s370_device_attention(&f->base, S370_UNIT_ATTENTION);
    ck_assert_uint_eq(fake_end(0x00C).unit, S370_UNIT_ATTENTION);
    ck_assert_uint_eq(s370_tio(io_channels, 0x00C), 0);
}
END_TEST

/* ---- Halting ---- */

START_TEST(test_halt_on_a_byte_multiplexor)
{
    struct fake *f = fake_attach(0x00C);
    uint8_t (*halt)(struct s370_channels *, uint32_t) =
        _i ? s370_hdv : s370_hio;

    fake_ccw(PROGRAM, WAIT, DATA, CC, 8);
    fake_ccw(PROGRAM + 8, NOP, 0, 0, 1);
    fake_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 0);
    clock_advance(&io_clock, 1000);
    ck_assert_uint_eq(s370_tio(io_channels, 0x00C), 2); /* nobody answers it */
    memset(io_bytes + S370_PSA_CSW, 0xAA, 8);
    ck_assert_uint_eq(halt(io_channels, 0x00C), 1);
    ck_assert_mem_eq(io_bytes + S370_PSA_CSW, "\xAA\xAA\xAA\xAA\0\0\xAA\xAA",
                     8);
    ck_assert_uint_eq(f->halts, 1);
    struct fake_csw c = fake_end(0x00C);
    ck_assert_uint_eq(c.unit, ENDED);
    ck_assert_uint_eq(c.next, PROGRAM + 8); /* not chained */
    ck_assert_uint_eq(c.count, 8);
    s370_device_ready(&f->base); /* too late: nothing happens */
    ck_assert(io_clock.next == CLOCK_NEVER);
}
END_TEST

/* Nothing to end: the device is signaled all the same. */
START_TEST(test_halt_at_rest)
{
    struct fake *f = fake_attach(0x00C);
    uint8_t (*halt)(struct s370_channels *, uint32_t) =
        _i ? s370_hdv : s370_hio;

    memset(io_bytes + S370_PSA_CSW, 0xAA, 8);
    ck_assert_uint_eq(halt(io_channels, 0x00C), 1);
    ck_assert_mem_eq(io_bytes + S370_PSA_CSW, "\xAA\xAA\xAA\xAA\0\0\xAA\xAA",
                     8);
    s370_device_attention(&f->base, S370_UNIT_ATTENTION);
    ck_assert_uint_eq(halt(io_channels, 0x00C), 1); /* and leaves it there */
    ck_assert_uint_eq(s370_tio(io_channels, 0x00C), 1);
    fake_ccw(PROGRAM, WRITE, DATA, 0, 8);
    fake_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 0);
    clock_advance(&io_clock, 1000); /* then an interruption is pending */
    ck_assert_uint_eq(halt(io_channels, 0x00C), 0);
    ck_assert_uint_eq(f->halts, 0);
}
END_TEST

START_TEST(test_halt_ends_an_endless_chain)
{
    fake_attach(0x00C);
    fake_ccw(PROGRAM, NOP, 0, CC, 1);
    fake_ccw(PROGRAM + 8, TIC, PROGRAM, 0, 0);
    fake_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 0);
    clock_advance(&io_clock, 100000);
    ck_assert_uint_eq(s370_hio(io_channels, 0x00C), 1);
    ck_assert_uint_eq(fake_end(0x00C).unit, ENDED);
    ck_assert(io_clock.next == CLOCK_NEVER);
}
END_TEST

START_TEST(test_hio_ends_a_burst_of_any_device)
{
    struct fake *f = fake_attach(0x180);

    fake_attach(0x181);
    fake_ccw(PROGRAM, WAIT, DATA, 0, 8);
    fake_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(io_channels, 0x180), 0);
    ck_assert_uint_eq(s370_hio(io_channels, 0x181), 2);
    ck_assert_uint_eq(f->halts, 1);
    ck_assert_uint_eq(fake_end(0x180).unit, ENDED);
    ck_assert_uint_eq(s370_sio(io_channels, 0x180), 0);
    ck_assert_uint_eq(s370_hdv(io_channels, 0x180), 1);
    ck_assert_uint_eq(fake_end(0x180).unit, ENDED);
}
END_TEST

START_TEST(test_clear_io)
{
    struct fake *f = fake_attach(0x180);

    fake_ccw(PROGRAM, WAIT, DATA, CC, 8);
    fake_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_clrio(io_channels, 0x180), 0);
    ck_assert_uint_eq(s370_sio(io_channels, 0x180), 0);
    ck_assert_uint_eq(s370_clrio(io_channels, 0x180), 1);
    ck_assert_uint_eq(fake_csw().unit, 0);
    ck_assert_uint_eq(fake_csw().next, PROGRAM + 8);
    ck_assert_uint_eq(f->halts, 1);
    clock_advance(&io_clock, 1000);
    ck_assert(!s370_io_pending(io_channels, 0xFFFF));
    fake_ccw(PROGRAM, READ, DATA, 0, 8);
    ck_assert_uint_eq(s370_sio(io_channels, 0x180), 0);
    clock_advance(&io_clock, LATENCY);
    ck_assert_uint_eq(s370_clrio(io_channels, 0x180), 1);
    ck_assert_uint_eq(fake_csw().unit, ENDED);
}
END_TEST

START_TEST(test_reset)
{
    struct fake *f = fake_attach(0x00C);

    fake_ccw(PROGRAM, WAIT, DATA, CC, 8);
    fake_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 0);
    s370_device_attention(&f->base, S370_UNIT_ATTENTION);
    s370_channels_reset(io_channels);
    ck_assert_uint_eq(f->halts, 1);
    clock_advance(&io_clock, 1000);
    ck_assert(!s370_io_pending(io_channels, 0xFFFF));
    ck_assert_uint_eq(s370_tio(io_channels, 0x00C), 0);
}
END_TEST

/* ---- SIOF, STIDC, masks ---- */

START_TEST(test_siof_defers_on_a_block_multiplexor)
{
    struct fake *f = fake_attach(0x180);

    fake_ccw(PROGRAM, REFUSE, 0, 0, 1);
    fake_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_siof(io_channels, 0x180), 0);
    ck_assert_uint_eq(f->starts, 0);
    struct fake_csw c = fake_end(0x180);
    ck_assert_uint_eq(c.unit, S370_UNIT_CHECK);
    ck_assert_uint_eq(c.key, 1); /* deferred condition code 1 */

    fake_ccw(PROGRAM, READ, DATA, 0, 8);
    s370_device_attention(&f->base, S370_UNIT_ATTENTION);
    ck_assert_uint_eq(s370_siof(io_channels, 0x180), 1);
    ck_assert_uint_eq(fake_csw().unit, S370_UNIT_ATTENTION | S370_UNIT_BUSY);
    ck_assert_uint_eq(s370_siof(io_channels, 0x180), 0);
    c = fake_end(0x180);
    ck_assert_uint_eq(c.unit, ENDED);
    ck_assert_uint_eq(c.key, 0);

    fake_attach(0x00C); /* elsewhere it is SIO */
    fake_ccw(PROGRAM, REFUSE, 0, 0, 1);
    ck_assert_uint_eq(s370_siof(io_channels, 0x00C), 1);
}
END_TEST

START_TEST(test_channel_id)
{
    fake_attach(0x00C);
    fake_attach(0x10C);
    fake_attach(0x20C);
    s370_channels_type(io_channels, 2, S370_CHANNEL_SELECTOR);
    ck_assert_uint_eq(s370_stidc(io_channels, 0x000), 0);
    ck_assert_uint_eq(load_be32(io_bytes + S370_PSA_CHANNEL_ID), 0x10000000);
    ck_assert_uint_eq(s370_stidc(io_channels, 0x100), 0);
    ck_assert_uint_eq(load_be32(io_bytes + S370_PSA_CHANNEL_ID), 0x20000000);
    s370_channels_prefix(io_channels, 0x4000);
    ck_assert_uint_eq(s370_stidc(io_channels, 0x200), 0);
    ck_assert_uint_eq(load_be32(io_bytes + 0x4000 + S370_PSA_CHANNEL_ID), 0);
    ck_assert_uint_eq(load_be32(io_bytes + S370_PSA_CHANNEL_ID), 0x20000000);
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
    struct fake *f = fake_attach(0x20C), *g = fake_attach(0x50C);
    uint16_t from = 0;

    s370_device_attention(&g->base, S370_UNIT_ATTENTION);
    s370_device_attention(&f->base, S370_UNIT_ATTENTION);
    ck_assert(!s370_io_pending(io_channels, 0xDBFF));
    ck_assert(!s370_io_take(io_channels, 0xDBFF, &from));
    ck_assert(
        s370_io_take(io_channels, 0xFFFF, &from)); /* lower channel first */
    ck_assert_uint_eq(from, 0x20C);
    ck_assert(s370_io_take(io_channels, 0x0400, &from));
    ck_assert_uint_eq(from, 0x50C);
}
END_TEST

/* ---- IPL ---- */

START_TEST(test_ipl)
{
    struct fake *f = fake_attach(0x00C);
    struct diag diag = {{0}};

    /* the record is 01 02 03 ...: its second CCW, at 8, is a program check */
    f->length = 24;
    ck_assert_int_eq(s370_channels_ipl(io_channels, 0x00C, &diag),
                     STATUS_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(diag.text, "00C"));
    ck_assert_ptr_nonnull(strstr(diag.text, "PGC"));

    f->length = 8; /* only a PSW; the CCW at 8 is ours */
    fake_ccw(8, NOP, 0, 0, 1);
    ck_assert_int_eq(s370_channels_ipl(io_channels, 0x00C, &diag), STATUS_OK);
    ck_assert_mem_eq(io_bytes, "\1\2\0\x0C\5\6\7\10", 8); /* BC: address at 2 */
    ck_assert(!s370_io_pending(io_channels, 0xFFFF));

    fake_ccw(8, NOP, 0, CC, 1);
    fake_ccw(16, TIC, 8, 0, 0);
    ck_assert_int_eq(s370_channels_ipl(io_channels, 0x00C, &diag),
                     STATUS_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(diag.text, "does not end"));
    fake_ccw(8, WAIT, DATA, 0, 1);
    ck_assert_int_eq(s370_channels_ipl(io_channels, 0x00C, &diag),
                     STATUS_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(diag.text, "operator"));
    ck_assert_int_eq(s370_channels_ipl(io_channels, 0x00D, &diag),
                     STATUS_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(diag.text, "no such device"));
    fake_ccw(8, REFUSE, 0, 0, 1);
    ck_assert_int_eq(s370_channels_ipl(io_channels, 0x00C, &diag),
                     STATUS_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(diag.text, "sense 80"));
}
END_TEST

/* ---- Attaching ---- */

START_TEST(test_attach_and_free)
{
    struct diag diag;
    struct fake again = {.base = {.address = 0x00C}};

    fake_set_up();
    fake_attach(0x00C);
    fake_attach(0x00A);
    ck_assert_int_eq(s370_channels_attach(io_channels, &again.base, &diag),
                     STATUS_BAD_INPUT);
    ck_assert_str_eq(diag.text, "device address 00C is used twice");
    again.base.address = 0x100C;
    ck_assert_int_eq(s370_channels_attach(io_channels, &again.base, &diag),
                     STATUS_BAD_INPUT);
    ck_assert_uint_eq(s370_channels_find(io_channels, 0x00A)->address, 0x00A);
    ck_assert_ptr_null(s370_channels_find(io_channels, 0x00B));
    fake_ccw(PROGRAM, READ, DATA, 0, 8);
    fake_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 0);
    fake_tear_down(); /* while it works */
    ck_assert_uint_eq(fake_destroyed, 2);
    ck_assert(io_clock.next == CLOCK_NEVER);
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
    fake_set_up();
    s370_channels_free(io_channels);
    io_channels = s370_channels_new(&io_storage, &io_clock, &t, 3);
    static const uint64_t seventy_seven = 77;
    s370_channels_counter(io_channels, insns, &seventy_seven);
    fake_attach(0x00E);
    fake_ccw(PROGRAM, NOP, 0, CC, 1);
    fake_ccw(PROGRAM + 8, TIC, PROGRAM + 24, 0, 0);
    fake_ccw(PROGRAM + 24, WRITE, DATA, CC, 132);
    fake_ccw(PROGRAM + 32, SLOW, 0, 0, 1);
    fake_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00E), 0);
    clock_advance(&io_clock, 1000);
    ck_assert_uint_eq(l.count, 5);
    ck_assert_str_eq(l.lines[3], "00E CCW 07 control 000000 1 CE");
    ck_assert_str_eq(l.lines[4], "00E DE");
    ck_assert_str_eq(l.lines[0], "00E CCW 03 no-op 000000 1 CE DE");
    ck_assert_str_eq(l.lines[1], "00E CCW 08 tic 001018 0");
    ck_assert_str_eq(l.lines[2], "00E CCW 01 write 002000 132 CE DE");
    fake_tear_down();
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
    fake_ccw(at, command, a & (r & 0x200 ? 0xFFFFFF : 0x1FFFF),
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
    store_be32(io_bytes + S370_PSA_CAW,
               r & 0x80 ? random_word(rng)
                        : (r & 0xF0000000) | (random_word(rng) & 0x1F8));
    uint8_t cc = instructions[(r >> 8) % ARRAY_LEN(instructions)](
        io_channels, f[i]->base.address);
    ck_assert_uint_le(cc, 3);
    if (r & 0x10000)
        s370_device_ready(&f[(r >> 17) % 3]->base);
    if ((r & 0x700000) == 0)
        s370_device_attention(&f[(r >> 17) % 3]->base, S370_UNIT_ATTENTION);
    if (r & 0x800000)
        while (s370_io_take(io_channels, 0xFFFF, &from))
            ;
    if ((r & 0x7000000) == 0)
        s370_channels_multiplex(io_channels, r & 0x8000000);
    clock_advance(&io_clock, random_word(rng) % 64);
}

START_TEST(test_hostile_programs)
{
    uint64_t rng = 1000 + (uint64_t)_i;
    struct fake *f[3];

    fake_set_up();
    f[0] = fake_attach(0x00C);
    f[1] = fake_attach(0x180);
    f[2] = fake_attach(0x181);
    for (unsigned round = 0; round < 60; round++) {
        for (uint32_t at = 0; at < 0x200; at += 8)
            if (at != S370_PSA_CSW)
                random_ccw(&rng, at);
        for (unsigned k = 0; k < SIZE / S370_BLOCK; k++)
            io_keys[k] = (uint8_t)(random_word(&rng) & 0x18);
        for (unsigned n = 0; n < 20; n++)
            hostile_instruction(&rng, f);
    }
    s370_channels_reset(io_channels);
    ck_assert(!s370_io_pending(io_channels, 0xFFFF));
    fake_tear_down();
}
END_TEST

Suite *suite_s370_channel_state(void)
{
    Suite *s = suite_create("s370/machine/channel");
    TCase *t = tcase_create("one bench a test");
    TCase *own = tcase_create("own bench");

    tcase_add_checked_fixture(t, fake_set_up, fake_tear_down);
    tcase_add_test(t, test_not_operational);
    tcase_add_test(t, test_byte_multiplexor_runs_devices_side_by_side);
    tcase_add_loop_test(t, test_selector_is_busy_as_a_whole, 0, 2);
    tcase_add_test(t, test_block_multiplexor_in_its_own_mode);
    tcase_add_test(t, test_channel_end_first_device_end_later);
    tcase_add_test(t, test_late_device_end_of_a_chain);
    tcase_add_test(t, test_tio_clears_status);
    tcase_add_test(t, test_attention);
    tcase_add_loop_test(t, test_halt_on_a_byte_multiplexor, 0, 2);
    tcase_add_loop_test(t, test_halt_at_rest, 0, 2);
    tcase_add_test(t, test_halt_ends_an_endless_chain);
    tcase_add_test(t, test_hio_ends_a_burst_of_any_device);
    tcase_add_test(t, test_clear_io);
    tcase_add_test(t, test_reset);
    tcase_add_test(t, test_siof_defers_on_a_block_multiplexor);
    tcase_add_test(t, test_channel_id);
    tcase_add_test(t, test_masks);
    tcase_add_test(t, test_interruptions_wait_for_their_mask);
    tcase_add_test(t, test_ipl);
    suite_add_tcase(s, t);
    tcase_add_test(own, test_attach_and_free);
    tcase_add_test(own, test_trace_tells_each_ccw);
    tcase_add_loop_test(own, test_hostile_programs, 0, 8);
    tcase_set_timeout(own, 30);
    suite_add_tcase(s, own);
    return s;
}
