/* s370/machine/timer.c: the clocks as functions of the ticks. */
#include "s370/machine/timer.h"

#include "base/bytes.h"

#include <check.h>
#include <string.h>

enum { SIZE = 8192 };

static uint8_t bytes[SIZE], keys[SIZE / S370_BLOCK];
static struct s370_storage storage = {bytes, keys, SIZE};

static struct s370_timers fresh(void)
{
    struct s370_timers t = {0};

    memset(bytes, 0, sizeof(bytes));
    memset(keys, 0, sizeof(keys));
    s370_timers_reset(&t, 0);
    return t;
}

static uint32_t location_80(void)
{
    return load_be32(bytes + 80);
}

START_TEST(test_tod_counts_in_bit_55)
{
    struct s370_timers t = fresh();

    /* 25,202 days after 1900-01-01 */
    ck_assert_uint_eq(s370_tod(&t, 0), UINT64_C(0x7BC61BCA8C000000));
    ck_assert_uint_eq(s370_tod(&t, 1), UINT64_C(0x7BC61BCA8C000100));
    ck_assert(t.tod_set);
    s370_tod_set(&t, 500, UINT64_C(0xFFFFFFFFFFFFFF12));
    ck_assert_uint_eq(s370_tod(&t, 500), UINT64_C(0xFFFFFFFFFFFFFF00));
    ck_assert_uint_eq(s370_tod(&t, 501), 0);
    ck_assert_uint_eq(s370_tod(&t, 502), 0x100);
}
END_TEST

START_TEST(test_reset_leaves_the_tod_clock_and_the_switch)
{
    struct s370_timers t = fresh();

    s370_tod_set(&t, 0, 0x5000);
    s370_comparator_set(&t, 0x7000);
    s370_cpu_timer_set(&t, 0, 0x7000);
    t.interval_enabled = false;
    t.key_pending = t.call_pending = true;
    s370_timers_reset(&t, 10);
    ck_assert_uint_eq(s370_tod(&t, 10), 0x5000 + 0xA00);
    ck_assert_uint_eq(t.comparator, 0);
    ck_assert_uint_eq(s370_cpu_timer(&t, 10), 0);
    ck_assert(!t.interval_enabled && !t.key_pending && !t.call_pending);
}
END_TEST

START_TEST(test_cpu_timer_counts_down)
{
    struct s370_timers t = fresh();

    s370_cpu_timer_set(&t, 100, 0x2FF);
    ck_assert_uint_eq(s370_cpu_timer(&t, 100), 0x200);
    ck_assert_uint_eq(s370_cpu_timer(&t, 102), 0);
    ck_assert_uint_eq(s370_cpu_timer(&t, 103), UINT64_C(0xFFFFFFFFFFFFFF00));
}
END_TEST

/* value of location 80, steps taken at once, pending afterwards, value then */
static const struct {
    uint32_t before;
    uint64_t steps;
    bool pending;
    uint32_t after;
} interval_rows[] = {
    {0x00000100, 0, false, 0x00000100},
    {0x00000100, 1, false, 0x00000000},
    {0x00000100, 2, true, 0xFFFFFF00},
    {0x00000000, 1, true, 0xFFFFFF00},
    {0x000000FF, 1, true, 0xFFFFFFFF}, /* bits 24-31 stay */
    {0x00000123, 1, false, 0x00000023},
    {0xFFFFFF00, 1, false, 0xFFFFFE00},
    {0xFFFFFF00, 1000, false, 0xFFFC1700},
    {0x80000000, 1, false, 0x7FFFFF00}, /* over the edge: no condition */
    {0x80000000, 0x800000, false, 0x00000000},
    {0x80000000, 0x800001, true, 0xFFFFFF00},
    {0x7FFFFF00, 0x7FFFFF, false, 0x00000000},
    {0x7FFFFF00, 0x800000, true, 0xFFFFFF00},
    {0x00000000, 0x1000001, true, 0xFFFFFF00}, /* once round */
};

