/* What the processor does beside instructions: interruption action, program
 * events, registers as a table, store status. */
#include "base/bytes.h"
#include "s370/machine/cpu.h"
#include "s370/machine/per.h"
#include "s370/machine/regs.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

enum { SIZE = 16384, FILL = 0xEE };

static uint8_t bytes[SIZE], keys[SIZE / S370_BLOCK];
static struct s370_storage storage = {bytes, keys, SIZE};

/* "28: 0000..." in hexadecimal: what stands at a real address. */
static void check_bytes(const char *what, const uint8_t *base, const char *spec)
{
    unsigned at, byte;
    int used;

    while (sscanf(spec, "%x: %n", &at, &used) == 1) {
        spec += used;
        while (sscanf(spec, "%2x%n", &byte, &used) == 1 && used == 2) {
            ck_assert_msg(base[at] == byte, "%s: at %X is %02X, not %02X", what,
                          at, base[at], byte);
            at++;
            spec += 2;
        }
        spec += strspn(spec, " ");
    }
    ck_assert_msg(!*spec, "%s: cannot read %s", what, spec);
}

/* ---- Interruption action ---- */

static const struct {
    const char *what, *shown;
    struct s370_interruption in;
    uint64_t old;       /* the current PSW */
    const char *stored; /* also what must stay as it was: EE */
    unsigned new_at;
} rows[] = {
    {"restart, BC",
     "restart",
     {.class = S370_INT_RESTART},
     0xFFF1000025123456,
     "8: FFF1000025123456 84: EEEE",
     0},
    {"restart, EC",
     "restart",
     {.class = S370_INT_RESTART},
     0x4309250000123456,
     "8: 4309250000123456",
     0},
    {"external, BC",
     "external 1004",
     {.class = S370_INT_EXTERNAL, .code = 0x1004},
     0xFFF1000025123456,
     "18: FFF1100425123456 84: EEEEEEEE",
     0x58},
    {"external, EC",
     "external 00C0",
     {.class = S370_INT_EXTERNAL, .code = 0x00C0},
     0x4309250000123456,
     "18: 4309250000123456 84: 000000C0 88: EEEE",
     0x58},
    {"emergency signal, BC",
     "external 1201",
     {.class = S370_INT_EXTERNAL, .code = 0x1201, .cpu_address = 5},
     0xFFF1000025123456,
     "18: FFF1120125123456 84: 0005EEEE",
     0x58},
    {"external call, EC",
     "external 1202",
     {.class = S370_INT_EXTERNAL, .code = 0x1202, .cpu_address = 5},
     0x4309250000123456,
     "84: 00051202",
     0x58},
    {"SVC, BC",
     "SVC 0A",
     {.class = S370_INT_SVC, .code = 0x0A, .ilc = 2},
     0xFFF1000025123456,
     "20: FFF1000A65123456 88: EEEEEEEE",
     0x60},
    {"SVC by EXECUTE, EC",
     "SVC 0A",
     {.class = S370_INT_SVC, .code = 0x0A, .ilc = 4},
     0x4309250000123456,
     "20: 4309250000123456 88: 0004000A",
     0x60},
    {"program, BC",
     "program 0004 protection exception",
     {.class = S370_INT_PROGRAM, .code = 4, .ilc = 6},
     0xFFF1000025123456,
     "28: FFF10004E5123456 8C: EEEEEEEEEEEEEEEEEEEEEEEE",
     0x68},
    {"program, EC",
     "program 0005 addressing exception",
     {.class = S370_INT_PROGRAM, .code = 5, .ilc = 6},
     0x4309250000123456,
     "28: 4309250000123456 8C: 00060005EEEEEEEEEEEEEEEE",
     0x68},
    {"no ILC",
     "program 0006 specification exception",
     {.class = S370_INT_PROGRAM, .code = 6},
     0x4309250000123456,
     "8C: 00000006",
     0x68},
    {"page translation",
     "program 0011 page-translation exception",
     {.class = S370_INT_PROGRAM,
      .code = 0x11,
      .ilc = 4,
      .translation_address = 0xABCDEF},
     0x4309250000123456,
     "8C: 0004001100ABCDEFEEEEEEEE",
     0x68},
    {"monitor event, BC",
     "program 0040 monitor event",
     {.class = S370_INT_PROGRAM,
      .code = 0x40,
      .ilc = 4,
      .monitor_class = 7,
      .monitor_code = 0x123456},
     0xFFF1000025123456,
     "28: FFF10040A5123456 8C: EEEEEEEEEEEEEEEE 94: 0007EEEE 9C: 00123456",
     0x68},
    {"monitor event, EC",
     "program 0040 monitor event",
     {.class = S370_INT_PROGRAM,
      .code = 0x40,
      .ilc = 4,
      .monitor_class = 15,
      .monitor_code = 1},
     0x4309250000123456,
     "8C: 00040040 94: 000FEEEE 9C: 00000001",
     0x68},
    {"program event",
     "program 0080 program event",
     {.class = S370_INT_PROGRAM,
      .code = 0x80,
      .ilc = 2,
      .per_code = 0x90,
      .per_address = 0x123454},
     0x4309250000123456,
     "8C: 00020080EEEEEEEEEEEE9000 98: 00123454EEEE",
     0x68},
    {"program event with another",
     "program 0085 addressing exception and "
     "program event",
     {.class = S370_INT_PROGRAM,
      .code = 0x85,
      .ilc = 4,
      .per_code = 0x40,
      .per_address = 0x123452},
     0x4309250000123456,
     "8C: 00040085 96: 4000 98: 00123452",
     0x68},
    {"page translation and program event",
     "program 0091 page-translation "
     "exception and program event",
     {.class = S370_INT_PROGRAM,
      .code = 0x91,
      .ilc = 4,
      .per_code = 0x40,
      .per_address = 0x123456,
      .translation_address = 0x2000},
     0x4309250000123456,
     "8C: 0004009100002000 96: 4000 98: 00123456",
     0x68},
    {"machine check",
     "machine check",
     {.class = S370_INT_MACHINE_CHECK, .code = 0xFFFF},
     0xFFF1000025123456,
     "30: FFF1000025123456",
     0x70},
    {"I/O, BC",
     "I/O 00C",
     {.class = S370_INT_IO, .code = 0x00C},
     0xFFF1000025123456,
     "38: FFF1000C25123456 B8: EEEEEEEE",
     0x78},
    {"I/O, EC",
     "I/O 1F0",
     {.class = S370_INT_IO, .code = 0x1F0},
     0x4309250000123456,
     "38: 4309250000123456 B8: 000001F0",
     0x78},
    {"an invalid PSW is stored as it is",
     "program 0006 specification "
     "exception",
     {.class = S370_INT_PROGRAM, .code = 6},
     0xB80AC0FFFF000001,
     "28: B80AC0FFFF000001 8C: 00000006",
     0x68},
};

