/* s370/machine/ccw.c, ccw_data.c: channel programs, and what they move. */
#include "tests/fake_device.h"

#include "base/bytes.h"
#include "s370/machine/interruption.h"

#include <check.h>
#include <string.h>

/* ---- Programs of a few CCWs, and how they end ---- */

struct ccw_row {
    uint8_t command;
    uint32_t address;
    uint8_t flags;
    uint16_t count;
};

static const struct program {
    const char *name;
    struct ccw_row ccws[5];
    uint8_t cc, unit, channel;
    uint8_t ccws_used; /* CSW: address is PROGRAM_AT + 8 * this */
    uint16_t residual;
} programs[] = {
#define CCW(command, address, flags, count) {command, address, flags, count},
#define PROGRAM(name, ccws, cc, unit, channel, used, residual) \
    {name, {ccws}, cc, unit, channel, used, residual},
#include "tests/channel_program.def"
#undef PROGRAM
#undef CCW
};

START_TEST(test_program)
{
    const struct program *p = &programs[_i];

    fake_attach(0x00C);
    for (unsigned i = 0; i < ARRAY_LEN(p->ccws); i++)
        fake_ccw(PROGRAM + 8 * i, p->ccws[i].command, p->ccws[i].address,
                 p->ccws[i].flags, p->ccws[i].count);
    fake_caw(0, PROGRAM);
    memset(io_bytes + S370_PSA_CSW, 0xAA, 8);
    ck_assert_msg(s370_sio(io_channels, 0x00C) == p->cc, "%s: condition code",
                  p->name);
    struct fake_csw c = p->cc ? fake_csw() : fake_end(0x00C);
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
    ck_assert(!s370_io_pending(io_channels, 0xFFFF));
    ck_assert_uint_eq(s370_tio(io_channels, 0x00C), 0);
    ck_assert(io_clock.next == CLOCK_NEVER);
}
END_TEST

/* ---- Data ---- */

START_TEST(test_read_lands_under_its_ccws)
{
    fake_attach(0x00C);
    fake_ccw(PROGRAM, READ, DATA, CD, 3);
    fake_ccw(PROGRAM + 8, 0, 0, CD | SKIP, 2);
    fake_ccw(PROGRAM + 16, 0, DATA + 16, 0, 3);
    fake_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 0);
    clock_advance(&io_clock, 1000);
    ck_assert_mem_eq(io_bytes + DATA, "\1\2\3\0", 4);
    ck_assert_mem_eq(io_bytes + DATA + 16, "\6\7\10\0", 4);
    ck_assert_uint_eq(io_keys[DATA / S370_BLOCK],
                      S370_KEY_REFERENCE | S370_KEY_CHANGE);
    ck_assert_uint_eq(io_keys[PROGRAM / S370_BLOCK], S370_KEY_REFERENCE);
}
END_TEST

START_TEST(test_read_backward_fills_downward)
{
    fake_attach(0x00C);
    fake_ccw(PROGRAM, BACKWARD, DATA + 2, CD, 4); /* across a 2K boundary */
    fake_ccw(PROGRAM + 8, 0, DATA + 0x103, 0, 4);
    fake_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 0);
    ck_assert_uint_eq(fake_end(0x00C).unit, ENDED);
    ck_assert_mem_eq(io_bytes + DATA - 1, "\5\6\7\10\0", 5);
    ck_assert_mem_eq(io_bytes + DATA + 0x100, "\1\2\3\4\0", 5);
}
END_TEST

START_TEST(test_write_is_gathered_up_to_the_limit)
{
    struct fake *f = fake_attach(0x00C);

    for (unsigned i = 0; i < 32; i++)
        io_bytes[DATA + i] = (uint8_t)(0xC0 + i);
    f->limit = 6;
    fake_ccw(PROGRAM, WRITE, DATA, CD, 4);
    fake_ccw(PROGRAM + 8, 0, DATA + 16, 0, 4);
    fake_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 0);
    struct fake_csw c = fake_end(0x00C);
    ck_assert_uint_eq(c.channel, IL);
    ck_assert_uint_eq(c.count, 2);
    ck_assert_uint_eq(f->got_len, 6);
    ck_assert_mem_eq(f->got, "\xC0\xC1\xC2\xC3\xD0\xD1", 6);
}
END_TEST