START_TEST(test_interval_timer_steps)
{
    struct s370_timers t = fresh();
    uint64_t ticks = interval_rows[_i].steps * S370_INTERVAL_TICKS;

    store_be32(bytes + 80, interval_rows[_i].before);
    s370_interval_step(&t, ticks, &storage, 0);
    ck_assert_uint_eq(location_80(), interval_rows[_i].after);
    ck_assert_int_eq(t.interval_pending, interval_rows[_i].pending);
    ck_assert_uint_eq(t.interval_next, ticks + S370_INTERVAL_TICKS);

    /* In single steps it comes to the same. */
    struct s370_timers one = fresh();
    store_be32(bytes + 80, interval_rows[_i].before);
    for (uint64_t i = 1; i <= ticks / S370_INTERVAL_TICKS && i <= 2000; i++)
        s370_interval_step(&one, i * S370_INTERVAL_TICKS, &storage, 0);
    if (interval_rows[_i].steps <= 2000) {
        ck_assert_uint_eq(location_80(), interval_rows[_i].after);
        ck_assert_int_eq(one.interval_pending, interval_rows[_i].pending);
    }
    ck_assert_uint_eq(keys[0], 0); /* no reference, no change recorded */
}
END_TEST

START_TEST(test_interval_timer_off_and_prefixed)
{
    struct s370_timers t = fresh();

    store_be32(bytes + 80, 0x500);
    store_be32(bytes + 4096 + 80, 0x700);
    s370_interval_step(&t, S370_INTERVAL_TICKS - 1, &storage, 4096);
    ck_assert_uint_eq(load_be32(bytes + 4096 + 80), 0x700);
    s370_interval_step(&t, S370_INTERVAL_TICKS, &storage, 4096);
    ck_assert_uint_eq(load_be32(bytes + 4096 + 80), 0x600);
    t.interval_enabled = false;
    s370_interval_step(&t, 10 * S370_INTERVAL_TICKS, &storage, 4096);
    ck_assert_uint_eq(load_be32(bytes + 4096 + 80), 0x600);
    ck_assert_uint_eq(location_80(), 0x500);
}
END_TEST

/* What is due when: the clocks as they are at tick 1000. */
enum { CKC = S370_CR0_CLOCK_COMPARATOR, TIMER = S370_CR0_CPU_TIMER };
enum { INTERVAL = S370_CR0_INTERVAL_TIMER };
enum { REST = S370_INTERVAL_TICKS - 1000 }; /* until location 80 steps */

static const struct {
    const char *what;
    uint64_t tod, comparator, timer;
    uint32_t location_80, cr0;
    uint64_t next, due; /* ticks after 1000; 0 due: now; ~0 never */
} due_rows[] = {
    {"all masked", 0x500, 0, 0, 0, 0, REST, CLOCK_NEVER},
    {"comparator later", 0x500, 0x700, 0, 0, CKC, 3, 3},
    {"comparator equal is not greater", 0x500, 0x500, 0, 0, CKC, 1, 1},
    {"comparator passed", 0x500, 0x400, 0, 0, CKC, REST, 0},
    {"comparator unsigned", 0x500, UINT64_C(0x8000000000000000), 0, 0, CKC,
     REST, UINT64_C(0x7FFFFFFFFFFFFC)},
    {"clock never greater", 0x500, UINT64_MAX, 0, 0, CKC, REST, CLOCK_NEVER},
    {"timer later", 0, 0, 0x400, 0, TIMER, 5, 5},
    {"timer zero is not negative", 0, 0, 0, 0, TIMER, 1, 1},
    {"timer negative", 0, 0, UINT64_C(0x8000000000000000), 0, TIMER, REST, 0},
    {"timer and comparator", 0x500, 0x700, 0x900, 0, CKC | TIMER, 3, 3},
    {"interval", 0, 0, 0, 0, INTERVAL, REST, REST},
    {"interval, more", 0, 0, 0, 0x1FF, INTERVAL, REST,
     REST + S370_INTERVAL_TICKS},
    {"interval from minus", 0, 0, 0, 0xFFFFFF00, INTERVAL, REST,
     REST + UINT64_C(0xFFFFFF) * S370_INTERVAL_TICKS},
};

