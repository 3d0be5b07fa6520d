/* x87: numbers, exceptions, the stack, the state in storage. */
#include "base/bytes.h"
#include "tests/skip.h"
#include "tests/x86_float.h"
#include "tests/x86_host/float.h"
#include "x86vmm/machine/fpu.h"

#include <check.h>
#include <inttypes.h>
#include <string.h>

#define ONE    ((struct x86_f80){UINT64_C(1) << 63, 0x3FFF})
#define TWO    ((struct x86_f80){UINT64_C(1) << 63, 0x4000})
#define ZERO   ((struct x86_f80){0, 0})
#define DENORM ((struct x86_f80){1, 0})

static void expect(const struct x86_bare *m, unsigned i, uint16_t exponent,
                   uint64_t significand)
{
    struct x86_f80 v = x86_float_get(m, i);

    ck_assert_msg(v.exponent == exponent && v.significand == significand,
                  "ST(%u) is %04X %016" PRIX64 ", not %04X %016" PRIX64, i,
                  v.exponent, v.significand, exponent, significand);
}

/* ---- Numbers ---- */

enum { CASES = 60000, TELL = 5 };

START_TEST(agrees_with_the_host)
{
    struct float_count n;
    const char *why = float_compare((uint64_t)_i + 1, CASES, TELL, "f", &n);

    if (why) {
        skip_test("the host's x87 beside ours: %s", why);
        return;
    }
    ck_assert_msg(n.cases == CASES && !n.differences,
                  "%" PRIu64 " differences in %" PRIu64 " cases", n.differences,
                  n.cases);
    ck_assert_msg(n.near < n.exact / 10, "%" PRIu64 " one unit off", n.near);
}
END_TEST

static const struct {
    const char *name;
    uint8_t second; /* byte, after D9 */
} functions[] = {{"FSIN", 0xFE},   {"FCOS", 0xFF},  {"FPTAN", 0xF2},
                 {"FPATAN", 0xF3}, {"F2XM1", 0xF0}, {"FYL2X", 0xF1},
                 {"FYL2XP1", 0xF9}};

static const struct {
    const char *name;
    struct x86_f80 y, x;
    unsigned rounding;
    struct x86_f80 result;
} points[] = {
#define FUNCTION(name, ye, ys, xe, xs, rc, e, s) \
    {#name, {ys, ye}, {xs, xe}, rc, {s, e}},
#include "tests/vectors/x86_function.def"
#undef FUNCTION
};

/* On every host the same, and the nearest, or as RC says. */
START_TEST(functions_are_rounded_correctly)
{
    struct x86_bare *m = x86_float_new(X86_MODE_LONG);

    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        char code[2] = {(char)0xD9, 0};
        bool tangent = !strcmp(points[i].name, "FPTAN");

        for (size_t k = 0; k < ARRAY_LEN(functions); k++)
            if (!strcmp(points[i].name, functions[k].name))
                code[1] = (char)functions[k].second;
        x86_fpu_init(&m->cpu);
        m->cpu.fpu.control |= (uint16_t)(points[i].rounding << 10);
        if (points[i].y.significand)
            x86_float_set(m, 1, points[i].y);
        x86_float_set(m, 0, points[i].x);
        ck_assert_int_eq(x86_float_try(m, code, 2), -1);
        struct x86_f80 v = x86_float_get(m, tangent ? 1 : 0);
        ck_assert_msg(v.significand == points[i].result.significand &&
                          v.exponent == points[i].result.exponent,
                      "row %zu, %s: %04X %016" PRIX64, i, points[i].name,
                      v.exponent, v.significand);
        ck_assert(m->cpu.fpu.status & X86_FP_PE);
    }
    x86_bare_free(m);
}
END_TEST

