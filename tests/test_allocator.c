/* monitor/allocator: no byte and no device ever has two owners. */
#include "monitor/allocator.h"

#include <check.h>
#include <string.h>

enum { POOL = 0x10000 };

static void nothing(void *dev, uint64_t offset, unsigned size, bool write,
                    uint64_t *value)
{
    (void)dev, (void)offset, (void)size, (void)write, (void)value;
}

static uint8_t pool[POOL];

static struct vm a_vm(unsigned id)
{
    return (struct vm){.id = id, .name = "toy"};
}

START_TEST(test_no_byte_has_two_owners)
{
    struct allocator a;
    struct vm one = a_vm(1), two = a_vm(2);
    uint64_t at;

    memset(pool, 0xee, sizeof(pool));
    allocator_init(&a, pool, POOL, 500);
    ck_assert_int_eq(allocator_keep(&a, 0x100, 16, &at), STATUS_OK);
    ck_assert_int_eq(allocator_give_storage(&a, &one, 0, 0x4000, 0x1000),
                     STATUS_OK);
    ck_assert_int_eq(allocator_give_storage(&a, &two, 0, 0x4000, 0x1000),
                     STATUS_OK);
    for (uint64_t i = 0; i < POOL; i++) {
        unsigned owners = 0;

        for (unsigned who = 0; who <= 2; who++)
            owners += allocator_owns(&a, who, i, 1);
        ck_assert_uint_le(owners, 1);
        ck_assert_int_eq(pool[i], owners ? 0 : 0xee); /* given zeroed */
    }
    uint64_t first = (uint64_t)(mem_at(&one.mem, 0, 1) - pool);
    ck_assert_uint_eq(first % 0x1000, 0);
    ck_assert(allocator_owns(&a, 1, first, 0x4000));
    ck_assert(!allocator_owns(&a, 1, first, 0x4001));
    ck_assert(!allocator_owns(&a, 1, first, UINT64_MAX));
}
END_TEST

START_TEST(test_what_is_taken_back_is_given_anew)
{
    struct allocator a;
    struct vm one = a_vm(1), two = a_vm(2);

    allocator_init(&a, pool, POOL, 500);
    ck_assert_int_eq(allocator_give_storage(&a, &one, 0, POOL / 2, 1),
                     STATUS_OK);
    ck_assert_int_eq(allocator_give_storage(&a, &two, 0, POOL / 2, 1),
                     STATUS_OK);
    uint8_t *was = mem_at(&one.mem, 0, 1);
    memset(was, 0x5a, POOL / 2);
    ck_assert_int_eq(allocator_give_storage(&a, &two, POOL, 1, 1),
                     STATUS_NO_MEMORY);
    allocator_reclaim(&a, &one);
    ck_assert_ptr_null(mem_at(&one.mem, 0, 1));
    struct vm three = a_vm(3);
    ck_assert_int_eq(allocator_give_storage(&a, &three, 0, POOL / 2, 1),
                     STATUS_OK);
    ck_assert_ptr_eq(mem_at(&three.mem, 0, 1), was);
    ck_assert_int_eq(was[0], 0); /* nothing of its last owner */
    ck_assert_int_eq(was[POOL / 2 - 1], 0);
}
END_TEST

/* What nobody has had is not touched; what somebody had is zero again. */
START_TEST(test_only_used_storage_is_cleared)
{
    struct allocator a;
    struct vm one = a_vm(1), two = a_vm(2);

    memset(pool, 0xee, sizeof(pool)); /* so that it shows */
    allocator_init(&a, pool, POOL, 500);
    a.fresh = 0;
    ck_assert_int_eq(allocator_give_storage(&a, &one, 0, 0x4000, 1), STATUS_OK);
    ck_assert_int_eq(pool[0x3FFF], 0xee);
    allocator_reclaim(&a, &one);
    ck_assert_int_eq(allocator_give_storage(&a, &two, 0, 0x6000, 1), STATUS_OK);
    ck_assert_int_eq(pool[0], 0);
    ck_assert_int_eq(pool[0x3FFF], 0);
    ck_assert_int_eq(pool[0x4000], 0xee);
}
END_TEST

START_TEST(test_bad_grants_are_refused_in_words)
{
    static const struct {
        uint64_t size, align;
        enum status expect;
    } rows[] = {{0, 1, STATUS_BAD_INPUT},
                {1, 0, STATUS_BAD_INPUT},
                {POOL + 1, 1, STATUS_NO_MEMORY},
                {UINT64_MAX, 1, STATUS_NO_MEMORY},
                {UINT64_MAX - 1, 0x1000, STATUS_NO_MEMORY}};
    struct allocator a;
    struct vm one = a_vm(1);
    struct bus_device d = {BUS_PORT, 1, 1, "port", nothing, NULL};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        allocator_init(&a, pool, POOL, 500);
        ck_assert_msg(allocator_give_storage(&a, &one, 0, rows[i].size,
                                             rows[i].align) == rows[i].expect,
                      "row %zu", i);
        ck_assert_uint_gt(strlen(a.diag.text), 10);
        ck_assert_uint_eq(a.count, 0);
    }
    ck_assert_int_eq(allocator_give_device(&a, &one, &d), STATUS_OK);
    ck_assert_int_eq(allocator_give_device(&a, &one, &d), STATUS_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(a.diag.text, "taken"));
    allocator_give_time(&a, &one);
    ck_assert_uint_eq(one.slice, 500);
}
END_TEST

START_TEST(test_storage_that_overlaps_is_not_granted)
{
    struct allocator a;
    struct vm one = a_vm(1);

    allocator_init(&a, pool, POOL, 500);
    ck_assert_int_eq(allocator_give_storage(&a, &one, 0, 0x1000, 1), STATUS_OK);
    ck_assert_int_eq(allocator_give_storage(&a, &one, 0xfff, 0x1000, 1),
                     STATUS_BAD_INPUT);
    ck_assert_uint_eq(a.count, 1);
    ck_assert_uint_eq(one.mem.count, 1);
}
END_TEST

Suite *suite_allocator(void)
{
    Suite *s = suite_create("allocator");
    TCase *t = tcase_create("grants");

    tcase_add_test(t, test_no_byte_has_two_owners);
    tcase_add_test(t, test_what_is_taken_back_is_given_anew);
    tcase_add_test(t, test_only_used_storage_is_cleared);
    tcase_add_test(t, test_bad_grants_are_refused_in_words);
    tcase_add_test(t, test_storage_that_overlaps_is_not_granted);
    suite_add_tcase(s, t);
    return s;
}
