#include "base/format.h"

#include <check.h>

START_TEST(test_format_cuts)
{
    char out[4];

    ck_assert_uint_eq(format(out, sizeof(out), "%d", 12345), 3);
    ck_assert_str_eq(out, "123");
}
END_TEST

Suite *suite_base(void)
{
    Suite *s = suite_create("base");
    TCase *t = tcase_create("format");

    tcase_add_test(t, test_format_cuts);
    suite_add_tcase(s, t);
    return s;
}