/* 3 - 2/3 in each precision, rounded down and up. */
START_TEST(precision_and_rounding_are_controlled)
{
    static const struct {
        uint16_t control;
        uint64_t third;
    } rows[] = {
        {0x07F, 0xAAAAAB0000000000}, {0x27F, 0xAAAAAAAAAAAAA800},
        {0x37F, 0xAAAAAAAAAAAAAAAB}, {0x77F, 0xAAAAAAAAAAAAAAAA},
        {0xB7F, 0xAAAAAAAAAAAAAAAB}, {0xF7F, 0xAAAAAAAAAAAAAAAA},
        {0x47F, 0xAAAAAA0000000000}, {0xA7F, 0xAAAAAAAAAAAAB000},
    };
    struct x86_bare *m = x86_float_new(X86_MODE_LONG);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        x86_fpu_init(&m->cpu);
        m->cpu.fpu.control = rows[i].control;
        x86_float_set(m, 0, TWO);
        x86_float_set(m, 1, (struct x86_f80){UINT64_C(3) << 62, 0x4000});
        ck_assert_int_eq(FLOAT_TRY(m, "\xD8\xF1"), -1); /* 2/3 */
        expect(m, 0, 0x3FFE, rows[i].third);
    }
    x86_bare_free(m);
}
END_TEST

/* ---- Exceptions ---- */

START_TEST(an_unmasked_exception_waits)
{
    struct x86_bare *m = x86_float_new(X86_MODE_LONG);

    m->cpu.fpu.control = 0x37F & ~X86_FP_ZE;
    x86_float_set(m, 0, ONE);
    x86_float_set(m, 1, ZERO);
    ck_assert_int_eq(FLOAT_TRY(m, "\xD8\xF1"), -1); /* fdiv st, st(1) */
    expect(m, 0, 0x3FFF, UINT64_C(1) << 63);        /* as it was */
    ck_assert_uint_eq(m->cpu.fpu.status, 0x8084);
    ck_assert_int_eq(FLOAT_TRY(m, "\xD9\xE8"), X86_EXC_MF); /* fld1 */
    ck_assert_int_eq(FLOAT_TRY(m, "\x9B"), X86_EXC_MF);
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\x6F\xC1"), X86_EXC_MF); /* movq mm */
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\x28\xC1"), -1);         /* movaps */
    ck_assert_int_eq(FLOAT_TRY(m, "\xDF\xE0"), -1);             /* fnstsw ax */
    ck_assert_uint_eq(m->cpu.state.gpr[X86_RAX] & 0xFFFF, 0x8084);
    m->cpu.state.cr0 &= ~X86_CR0_NE; /* the interrupt controller's */
    ck_assert_int_eq(FLOAT_TRY(m, "\x9B"), -1);
    ck_assert_int_eq(FLOAT_TRY(m, "\xDB\xE2"), -1); /* fnclex */
    m->cpu.state.cr0 |= X86_CR0_NE;
    ck_assert_int_eq(FLOAT_TRY(m, "\xD9\xE8"), -1);
    x86_bare_free(m);
}
END_TEST

static void error_line(void *who)
{
    ((struct x86_bare *)who)->cpu.interrupt_line = true;
}

/* CR0.NE = 0: the instruction is begun again after the interrupt; where none
 * can come it goes on. */
START_TEST(an_exception_may_be_an_interrupt)
{
    struct x86_bare *m = x86_float_new(X86_MODE_LONG);
    struct x86_cpu *cpu = &m->cpu;

    cpu->world.float_error = error_line;
    cpu->world.who = m;
    cpu->state.cr0 &= ~X86_CR0_NE;
    cpu->fpu.control = 0x37F & ~X86_FP_IE;
    ck_assert_int_eq(FLOAT_TRY(m, "\xD9\xFA"), -1); /* fsqrt of nothing */
    ck_assert(!cpu->interrupt_line);
    cpu->state.rflags |= X86_FLAG_IF;
    ck_assert_int_eq(FLOAT_TRY(m, "\xD9\xE8"), -1); /* fld1 */
    ck_assert(cpu->interrupt_line);
    ck_assert_uint_eq(cpu->state.rip, BARE_CODE);
    ck_assert(x86_fpu_empty(cpu, 0));
    cpu->state.rflags &= ~X86_FLAG_IF;
    ck_assert_int_eq(FLOAT_TRY(m, "\xD9\xE8"), -1);
    ck_assert_uint_eq(cpu->state.rip, BARE_CODE + 2);
    expect(m, 0, 0x3FFF, UINT64_C(1) << 63);
    x86_bare_free(m);
}
END_TEST

START_TEST(masks_make_old_exceptions_wait)
{
    struct x86_bare *m = x86_float_new(X86_MODE_LONG);

    m->cpu.fpu.status = X86_FP_PE;
    store_le16(m->storage + BARE_DATA, 0x35F);
    ck_assert_int_eq(FLOAT_TRY(m, "\xD9\x2A"), -1); /* fldcw [rdx] */
    ck_assert_uint_eq(m->cpu.fpu.status, 0x8080 | X86_FP_PE);
    ck_assert_int_eq(FLOAT_TRY(m, "\xD9\x2A"), X86_EXC_MF);
    x86_bare_free(m);
}
END_TEST

