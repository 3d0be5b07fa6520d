/* MMX, SSE and SSE2: numbers, exceptions, alignment, the state in storage. */
#include "base/bytes.h"
#include "tests/skip.h"
#include "tests/x86_float.h"
#include "tests/x86_host/float.h"
#include "tests/x86_host/float_case.h"
#include "x86vmm/machine/access.h"
#include "x86vmm/machine/sse.h"

#include <check.h>
#include <inttypes.h>
#include <string.h>

enum { CASES = 60000, TELL = 5 };

START_TEST(agrees_with_the_host)
{
    struct float_count n;
    const char *why = float_compare((uint64_t)_i + 7, CASES, TELL, NULL, &n);

    if (why) {
        skip_test("the host's SSE beside ours: %s", why);
        return;
    }
    ck_assert_msg(n.cases == CASES && !n.differences,
                  "%" PRIu64 " differences in %" PRIu64 " cases", n.differences,
                  n.cases);
    ck_assert_msg(n.faults > CASES / 200, "%" PRIu64 " exceptions", n.faults);
}
END_TEST

/* What CPUID announces is there: each row of the comparison's table. */
START_TEST(every_instruction_is_there)
{
    const struct float_row *rows;
    struct case_random r = {1};
    size_t n = float_rows(&rows);

    ck_assert_uint_gt(n, 350);
    for (size_t i = 0; i < n; i++) {
        struct float_case c;
        struct x86_op op;

        float_make(&c, &r, &rows[i]);
        ck_assert_msg(!x86_op_decode(c.code, c.size, 64, &op), "%s",
                      rows[i].name);
    }
}
END_TEST

/* SSE3 and later are not. */
START_TEST(later_extensions_are_undefined)
{
    static const char *const codes[] = {
        "\xF2\x0F\xD0\xC1\x90", "\xF2\x0F\x7C\xC1\x90", "\xDB\x0A\x90\x90\x90",
        "\x66\x0F\x38\x00\xC1", "\x0F\x38\x00\xC1\x90", "\xF2\x0F\xF0\x02\x90",
        "\xC5\xF8\x58\xC1\x90", "\x66\x0F\x3A\x0F\xC1"};
    struct x86_bare *m = x86_float_new(X86_MODE_LONG);

    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        ck_assert_msg(x86_float_try(m, codes[i], 5) == X86_EXC_UD, "row %zu",
                      i);
    x86_bare_free(m);
}
END_TEST

START_TEST(packed_operands_are_aligned)
{
    struct x86_bare *m = x86_float_new(X86_MODE_LONG);

    m->cpu.state.gpr[X86_RDX] = BARE_DATA + 8;
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\x28\x02"), X86_EXC_GP); /* movaps */
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\x29\x02"), X86_EXC_GP);
    ck_assert_int_eq(FLOAT_TRY(m, "\x66\x0F\xFC\x02"), X86_EXC_GP); /* paddb */
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\x58\x02"), X86_EXC_GP);     /* addps */
    ck_assert_int_eq(FLOAT_TRY(m, "\x66\x0F\xE7\x02"), X86_EXC_GP); /* movnt */
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\xAE\x02"), X86_EXC_GP);     /* fxsave */
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\x10\x02"), -1);             /* movups */
    ck_assert_int_eq(FLOAT_TRY(m, "\xF3\x0F\x6F\x02"), -1);         /* movdqu */
    ck_assert_int_eq(FLOAT_TRY(m, "\xF3\x0F\x58\x02"), -1);         /* addss */
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\x5A\x02"), -1); /* cvtps2pd */
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\xFC\x02"), -1); /* paddb mm */
    x86_bare_free(m);
}
END_TEST

START_TEST(cr4_switches_them_on)
{
    struct x86_bare *m = x86_float_new(X86_MODE_LONG);

    m->cpu.state.cr4 &= ~X86_CR4_OSFXSR;
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\x57\xC0"), X86_EXC_UD);     /* xorps */
    ck_assert_int_eq(FLOAT_TRY(m, "\x66\x0F\xEF\xC0"), X86_EXC_UD); /* pxor */
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\xAE\x1A"), X86_EXC_UD);
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\xEF\xC0"), -1); /* pxor mm */
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\xC3\x02"), -1); /* movnti */
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\xAE\x02"), -1); /* fxsave */
    x86_bare_free(m);
}
END_TEST