static uint64_t psw_of(const struct s370_psw *p)
{
    uint8_t b[8];

    s370_psw_store(p, 0, 0, b);
    return load_be64(b);
}

static void take(unsigned i, uint32_t prefix)
{
    const uint64_t next = 0x0001000030654320;
    struct s370_psw psw;
    uint8_t b[8];

    memset(bytes, FILL, sizeof(bytes));
    memset(keys, 0x10, sizeof(keys));
    store_be64(b, rows[i].old);
    s370_psw_load(&psw, b);
    store_be64(bytes + prefix + rows[i].new_at, next);
    s370_interruption_take(&rows[i].in, &psw, &storage, prefix);
    check_bytes(rows[i].what, bytes + prefix, rows[i].stored);
    ck_assert_msg(psw_of(&psw) == next, "%s: the new PSW", rows[i].what);
    ck_assert_uint_eq(keys[prefix / S370_BLOCK], 0x16);
    ck_assert_uint_eq(keys[prefix / S370_BLOCK + 1], 0x10);
    for (unsigned a = 0; a < SIZE; a++)
        if (a / 4096 != prefix / 4096 && bytes[a] != FILL)
            ck_abort_msg("%s: %02X at %X", rows[i].what, bytes[a], a);
}

START_TEST(test_interruption)
{
    char shown[80];

    take((unsigned)_i, 0);
    take((unsigned)_i, 8192);
    size_t n = s370_interruption_show(&rows[_i].in, shown, sizeof(shown));
    ck_assert_str_eq(shown, rows[_i].shown);
    ck_assert_uint_eq(n, strlen(shown));
    ck_assert_uint_eq(s370_interruption_show(&rows[_i].in, shown, 4), 3);
}
END_TEST

/* ---- Program events ---- */

static struct s370_cpu cpu;
static struct clock no_clock;

static void make_cpu(void)
{
    clock_init(&no_clock);
    memset(bytes, 0, sizeof(bytes));
    memset(keys, 0, sizeof(keys));
    s370_cpu_init(&cpu, &storage, &no_clock, NULL);
}

enum { BRANCH = 0x80, FETCH = 0x40, STORE = 0x20, REGISTER = 0x10 };

