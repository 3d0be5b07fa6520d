/* A PC's devices, register by register, as their data sheets have them. */
#include "tests/port_io.h"
#include "x86vmm/dev/dev_ide.h"
#include "x86vmm/dev/dev_kbc.h"
#include "x86vmm/dev/dev_pic.h"
#include "x86vmm/dev/dev_pit.h"
#include "x86vmm/dev/dev_port.h"
#include "x86vmm/dev/dev_rtc.h"
#include "x86vmm/dev/dev_test.h"

#include <check.h>
#include <string.h>

static struct rig {
    struct clock clock;
    struct x86_platform platform;
    struct pic pic;
    struct pit pit;
    struct rtc rtc;
    struct kbc kbc;
    struct ide ide;
} rig;

static void set_up(void)
{
    memset(&rig, 0, sizeof(rig));
    clock_init(&rig.clock);
    pic_init(&rig.pic);
    rig.platform.line_changed = pic_line;
    rig.platform.controller = &rig.pic;
}

/* ---- PIC ---- */

static void pic_put(unsigned chip, unsigned reg, uint8_t value)
{
    port_put(chip ? pic_second_io : pic_first_io, &rig.pic, reg, 1, value);
}

static uint8_t pic_get(unsigned chip, unsigned reg)
{
    return (uint8_t)port_get(chip ? pic_second_io : pic_first_io, &rig.pic, reg,
                             1);
}

/* As every PC's firmware: edges, vectors 08h and 70h, none masked. */
static void pic_program(uint8_t icw4)
{
    static const uint8_t vectors[2] = {0x08, 0x70};

    for (unsigned i = 0; i < 2; i++) {
        pic_put(i, 0, 0x11);
        pic_put(i, 1, vectors[i]);
        pic_put(i, 1, i ? 2 : 4);
        pic_put(i, 1, icw4);
        pic_put(i, 1, 0);
    }
}

START_TEST(pic_unprogrammed_is_level_from_20h)
{
    set_up();
    ck_assert(!pic_pending(&rig.pic));
    x86_line_set(&rig.platform, 4, true);
    ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x24);
    ck_assert(pic_pending(&rig.pic)); /* still raised */
    x86_line_set(&rig.platform, 4, false);
    ck_assert(!pic_pending(&rig.pic));
    x86_line_set(&rig.platform, 14, true);
    ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x2E);
}
END_TEST

START_TEST(pic_takes_an_edge_once)
{
    set_up();
    pic_program(1);
    pic_line(&rig.pic, 3, true);
    ck_assert_uint_eq(pic_get(0, 0), 8); /* IRR */
    ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x0B);
    ck_assert(!pic_pending(&rig.pic));
    pic_put(0, 0, 0x0B); /* read ISR */
    ck_assert_uint_eq(pic_get(0, 0), 8);
    pic_put(0, 0, 0x20);
    ck_assert_uint_eq(pic_get(0, 0), 0);
    ck_assert(!pic_pending(&rig.pic)); /* the line is up, but that is old */
    pic_line(&rig.pic, 3, false);
    pic_line(&rig.pic, 3, true);
    ck_assert(pic_pending(&rig.pic));
}
END_TEST

/* INT stands until INTA, which finds input 7. */
START_TEST(pic_tells_of_a_request_that_is_withdrawn)
{
    set_up();
    pic_program(1);
    pic_line(&rig.pic, 3, true);
    pic_line(&rig.pic, 3, false);
    ck_assert(pic_pending(&rig.pic));
    ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x0F); /* spurious */
    ck_assert(!pic_pending(&rig.pic));
    pic_put(0, 0, 0x0B);
    ck_assert_uint_eq(pic_get(0, 0), 0); /* not in service */
    pic_line(&rig.pic, 11, true);        /* of the second one */
    pic_line(&rig.pic, 11, false);
    ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x77);
    ck_assert(!pic_pending(&rig.pic));
    ck_assert_uint_eq(pic_get(0, 0), 4); /* the first one serves it */
    pic_put(0, 0, 0x20);
    pic_line(&rig.pic, 3, true);
    pic_line(&rig.pic, 3, false);
    pic_line(&rig.pic, 5, true); /* another one takes its place */
    ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x0D);
    pic_put(0, 0, 0x20);
    pic_line(&rig.pic, 3, true);
    pic_put(0, 1, 8); /* masked */
    ck_assert(!pic_pending(&rig.pic));
}
END_TEST