START_TEST(unmasked_exceptions_change_only_mxcsr)
{
    struct x86_bare *m = x86_float_new(X86_MODE_LONG);
    const uint64_t ones = UINT64_C(0x3F8000003F800000);
    struct x86_xmm one = {{ones, ones}};

    m->cpu.xmm[0] = one;
    m->cpu.xmm[1] = (struct x86_xmm){{0, 0}};
    m->cpu.mxcsr = 0x1F80 & ~(X86_FP_ZE << 7);
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\x5E\xC1"), X86_EXC_XM); /* divps */
    ck_assert_uint_eq(m->cpu.mxcsr, (0x1F80 & ~(X86_FP_ZE << 7)) | X86_FP_ZE);
    ck_assert_uint_eq(m->cpu.xmm[0].q[0], one.q[0]);
    m->cpu.state.cr4 &= ~X86_CR4_OSXMMEXCPT;
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\x5E\xC1"), X86_EXC_UD);
    m->cpu.mxcsr = 0x1F80;
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\x5E\xC1"), -1);
    ck_assert_uint_eq(m->cpu.xmm[0].q[0], UINT64_C(0x7F8000007F800000));
    x86_bare_free(m);
}
END_TEST

/* One lane is invalid, which is not masked: that another one is inexact is not
 * told, for nothing has been computed. */
START_TEST(a_stopped_operation_is_not_inexact)
{
    struct x86_bare *m = x86_float_new(X86_MODE_LONG);

    m->cpu.xmm[1] = (struct x86_xmm){/* -1, 2, 0, 0 */
                                     {UINT64_C(0x40000000BF800000), 0}};
    m->cpu.mxcsr = 0x1F80 & ~(X86_FP_IE << 7);
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\x51\xC1"), X86_EXC_XM); /* sqrtps */
    ck_assert_uint_eq(m->cpu.mxcsr & X86_FP_ALL, X86_FP_IE);
    m->cpu.mxcsr = 0x1F80 & ~(X86_FP_PE << 7);
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\x51\xC1"), X86_EXC_XM);
    ck_assert_uint_eq(m->cpu.mxcsr & X86_FP_ALL, X86_FP_IE | X86_FP_PE);
    x86_bare_free(m);
}
END_TEST

START_TEST(denormals_are_zeros_where_asked)
{
    struct x86_bare *m = x86_float_new(X86_MODE_LONG);

    m->cpu.xmm[0].q[0] = 0x00000001; /* times 0.5, and the least normal one */
    m->cpu.xmm[1].q[0] = 0x3F000000;
    m->cpu.mxcsr = 0x1F80 | X86_MXCSR_DAZ;
    ck_assert_int_eq(FLOAT_TRY(m, "\xF3\x0F\x59\xC1"), -1); /* mulss */
    ck_assert_uint_eq(m->cpu.mxcsr, 0x1F80 | X86_MXCSR_DAZ);
    ck_assert_uint_eq(m->cpu.xmm[0].q[0], 0);
    m->cpu.xmm[0].q[0] = 0x80800000;
    m->cpu.mxcsr = 0x1F80 | X86_MXCSR_FTZ;
    ck_assert_int_eq(FLOAT_TRY(m, "\xF3\x0F\x59\xC1"), -1);
    ck_assert_uint_eq(m->cpu.xmm[0].q[0], 0x80000000);
    ck_assert_uint_eq(m->cpu.mxcsr,
                      0x1F80 | X86_MXCSR_FTZ | X86_FP_UE | X86_FP_PE);
    x86_bare_free(m);
}
END_TEST

/* ---- The state in storage ---- */

