/* The 16550, register by register, as its data sheet has them. */
#include "x86vmm/dev/dev_port.h"
#include "x86vmm/dev/dev_uart.h"

#include <check.h>
#include <string.h>

enum { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR, DLAB = 0x80, LOOP = 0x10 };

struct rig {
    struct uart uart;
    struct x86_platform platform;
    char printed[256];
    size_t n;
};

static void print(void *to, const uint8_t *bytes, size_t n)
{
    struct rig *r = to;

    ck_assert_uint_le(r->n + n, sizeof(r->printed));
    memcpy(r->printed + r->n, bytes, n);
    r->n += n;
}

static void set_up(struct rig *r)
{
    *r = (struct rig){.n = 0};
    uart_init(&r->uart, &r->platform, X86_LINE_SERIAL);
    r->uart.output = print;
    r->uart.to = r;
}

static uint8_t get(struct rig *r, unsigned reg)
{
    uint64_t value = 0;

    uart_io(&r->uart, reg, 1, false, &value);
    ck_assert_uint_le(value, 0xFF);
    return (uint8_t)value;
}

static void put(struct rig *r, unsigned reg, uint8_t byte)
{
    uint64_t value = byte;

    uart_io(&r->uart, reg, 1, true, &value);
}

static void type(struct rig *r, const char *text)
{
    ck_assert_uint_eq(uart_input(&r->uart, (const uint8_t *)text, strlen(text)),
                      strlen(text));
}

static bool line(const struct rig *r)
{
    return r->platform.raised == 1u << X86_LINE_SERIAL;
}

START_TEST(prints_what_is_transmitted)
{
    struct rig r;

    set_up(&r);
    put(&r, RBR, 'O');
    put(&r, RBR, 'K');
    ck_assert_uint_eq(r.n, 2);
    ck_assert_mem_eq(r.printed, "OK", 2);
    ck_assert_uint_eq(get(&r, LSR), 0x60);
}
END_TEST

START_TEST(receives_in_order)
{
    struct rig r;

    set_up(&r);
    type(&r, "ab");
    ck_assert_uint_eq(get(&r, LSR), 0x61);
    ck_assert_uint_eq(get(&r, RBR), 'a');
    ck_assert_uint_eq(get(&r, LSR), 0x61);
    ck_assert_uint_eq(get(&r, RBR), 'b');
    ck_assert_uint_eq(get(&r, LSR), 0x60);
    ck_assert_uint_eq(get(&r, RBR), 0);
}
END_TEST

START_TEST(divisor_hides_data_and_enable)
{
    struct rig r;

    set_up(&r);
    put(&r, IER, 0x05);
    put(&r, LCR, DLAB | 3);
    put(&r, RBR, 0x0C);
    put(&r, IER, 0x01);
    ck_assert_uint_eq(get(&r, RBR), 0x0C);
    ck_assert_uint_eq(get(&r, IER), 0x01);
    put(&r, LCR, 3);
    ck_assert_uint_eq(get(&r, IER), 0x05);
    ck_assert_uint_eq(get(&r, LCR), 3);
    ck_assert_uint_eq(r.n, 0); /* the divisor was not transmitted */
}
END_TEST

START_TEST(scratch_and_reserved_bits)
{
    struct rig r;

    set_up(&r);
    for (unsigned v = 0; v < 256; v++) {
        put(&r, SCR, (uint8_t)v);
        ck_assert_uint_eq(get(&r, SCR), v);
        put(&r, IER, (uint8_t)v);
        ck_assert_uint_eq(get(&r, IER), v & 0xF);
        put(&r, MCR, (uint8_t)v);
        ck_assert_uint_eq(get(&r, MCR), v & 0x1F);
    }
}
END_TEST

START_TEST(fifo_shows_in_iir)
{
    struct rig r;

    set_up(&r);
    ck_assert_uint_eq(get(&r, IIR), 0x01);
    put(&r, IIR, 0x01);
    ck_assert_uint_eq(get(&r, IIR), 0xC1);
    put(&r, IIR, 0x00);
    ck_assert_uint_eq(get(&r, IIR), 0x01);
}
END_TEST

