/* A PC's clock and calendar, as the MC146818's data sheet has them. */
#include "tests/port_io.h"
#include "x86vmm/dev/dev_rtc.h"

#include <check.h>
#include <string.h>

static struct rig {
    struct clock clock;
    struct x86_platform platform;
    struct pic pic;
    struct rtc rtc;
} rig;

static uint8_t rtc_get(uint8_t index)
{
    port_put(rtc_io, &rig.rtc, 0, 1, index);
    return (uint8_t)port_get(rtc_io, &rig.rtc, 1, 1);
}

static void rtc_put(uint8_t index, uint8_t value)
{
    port_put(rtc_io, &rig.rtc, 0, 1, index);
    port_put(rtc_io, &rig.rtc, 1, 1, value);
}

static void rtc_begin(int64_t seconds)
{
    memset(&rig, 0, sizeof(rig));
    clock_init(&rig.clock);
    pic_begin(&rig.pic, &rig.platform);
    rtc_init(&rig.rtc, &rig.clock, &rig.platform, seconds, 64 << 20);
}

static void rtc_is(unsigned century, unsigned year, unsigned month,
                   unsigned day, unsigned hour, unsigned minute,
                   unsigned second, unsigned weekday)
{
    ck_assert_uint_eq(rtc_get(0x32), century);
    ck_assert_uint_eq(rtc_get(9), year);
    ck_assert_uint_eq(rtc_get(8), month);
    ck_assert_uint_eq(rtc_get(7), day);
    ck_assert_uint_eq(rtc_get(6), weekday);
    ck_assert_uint_eq(rtc_get(4), hour);
    ck_assert_uint_eq(rtc_get(2), minute);
    ck_assert_uint_eq(rtc_get(0), second);
}

START_TEST(rtc_tells_the_time)
{
    rtc_begin(951782398); /* 2000-02-28 23:59:58 UTC, a Monday */
    rtc_is(0x20, 0x00, 0x02, 0x28, 0x23, 0x59, 0x58, 2);
    clock_advance(&rig.clock, 2 * (uint64_t)X86_TICKS_SECOND);
    rtc_is(0x20, 0x00, 0x02, 0x29, 0x00, 0x00, 0x00, 3);
    clock_advance(&rig.clock, 86400 * (uint64_t)X86_TICKS_SECOND);
    rtc_is(0x20, 0x00, 0x03, 0x01, 0x00, 0x00, 0x00, 4);
    rtc_put(0x0B, 4); /* binary, 12 hours */
    rtc_is(20, 0, 3, 1, 12, 0, 0, 4);
    clock_advance(&rig.clock, 13 * 3600 * (uint64_t)X86_TICKS_SECOND);
    rtc_is(20, 0, 3, 1, 0x81, 0, 0, 4);
    ck_assert_uint_eq(rtc_get(0x0D), 0x80);
}
END_TEST

START_TEST(rtc_can_be_set)
{
    static const uint8_t time[][2] = {{0x32, 0x19}, {9, 0x99}, {8, 0x12},
                                      {7, 0x31},    {4, 0x23}, {2, 0x59},
                                      {0, 0x59}};
    rtc_begin(0);
    rtc_put(0x0B, 0x82); /* SET */
    for (size_t i = 0; i < ARRAY_LEN(time); i++)
        rtc_put(time[i][0], time[i][1]);
    rtc_put(0x0B, 0x02);
    rtc_is(0x19, 0x99, 0x12, 0x31, 0x23, 0x59, 0x59, 6);
    clock_advance(&rig.clock, X86_TICKS_SECOND);
    rtc_is(0x20, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 7);
}
END_TEST

START_TEST(rtc_interrupts)
{
    rtc_begin(0);
    rtc_put(0x0B, 0x42); /* periodic, 1024 Hz */
    clock_advance(&rig.clock, X86_TICKS_SECOND / 1000);
    ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x70);
    ck_assert_uint_eq(rtc_get(0x0C), 0xC0);
    ck_assert_uint_eq(rtc_get(0x0C), 0);
    rtc_put(0x0B, 0x12); /* each update */
    clock_advance(&rig.clock, X86_TICKS_SECOND);
    ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x70);
    ck_assert_uint_eq(rtc_get(0x0C) & 0x90, 0x90);
    rtc_put(1, 0x05); /* at 00:00:05 */
    rtc_put(3, 0x00);
    rtc_put(5, 0xFF);
    rtc_put(0x0B, 0x22);
    clock_advance(&rig.clock, 3 * (uint64_t)X86_TICKS_SECOND);
    ck_assert(!pic_pending(&rig.pic));
    clock_advance(&rig.clock, X86_TICKS_SECOND);
    ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x70);
    ck_assert_uint_eq(rtc_get(0x0C) & 0xA0, 0xA0);
}
END_TEST

START_TEST(rtc_keeps_bytes)
{
    rtc_begin(0);
    ck_assert_uint_eq(rtc_get(0x17) | rtc_get(0x18) << 8, 63 * 1024);
    ck_assert_uint_eq(rtc_get(0x34) | rtc_get(0x35) << 8, 48 * 16);
    rtc_put(0x40, 0xA5);
    rtc_put(0x41 | 0x80, 0x5A);
    ck_assert_uint_eq(rtc_get(0x40), 0xA5);
    ck_assert_uint_eq(rtc_get(0x41), 0x5A);
}
END_TEST

Suite *suite_x86_rtc(void)
{
    Suite *s = suite_create("x86_rtc");
    TCase *t = tcase_create("x86_rtc");

    tcase_add_test(t, rtc_tells_the_time);
    tcase_add_test(t, rtc_can_be_set);
    tcase_add_test(t, rtc_interrupts);
    tcase_add_test(t, rtc_keeps_bytes);
    suite_add_tcase(s, t);
    return s;
}
