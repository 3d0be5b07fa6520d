/* base/: format, bits, bytes, storage slots, bus, clock. */
#include "base/bits.h"
#include "base/bus.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/format.h"
#include "base/mem.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

/* ---- format ---- */

/* snprintf is the oracle for what both can do. */
#define SAME(...)                                              \
    do {                                                       \
        char ours[128], theirs[128];                           \
        size_t n = format(ours, sizeof(ours), __VA_ARGS__);    \
        int m = snprintf(theirs, sizeof(theirs), __VA_ARGS__); \
        ck_assert_str_eq(ours, theirs);                        \
        ck_assert_uint_eq(n, (size_t)m);                       \
    } while (0)

START_TEST(test_format_agrees_with_printf)
{
    SAME("plain %% text");
    SAME("%d %i %u", -1, 2147483647, 4294967295u);
    SAME("%d", -2147483647 - 1);
    SAME("%ld %lu %lld %llu %zu", -5L, 5UL, -1LL, ~0ULL, sizeof(int));
    SAME("%lld", -9223372036854775807LL - 1);
    SAME("%x %X %lx %llx", 0xbeefu, 0xbeefu, 0xfeedUL, 0x123456789abcdefULL);
    SAME("[%8d][%-8d][%08d][%*d]", -42, -42, -42, 5, 7);
    SAME("[%6x][%-6x][%06x][%0*llx]", 0xabu, 0xabu, 0xabu, 8, 0xabULL);
    SAME("[%s][%10s][%-10s][%.2s][%.*s][%-5.1s]", "abc", "abc", "abc", "abc", 2,
         "abc", "abc");
    SAME("%c%c[%s]", 'x', 'y', "");
    SAME("%.3s", (const char[]){'a', 'b', 'c', 'd'}); /* not terminated */
}
END_TEST

START_TEST(test_format_cuts_and_terminates)
{
    char out[5];

    for (size_t cap = 0; cap <= sizeof(out); cap++) {
        memset(out, '#', sizeof(out));
        ck_assert_uint_eq(format(out, cap, "%d", 12345), cap ? cap - 1 : 0);
        for (size_t i = 0; i + 1 < cap; i++)
            ck_assert_int_eq(out[i], "12345"[i]);
        if (cap)
            ck_assert_int_eq(out[cap - 1], '\0');
        for (size_t i = cap; i < sizeof(out); i++)
            ck_assert_int_eq(out[i], '#');
    }
}
END_TEST

START_TEST(test_format_survives_nonsense)
{
    static const struct {
        const char *fmt, *out;
    } rows[] = {{"%q", "%q"}, {"100%", "100"}, {"%", ""}, {"%5", ""}};
    char out[16];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *volatile fmt = rows[i].fmt; /* no warning wanted */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
        format(out, sizeof(out), fmt);
#pragma GCC diagnostic pop
        ck_assert_str_eq(out, rows[i].out);
    }
    const char *volatile nothing = NULL;
    format(out, sizeof(out), "%s", nothing);
    ck_assert_str_eq(out, "(null)");
}
END_TEST

START_TEST(test_diag_carries_the_status)
{
    struct diag d;

    ck_assert_int_eq(
        diag_set(&d, STATUS_BAD_INPUT, "%s:%u: no", "deck.txt", 12u),
        STATUS_BAD_INPUT);
    ck_assert_str_eq(d.text, "deck.txt:12: no");
    ck_assert_int_eq(diag_set(NULL, STATUS_NO_MEMORY, "x"), STATUS_NO_MEMORY);
}
END_TEST

/* ---- bits and bytes ---- */

START_TEST(test_bits_number_as_the_manuals)
{
    /* A PSW: key 3 in bits 8-11, condition code 2 in EC bits 18-19. */
    uint64_t psw = UINT64_C(0x0038200000001234);

    ck_assert_uint_eq(ibm64(psw, 8, 11), 3);
    ck_assert_uint_eq(ibm64(psw, 18, 19), 2);
    ck_assert_uint_eq(ibm64(psw, 0, 63), psw);
    ck_assert_uint_eq(ibm32(0x80000001u, 0, 0), 1);
    ck_assert_uint_eq(ibm32(0x80000001u, 31, 31), 1);
    ck_assert_uint_eq(ibm32(0x80000001u, 0, 31), 0x80000001u);
    ck_assert_uint_eq(intel64(0xf0, 7, 4), 0xf);
    ck_assert_uint_eq(intel64(~UINT64_C(0), 63, 0), ~UINT64_C(0));
}
END_TEST

