/* The local and the I/O APIC, register by register, and on the PC. */
#include "base/bytes.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/pc/mp_table.h"
#include "x86vmm/pc/pc.h"

#include <check.h>
#include <string.h>

enum {
    ID = 0x20,
    VERSION = 0x30,
    TPR = 0x80,
    PPR = 0xA0,
    EOI = 0xB0,
    LDR = 0xD0,
    SVR = 0xF0,
    ISR = 0x100,
    TMR = 0x180,
    IRR = 0x200,
    ESR = 0x280,
    ICR = 0x300,
    ICR_TO = 0x310,
    TIMER = 0x320,
    LINT0 = 0x350,
    ERROR = 0x370,
    INITIAL = 0x380,
    CURRENT = 0x390,
    DIVIDE = 0x3E0,
    ON = 0x1FF,
    MASKED = 0x10000,
    PERIODIC = 0x20000,
    LEVEL = 0x8000,
    BY_1 = 0xB
};

static struct rig {
    struct clock clock;
    struct lapic lapic;
    struct ioapic ioapic;
    unsigned nmis;
    int ended; /* vector, or -1 */
} rig;

static void nmi(void *who)
{
    ((struct rig *)who)->nmis++;
}

static void ended(void *who, unsigned vector)
{
    struct rig *r = who;

    r->ended = (int)vector;
    ioapic_ended(&r->ioapic, vector);
}

static uint32_t get(uint64_t reg)
{
    uint64_t value = 0;

    lapic_io(&rig.lapic, reg, 4, false, &value);
    return (uint32_t)value;
}

static void put(uint64_t reg, uint32_t value)
{
    uint64_t v = value;

    lapic_io(&rig.lapic, reg, 4, true, &v);
}

static void io_put(unsigned reg, uint32_t value)
{
    uint64_t v = reg, data = value;

    ioapic_io(&rig.ioapic, 0, 4, true, &v);
    ioapic_io(&rig.ioapic, 0x10, 4, true, &data);
}

static uint32_t io_get(unsigned reg)
{
    uint64_t v = reg;

    ioapic_io(&rig.ioapic, 0, 4, true, &v);
    ioapic_io(&rig.ioapic, 0x10, 4, false, &v);
    return (uint32_t)v;
}

static void set_up(void)
{
    memset(&rig, 0, sizeof(rig));
    rig.ended = -1;
    clock_init(&rig.clock);
    lapic_init(&rig.lapic, &rig.clock);
    rig.lapic.nmi = nmi;
    rig.lapic.ended = ended;
    rig.lapic.who = &rig;
    ioapic_init(&rig.ioapic, &rig.lapic);
    put(SVR, ON);
}

static void send(uint8_t vector)
{
    ck_assert(
        lapic_send(&rig.lapic, &(struct lapic_message){.vector = vector}));
}

START_TEST(begins_as_after_reset)
{
    lapic_reset(&rig.lapic);
    ck_assert_uint_eq(get(SVR), 0xFF);
    ck_assert_uint_eq(get(VERSION), 0x50014);
    ck_assert_uint_eq(get(TIMER), MASKED);
    ck_assert(lapic_passes_extint(&rig.lapic));
    send(0x40); /* turned off: it takes none */
    ck_assert_int_eq(lapic_pending(&rig.lapic), -1);
}
END_TEST

START_TEST(turned_off_it_masks_its_table)
{
    put(ERROR, 0x33);
    put(SVR, 0xFF);
    ck_assert_uint_eq(get(ERROR), MASKED | 0x33);
    put(ERROR, 0x44);
    ck_assert_uint_eq(get(ERROR), MASKED | 0x44);
    ck_assert(!lapic_passes_extint(&rig.lapic));
}
END_TEST

START_TEST(higher_class_interrupts_lower)
{
    send(0x45);
    ck_assert_int_eq(lapic_acknowledge(&rig.lapic), 0x45);
    ck_assert_uint_eq(get(ISR + 0x20), 1u << 5);
    ck_assert_uint_eq(get(PPR), 0x40);
    send(0x4F); /* of the same class */
    ck_assert_int_eq(lapic_pending(&rig.lapic), -1);
    send(0x51);
    ck_assert_int_eq(lapic_acknowledge(&rig.lapic), 0x51);
    put(EOI, 0);
    ck_assert_int_eq(lapic_pending(&rig.lapic), -1);
    put(EOI, 0);
    ck_assert_int_eq(lapic_acknowledge(&rig.lapic), 0x4F);
}
END_TEST

START_TEST(task_priority_holds_back)
{
    send(0x45);
    put(TPR, 0x40);
    ck_assert_int_eq(lapic_pending(&rig.lapic), -1);
    ck_assert_uint_eq(get(IRR + 0x20), 1u << 5);
    lapic_set_cr8(&rig.lapic, 3);
    ck_assert_uint_eq(get(TPR), 0x30);
    ck_assert_int_eq(lapic_pending(&rig.lapic), 0x45);
}
END_TEST