START_TEST(pic_nests_by_priority)
{
    set_up();
    pic_program(1);
    pic_line(&rig.pic, 5, true);
    ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x0D);
    pic_line(&rig.pic, 6, true);
    ck_assert(!pic_pending(&rig.pic)); /* lower */
    pic_line(&rig.pic, 1, true);
    ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x09);
    pic_put(0, 0, 0x20); /* ends 1 */
    ck_assert(!pic_pending(&rig.pic));
    pic_put(0, 0, 0x65); /* specific: 5 */
    ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x0E);
}
END_TEST

START_TEST(pic_masks)
{
    set_up();
    pic_program(1);
    pic_put(0, 1, 0x10);
    ck_assert_uint_eq(pic_get(0, 1), 0x10);
    pic_line(&rig.pic, 4, true);
    ck_assert(!pic_pending(&rig.pic));
    pic_put(0, 1, 0);
    ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x0C);
    pic_line(&rig.pic, 7, true);
    ck_assert(!pic_pending(&rig.pic));
    pic_put(0, 1, 0x10); /* special mask: 4 in service does not block 7 */
    pic_put(0, 0, 0x68);
    ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x0F);
}
END_TEST

START_TEST(pic_cascades)
{
    set_up();
    pic_program(1);
    pic_line(&rig.pic, 14, true);
    ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x76);
    pic_line(&rig.pic, 8, true); /* higher, but the first chip serves 2 */
    ck_assert(!pic_pending(&rig.pic));
    pic_put(0, 0, 0x20);
    ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x70);
    pic_put(0, 0, 0x20);
    pic_put(1, 0, 0x20);
    pic_put(1, 0, 0x20);
    ck_assert(!pic_pending(&rig.pic));
    pic_line(&rig.pic, 8, false);
    pic_line(&rig.pic, 8, true);
    ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x70);
}
END_TEST

START_TEST(pic_rotates)
{
    set_up();
    pic_program(1);
    pic_line(&rig.pic, 0, true);
    ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x08);
    pic_put(0, 0, 0xA0); /* end, and 0 is the lowest now */
    pic_line(&rig.pic, 0, false);
    pic_line(&rig.pic, 0, true);
    pic_line(&rig.pic, 7, true);
    ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x0F);
    pic_put(0, 0, 0x20);
    pic_put(0, 0, 0xC3); /* 3 is the lowest: 4 the highest */
    pic_line(&rig.pic, 4, true);
    ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x0C);
}
END_TEST

START_TEST(pic_polls_and_ends_by_itself)
{
    set_up();
    pic_program(3); /* automatic end */
    pic_line(&rig.pic, 6, true);
    pic_put(0, 0, 0x0C);
    ck_assert_uint_eq(pic_get(0, 0), 0x86);
    pic_put(0, 0, 0x0C);
    ck_assert_uint_eq(pic_get(0, 0), 0);
    pic_put(0, 0, 0x0B);
    ck_assert_uint_eq(pic_get(0, 0), 0);
}
END_TEST

START_TEST(pic_has_levels_by_elcr)
{
    set_up();
    pic_program(3);
    port_put(pic_elcr_io, &rig.pic, 0, 2, 0xFFFF);
    ck_assert_uint_eq(port_get(pic_elcr_io, &rig.pic, 0, 2), 0xDEF8);
    pic_line(&rig.pic, 5, true);
    ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x0D);
    ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x0D);
}
END_TEST

/* ---- PIT ---- */

static void pit_put(unsigned reg, uint8_t value)
{
    port_put(pit_io, &rig.pit, reg, 1, value);
}