START_TEST(test_bits_put_is_the_inverse)
{
    for (unsigned first = 0; first < 64; first++)
        for (unsigned last = first; last < 64; last++) {
            uint64_t v =
                UINT64_C(0x9e3779b97f4a7c15) & BITS_MASK(last - first + 1);

            ck_assert_uint_eq(ibm64(ibm64_put(first, last, v), first, last), v);
            if (last >= 32)
                continue;
            ck_assert_uint_eq(
                ibm32(ibm32_put(first, last, (uint32_t)v), first, last),
                (uint32_t)v);
        }
    ck_assert_uint_eq(ibm32_put(8, 11, 0xff), 0x00f00000u); /* cut */
}
END_TEST

START_TEST(test_bytes_have_a_stated_order)
{
    uint8_t b[10];

    for (unsigned at = 0; at < 2; at++) { /* aligned and not */
        memset(b, 0, sizeof(b));
        store_be32(b + at, 0x01020304u);
        ck_assert_mem_eq(b + at, "\1\2\3\4", 4);
        ck_assert_uint_eq(load_be32(b + at), 0x01020304u);
        ck_assert_uint_eq(load_le32(b + at), 0x04030201u);
        ck_assert_uint_eq(load_be24(b + at), 0x010203u);
        ck_assert_uint_eq(load_be16(b + at), 0x0102u);
        store_le64(b + at, UINT64_C(0x0807060504030201));
        ck_assert_mem_eq(b + at, "\1\2\3\4\5\6\7\10", 8);
        ck_assert_uint_eq(load_be64(b + at), UINT64_C(0x0102030405060708));
        store_be24(b + at, 0xabcdefu);
        ck_assert_mem_eq(b + at, "\xab\xcd\xef\4", 4);
        store_le16(b + at, 0x1122);
        ck_assert_uint_eq(load_le16(b + at), 0x1122);
    }
}
END_TEST

/* ---- storage slots ---- */

START_TEST(test_mem_knows_its_edges)
{
    static uint8_t host[0x1000];
    struct mem_map m = {0};
    struct mem_slot s = {.gpa = 0x2000, .size = 0x1000, .host = host};

    ck_assert_int_eq(mem_add(&m, &s), STATUS_OK);
    ck_assert_ptr_eq(mem_at(&m, 0x2000, 0x1000), host);
    ck_assert_ptr_eq(mem_at(&m, 0x2fff, 1), host + 0xfff);
    ck_assert_ptr_eq(mem_at(&m, 0x2fff, 0), host + 0xfff);
    ck_assert_ptr_null(mem_at(&m, 0x2fff, 2));
    ck_assert_ptr_null(mem_at(&m, 0x1fff, 1));
    ck_assert_ptr_null(mem_at(&m, 0x1fff, 2));
    ck_assert_ptr_null(mem_at(&m, 0x3000, 0));
    ck_assert_ptr_null(mem_at(&m, 0x2000, UINT64_MAX));
    ck_assert_ptr_null(mem_at(&m, UINT64_MAX, UINT64_MAX));
}
END_TEST