START_TEST(fcr_clears_the_receiver)
{
    struct rig r;

    set_up(&r);
    put(&r, IIR, 0x01);
    type(&r, "abc");
    put(&r, IIR, 0x03);
    ck_assert_uint_eq(get(&r, LSR), 0x60);
    type(&r, "d");
    put(&r, IIR, 0x00); /* switching the FIFOs clears them, too */
    ck_assert_uint_eq(get(&r, LSR), 0x60);
}
END_TEST

/* The transmitter's interrupt comes when it is enabled and after each
 * character; reading IIR is hearing it. */
START_TEST(transmitter_interrupt)
{
    struct rig r;

    set_up(&r);
    put(&r, MCR, 0x08);
    ck_assert(!line(&r));
    put(&r, IER, 0x02);
    ck_assert(line(&r));
    ck_assert_uint_eq(get(&r, IIR), 0x02);
    ck_assert(!line(&r));
    ck_assert_uint_eq(get(&r, IIR), 0x01);
    put(&r, RBR, 'x');
    ck_assert(line(&r));
    put(&r, IER, 0x02); /* enabled already: nothing new */
    ck_assert_uint_eq(get(&r, IIR), 0x02);
    ck_assert_uint_eq(get(&r, IIR), 0x01);
    put(&r, IER, 0x00);
    put(&r, IER, 0x02);
    ck_assert(line(&r));
    put(&r, IER, 0x00);
    ck_assert(!line(&r));
}
END_TEST

START_TEST(receiver_interrupt_lasts)
{
    struct rig r;

    set_up(&r);
    put(&r, MCR, 0x08);
    put(&r, IER, 0x01);
    type(&r, "ab");
    ck_assert(line(&r));
    ck_assert_uint_eq(get(&r, IIR), 0x04);
    ck_assert_uint_eq(get(&r, IIR), 0x04);
    get(&r, RBR);
    ck_assert(line(&r));
    get(&r, RBR);
    ck_assert(!line(&r));
    ck_assert_uint_eq(get(&r, IIR), 0x01);
}
END_TEST

START_TEST(below_the_trigger_it_is_a_timeout)
{
    struct rig r;

    set_up(&r);
    put(&r, IER, 0x01);
    put(&r, IIR, 0x81); /* trigger level 8 */
    type(&r, "1234567");
    ck_assert_uint_eq(get(&r, IIR), 0xCC);
    type(&r, "8");
    ck_assert_uint_eq(get(&r, IIR), 0xC4);
}
END_TEST

START_TEST(out2_gates_the_line)
{
    struct rig r;

    set_up(&r);
    put(&r, IER, 0x01);
    type(&r, "a");
    ck_assert(!line(&r));
    put(&r, MCR, 0x08);
    ck_assert(line(&r));
    put(&r, MCR, 0x00);
    ck_assert(!line(&r));
}
END_TEST

START_TEST(loops_back)
{
    struct rig r;

    set_up(&r);
    put(&r, MCR, LOOP);
    put(&r, RBR, 'q');
    ck_assert_uint_eq(r.n, 0);
    ck_assert_uint_eq(get(&r, LSR), 0x61);
    ck_assert_uint_eq(get(&r, RBR), 'q');
}
END_TEST

/* Without FIFOs one character fits, with them sixteen. */
START_TEST(overrun_in_the_loop)
{
    struct rig r;

    set_up(&r);
    put(&r, IER, 0x05);
    put(&r, MCR, LOOP | 0x08);
    put(&r, RBR, '1');
    put(&r, RBR, '2');
    ck_assert_uint_eq(get(&r, IIR), 0x06); /* before received data */
    ck_assert_uint_eq(get(&r, LSR), 0x63);
    ck_assert_uint_eq(get(&r, LSR), 0x61); /* reading cleared it */
    ck_assert_uint_eq(get(&r, IIR), 0x04);
    put(&r, IIR, 0x03);
    for (unsigned i = 0; i < UART_FIFO; i++)
        put(&r, RBR, (uint8_t)i);
    ck_assert_uint_eq(get(&r, LSR), 0x61);
    put(&r, RBR, 99);
    ck_assert_uint_eq(get(&r, LSR), 0x63);
    for (unsigned i = 0; i < UART_FIFO; i++)
        ck_assert_uint_eq(get(&r, RBR), i);
    ck_assert_uint_eq(get(&r, LSR), 0x60);
}
END_TEST