START_TEST(em_and_ts_refuse)
{
    struct x86_bare *m = x86_float_new(X86_MODE_LONG);
    uint64_t cr0 = m->cpu.state.cr0;

    m->cpu.state.cr0 = cr0 | 4; /* EM */
    ck_assert_int_eq(FLOAT_TRY(m, "\xD9\xE8"), X86_EXC_NM);
    ck_assert_int_eq(FLOAT_TRY(m, "\xDB\xE3"), X86_EXC_NM);
    ck_assert_int_eq(FLOAT_TRY(m, "\x9B"), -1);
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\x77"), X86_EXC_UD);     /* emms */
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\x28\xC1"), X86_EXC_UD); /* movaps */
    m->cpu.state.cr0 = cr0 | X86_CR0_TS;
    ck_assert_int_eq(FLOAT_TRY(m, "\xD9\xE8"), X86_EXC_NM);
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\x28\xC1"), X86_EXC_NM);
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\xAE\x02"), X86_EXC_NM); /* fxsave */
    m->cpu.state.cr0 = (cr0 & ~UINT64_C(2)) | X86_CR0_TS;
    ck_assert_int_eq(FLOAT_TRY(m, "\x9B"), -1);
    m->cpu.state.cr0 |= 2; /* MP */
    ck_assert_int_eq(FLOAT_TRY(m, "\x9B"), X86_EXC_NM);
    x86_bare_free(m);
}
END_TEST

/* Nothing has changed when storage cannot be reached. */
START_TEST(a_page_fault_changes_nothing)
{
    static const char *const codes[] = {
        "\xD9\x18", "\xDD\x18", "\xDB\x38", "\xDF\x18", "\xDF\x38",
        "\xDF\x30", "\xD9\x00", "\xDD\x00", "\xDB\x28", "\xDF\x20",
        "\xD9\x30", "\xDD\x30", "\xD9\x20", "\xDD\x20", "\xD8\x00"};
    struct x86_bare *m = x86_float_new(X86_MODE_LONG);
    struct x86_fpu before;

    x86_float_set(m, 0, (struct x86_f80){UINT64_C(3) << 62, 0x3FF0});
    m->cpu.state.gpr[X86_RAX] = UINT64_C(0x7000) << 32;
    before = m->cpu.fpu;
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        ck_assert_int_eq(x86_float_try(m, codes[i], 2), X86_EXC_PF);
        ck_assert_msg(!memcmp(&before, &m->cpu.fpu, sizeof(before)), "row %zu",
                      i);
    }
    x86_bare_free(m);
}
END_TEST

/* ---- The stack ---- */

START_TEST(stack_faults_tell_which)
{
    struct x86_bare *m = x86_float_new(X86_MODE_LONG);

    ck_assert_int_eq(FLOAT_TRY(m, "\xD9\xC0"), -1); /* fld st(0): empty */
    ck_assert_uint_eq(m->cpu.fpu.status, 0x3841);
    expect(m, 0, 0xFFFF, UINT64_C(3) << 62);
    x86_fpu_init(&m->cpu);
    for (unsigned i = 0; i < 8; i++)
        ck_assert_int_eq(FLOAT_TRY(m, "\xD9\xE8"), -1);
    ck_assert_uint_eq(m->cpu.fpu.status, 0);
    ck_assert_int_eq(FLOAT_TRY(m, "\xD9\xEE"), -1); /* the ninth */
    ck_assert_uint_eq(m->cpu.fpu.status, 0x3A41);
    expect(m, 0, 0xFFFF, UINT64_C(3) << 62);
    x86_bare_free(m);
}
END_TEST