START_TEST(test_write_that_cannot_be_fetched_is_not_done)
{
    struct fake *f = fake_attach(0x00C);

    fake_ccw(PROGRAM, WRITE, SIZE - 4, 0, 8);
    fake_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 0);
    struct fake_csw c = fake_end(0x00C);
    ck_assert_uint_eq(c.channel, PGC);
    ck_assert_uint_eq(f->writes, 0);
    ck_assert_uint_eq(f->halts, 1);
}
END_TEST

START_TEST(test_sense_gives_the_bytes_of_the_unit_check_once)
{
    fake_attach(0x00C);
    fake_ccw(PROGRAM, REFUSE, 0, SLI, 1);
    fake_ccw(PROGRAM + 8, SENSE, DATA, 0, 2);
    fake_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 1);
    fake_caw(0, PROGRAM + 8);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 0);
    fake_end(0x00C);
    ck_assert_uint_eq(io_bytes[DATA], S370_SENSE_COMMAND_REJECT);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 0);
    fake_end(0x00C);
    ck_assert_uint_eq(io_bytes[DATA], 0);
}
END_TEST

START_TEST(test_indirect_data_addresses)
{
    struct fake *f = fake_attach(0x00C);

    f->length = 3000;
    store_be32(io_bytes + 0x800, DATA + 2000); /* 48 bytes, then whole blocks */
    store_be32(io_bytes + 0x804, 0x6000);
    store_be32(io_bytes + 0x808, 0x8000);
    fake_ccw(PROGRAM, READ, 0x800, IDA, 3000);
    fake_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 0);
    struct fake_csw c = fake_end(0x00C);
    ck_assert_uint_eq(c.channel, 0);
    ck_assert_uint_eq(c.count, 0);
    ck_assert_uint_eq(io_bytes[DATA + 2047], 48);
    ck_assert_uint_eq(io_bytes[0x6000], 49);
    ck_assert_uint_eq(io_bytes[0x8000], (uint8_t)(48 + 2048 + 1));
    ck_assert_uint_eq(io_bytes[0x8000 + 3000 - 48 - 2048], 0);

    store_be32(io_bytes + 0x804, 0x6004); /* not on a block boundary */
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 0);
    c = fake_end(0x00C);
    ck_assert_uint_eq(c.channel, PGC);
    ck_assert_uint_eq(c.count, 3000 - 48);

    fake_ccw(PROGRAM, READ, 0x802, IDA, 8); /* list off a word */
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 1);
    ck_assert_uint_eq(fake_csw().channel, PGC);
}
END_TEST

/* ---- Protection ---- */

START_TEST(test_keys)
{
    fake_attach(0x00C);
    fake_ccw(PROGRAM, READ, DATA + S370_BLOCK - 4, 0, 8);
    io_keys[DATA / S370_BLOCK] = 0x30;
    io_keys[DATA / S370_BLOCK + 1] = 0x40;
    fake_caw(3, PROGRAM);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 0);
    struct fake_csw c = fake_end(0x00C);
    ck_assert_uint_eq(c.channel, PRC);
    ck_assert_uint_eq(c.key, 0x30);
    ck_assert_uint_eq(c.count, 4);
    ck_assert_mem_eq(io_bytes + DATA + S370_BLOCK - 4, "\1\2\3\4\0", 5);

    fake_ccw(PROGRAM, WRITE, DATA + S370_BLOCK, 0, 8); /* fetch is free */
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 0);
    ck_assert_uint_eq(fake_end(0x00C).channel, 0);
    io_keys[DATA / S370_BLOCK + 1] |= S370_KEY_FETCH;
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 0);
    ck_assert_uint_eq(fake_end(0x00C).channel, PRC);

    fake_caw(0, PROGRAM); /* key 0 fits every lock */
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 0);
    ck_assert_uint_eq(fake_end(0x00C).channel, 0);

    io_keys[PROGRAM / S370_BLOCK] = 0x58; /* the CCW itself */
    fake_caw(3, PROGRAM);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 1);
    ck_assert_uint_eq(fake_csw().channel, PRC);
}
END_TEST