static uint8_t pit_get(unsigned reg)
{
    return (uint8_t)port_get(pit_io, &rig.pit, reg, 1);
}

static unsigned pit_word(unsigned counter)
{
    unsigned low = pit_get(counter);

    return low | (unsigned)pit_get(counter) << 8;
}

static void pit_set_up(void)
{
    set_up();
    pit_init(&rig.pit, &rig.clock, &rig.platform);
    pic_program(3);
}

static void advance_counts(unsigned n)
{
    clock_advance(&rig.clock, (uint64_t)n * X86_TICKS_SECOND / PIT_HZ + 1);
}

static unsigned interrupts(void)
{
    unsigned n = 0;

    for (; pic_pending(&rig.pic); n++)
        ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x08);
    return n;
}

START_TEST(pit_interrupts_each_period)
{
    pit_set_up();
    pit_put(3, 0x34); /* counter 0, both bytes, mode 2 */
    pit_put(0, 0xE8);
    pit_put(0, 0x03); /* 1000 */
    interrupts();     /* the output's rise when the mode was set */
    for (unsigned i = 0; i < 5; i++) {
        advance_counts(990);
        ck_assert_uint_eq(interrupts(), 0);
        advance_counts(10);
        ck_assert_uint_eq(interrupts(), 1);
    }
    uint64_t seconds = 3 * (uint64_t)X86_TICKS_SECOND, end;
    unsigned n = 0;
    for (end = rig.clock.now + seconds; rig.clock.now < end;) {
        clock_advance(&rig.clock, rig.clock.next - rig.clock.now);
        n += interrupts();
    }
    ck_assert_uint_ge(n, 3578); /* 3579.5 */
    ck_assert_uint_le(n, 3581);
}
END_TEST

START_TEST(pit_counts_down_once)
{
    pit_set_up();
    pit_put(3, 0x30); /* mode 0 */
    pit_put(0, 0x10);
    pit_put(0, 0x27); /* 10000 */
    ck_assert_uint_eq(interrupts(), 0);
    advance_counts(4000);
    pit_put(3, 0x00); /* latch */
    advance_counts(100);
    ck_assert_uint_eq(pit_word(0), 6000);
    ck_assert_uint_eq(pit_word(0), 5900);
    pit_put(3, 0xE2); /* read back the status */
    ck_assert_uint_eq(pit_get(0), 0x30);
    advance_counts(5910);
    ck_assert_uint_eq(interrupts(), 1);
    pit_put(3, 0xE2);
    ck_assert_uint_eq(pit_get(0), 0xB0);
    clock_advance(&rig.clock, X86_TICKS_SECOND);
    ck_assert_uint_eq(interrupts(), 0);
    ck_assert_uint_eq(rig.clock.next, CLOCK_NEVER);
}
END_TEST

START_TEST(pit_strobes_once_a_load)
{
    pit_set_up();
    pit_put(3, 0x38); /* mode 4 */
    interrupts();
    for (unsigned i = 0; i < 3; i++) {
        pit_put(0, 200);
        pit_put(0, 0);
        advance_counts(190);
        ck_assert_uint_eq(interrupts(), 0);
        advance_counts(12);
        ck_assert_uint_eq(interrupts(), 1);
        advance_counts(70000);
        ck_assert_uint_eq(interrupts(), 0);
    }
}
END_TEST