START_TEST(interrupts_itself)
{
    put(ICR, 0x40000 | 0x61); /* to self */
    ck_assert_int_eq(lapic_acknowledge(&rig.lapic), 0x61);
    put(ICR_TO, 1u << 24); /* to another one */
    put(ICR, 0x62);
    ck_assert_int_eq(lapic_pending(&rig.lapic), -1);
    put(ICR, 0xC0000 | 0x63); /* to all others */
    ck_assert_int_eq(lapic_pending(&rig.lapic), -1);
    put(LDR, 1u << 24);
    put(ICR, 0x800 | 0x71); /* logical */
    ck_assert_int_eq(lapic_pending(&rig.lapic), 0x71);
    put(ICR, 0x80000 | 0x400); /* NMI, to all */
    ck_assert_uint_eq(rig.nmis, 1);
}
END_TEST

START_TEST(illegal_vectors_are_errors)
{
    put(ERROR, 0x99);
    put(ICR, 0x40000 | 5);
    ck_assert_int_eq(lapic_acknowledge(&rig.lapic), 0x99);
    ck_assert_uint_eq(get(ESR), 0);
    put(ESR, 0);
    ck_assert_uint_eq(get(ESR), 0x20);
    put(ESR, 0);
    ck_assert_uint_eq(get(ESR), 0);
    send(15);
    (void)get(0x40); /* no register */
    put(ESR, 0);
    ck_assert_uint_eq(get(ESR), 0xC0);
}
END_TEST

START_TEST(timer_counts_down_once)
{
    put(DIVIDE, 0); /* by 2 */
    put(TIMER, 0x40);
    put(INITIAL, 100);
    clock_advance(&rig.clock, 50);
    ck_assert_uint_eq(get(CURRENT), 75);
    clock_advance(&rig.clock, 149);
    ck_assert_int_eq(lapic_pending(&rig.lapic), -1);
    clock_advance(&rig.clock, 1);
    ck_assert_int_eq(lapic_acknowledge(&rig.lapic), 0x40);
    ck_assert_uint_eq(get(CURRENT), 0);
    put(EOI, 0);
    clock_advance(&rig.clock, 1000);
    ck_assert_int_eq(lapic_pending(&rig.lapic), -1);
}
END_TEST

START_TEST(timer_counts_periods)
{
    put(DIVIDE, BY_1);
    put(TIMER, PERIODIC | 0x40);
    put(INITIAL, 100);
    for (unsigned i = 0; i < 3; i++) {
        clock_advance(&rig.clock, 100);
        ck_assert_int_eq(lapic_acknowledge(&rig.lapic), 0x40);
        put(EOI, 0);
        ck_assert_uint_eq(get(CURRENT), 100);
    }
    put(INITIAL, 0);
    clock_advance(&rig.clock, 1000);
    ck_assert_int_eq(lapic_pending(&rig.lapic), -1);
}
END_TEST

START_TEST(edge_comes_once)
{
    ck_assert_uint_eq(io_get(1), 0x170011);
    io_put(0x10 + 2 * 4, 0x44);
    ioapic_line(&rig.ioapic, 4, true);
    ck_assert_int_eq(lapic_acknowledge(&rig.lapic), 0x44);
    put(EOI, 0);
    ck_assert_int_eq(rig.ended, -1);
    ck_assert_int_eq(lapic_pending(&rig.lapic), -1);
    ioapic_line(&rig.ioapic, 4, false);
    ioapic_line(&rig.ioapic, 4, true);
    ck_assert_int_eq(lapic_pending(&rig.lapic), 0x44);
}
END_TEST

START_TEST(level_comes_until_it_is_quiet)
{
    io_put(0x10 + 2 * 5, LEVEL | 0x55);
    ioapic_line(&rig.ioapic, 5, true);
    ck_assert_uint_eq(get(TMR + 0x20), 1u << 21);
    ck_assert_uint_eq(io_get(0x10 + 2 * 5), 0x4000 | LEVEL | 0x55);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(lapic_acknowledge(&rig.lapic), 0x55);
        ck_assert_int_eq(lapic_pending(&rig.lapic), -1);
        put(EOI, 0);
    }
    ck_assert_int_eq(rig.ended, 0x55);
    ck_assert_int_eq(lapic_acknowledge(&rig.lapic), 0x55);
    ioapic_line(&rig.ioapic, 5, false);
    put(EOI, 0);
    ck_assert_int_eq(lapic_pending(&rig.lapic), -1);
    ck_assert_uint_eq(io_get(0x10 + 2 * 5), LEVEL | 0x55);
}
END_TEST

START_TEST(masked_inputs_are_quiet)
{
    io_put(0x10 + 2 * 2, MASKED | 0x42);
    ioapic_line(&rig.ioapic, 0, true); /* the timer, at input 2 */
    io_put(0x10 + 2 * 2, 0x42);
    ck_assert_int_eq(lapic_pending(&rig.lapic), -1);
    ioapic_line(&rig.ioapic, 0, false);
    ioapic_line(&rig.ioapic, 0, true);
    ck_assert_int_eq(lapic_pending(&rig.lapic), 0x42);
}
END_TEST

