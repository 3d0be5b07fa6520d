/* The bare machine in time: timers at their ticks, waits, masks, priorities. */
#include "tests/s370_bare.h"

#include <check.h>

/* ---- Timers ---- */

/* A loop that counts in register 1 until an external interruption. */
static const char *const counting =
    "0: 01080000 00000200 200: B7000300 41110001 47F00204 300: 000000E0";

START_TEST(test_interval_timer_comes_at_its_tick)
{
    struct s370_machine *m = bare_machine(counting);

    bare_put(m, "50: 000001FF");
    uint64_t ran = bare_run_to(m, 0xE58);
    /* 1FF, FF, FFFFFFFF: the second step */
    ck_assert_uint_eq(ran, 2 * S370_INTERVAL_TICKS);
    ck_assert_uint_eq(bare_word(m, 80), 0xFFFFFFFF);
    ck_assert_uint_eq(bare_word(m, 132), 0x00000080);
    ck_assert_uint_eq(m->clock.now, ran);
    s370_machine_free(m);
}
END_TEST

START_TEST(test_interval_timer_can_be_switched_off)
{
    struct s370_machine *m = bare_machine(counting);
    uint64_t ran;

    bare_put(m, "50: 000001FF");
    s370_machine_interval_switch(m, false);
    ck_assert_int_eq(s370_machine_run(m, BARE_MANY, &ran), S370_STOP_BUDGET);
    ck_assert_uint_eq(ran, BARE_MANY);
    ck_assert_uint_eq(bare_word(m, 80), 0x1FF);
    s370_machine_interval_switch(m, true);
    ck_assert_uint_eq(bare_run_to(m, 0xE58), 2 * S370_INTERVAL_TICKS);
    s370_machine_free(m);
}
END_TEST

START_TEST(test_clock_comparator_comes_at_its_tick)
{
    /* SCKC 308; LCTL 0; count */
    struct s370_machine *m = bare_machine(
        "0: 01080000 00000200 200: B2060308 B7000300 41110001 47F00208 "
        "300: 00000800 308: 7BC61BCA 8C001000");

    /* The TOD clock is greater at tick 17: 1000 and one unit of bit 55. */
    ck_assert_uint_eq(bare_run_to(m, 0xE58), 17);
    ck_assert_uint_eq(bare_word(m, 132), 0x00001004);
    s370_machine_free(m);
}
END_TEST

START_TEST(test_cpu_timer_comes_at_its_tick)
{
    struct s370_machine *m = bare_machine(
        "0: 01080000 00000200 200: B2080308 B7000300 41110001 47F00208 "
        "300: 00000400 308: 00000000 00001000");

    /* Set at tick 1 to 16 ticks; negative 17 later. */
    ck_assert_uint_eq(bare_run_to(m, 0xE58), 18);
    ck_assert_uint_eq(bare_word(m, 132), 0x00001005);
    s370_machine_free(m);
}
END_TEST

START_TEST(test_store_clock_is_never_the_same)
{
    struct s370_machine *m =
        bare_machine("0: 00080000 00000200 200: B2050300 B2050308 82000210 "
                     "210: 00020000 00000049");

    bare_run_to(m, 0x49);
    ck_assert_uint_eq(bare_doubleword(m, 0x308) - bare_doubleword(m, 0x300),
                      0x100);
    s370_machine_free(m);
}
END_TEST

/* ---- Waits ---- */

START_TEST(test_a_wait_for_a_timer_is_skipped)
{
    /* location 80 has 100 steps to go; LPSW an enabled wait */
    struct s370_machine *m =
        bare_machine("0: 00080000 00000200 50: 00006300 200: 82000208 "
                     "208: 010A0000 00000999");

    ck_assert_uint_eq(bare_run_to(m, 0xE58), 1);
    ck_assert_uint_eq(m->clock.now, 100 * S370_INTERVAL_TICKS);
    ck_assert_uint_eq(bare_word(m, 80), 0xFFFFFF00);
    ck_assert_uint_eq(bare_word(m, 0x1C), 0x999);
    s370_machine_free(m);
}
END_TEST