START_TEST(test_mem_refuses_bad_slots)
{
    static uint8_t host[1];
    static const struct {
        uint64_t gpa, size;
        enum status expect;
    } rows[] = {
        {0x1000, 0x1000, STATUS_OK},
        {0x1fff, 1, STATUS_BAD_INPUT},      /* its last byte */
        {0x0800, 0x0801, STATUS_BAD_INPUT}, /* its first byte */
        {0, 0x10000, STATUS_BAD_INPUT},     /* all of it */
        {0x5000, 0, STATUS_BAD_INPUT},      /* empty */
        {UINT64_MAX, 2, STATUS_BAD_INPUT},  /* wraps */
        {0x2000, 0x1000, STATUS_OK},        /* a neighbour */
        {0, 0x1000, STATUS_OK},             /* and the other */
        {UINT64_MAX, 1, STATUS_OK},         /* the last byte there is */
    };
    struct mem_map m = {0};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct mem_slot s = {rows[i].gpa, rows[i].size, host, 0};
        ck_assert_msg(mem_add(&m, &s) == rows[i].expect, "row %zu", i);
    }
    struct mem_slot nowhere = {0x100000, 1, NULL, 0};
    ck_assert_int_eq(mem_add(&m, &nowhere), STATUS_BAD_INPUT);
    while (m.count < MEM_SLOTS_MAX) {
        struct mem_slot s = {0x200000 + m.count, 1, host, 0};
        ck_assert_int_eq(mem_add(&m, &s), STATUS_OK);
    }
    struct mem_slot more = {0x300000, 1, host, 0};
    ck_assert_int_eq(mem_add(&m, &more), STATUS_NO_MEMORY);
}
END_TEST

/* ---- bus ---- */

struct cell {
    uint64_t value, offset;
};

static void cell_io(void *dev, uint64_t offset, unsigned size, bool write,
                    uint64_t *value)
{
    struct cell *c = dev;

    (void)size;
    c->offset = offset;
    if (write)
        c->value = *value;
    else
        *value = c->value;
}

START_TEST(test_bus_finds_who_answers)
{
    struct bus b = {0};
    struct cell low = {0}, high = {0};
    uint64_t v = 7;

    ck_assert_int_eq(bus_add(&b, &(struct bus_device){BUS_PORT, 0x3f8, 0x3ff,
                                                      "low", cell_io, &low}),
                     STATUS_OK);
    ck_assert_int_eq(bus_add(&b, &(struct bus_device){BUS_MMIO, 0x3f8, 0x3ff,
                                                      "high", cell_io, &high}),
                     STATUS_OK);
    ck_assert(bus_access(&b, BUS_PORT, 0x3ff, 1, true, &v));
    ck_assert_uint_eq(low.value, 7);
    ck_assert_uint_eq(low.offset, 7);
    ck_assert_uint_eq(high.value, 0);
    ck_assert_ptr_null(bus_find(&b, BUS_PORT, 0x400));
    ck_assert_ptr_null(bus_find(&b, BUS_PORT, 0x3f7));
    ck_assert_ptr_null(bus_find(&b, BUS_CHANNEL, 0x3f8));
}
END_TEST

START_TEST(test_bus_floats_where_nobody_is)
{
    struct bus b = {0};
    uint64_t v;

    for (unsigned size = 1; size <= 8; size *= 2) {
        v = 0;
        ck_assert(!bus_access(&b, BUS_PORT, 0x80, size, false, &v));
        ck_assert_uint_eq(v, BITS_MASK(size * 8));
        v = 5;
        ck_assert(!bus_access(&b, BUS_PORT, 0x80, size, true, &v));
        ck_assert_uint_eq(v, 5);
    }
}
END_TEST

START_TEST(test_bus_refuses_overlap_and_overflow)
{
    struct bus b = {0};
    struct bus_device d = {BUS_CHANNEL, 0x00c, 0x00c, "reader", NULL, NULL};

    ck_assert_int_eq(bus_add(&b, &d), STATUS_OK);
    ck_assert_int_eq(bus_add(&b, &d), STATUS_BAD_INPUT);
    d.first = 0x00d;
    ck_assert_int_eq(bus_add(&b, &d), STATUS_BAD_INPUT); /* empty range */
    for (unsigned i = 1; i < BUS_DEVICES_MAX; i++) {
        d.first = d.last = 0x100 + i;
        ck_assert_int_eq(bus_add(&b, &d), STATUS_OK);
    }
    d.first = d.last = 0x1000;
    ck_assert_int_eq(bus_add(&b, &d), STATUS_NO_MEMORY);
}
END_TEST

/* ---- clock ---- */

struct log {
    struct clock *clock;
    char text[32];
};

static void note(void *owner, uint64_t arg)
{
    struct log *l = owner;

    l->text[strlen(l->text)] = (char)arg;
}