START_TEST(test_invalid_caw)
{
    static const uint32_t caws[] = {PROGRAM + 4, PROGRAM | 0x01000000,
                                    PROGRAM | 0x08000000, SIZE, 0x00FFFFF8};

    fake_attach(0x00C);
    fake_ccw(PROGRAM, NOP, 0, 0, 1);
    store_be32(io_bytes + S370_PSA_CAW, caws[_i]);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 1);
    ck_assert_uint_eq(fake_csw().unit, 0);
    ck_assert_uint_eq(fake_csw().channel, PGC);
    ck_assert_uint_eq(s370_tio(io_channels, 0x00C), 0);
}
END_TEST

/* ---- PCI ---- */

START_TEST(test_pci_interrupts_a_working_program)
{
    uint16_t from;

    fake_attach(0x00C);
    fake_ccw(PROGRAM, READ, DATA, CC, 8);
    fake_ccw(PROGRAM + 8, READ, DATA, PCI, 8);
    fake_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 0);
    clock_advance(&io_clock, LATENCY);
    ck_assert(!s370_io_pending(io_channels, 0xFFFF));
    clock_advance(&io_clock, 1);
    ck_assert(s370_io_take(io_channels, 0xFFFF, &from));
    ck_assert_uint_eq(fake_csw().unit, 0);
    ck_assert_uint_eq(fake_csw().channel, PCI << 4);
    ck_assert_uint_eq(fake_csw().next, PROGRAM + 16);
    ck_assert_uint_eq(s370_tio(io_channels, 0x00C), 2);
    ck_assert_uint_eq(fake_end(0x00C).channel, 0);
}
END_TEST

START_TEST(test_pci_not_taken_joins_the_end)
{
    fake_attach(0x00C);
    fake_ccw(PROGRAM, READ, DATA, PCI, 8);
    fake_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 0);
    struct fake_csw c = fake_end(0x00C);
    ck_assert_uint_eq(c.unit, ENDED);
    ck_assert_uint_eq(c.channel, 0x80);
    ck_assert(!s370_io_pending(io_channels, 0xFFFF));
}
END_TEST

/* A program may be changed while it runs: each CCW is fetched when the one
 * before it is done. */
START_TEST(test_nothing_is_prefetched)
{
    struct fake *f = fake_attach(0x00C);

    fake_ccw(PROGRAM, READ, PROGRAM + 8, CC, 8); /* reads its own next CCW */
    fake_ccw(PROGRAM + 8, READ, DATA, 0, 8);
    fake_caw(0, PROGRAM);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 0);
    struct fake_csw c =
        fake_end(0x00C); /* 01020304 05060708: a write, bad flags */
    ck_assert_uint_eq(c.channel, PGC);
    ck_assert_uint_eq(f->starts, 1);

    fake_ccw(PROGRAM, READ, DATA, CC, 8);
    fake_ccw(PROGRAM + 8, READ, DATA, CC, 8);
    fake_ccw(PROGRAM + 16, TIC, PROGRAM, 0, 0);
    ck_assert_uint_eq(s370_sio(io_channels, 0x00C), 0);
    clock_advance(&io_clock, 1000);
    ck_assert_uint_eq(s370_tio(io_channels, 0x00C),
                      2);          /* goes round for ever ... */
    io_bytes[PROGRAM + 8 + 4] = 0; /* ... until its flag is off */
    ck_assert_uint_eq(fake_end(0x00C).next, PROGRAM + 16);
}
END_TEST

Suite *suite_s370_channel(void)
{
    Suite *s = suite_create("s370/machine/ccw");
    TCase *t = tcase_create("channel programs");

    tcase_add_checked_fixture(t, fake_set_up, fake_tear_down);
    tcase_add_loop_test(t, test_program, 0, ARRAY_LEN(programs));
    tcase_add_test(t, test_read_lands_under_its_ccws);
    tcase_add_test(t, test_read_backward_fills_downward);
    tcase_add_test(t, test_write_is_gathered_up_to_the_limit);
    tcase_add_test(t, test_write_that_cannot_be_fetched_is_not_done);
    tcase_add_test(t, test_sense_gives_the_bytes_of_the_unit_check_once);
    tcase_add_test(t, test_indirect_data_addresses);
    tcase_add_test(t, test_keys);
    tcase_add_loop_test(t, test_invalid_caw, 0, 5);
    tcase_add_test(t, test_pci_interrupts_a_working_program);
    tcase_add_test(t, test_pci_not_taken_joins_the_end);
    tcase_add_test(t, test_nothing_is_prefetched);
    suite_add_tcase(s, t);
    return s;
}