START_TEST(test_a_longer_wait_is_idle)
{
    struct s370_machine *m =
        bare_machine("0: 00080000 00000200 50: 7FFFFF00 200: 82000208 "
                     "208: 010A0000 00000999");
    uint64_t ran;

    ck_assert_int_eq(s370_machine_run(m, BARE_MANY, &ran), S370_STOP_IDLE);
    ck_assert_uint_eq(ran, 1);
    ck_assert_uint_eq(m->clock.now, 1);
    m->patience = UINT64_MAX;
    ck_assert_uint_eq(bare_run_to(m, 0xE58), 0);
    ck_assert_uint_eq(m->clock.now, UINT64_C(0x800000) * S370_INTERVAL_TICKS);
    s370_machine_free(m);
}
END_TEST

START_TEST(test_a_wait_for_nothing_is_idle_until_a_key)
{
    struct s370_machine *m =
        bare_machine("0: 00080000 00000200 200: B7000300 82000208 "
                     "208: 010A0000 00000999 300: 00000040");

    ck_assert_int_eq(s370_machine_run(m, BARE_MANY, NULL), S370_STOP_IDLE);
    ck_assert_int_eq(s370_machine_run(m, BARE_MANY, NULL), S370_STOP_IDLE);
    s370_machine_interrupt_key(m);
    ck_assert_uint_eq(bare_run_to(m, 0xE58), 0);
    ck_assert_uint_eq(bare_word(m, 132), 0x00000040);
    s370_machine_free(m);
}
END_TEST

/* ---- Priorities and masks ---- */

START_TEST(test_masks_of_the_interrupt_key)
{
    struct s370_machine *m = bare_machine(counting);
    uint64_t ran;

    s370_machine_interrupt_key(m);
    m->cpu.timers.interval_enabled = false;
    m->cpu.cr[0] = 0xA0;
    bare_put(m, "300: 000000A0"); /* its mask in CR0 is off */
    ck_assert_int_eq(s370_machine_run(m, BARE_MANY, &ran), S370_STOP_BUDGET);
    ck_assert(m->cpu.timers.key_pending);
    m->cpu.cr[0] = S370_CR0_INTERRUPT_KEY;
    m->cpu.psw.system_mask = 0; /* the PSW's is off */
    ck_assert_int_eq(s370_machine_run(m, BARE_MANY, &ran), S370_STOP_BUDGET);
    m->cpu.psw.system_mask = S370_MASK_EXTERNAL;
    ck_assert_uint_eq(bare_run_to(m, 0xE58), 0);
    ck_assert(!m->cpu.timers.key_pending);
    s370_machine_free(m);
}
END_TEST

START_TEST(test_external_comes_before_restart)
{
    /* the external new PSW leads on to a handler; restart to another */
    struct s370_machine *m =
        bare_machine("0: 01080000 00000200 58: 00080000 00000300 300: 47F00300 "
                     "200: 47F00200");

    ck_assert_int_eq(s370_machine_run(m, 10, NULL), S370_STOP_BUDGET);
    bare_put(m, "0: 00020000 00000050");
    s370_machine_restart(m);
    s370_machine_interrupt_key(m);
    /* Each is taken in turn; the last one taken goes on first. */
    ck_assert_uint_eq(bare_run_to(m, 0x50), 0);
    ck_assert_uint_eq(bare_word(m, 0x1C), 0x200);
    ck_assert_uint_eq(bare_word(m, 0x0C), 0x300);
    s370_machine_free(m);
}
END_TEST

Suite *suite_s370_machine_time(void)
{
    Suite *s = suite_create("s370_machine_time");
    TCase *c = tcase_create("machine");

    tcase_add_test(c, test_interval_timer_comes_at_its_tick);
    tcase_add_test(c, test_interval_timer_can_be_switched_off);
    tcase_add_test(c, test_clock_comparator_comes_at_its_tick);
    tcase_add_test(c, test_cpu_timer_comes_at_its_tick);
    tcase_add_test(c, test_store_clock_is_never_the_same);
    tcase_add_test(c, test_a_wait_for_a_timer_is_skipped);
    tcase_add_test(c, test_a_longer_wait_is_idle);
    tcase_add_test(c, test_a_wait_for_nothing_is_idle_until_a_key);
    tcase_add_test(c, test_masks_of_the_interrupt_key);
    tcase_add_test(c, test_external_comes_before_restart);
    suite_add_tcase(s, c);
    return s;
}
