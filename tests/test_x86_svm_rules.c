/* AMD-V in software: rules that programs seldom meet, one by one. */
#include "base/bytes.h"
#include "tests/x86_svm_rig.h"
#include "x86vmm/machine/debug.h"

#include <check.h>

static struct svm_rig r;

static void set_up(void)
{
    r = svm_rig_new();
}

static void tear_down(void)
{
    svm_rig_free(&r);
}

#define CODE(at, bytes) svm_code(&r, at, bytes, sizeof(bytes) - 1)
#define F(name)         (r.v->field[VMCB_##name])

/* ---- The global interrupt flag ---- of a guest whose CLGI and STGI do not
 * exit (15.17). */

static const uint8_t events[] = {SVM_INTERCEPT_INTR, SVM_INTERCEPT_NMI};

static void raise_event(unsigned which)
{
    vmcb_put(r.v, (enum svm_intercept)events[which], true);
    r.m->cpu.interrupt_line = which == 0;
    r.m->cpu.nmi_pending = which == 1;
}

static const enum svm_exit_code exits[] = {SVM_EXIT_INTR, SVM_EXIT_NMI};

/* clgi; nop; nop; stgi; nop: the event is there all the time. */
START_TEST(without_gif_nothing_comes)
{
    svm_make_long(&r);
    CODE(SVM_GUEST, "\x0F\x01\xDD\x90\x90\x0F\x01\xDC\x90\x0F\xA2");
    F(RFLAGS) = 0x202;
    svm_rig_enter(&r);
    ck_assert_int_eq(x86_run(&r.m->cpu, 1), X86_BUDGET);
    raise_event((unsigned)_i);
    ck_assert_int_eq(x86_run(&r.m->cpu, 100), X86_EXIT);
    ck_assert_int_eq((int)F(EXITCODE), (int)exits[_i]);
    ck_assert_uint_eq(F(RIP), SVM_GUEST + 8);
}
END_TEST

/* clgi; hlt: that is for good. */
START_TEST(without_gif_nothing_wakes)
{
    svm_make_long(&r);
    CODE(SVM_GUEST, "\x0F\x01\xDD\xF4\x0F\xA2");
    F(RFLAGS) = 0x202;
    vmcb_put(r.v, SVM_INTERCEPT_HLT, false);
    svm_rig_enter(&r);
    ck_assert_int_eq(x86_run(&r.m->cpu, 100), X86_HALT);
    raise_event((unsigned)_i);
    ck_assert_int_eq(x86_run(&r.m->cpu, 100), X86_HALT);
}
END_TEST

/* ---- Entry ---- bits of the debug registers that are reserved. */

START_TEST(debug_registers_have_reserved_bits)
{
    svm_make_real(&r);
    F(DR6) = 0x5FFF;
    F(DR7) = 0xD855;
    svm_rig_enter(&r);
    ck_assert_uint_eq(r.m->cpu.dr[6], X86_DR6_ONES | 0x400F);
    ck_assert_uint_eq(r.m->cpu.dr[7], X86_DR7_ONE | 0x55);
}
END_TEST

/* Virtual-8086 mode is at CPL 3, whatever the field says; real mode at 0. */
START_TEST(the_cpl_is_of_the_mode)
{
    svm_make_long(&r);
    vmcb_make(r.v, X86_SAMPLE_PROTECTED);
    F(CR0) &= ~X86_CR0_PG;
    F(RFLAGS) = 2 | X86_FLAG_VM;
    F(CPL) = 0;
    svm_rig_enter(&r);
    ck_assert_uint_eq(r.m->cpu.cpl, 3);
    svm_leave_by(&r.m->cpu, SVM_EXIT_INTR);
    ck_assert_uint_eq(F(CPL), 3);
    svm_make_real(&r);
    F(CPL) = 3;
    svm_rig_enter(&r);
    ck_assert_uint_eq(r.m->cpu.cpl, 0);
}
END_TEST

Suite *suite_x86_svm_rules(void);
Suite *suite_x86_svm_rules(void)
{
    Suite *s = suite_create("x86_svm_rules");
    TCase *c = tcase_create("rules");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_loop_test(c, without_gif_nothing_comes, 0, 2);
    tcase_add_loop_test(c, without_gif_nothing_wakes, 0, 2);
    tcase_add_test(c, debug_registers_have_reserved_bits);
    tcase_add_test(c, the_cpl_is_of_the_mode);
    suite_add_tcase(s, c);
    return s;
}