static void note_and_again(void *owner, uint64_t arg)
{
    struct log *l = owner;

    note(owner, arg);
    if (arg < 'c')
        ck_assert_int_eq(
            clock_after(l->clock, 0, note_and_again, owner, arg + 1),
            STATUS_OK);
}

START_TEST(test_clock_keeps_the_order)
{
    struct clock c;
    struct log l = {&c, ""};

    clock_init(&c);
    ck_assert_uint_eq(c.next, CLOCK_NEVER);
    ck_assert_int_eq(clock_after(&c, 20, note, &l, 'd'), STATUS_OK);
    ck_assert_int_eq(clock_after(&c, 10, note, &l, 'a'), STATUS_OK);
    ck_assert_int_eq(clock_after(&c, 10, note, &l, 'b'), STATUS_OK);
    ck_assert_int_eq(clock_after(&c, 10, note, &l, 'c'), STATUS_OK);
    ck_assert_uint_eq(c.next, 10);
    clock_advance(&c, 9);
    ck_assert_str_eq(l.text, "");
    clock_advance(&c, 1);
    ck_assert_str_eq(l.text, "abc"); /* first come, first served */
    clock_advance(&c, 100);
    ck_assert_str_eq(l.text, "abcd");
    ck_assert_uint_eq(c.now, 110);
    ck_assert_uint_eq(c.next, CLOCK_NEVER);
}
END_TEST

START_TEST(test_clock_event_may_schedule)
{
    struct clock c;
    struct log l = {&c, ""};

    clock_init(&c);
    ck_assert_int_eq(clock_after(&c, 5, note_and_again, &l, 'a'), STATUS_OK);
    clock_advance(&c, 5);
    ck_assert_str_eq(l.text, "abc");
}
END_TEST

START_TEST(test_clock_cancels_and_fills_up)
{
    struct clock c;
    struct log one = {&c, ""}, two = {&c, ""};

    clock_init(&c);
    for (unsigned i = 0; i < CLOCK_EVENTS; i++)
        ck_assert_int_eq(clock_after(&c, 5 + i, note, i % 2 ? &one : &two, 'x'),
                         STATUS_OK);
    ck_assert_int_eq(clock_after(&c, 1, note, &one, 'x'), STATUS_NO_MEMORY);
    clock_cancel(&c, note, &two);
    ck_assert_uint_eq(c.next, 6);
    ck_assert_uint_eq(c.count, CLOCK_EVENTS / 2);
    clock_cancel(&c, note, &one);
    clock_advance(&c, 1000);
    ck_assert_str_eq(one.text, "");
    ck_assert_str_eq(two.text, "");
}
END_TEST

START_TEST(test_clock_never_wraps)
{
    struct clock c;
    struct log l = {&c, ""};

    clock_init(&c);
    c.now = UINT64_MAX - 10;
    ck_assert_int_eq(clock_after(&c, 100, note, &l, 'x'), STATUS_OK);
    clock_run(&c);
    ck_assert_str_eq(l.text, ""); /* far away, not in the past */
}
END_TEST

Suite *suite_base(void)
{
    Suite *s = suite_create("base");
    TCase *t = tcase_create("base");

    tcase_add_test(t, test_format_agrees_with_printf);
    tcase_add_test(t, test_format_cuts_and_terminates);
    tcase_add_test(t, test_format_survives_nonsense);
    tcase_add_test(t, test_diag_carries_the_status);
    tcase_add_test(t, test_bits_number_as_the_manuals);
    tcase_add_test(t, test_bits_put_is_the_inverse);
    tcase_add_test(t, test_bytes_have_a_stated_order);
    tcase_add_test(t, test_mem_knows_its_edges);
    tcase_add_test(t, test_mem_refuses_bad_slots);
    tcase_add_test(t, test_bus_finds_who_answers);
    tcase_add_test(t, test_bus_floats_where_nobody_is);
    tcase_add_test(t, test_bus_refuses_overlap_and_overflow);
    tcase_add_test(t, test_clock_keeps_the_order);
    tcase_add_test(t, test_clock_event_may_schedule);
    tcase_add_test(t, test_clock_cancels_and_fills_up);
    tcase_add_test(t, test_clock_never_wraps);
    suite_add_tcase(s, t);
    return s;
}