START_TEST(reserved_bits_of_mxcsr_fault)
{
    struct x86_bare *m = x86_float_new(X86_MODE_LONG);
    uint8_t *at = m->storage + BARE_DATA;

    store_le32(at, 0x10000);
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\xAE\x12"), X86_EXC_GP); /* ldmxcsr */
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\xAE\x02"), -1);         /* fxsave */
    ck_assert_uint_eq(load_le32(at + 28), X86_MXCSR_BITS);
    store_le32(at + 24, 0x80000000);
    m->cpu.xmm[0].q[0] = 1;
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\xAE\x0A"), X86_EXC_GP); /* fxrstor */
    ck_assert_uint_eq(m->cpu.xmm[0].q[0], 1);
    x86_bare_free(m);
}
END_TEST

static void fill_registers(struct x86_bare *m)
{
    for (unsigned i = 0; i < 16; i++)
        m->cpu.xmm[i] = (struct x86_xmm){{i + 1, ~(uint64_t)i}};
    for (unsigned i = 0; i < 8; i++)
        x86_float_set(m, i, (struct x86_f80){UINT64_C(1) << 63 | i, 0x3FFF});
    m->cpu.fpu.tag = 0xFFF0;
    m->cpu.mxcsr = 0x1FA0;
    m->cpu.fpu.ip = UINT64_C(0x123456789A);
}

START_TEST(fxsave_and_fxrstor_are_inverse)
{
    struct x86_bare *m = x86_float_new(X86_MODE_LONG);
    uint8_t *at = m->storage + BARE_DATA;
    struct x86_xmm xmm[16];
    struct x86_fpu fpu;

    fill_registers(m);
    memset(at, 0xEE, 512);
    memcpy(xmm, m->cpu.xmm, sizeof(xmm));
    fpu = m->cpu.fpu;
    ck_assert_int_eq(FLOAT_TRY(m, "\x48\x0F\xAE\x02"), -1); /* fxsave64 */
    ck_assert_uint_eq(at[4], 0x03);
    ck_assert_uint_eq(load_le64(at + 8), UINT64_C(0x123456789A));
    ck_assert_uint_eq(load_le64(at + 160 + 15 * 16), 16);
    ck_assert_uint_eq(at[416], 0xEE);
    memset(m->cpu.xmm, 0, sizeof(xmm));
    x86_fpu_init(&m->cpu);
    m->cpu.mxcsr = 0x1F80;
    ck_assert_int_eq(FLOAT_TRY(m, "\x48\x0F\xAE\x0A"), -1); /* fxrstor64 */
    ck_assert(!memcmp(xmm, m->cpu.xmm, sizeof(xmm)));
    ck_assert(!memcmp(fpu.st, m->cpu.fpu.st, sizeof(fpu.st)));
    ck_assert_uint_eq(m->cpu.fpu.tag, fpu.tag);
    ck_assert_uint_eq(m->cpu.fpu.ip, fpu.ip);
    ck_assert_uint_eq(m->cpu.mxcsr, 0x1FA0);
    x86_bare_free(m);
}
END_TEST

/* Outside 64-bit mode: eight registers, and the others are left alone. */
START_TEST(fxsave_of_32_bits_has_eight_registers)
{
    struct x86_bare *m = x86_float_new(X86_MODE_PROTECTED);
    uint8_t *at = m->storage + BARE_DATA;

    fill_registers(m);
    memset(at, 0xEE, 512);
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\xAE\x02"), -1);
    ck_assert_uint_eq(load_le64(at + 160 + 7 * 16), 8);
    ck_assert_uint_eq(at[160 + 8 * 16], 0xEE);
    memset(at + 160, 0, 256);
    ck_assert_int_eq(FLOAT_TRY(m, "\x0F\xAE\x0A"), -1);
    ck_assert_uint_eq(m->cpu.xmm[7].q[0], 0);
    ck_assert_uint_eq(m->cpu.xmm[8].q[0], 9);
    x86_bare_free(m);
}
END_TEST

/* A store of 16 bytes that crosses the limit changes nothing; one that crosses
 * a page is whole. */