START_TEST(pit_has_a_speaker_and_its_gate)
{
    pit_set_up();
    pit_put(3, 0xB0); /* counter 2, mode 0 */
    port_put(pit_gate_io, &rig.pit, 0, 1, 0);
    pit_put(2, 0xFF);
    pit_put(2, 0xFF);
    advance_counts(1000);
    ck_assert_uint_eq(pit_word(2), 0xFFFF); /* the gate is shut */
    port_put(pit_gate_io, &rig.pit, 0, 1, 1);
    advance_counts(1000);
    ck_assert_uint_eq(pit_word(2), 0xFFFF - 1000);
    ck_assert_uint_eq(port_get(pit_gate_io, &rig.pit, 0, 1) & 0x23, 1);
    advance_counts(65000);
    ck_assert_uint_eq(port_get(pit_gate_io, &rig.pit, 0, 1) & 0x23, 0x21);
    unsigned changes = 0, last = 0;
    for (unsigned i = 0; i < 100; i++) { /* the refresh, each 15 us */
        unsigned now = port_get(pit_gate_io, &rig.pit, 0, 1) & 0x10;

        changes += now != last;
        last = now;
        clock_advance(&rig.clock, X86_TICKS_SECOND / 1000000);
    }
    ck_assert_uint_ge(changes, 6);
    ck_assert_uint_le(changes, 8);
}
END_TEST

START_TEST(pit_makes_a_square_wave)
{
    pit_set_up();
    pit_put(3, 0xB6);
    pit_put(2, 100);
    pit_put(2, 0);
    port_put(pit_gate_io, &rig.pit, 0, 1, 1);
    for (unsigned i = 0; i < 20; i++) {
        unsigned out = port_get(pit_gate_io, &rig.pit, 0, 1) >> 5 & 1;

        ck_assert_uint_eq(out, i % 2 == 0);
        advance_counts(50);
    }
}
END_TEST

START_TEST(pit_counts_in_decimal_and_by_one_byte)
{
    pit_set_up();
    pit_put(3, 0x31); /* mode 0, BCD */
    pit_put(0, 0x00);
    pit_put(0, 0x10); /* 1000 */
    advance_counts(1);
    ck_assert_uint_eq(pit_word(0), 0x0999);
    pit_put(3, 0x10); /* the low byte only */
    pit_put(0, 80);
    advance_counts(30);
    ck_assert_uint_eq(pit_get(0), 50);
    ck_assert_uint_eq(pit_get(0), 50);
    pit_put(3, 0x20); /* the high byte only */
    pit_put(0, 4);
    advance_counts(0x101);
    ck_assert_uint_eq(pit_get(0), 2);
}
END_TEST

/* ---- The keyboard controller and the ends of a machine ---- */

static void kbc_set_up(void)
{
    set_up();
    kbc_init(&rig.kbc, &rig.platform);
}

static uint8_t kbc_ask(uint8_t command)
{
    port_put(kbc_command_io, &rig.kbc, 0, 1, command);
    ck_assert_uint_eq(port_get(kbc_command_io, &rig.kbc, 0, 1) & 3, 1);
    return (uint8_t)port_get(kbc_data_io, &rig.kbc, 0, 1);
}

static void note_a20(void *who, bool on)
{
    *(int *)who = *(int *)who * 10 + (on ? 1 : 2);
}

/* One line, two ports; both show it. */
START_TEST(kbc_gates_line_20)
{
    int told = 0;

    kbc_set_up();
    rig.kbc.a20 = note_a20;
    rig.kbc.who = &told;
    port_put(kbc_92_io, &rig.kbc, 0, 1, 0);
    ck_assert_int_eq(told, 2);
    ck_assert_uint_eq(kbc_ask(0xD0) & 3, 1);
    port_put(kbc_command_io, &rig.kbc, 0, 1, 0xD1);
    port_put(kbc_data_io, &rig.kbc, 0, 1, 0xDF);
    ck_assert_int_eq(told, 21);
    ck_assert_uint_eq(port_get(kbc_92_io, &rig.kbc, 0, 1), 2);
    port_put(kbc_92_io, &rig.kbc, 0, 1, 2); /* as it is */
    ck_assert_int_eq(told, 21);
    port_put(kbc_command_io, &rig.kbc, 0, 1, 0xDD);
    port_put(kbc_command_io, &rig.kbc, 0, 1, 0xDF);
    ck_assert_int_eq(told, 2121);
    ck_assert(!rig.platform.stopped);
}
END_TEST