START_TEST(modem_lines_and_deltas)
{
    struct rig r;

    set_up(&r);
    ck_assert_uint_eq(get(&r, MSR), 0xB0);
    put(&r, IER, 0x08);
    put(&r, MCR, LOOP); /* CTS, DSR and DCD drop */
    ck_assert_uint_eq(get(&r, IIR), 0x00);
    ck_assert_uint_eq(get(&r, MSR), 0x0B);
    ck_assert_uint_eq(get(&r, MSR), 0x00);
    ck_assert_uint_eq(get(&r, IIR), 0x01);
    put(&r, MCR, LOOP | 0x04); /* RI on: no delta */
    ck_assert_uint_eq(get(&r, MSR), 0x40);
    put(&r, MCR, LOOP); /* and off: TERI */
    ck_assert_uint_eq(get(&r, MSR), 0x04);
    put(&r, MCR, LOOP | 0x03);
    ck_assert_uint_eq(get(&r, MSR), 0x33);
}
END_TEST

START_TEST(queue_takes_what_fits)
{
    static uint8_t much[UART_QUEUE + 7];
    struct rig r;

    for (size_t i = 0; i < sizeof(much); i++)
        much[i] = (uint8_t)(i * 7);
    set_up(&r);
    for (unsigned round = 0; round < 3; round++) { /* wraps around */
        ck_assert_uint_eq(uart_input(&r.uart, much, sizeof(much)), UART_QUEUE);
        ck_assert_uint_eq(uart_input(&r.uart, much, 1), 0);
        for (size_t i = 0; i < UART_QUEUE; i++)
            ck_assert_uint_eq(get(&r, RBR), much[i]);
        type(&r, "x");
        ck_assert_uint_eq(get(&r, RBR), 'x');
    }
}
END_TEST

/* A wide access is its bytes side by side; none reaches behind the port. */
START_TEST(any_offset_and_size)
{
    struct rig r;
    uint64_t value;

    set_up(&r);
    for (unsigned size = 1; size <= 8; size++)
        for (uint64_t offset = 0; offset < 12; offset++) {
            value = UINT64_C(0x0807060504030201);
            uart_io(&r.uart, offset, size, true, &value);
            uart_io(&r.uart, offset, size, false, &value);
            if (size < 8)
                ck_assert_uint_eq(value >> 8 * size, 0);
            uart_io(&r.uart, UINT64_MAX - 3, size, false, &value);
        }
    set_up(&r);
    value = 0x4241;
    uart_io(&r.uart, SCR, 2, true, &value);
    value = 0;
    uart_io(&r.uart, SCR, 2, false, &value);
    ck_assert_uint_eq(value, 0xFF41);
}
END_TEST

START_TEST(the_two_ports)
{
    struct rig r;
    struct debug_port debug = {print, &r};
    uint64_t value = 0x1234567890ABCD45;

    set_up(&r);
    debug_port_io(&debug, 0, 8, true, &value);
    ck_assert_uint_eq(r.n, 1);
    ck_assert_int_eq(r.printed[0], 0x45);
    debug_port_io(&debug, 0, 1, false, &value);
    ck_assert_uint_eq(value, 0xE9);
    exit_port_io(&r.platform, 0, 4, false, &value);
    ck_assert_uint_eq(value, 0);
    ck_assert(!r.platform.stopped);
    value = 0x80000001;
    exit_port_io(&r.platform, 0, 4, true, &value);
    ck_assert(r.platform.stopped);
    ck_assert_uint_eq(r.platform.exit_code, 0x80000001);
}
END_TEST

Suite *suite_x86_uart(void)
{
    const TTest *const tests[] = {
        prints_what_is_transmitted,
        receives_in_order,
        divisor_hides_data_and_enable,
        scratch_and_reserved_bits,
        fifo_shows_in_iir,
        fcr_clears_the_receiver,
        transmitter_interrupt,
        receiver_interrupt_lasts,
        below_the_trigger_it_is_a_timeout,
        out2_gates_the_line,
        loops_back,
        overrun_in_the_loop,
        modem_lines_and_deltas,
        queue_takes_what_fits,
        any_offset_and_size,
        the_two_ports,
    };
    Suite *s = suite_create("x86_uart");
    TCase *c = tcase_create("16550");

    for (size_t i = 0; i < ARRAY_LEN(tests); i++)
        tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    return s;
}