START_TEST(any_access_is_taken)
{
    for (uint64_t at = 0; at < LAPIC_SIZE; at++)
        for (unsigned size = 1; size <= 8; size *= 2)
            for (unsigned i = 0; i < 4; i++) {
                uint64_t value = i & 1 ? UINT64_MAX : 0x10000;

                lapic_io(&rig.lapic, at, size, i & 2, &value);
                if (at < IOAPIC_SIZE)
                    ioapic_io(&rig.ioapic, at, size, i & 2, &value);
            }
    clock_advance(&rig.clock, 1000);
}
END_TEST

/* ---- On the PC ---- */

static struct pc *new_pc(void)
{
    struct diag diag = {{0}};
    struct pc *pc = pc_new(
        &(struct pc_plan){.storage = PC_STORAGE_MIN, .apic = true}, &diag);

    ck_assert_msg(pc != NULL, "%s", diag.text);
    return pc;
}

static uint32_t mmio(const struct pc *pc, uint64_t gpa)
{
    uint64_t value = 0;

    (void)bus_access(&pc->bus, BUS_MMIO, gpa, 4, false, &value);
    return (uint32_t)value;
}

START_TEST(base_register_moves_and_removes_it)
{
    enum { APIC_BASE = 0x1B, BSP = 0x100 };
    struct pc *pc = new_pc();

    ck_assert_uint_eq(mmio(pc, LAPIC_AT + VERSION), 0x50014);
    ck_assert(!x86_msr_write(&pc->cpu, APIC_BASE,
                             0xFED40000 | X86_APIC_ENABLED | BSP));
    ck_assert_uint_eq(mmio(pc, 0xFED40000 + VERSION), 0x50014);
    ck_assert_uint_eq(mmio(pc, LAPIC_AT + VERSION), UINT32_MAX);
    ck_assert(!x86_msr_write(&pc->cpu, APIC_BASE, LAPIC_AT | BSP));
    ck_assert_uint_eq(mmio(pc, LAPIC_AT + VERSION), UINT32_MAX);
    pc_free(pc);
}
END_TEST

/* The rows of msr.def, in order, are there; what is between them is not. */
START_TEST(registers_are_the_rows)
{
    static const uint32_t rows[] = {
#define MSR_PLAIN(number, name, form, where, words) number,
#define MSR_OWN(number, name, words)                number,
#define MSR_PLATFORM(number, name, words)           number,
#include "x86vmm/machine/msr.def"
#undef MSR_PLAIN
#undef MSR_OWN
#undef MSR_PLATFORM
    };
    struct pc *pc = new_pc();
    uint64_t value;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint32_t next = i + 1 < ARRAY_LEN(rows) ? rows[i + 1] : 0;

        ck_assert_msg(!x86_msr_read(&pc->cpu, rows[i], &value), "%x", rows[i]);
        ck_assert_uint_gt(next - 1, rows[i] - 1);
        if (rows[i] + 1 != next)
            ck_assert_msg(x86_msr_read(&pc->cpu, rows[i] + 1, &value),
                          "%x is there", rows[i] + 1);
    }
    pc_free(pc);
}
END_TEST

static uint8_t sum(const uint8_t *p, size_t n)
{
    uint8_t s = 0;

    while (n--)
        s = (uint8_t)(s + *p++);
    return s;
}

START_TEST(table_of_processors_is_whole)
{
    struct pc *pc = new_pc();
    const uint8_t *at = pc->storage + load_le16(pc->storage + 0x40E) * 16;
    const uint8_t *table = pc->storage + load_le32(at + 4), *p = table + 44;
    unsigned entries = load_le16(table + 34);

    ck_assert_uint_eq(load_le16(pc->storage + 0x413), 639);
    ck_assert_mem_eq(at, "_MP_", 4);
    ck_assert_uint_eq(sum(at, 16), 0);
    ck_assert_mem_eq(table, "PCMP", 4);
    ck_assert_uint_eq(sum(table, load_le16(table + 4)), 0);
    while (entries--)
        p += *p ? 8 : 20;
    ck_assert_ptr_eq(p, table + load_le16(table + 4));
    pc_free(pc);
}
END_TEST

Suite *suite_x86_apic(void)
{
    const TTest *const tests[] = {begins_as_after_reset,
                                  turned_off_it_masks_its_table,
                                  higher_class_interrupts_lower,
                                  task_priority_holds_back,
                                  interrupts_itself,
                                  illegal_vectors_are_errors,
                                  timer_counts_down_once,
                                  timer_counts_periods,
                                  edge_comes_once,
                                  level_comes_until_it_is_quiet,
                                  masked_inputs_are_quiet,
                                  any_access_is_taken,
                                  base_register_moves_and_removes_it,
                                  registers_are_the_rows,
                                  table_of_processors_is_whole};
    Suite *s = suite_create("x86_apic");
    TCase *tc = tcase_create("apic");

    tcase_add_checked_fixture(tc, set_up, NULL);
    for (size_t i = 0; i < ARRAY_LEN(tests); i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(s, tc);
    return s;
}