/* What the comparison with a processor has found, for hosts that have none. */
static const struct {
    const char *code, *words;
    uint16_t control, status, full; /* full: a bit each ST(i) */
    struct x86_f80 st0, st1;
    uint16_t status_after;
    struct x86_f80 st0_after;
} found[] = {
    {"\xD9\xC4",
     "FLD of an empty register is underflow, ST(7) full or not",
     0x37F,
     0,
     0x83,
     {1, 2},
     {1, 2},
     0x3841,
     {UINT64_C(3) << 62, 0xFFFF}},
    {"\xD9\x12",
     "FST does not raise DE",
     0x37F,
     0,
     0x01,
     {1, 0},
     {0, 0},
     0x30,
     {1, 0}},
    {"\xDA\xC9",
     "FCMOVE that does not move, from an empty register",
     0x37F,
     0,
     0x01,
     {1, 0},
     {0, 0},
     0x41,
     {UINT64_C(3) << 62, 0xFFFF}},
    {"\xD9\xF8",
     "FPREM of a NaN: C2 is cleared, C3 stays",
     0x37F,
     0x4400,
     0x03,
     {UINT64_C(1) << 63, 0x3FFF},
     {UINT64_C(3) << 62, 0x7FFF},
     0x4000,
     {UINT64_C(3) << 62, 0x7FFF}},
    {"\xD9\xFD",
     "FSCALE beyond what a wrapped exponent can say",
     0x36F,
     0,
     0x03,
     {UINT64_C(1) << 63, 0x4000},
     {UINT64_C(1) << 63, 0xC02C},
     0x80B0,
     {0, 0}},
    {"\xD9\xFB",
     "FSINCOS clears C2 when the stack is full",
     0x37F,
     0x400,
     0x83,
     {1, 0},
     {0, 0},
     0x3A41,
     {UINT64_C(3) << 62, 0xFFFF}},
    {"\x0F\x77",
     "EMMS sets TOP to 0",
     0x37F,
     0x2800,
     0x01,
     {1, 0},
     {0, 0},
     0,
     {0, 0}},
    {"\xDD\xC1",
     "FFREE clears C1",
     0x37F,
     0x200,
     0x03,
     {1, 0},
     {0, 0},
     0,
     {1, 0}},
};

START_TEST(found_beside_a_processor)
{
    struct x86_bare *m = x86_float_new(X86_MODE_LONG);

    for (size_t i = 0; i < ARRAY_LEN(found); i++) {
        x86_fpu_init(&m->cpu);
        memset(m->cpu.fpu.st, 0, sizeof(m->cpu.fpu.st));
        m->cpu.fpu.control = found[i].control;
        m->cpu.fpu.status = found[i].status;
        m->cpu.state.rflags &= ~UINT64_C(0x40);
        for (unsigned k = 0; k < 8; k++)
            if (found[i].full >> k & 1)
                x86_float_set(m, k, k ? found[i].st1 : found[i].st0);
        ck_assert_int_eq(x86_float_try(m, found[i].code, 2), -1);
        ck_assert_msg(m->cpu.fpu.status == found[i].status_after,
                      "%s: status %04X", found[i].words, m->cpu.fpu.status);
        expect(m, 0, found[i].st0_after.exponent,
               found[i].st0_after.significand);
    }
    x86_bare_free(m);
}
END_TEST

/* ---- The state in storage ---- */

static void prepare(struct x86_bare *m)
{
    x86_float_set(m, 0, DENORM);
    x86_float_set(m, 1, ZERO);
    x86_float_set(m, 2, ONE);
    m->cpu.fpu.status = X86_FP_PE;
}

/* Registers, tags, where the last instruction was: saved and loaded again. */
START_TEST(fsave_and_frstor_are_inverse)
{
    struct x86_bare *m = x86_float_new(X86_MODE_LONG);
    const uint8_t *at = m->storage + BARE_DATA;

    prepare(m);
    ck_assert_int_eq(FLOAT_TRY(m, "\xD8\x02"), -1); /* fadd dword [rdx] */
    x86_float_set(m, 0, DENORM);
    ck_assert_int_eq(FLOAT_TRY(m, "\xDD\x32"), -1); /* fnsave [rdx] */
    ck_assert_uint_eq(load_le32(at), 0xFFFF037F);
    ck_assert_uint_eq(load_le32(at + 8), 0xFFFFFFC6); /* tags 2, 1, 0 */
    ck_assert_uint_eq(load_le32(at + 12), BARE_CODE);
    ck_assert_uint_eq(load_le16(at + 18), 0x002); /* D8 02 */
    ck_assert_uint_eq(load_le32(at + 20), BARE_DATA);
    ck_assert_uint_eq(load_le64(at + 28), 1);
    ck_assert_uint_eq(load_le16(at + 28 + 28), 0x3FFF);
    ck_assert_uint_eq(m->cpu.fpu.tag, 0xFFFF);      /* as after FNINIT */
    ck_assert_int_eq(FLOAT_TRY(m, "\xDD\x22"), -1); /* frstor [rdx] */
    ck_assert(!x86_fpu_empty(&m->cpu, 2) && x86_fpu_empty(&m->cpu, 3));
    expect(m, 0, 0, 1);
    expect(m, 2, 0x3FFF, UINT64_C(1) << 63);
    ck_assert_uint_eq(m->cpu.fpu.ip, BARE_CODE);
    ck_assert_uint_eq(m->cpu.fpu.opcode, 2);
    x86_bare_free(m);
}
END_TEST