START_TEST(kbc_answers_without_a_keyboard)
{
    kbc_set_up();
    ck_assert_uint_eq(port_get(kbc_command_io, &rig.kbc, 0, 1), 0x10);
    ck_assert_uint_eq(kbc_ask(0xAA), 0x55);
    ck_assert_uint_eq(kbc_ask(0xAB), 0);
    ck_assert_uint_eq(kbc_ask(0xD0) & 3, 3);
    port_put(kbc_command_io, &rig.kbc, 0, 1, 0x60);
    port_put(kbc_data_io, &rig.kbc, 0, 1, 0x65);
    ck_assert_uint_eq(kbc_ask(0x20), 0x65);
    port_put(kbc_data_io, &rig.kbc, 0, 1, 0xED); /* for the keyboard */
    ck_assert_uint_eq(port_get(kbc_command_io, &rig.kbc, 0, 1) & 0x41, 0x41);
    ck_assert_uint_eq(rig.platform.raised, 1u << X86_LINE_KEYBOARD);
    ck_assert_uint_eq(port_get(kbc_data_io, &rig.kbc, 0, 1), 0xFE);
    ck_assert_uint_eq(rig.platform.raised, 0);
    ck_assert(!rig.platform.stopped);
}
END_TEST

static const struct {
    bus_io_fn io;
    uint8_t bytes[2];
    const char *through;
} resets[] = {{kbc_command_io, {0xFE, 0}, "the keyboard controller"},
              {kbc_92_io, {0x03, 0}, "port 92h"},
              {kbc_reset_io, {0x02, 0x06}, "port CF9h"}};

START_TEST(resets_end_the_machine)
{
    kbc_set_up();
    port_put(resets[_i].io, &rig.kbc, 0, 1, resets[_i].bytes[0]);
    if (resets[_i].bytes[1]) {
        ck_assert(!rig.platform.stopped);
        port_put(resets[_i].io, &rig.kbc, 0, 1, resets[_i].bytes[1]);
    }
    ck_assert(rig.platform.stopped);
    ck_assert_int_eq(rig.platform.how, X86_STOP_RESET);
    ck_assert_str_eq(rig.platform.through, resets[_i].through);
}
END_TEST

START_TEST(power_goes_off_by_a_word)
{
    struct off_port off = {.platform = &rig.platform};

    set_up();
    for (const char *p = "ShutShutdow"; *p; p++)
        port_put(off_port_io, &off, 0, 1, (uint8_t)*p);
    ck_assert(!rig.platform.stopped);
    port_put(off_port_io, &off, 0, 1, 'n');
    ck_assert(rig.platform.stopped);
    ck_assert_int_eq(rig.platform.how, X86_STOP_OFF);
}
END_TEST

/* ---- Any bytes ---- */

static bool no_sector(void *who, uint64_t sector, uint8_t bytes[IDE_SECTOR])
{
    (void)who, (void)bytes;
    return sector % 3;
}

static bool no_write(void *who, uint64_t sector,
                     const uint8_t bytes[IDE_SECTOR])
{
    (void)who, (void)bytes;
    return sector % 5;
}

START_TEST(test_device_moves_lines_and_keeps)
{
    static struct test_device test;

    set_up();
    pic_program(1);
    test = (struct test_device){.platform = &rig.platform};
    port_put(test_lines_io, &test, 11, 4, 1);
    ck_assert(pic_pending(&rig.pic));
    port_put(test_lines_io, &test, 11, 1, 0);
    ck_assert_uint_eq(rig.platform.raised, 0);
    port_put(test_lines_io, &test, 3, 1, 1);
    ck_assert_uint_eq(rig.platform.raised, 8);
    port_put(test_lines_io, &test, 16, 1, 1); /* none */
    ck_assert_uint_eq(rig.platform.raised, 8);
    port_put(test_port_io, &test, 0, 4, 0x12345678);
    ck_assert_uint_eq(port_get(test_port_io, &test, 1, 2), 0x3456);
    ck_assert_uint_eq(port_get(test_port_io, &test, 3, 2), 0xFF12);
    test_storage_io(&test, TEST_STORAGE_SIZE - 2, 4, true,
                    &(uint64_t){0xAABBCCDD});
    ck_assert_uint_eq(
        port_get(test_storage_io, &test, TEST_STORAGE_SIZE - 2, 4), 0xFFFFCCDD);
}
END_TEST