START_TEST(sixteen_bytes_are_one_access)
{
    struct x86_bare *m = x86_float_new(X86_MODE_PROTECTED);
    uint8_t *at = m->storage + BARE_DATA + 4088;

    m->cpu.xmm[0] = (struct x86_xmm){{1, 2}};
    m->cpu.state.gpr[X86_RDX] = BARE_DATA + 4088;
    for (unsigned i = 0; i < 2; i++) { /* the second time it is known */
        memset(at, 0, 16);
        ck_assert_int_eq(FLOAT_TRY(m, "\x0F\x11\x02"), -1); /* movups */
        ck_assert_uint_eq(load_le64(at), 1);
        ck_assert_uint_eq(load_le64(at + 8), 2);
    }
    memset(at, 0, 16);
    for (unsigned i = 0; i < 16; i++) {
        m->cpu.state.seg[X86_DS].limit = BARE_DATA + 4088 + i;
        x86_mode_changed(&m->cpu);
        ck_assert_int_eq(FLOAT_TRY(m, "\x0F\x11\x02"),
                         i == 15 ? -1 : X86_EXC_GP);
        ck_assert_int_eq(FLOAT_TRY(m, "\x0F\x10\x0A"),
                         i == 15 ? -1 : X86_EXC_GP);
        ck_assert_uint_eq(load_le64(at), i == 15);
    }
    x86_bare_free(m);
}
END_TEST

/* All bytes or none: the last one is beyond the limit. */
START_TEST(maskmov_stores_all_or_nothing)
{
    struct x86_bare *m = x86_float_new(X86_MODE_PROTECTED);
    uint8_t *at = m->storage + BARE_DATA;

    m->cpu.xmm[0] = (struct x86_xmm){
        {UINT64_C(0x0807060504030201), UINT64_C(0x100F0E0D0C0B0A09)}};
    m->cpu.xmm[1] = (struct x86_xmm){{0x8000, UINT64_C(0x8000000000000000)}};
    m->cpu.state.gpr[X86_RDI] = BARE_DATA;
    memset(at, 0, 16);
    m->cpu.state.seg[X86_DS].limit = BARE_DATA + 14;
    x86_mode_changed(&m->cpu);
    ck_assert_int_eq(FLOAT_TRY(m, "\x66\x0F\xF7\xC1"), X86_EXC_GP);
    ck_assert_uint_eq(load_le64(at), 0);
    m->cpu.state.seg[X86_DS].limit = BARE_DATA + 15;
    x86_mode_changed(&m->cpu);
    ck_assert_int_eq(FLOAT_TRY(m, "\x66\x0F\xF7\xC1"), -1);
    ck_assert_uint_eq(load_le64(at), 0x200);
    ck_assert_uint_eq(load_le64(at + 8), UINT64_C(0x1000000000000000));
    memset(at, 0, 16);
    m->cpu.state.seg[X86_FS].base = 16; /* a prefix chooses the segment */
    x86_mode_changed(&m->cpu);
    ck_assert_int_eq(FLOAT_TRY(m, "\x64\x66\x0F\xF7\xC1"), -1);
    ck_assert_uint_eq(load_le64(at), 0);
    ck_assert_uint_eq(load_le64(at + 16), 0x200);
    x86_bare_free(m);
}
END_TEST

Suite *suite_x86_sse(void)
{
    Suite *s = suite_create("x86_sse");
    TCase *tc = tcase_create("sse");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, agrees_with_the_host, 0, 2);
    tcase_add_test(tc, every_instruction_is_there);
    tcase_add_test(tc, later_extensions_are_undefined);
    tcase_add_test(tc, packed_operands_are_aligned);
    tcase_add_test(tc, cr4_switches_them_on);
    tcase_add_test(tc, unmasked_exceptions_change_only_mxcsr);
    tcase_add_test(tc, a_stopped_operation_is_not_inexact);
    tcase_add_test(tc, denormals_are_zeros_where_asked);
    tcase_add_test(tc, reserved_bits_of_mxcsr_fault);
    tcase_add_test(tc, fxsave_and_fxrstor_are_inverse);
    tcase_add_test(tc, fxsave_of_32_bits_has_eight_registers);
    tcase_add_test(tc, sixteen_bytes_are_one_access);
    tcase_add_test(tc, maskmov_stores_all_or_nothing);
    suite_add_tcase(s, tc);
    return s;
}
