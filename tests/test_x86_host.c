/* The modelled x86 processor beside this host's own: a short run of what
 * `make x86-host-oracle` does at length (tests/x86_host/). */
#include "tests/skip.h"
#include "tests/x86_host/case.h"
#include "tests/x86_host/compare.h"

#include <check.h>
#include <inttypes.h>
#include <string.h>

enum { CASES = 60000, TELL = 5 };

START_TEST(agrees_with_the_host)
{
    struct host_count n;
    const char *why = host_compare((uint64_t)_i + 1, CASES, TELL, &n);

    if (why) {
        skip_test("the host's processor beside ours: %s", why);
        return;
    }
    ck_assert_msg(n.cases == CASES && !n.differences,
                  "%" PRIu64 " differences in %" PRIu64 " cases", n.differences,
                  n.cases);
    ck_assert_msg(n.faults > CASES / 20 && n.left_out < CASES / 100,
                  "%" PRIu64 " exceptions, %" PRIu64 " left out", n.faults,
                  n.left_out);
}
END_TEST

/* Which flags are not compared depends on the count. */
START_TEST(undefined_flags_follow_the_count)
{
    static const struct {
        const char *bytes;
        unsigned n;
        uint64_t count, undefined;
    } rows[] = {
        {"\xC1\xE0\x00", 3, 0, 0},     /* shl eax, 0 */
        {"\xC1\xE0\x01", 3, 0, 0x10},  /* AF */
        {"\xC1\xE0\x02", 3, 0, 0x810}, /* and OF */
        {"\xC1\xE0\x21", 3, 0, 0x10},  /* cut to 1 */
        {"\xC0\xE0\x08", 3, 0, 0x811}, /* shl al, 8: and CF */
        {"\xD3\xC0", 2, 1, 0},         /* rol eax, cl */
        {"\xD3\xC0", 2, 2, 0x800},     /* OF */
        {"\x66\x0F\xA5\xC0", 4, 16, 0x810},
        {"\x66\x0F\xA5\xC0", 4, 17, 0x8D5 | X86_RESULT},
        {"\x01\xC0", 2, 0, 0}, /* add eax, eax */
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t gpr[16] = {0, rows[i].count}, u;
        struct x86_op op;

        ck_assert_int_eq(
            x86_op_decode((const uint8_t *)rows[i].bytes, rows[i].n, 64, &op),
            0);
        u = case_undefined(&op, gpr);
        ck_assert_msg(u == rows[i].undefined, "row %zu: %" PRIx64, i, u);
    }
}
END_TEST

/* One seed, one sequence of cases; and each is an instruction. */
START_TEST(cases_are_the_seed_s)
{
    static uint8_t data[HOST_DATA_SIZE];
    struct case_random a = {5}, b = {5};
    struct host_case x, y;
    struct x86_op op;

    for (unsigned i = 0; i < 2000; i++) {
        unsigned bits = i & 1 ? 32 : 64;

        case_make(&x, &a, bits, data);
        case_make(&y, &b, bits, data);
        ck_assert(!memcmp(x.code, y.code, sizeof(x.code)) &&
                  !memcmp(&x.start, &y.start, sizeof(x.start)));
        if (x.op.id != X86_INSN_COUNT)
            ck_assert_int_eq(x86_op_decode(x.code + x.last, 15, bits, &op), 0);
    }
}
END_TEST

Suite *suite_x86_host(void)
{
    Suite *s = suite_create("x86_host");
    TCase *t = tcase_create("host");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, agrees_with_the_host, 0, 2);
    tcase_add_test(t, undefined_flags_follow_the_count);
    tcase_add_test(t, cases_are_the_seed_s);
    suite_add_tcase(s, t);
    return s;
}