START_TEST(devices_take_anything)
{
    struct ide_medium m[2] = {{5000, no_sector, no_write, NULL, NULL},
                              {7, no_sector, no_write, NULL, NULL}};
    struct off_port off = {.platform = &rig.platform};
    static struct test_device test = {.platform = &rig.platform};
    const struct {
        bus_io_fn io;
        void *dev;
        unsigned registers;
    } all[] = {{pic_first_io, &rig.pic, 2}, {pic_second_io, &rig.pic, 2},
               {pic_elcr_io, &rig.pic, 2},  {pit_io, &rig.pit, 4},
               {pit_gate_io, &rig.pit, 1},  {rtc_io, &rig.rtc, 2},
               {kbc_data_io, &rig.kbc, 1},  {kbc_command_io, &rig.kbc, 1},
               {kbc_92_io, &rig.kbc, 1},    {kbc_reset_io, &rig.kbc, 1},
               {ide_io, &rig.ide, 8},       {ide_control_io, &rig.ide, 1},
               {off_port_io, &off, 1},      {test_lines_io, &test, 17},
               {test_port_io, &test, 4},    {test_storage_io, &test, 9}};
    uint64_t state = 0x5DEECE66D + (uint64_t)_i;

    set_up();
    pit_init(&rig.pit, &rig.clock, &rig.platform);
    rtc_init(&rig.rtc, &rig.clock, &rig.platform, 0, 16 << 20);
    kbc_init(&rig.kbc, &rig.platform);
    ide_init(&rig.ide, &rig.clock, &rig.platform, m);
    for (unsigned i = 0; i < 100000; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        unsigned r = (unsigned)(state >> 32), n = r % ARRAY_LEN(all);
        uint64_t value = state >> 8;

        all[n].io(all[n].dev, r / 16 % all[n].registers, 1u << (r >> 8) % 3,
                  r >> 12 & 1, &value);
        if (pic_pending(&rig.pic))
            ck_assert_int_ge(pic_acknowledge(&rig.pic), 0);
        clock_advance(&rig.clock, r % 3 ? r % 977 : r % 1000003);
    }
}
END_TEST

Suite *suite_x86_dev(void)
{
    Suite *s = suite_create("x86_dev");
    TCase *t = tcase_create("x86_dev");

    tcase_add_test(t, pic_unprogrammed_is_level_from_20h);
    tcase_add_test(t, pic_takes_an_edge_once);
    tcase_add_test(t, pic_tells_of_a_request_that_is_withdrawn);
    tcase_add_test(t, pic_nests_by_priority);
    tcase_add_test(t, pic_masks);
    tcase_add_test(t, pic_cascades);
    tcase_add_test(t, pic_rotates);
    tcase_add_test(t, pic_polls_and_ends_by_itself);
    tcase_add_test(t, pic_has_levels_by_elcr);
    tcase_add_test(t, pit_interrupts_each_period);
    tcase_add_test(t, pit_counts_down_once);
    tcase_add_test(t, pit_strobes_once_a_load);
    tcase_add_test(t, pit_has_a_speaker_and_its_gate);
    tcase_add_test(t, pit_makes_a_square_wave);
    tcase_add_test(t, pit_counts_in_decimal_and_by_one_byte);
    tcase_add_test(t, kbc_gates_line_20);
    tcase_add_test(t, kbc_answers_without_a_keyboard);
    tcase_add_loop_test(t, resets_end_the_machine, 0, ARRAY_LEN(resets));
    tcase_add_test(t, power_goes_off_by_a_word);
    tcase_add_test(t, test_device_moves_lines_and_keeps);
    tcase_add_loop_test(t, devices_take_anything, 0, 4);
    suite_add_tcase(s, t);
    return s;
}