/* CR9 to CR11, where it happened, and which events that is */
static const struct {
    uint32_t cr9, cr10, cr11, a, len;
    uint8_t stored, fetched;
} areas[] = {
    {0xF0000000, 0x1000, 0x1FFF, 0x1000, 1, STORE, FETCH},
    {0xF0000000, 0x1000, 0x1FFF, 0x1FFF, 1, STORE, FETCH},
    {0xF0000000, 0x1000, 0x1FFF, 0x2000, 1, 0, 0},
    {0xF0000000, 0x1000, 0x1FFF, 0x0FFF, 1, 0, 0},
    {0xF0000000, 0x1000, 0x1FFF, 0x0FFF, 2, STORE, 0},
    {0xF0000000, 0x1000, 0x1000, 0x0F80, 0x100, STORE, 0},
    {0xF0000000, 0x1000, 0x1000, 0x0F80, 0x80, 0, 0},
    {0xD0000000, 0x1000, 0x1FFF, 0x1000, 1, 0, FETCH},
    {0xB0000000, 0x1000, 0x1FFF, 0x1000, 1, STORE, 0},
    {0x90000000, 0x1000, 0x1FFF, 0x1000, 1, 0, 0},
    /* the area wraps */
    {0xF0000000, 0xFFF000, 0x0FFF, 0x0000, 1, STORE, FETCH},
    {0xF0000000, 0xFFF000, 0x0FFF, 0xFFFFFF, 1, STORE, FETCH},
    {0xF0000000, 0xFFF000, 0x0FFF, 0x1000, 1, 0, 0},
    {0xF0000000, 0xFFF000, 0x0FFF, 0xFFEFFE, 2, 0, 0},
    {0xF0000000, 0xFFF000, 0x0FFF, 0xFFEFFF, 2, STORE, 0},
    /* the operand wraps */
    {0xF0000000, 0x0000, 0x0000, 0xFFFFFF, 2, STORE, 0},
    /* bits 0-7 are no part of the addresses */
    {0xF0000000, 0xFF001000, 0xAA001FFF, 0x1800, 1, STORE, FETCH},
};

START_TEST(test_per_areas)
{
    make_cpu();
    cpu.cr[9] = areas[_i].cr9;
    cpu.cr[10] = areas[_i].cr10;
    cpu.cr[11] = areas[_i].cr11;
    s370_per_store(&cpu, areas[_i].a, areas[_i].len);
    ck_assert_uint_eq(cpu.per_code, areas[_i].stored);
    cpu.per_code = 0;
    cpu.per_address = areas[_i].a;
    s370_per_fetch(&cpu);
    ck_assert_uint_eq(cpu.per_code, areas[_i].fetched);
    s370_per_store(&cpu, areas[_i].a, 0);
    ck_assert_uint_eq(cpu.per_code, areas[_i].fetched);
}
END_TEST

/* An instruction of three is executed with all registers and storage zero, and
 * program events asked for one register. */
static const struct {
    const char *what;
    uint8_t insn[6];
    uint32_t cr9;
    uint8_t events;
} alterations[] = {
    {"LR alters R1 though it is the same", {0x18, 0x12}, 0x10004000, REGISTER},
    {"LR does not alter R2", {0x18, 0x12}, 0x10002000, 0},
    {"register 0 is bit 16", {0x18, 0x02}, 0x10008000, REGISTER},
    {"register 15 is bit 31", {0x18, 0xF2}, 0x10000001, REGISTER},
    {"not asked for", {0x18, 0x12}, 0x2000FFFF, 0},
    {"CR compares", {0x19, 0x12}, 0x1000FFFF, 0},
    {"MR alters the pair", {0x1C, 0x45}, 0x10000400, REGISTER},
    {"MR does not alter the next", {0x1C, 0x45}, 0x10000200, 0},
    {"LM wraps", {0x98, 0xE1, 0x02, 0x00}, 0x10008000, REGISTER},
    {"LM ends at R3", {0x98, 0xE1, 0x02, 0x00}, 0x10002000, 0},
    {"STM alters none", {0x90, 0x0F, 0x02, 0x00}, 0x1000FFFF, 0},
    {"STM stores", {0x90, 0x0F, 0x02, 0x00}, 0x3000FFFF, STORE},
    {"BALR that does not branch", {0x05, 0x50}, 0x90000400, REGISTER},
    {"BALR that does", {0x05, 0x56}, 0x90000400, REGISTER | BRANCH},
    {"BC not taken", {0x47, 0x70, 0x02, 0x00}, 0x80000000, 0},
    {"BC to the next instruction",
     {0x47, 0xF0, 0x10, 0x04},
     0x80000000,
     BRANCH},
    {"TRT that finds nothing", {0xDD, 0, 0x02, 0, 0x02, 0}, 0x10006000, 0},
    {"ICM without mask", {0xBF, 0x10, 0x02, 0x00}, 0x10004000, 0},
    {"ICM", {0xBF, 0x11, 0x02, 0x00}, 0x10004000, REGISTER},
    {"CS equal stores", {0xBA, 0x12, 0x02, 0x00}, 0x30004000, STORE},
    {"IPK alters register 2", {0xB2, 0x0B}, 0x10002000, REGISTER},
    {"all at once",
     {0x45, 0x10, 0x10, 0x00},
     0xF0004000,
     REGISTER | BRANCH | FETCH},
};