/* Real mode: linear addresses, in four bits and sixteen. */
START_TEST(real_mode_has_its_own_environment)
{
    struct x86_bare *m = x86_float_new(X86_MODE_REAL);
    const uint8_t *at = m->storage + 0x300;

    m->cpu.state.gpr[X86_RBX] = 0x300;
    m->cpu.fpu.cs = 0x1234;
    m->cpu.fpu.ip = 0x5678;
    m->cpu.fpu.ds = 0xF000;
    m->cpu.fpu.dp = 0x9ABC;
    m->cpu.fpu.opcode = 0x7EF;
    ck_assert_int_eq(FLOAT_TRY(m, "\xD9\x37"), -1); /* fnstenv [bx] */
    ck_assert_uint_eq(load_le16(at + 6), 0x79B8);
    ck_assert_uint_eq(load_le16(at + 8), 0x17EF);
    ck_assert_uint_eq(load_le16(at + 10), 0x9ABC);
    ck_assert_uint_eq(load_le16(at + 12), 0xF000);
    ck_assert_int_eq(FLOAT_TRY(m, "\x66\xD9\x37"), -1); /* 28 bytes */
    ck_assert_uint_eq(load_le32(at + 12) & 0xFFFF, 0x79B8);
    ck_assert_uint_eq(load_le32(at + 16), 0x17EF);
    ck_assert_uint_eq(load_le32(at + 24), 0xF000);
    ck_assert_int_eq(FLOAT_TRY(m, "\xD9\x27"), -1); /* fldenv [bx] */
    x86_bare_free(m);
}
END_TEST

START_TEST(mmx_and_x87_share_registers)
{
    struct x86_bare *m = x86_float_new(X86_MODE_LONG);

    ck_assert_int_eq(FLOAT_TRY(m, "\xD9\xE8"), -1); /* fld1: physical 7 */
    store_le64(m->storage + BARE_DATA, UINT64_C(0x0123456789ABCDEF));
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\x6F\x1A"), -1); /* movq mm3, [rdx] */
    ck_assert_uint_eq(m->cpu.fpu.status & X86_FPU_TOP, 0);
    ck_assert_uint_eq(m->cpu.fpu.tag, 0);
    expect(m, 3, 0xFFFF, UINT64_C(0x0123456789ABCDEF));
    expect(m, 7, 0x3FFF, UINT64_C(1) << 63);
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\x77"), -1); /* emms */
    ck_assert_uint_eq(m->cpu.fpu.tag, 0xFFFF);
    x86_bare_free(m);
}
END_TEST

Suite *suite_x86_fpu(void)
{
    Suite *s = suite_create("x86_fpu");
    TCase *tc = tcase_create("fpu");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, agrees_with_the_host, 0, 2);
    tcase_add_test(tc, functions_are_rounded_correctly);
    tcase_add_test(tc, precision_and_rounding_are_controlled);
    tcase_add_test(tc, an_unmasked_exception_waits);
    tcase_add_test(tc, an_exception_may_be_an_interrupt);
    tcase_add_test(tc, masks_make_old_exceptions_wait);
    tcase_add_test(tc, em_and_ts_refuse);
    tcase_add_test(tc, a_page_fault_changes_nothing);
    tcase_add_test(tc, stack_faults_tell_which);
    tcase_add_test(tc, found_beside_a_processor);
    tcase_add_test(tc, fsave_and_frstor_are_inverse);
    tcase_add_test(tc, real_mode_has_its_own_environment);
    tcase_add_test(tc, mmx_and_x87_share_registers);
    suite_add_tcase(s, tc);
    return s;
}