START_TEST(test_due)
{
    const uint64_t at = 1000;
    struct s370_timers t = fresh();

    s370_tod_set(&t, at, due_rows[_i].tod);
    s370_comparator_set(&t, due_rows[_i].comparator);
    s370_cpu_timer_set(&t, at, due_rows[_i].timer);
    store_be32(bytes + 80, due_rows[_i].location_80);
    ck_assert_msg(s370_timers_next(&t, at, due_rows[_i].cr0) ==
                      at + due_rows[_i].next,
                  "%s: next", due_rows[_i].what);
    uint64_t due = s370_timers_due(&t, at, due_rows[_i].cr0, &storage, 0);
    ck_assert_msg(
        due == (due_rows[_i].due == CLOCK_NEVER ? CLOCK_NEVER
                                                : at + due_rows[_i].due),
        "%s: due at %llu", due_rows[_i].what, (unsigned long long)due);

    /* What was promised for that tick is there, and not a tick before. */
    uint16_t code;
    if (due == CLOCK_NEVER || due == at)
        return;
    s370_interval_step(&t, due - 1, &storage, 0);
    ck_assert(!s370_external_take(&t, due - 1, due_rows[_i].cr0, &code));
    s370_interval_step(&t, due, &storage, 0);
    ck_assert(s370_external_take(&t, due, due_rows[_i].cr0, &code));
}
END_TEST

START_TEST(test_next_is_late_when_a_step_was_missed)
{
    struct s370_timers t = fresh();

    ck_assert_uint_eq(s370_timers_next(&t, 100000, 0), 100001);
    t.interval_enabled = false;
    ck_assert_uint_eq(s370_timers_next(&t, 100000, 0), CLOCK_NEVER);
    s370_interval_restart(&t, 100000);
    t.interval_enabled = true;
    ck_assert_uint_eq(s370_timers_next(&t, 100000, 0),
                      100000 + S370_INTERVAL_TICKS);
}
END_TEST

START_TEST(test_external_conditions_in_order)
{
    struct s370_timers t = fresh();
    static const uint16_t order[] = {0x00E0, 0x1201, 0x1202, 0x1004, 0x1004};
    uint16_t code = 0;

    s370_comparator_set(&t, 0);
    s370_cpu_timer_set(&t, 0, UINT64_MAX);
    t.interval_pending = t.key_pending = t.signal_pending = true;
    t.emergency_pending = t.call_pending = true;
    for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
        ck_assert(s370_external_take(&t, 0, UINT32_MAX, &code));
        ck_assert_uint_eq(code, order[i]);
    }
    /* The comparator's condition goes when the comparator is set. */
    s370_comparator_set(&t, UINT64_MAX);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert(s370_external_take(&t, 0, UINT32_MAX, &code));
        ck_assert_uint_eq(code, 0x1005);
    }
    s370_cpu_timer_set(&t, 0, 5);
    ck_assert(!s370_external_take(&t, 0, UINT32_MAX, &code));
}
END_TEST

START_TEST(test_masked_conditions_stay)
{
    struct s370_timers t = fresh();
    uint16_t code;

    t.interval_pending = t.key_pending = true;
    ck_assert(!s370_external_take(&t, 0, 0, &code));
    ck_assert(s370_external_take(&t, 0, S370_CR0_INTERRUPT_KEY, &code));
    ck_assert_uint_eq(code, 0x0040);
    ck_assert(s370_external_take(&t, 0, S370_CR0_RESET, &code));
    ck_assert_uint_eq(code, 0x0080);
    ck_assert(!s370_external_take(&t, 0, S370_CR0_RESET, &code));
}
END_TEST

Suite *suite_s370_timers(void)
{
    Suite *s = suite_create("s370_timers");
    TCase *c = tcase_create("timers");

    tcase_add_test(c, test_tod_counts_in_bit_55);
    tcase_add_test(c, test_reset_leaves_the_tod_clock_and_the_switch);
    tcase_add_test(c, test_cpu_timer_counts_down);
    tcase_add_loop_test(c, test_interval_timer_steps, 0,
                        ARRAY_LEN(interval_rows));
    tcase_add_test(c, test_interval_timer_off_and_prefixed);
    tcase_add_loop_test(c, test_due, 0, ARRAY_LEN(due_rows));
    tcase_add_test(c, test_next_is_late_when_a_step_was_missed);
    tcase_add_test(c, test_external_conditions_in_order);
    tcase_add_test(c, test_masked_conditions_stay);
    suite_add_tcase(s, c);
    return s;
}