START_TEST(test_per_alterations)
{
    static const uint64_t per_on = 0x4008000000001000;
    struct s370_interruption in;
    uint8_t b[8];

    make_cpu();
    memcpy(bytes + 0x1000, alterations[_i].insn, 6);
    store_be64(b, per_on);
    s370_psw_load(&cpu.psw, b);
    cpu.cr[9] = alterations[_i].cr9;
    cpu.cr[11] = S370_ADDRESS_MASK;
    for (int fast = 0; fast < 2; fast++) {
        s370_psw_load(&cpu.psw, b);
        cpu.ran = 0;
        if (fast)
            s370_run(&cpu, 1, &in);
        else
            s370_step(&cpu, &in);
        ck_assert_msg(in.per_code == alterations[_i].events ||
                          (!alterations[_i].events && !in.class),
                      "%s: events %02X", alterations[_i].what, in.per_code);
        ck_assert_uint_eq(cpu.ran, 1);
        if (!alterations[_i].events)
            continue;
        ck_assert_uint_eq(in.class, S370_INT_PROGRAM);
        ck_assert_uint_eq(in.code, S370_PGM_PER_EVENT);
        ck_assert_uint_eq(in.per_address, 0x1000);
    }
}
END_TEST

/* ---- Tables and status ---- */

START_TEST(test_registers_are_where_the_table_says)
{
    uint8_t used[sizeof(struct s370_cpu)] = {0};

    ck_assert_uint_eq(s370_regs.count, S370_REG_COUNT);
    for (size_t i = 0; i < s370_regs.count; i++) {
        const struct reg_desc *r = &s370_regs.rows[i];

        ck_assert_uint_eq(r->id, i);
        ck_assert_uint_lt(r->group, S370_REGS_COUNT);
        for (unsigned k = 0; k < r->bits / 8u; k++)
            ck_assert_msg(!used[r->offset + k]++, "%s overlaps", r->name);
    }
    ck_assert_str_eq(s370_regs.rows[S370_REG_CR9].name, "CR9");
    ck_assert_uint_eq(s370_regs.rows[S370_REG_CR9].offset,
                      offsetof(struct s370_cpu, cr[9]));
}
END_TEST

START_TEST(test_store_status)
{
    make_cpu();
    memset(bytes, FILL, sizeof(bytes));
    for (unsigned i = 0; i < 16; i++) {
        cpu.gr[i] = 0x01000000 + i;
        cpu.cr[i] = 0x02000000 + i;
    }
    for (unsigned i = 0; i < 4; i++)
        cpu.fpr[i] = UINT64_C(0x0300000000000000) + i;
    cpu.prefix = 0x2000; /* the locations are absolute */
    cpu.timers.comparator = 0x123456789A000000;
    cpu.timers.cpu_timer_zero = 0x5000;
    cpu.psw.cc = 2;
    cpu.psw.ia = 0x1234;
    s370_cpu_store_status(&cpu);
    check_bytes("store status", bytes,
                "D7: EE D8: 0000000000005000 E0: 123456789A000000 E8: EE "
                "FF: EE 100: 0000000020001234 108: 00002000 10C: EEEEEEEE "
                "15F: EE 160: 03000000000000000300000000000001 "
                "178: 0300000000000003 180: 0100000001000001 1BC: 0100000F "
                "1C0: 02000000 1FC: 0200000F 200: EE 2008: EE");
}
END_TEST

Suite *suite_s370_control(void)
{
    Suite *s = suite_create("s370_control");
    TCase *c = tcase_create("control");

    tcase_add_loop_test(c, test_interruption, 0, ARRAY_LEN(rows));
    tcase_add_loop_test(c, test_per_areas, 0, ARRAY_LEN(areas));
    tcase_add_loop_test(c, test_per_alterations, 0, ARRAY_LEN(alterations));
    tcase_add_test(c, test_registers_are_where_the_table_says);
    tcase_add_test(c, test_store_status);
    suite_add_tcase(s, c);
    return s;
}
