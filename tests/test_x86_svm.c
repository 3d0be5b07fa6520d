/* AMD-V in software: entry, exits, nested paging, for a monitor that is this
 * program. */
#include "base/bytes.h"
#include "tests/x86_svm_rig.h"
#include "x86vmm/machine/msr.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

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

static void enter(void)
{
    bool exited;
    char text[512] = "";

    if (!svm_enter(&r.m->cpu, r.v, &exited)) {
        vmrun_failure_words(&r.t->why, text, sizeof(text));
        ck_abort_msg("%s", text);
    }
    ck_assert(!exited);
}

/* Enter, run until the exit, which has this code. */
static void run_to(enum svm_exit_code code)
{
    enter();
    ck_assert_int_eq(x86_run(&r.m->cpu, 1000), X86_EXIT);
    ck_assert_ptr_null(r.m->cpu.guest);
    ck_assert_msg(F(EXITCODE) == (uint64_t)code, "exit %llX, info %llX %llX",
                  (unsigned long long)F(EXITCODE),
                  (unsigned long long)F(EXITINFO1),
                  (unsigned long long)F(EXITINFO2));
}

/* ---- Instructions ---- */

/* Code in real-address mode, where it is intercepted, and what is told. */
enum { WORD_CR = VMCB_INTERCEPT_CR, WORD_DR = VMCB_INTERCEPT_DR };

static const struct {
    const char *code;
    unsigned n;
    int field; /* of the intercept */
    unsigned bit;
    enum svm_exit_code exit;
    uint64_t info1;
} exits[] = {
#define ON(name) \
    VMCB_INTERCEPT_1 + SVM_INTERCEPT_##name / 32, SVM_INTERCEPT_##name % 32
#define MOV(reg) (UINT64_C(1) << 63 | (reg))
    {"\x0F\xA2", 2, ON(CPUID), SVM_EXIT_CPUID, 0},
    {"\x0F\x08", 2, ON(INVD), SVM_EXIT_INVD, 0},
    {"\x0F\x01\xD9", 3, ON(VMMCALL), SVM_EXIT_VMMCALL, 0},
    {"\xF4", 1, ON(HLT), SVM_EXIT_HLT, 0},
    {"\x0F\x09", 2, ON(WBINVD), SVM_EXIT_WBINVD, 0},
    {"\xF3\x90", 2, ON(PAUSE), SVM_EXIT_PAUSE, 0},
    {"\x0F\x31", 2, ON(RDTSC), SVM_EXIT_RDTSC, 0},
    {"\x0F\x01\xF9", 3, ON(RDTSCP), SVM_EXIT_RDTSCP, 0},
    {"\x0F\x33", 2, ON(RDPMC), SVM_EXIT_RDPMC, 0},
    {"\x9C", 1, ON(PUSHF), SVM_EXIT_PUSHF, 0},
    {"\x66\x9D", 2, ON(POPF), SVM_EXIT_POPF, 0},
    {"\x0F\xAA", 2, ON(RSM), SVM_EXIT_RSM, 0},
    {"\xCF", 1, ON(IRET), SVM_EXIT_IRET, 0},
    {"\xCD\x21", 2, ON(SWINT), SVM_EXIT_SWINT, 0x21},
    {"\xF1", 1, ON(ICEBP), SVM_EXIT_ICEBP, 0},
    {"\x0F\x01\x3E\x34\x12", 5, ON(INVLPG), SVM_EXIT_INVLPG, 0x1234},
    {"\x0F\x01\x06\x34\x12", 5, ON(GDTR_READ), SVM_EXIT_GDTR_READ, 0},
    {"\x0F\x01\x0E\x34\x12", 5, ON(IDTR_READ), SVM_EXIT_IDTR_READ, 0},
    {"\x0F\x01\x16\x34\x12", 5, ON(GDTR_WRITE), SVM_EXIT_GDTR_WRITE, 0},
    {"\x0F\x01\x1E\x34\x12", 5, ON(IDTR_WRITE), SVM_EXIT_IDTR_WRITE, 0},
    {"\xE4\x21", 2, ON(IOIO), SVM_EXIT_IOIO, 0x210091},
    {"\x66\xEF", 2, ON(IOIO), SVM_EXIT_IOIO, 0xC0},
    {"\x66\x6D", 2, ON(IOIO), SVM_EXIT_IOIO, 0xC5},
    {"\xF3\x64\x6E", 3, ON(IOIO), SVM_EXIT_IOIO, 0x109C},
    {"\x0F\x32", 2, ON(MSR), SVM_EXIT_MSR, 0},
    {"\x0F\x30", 2, ON(MSR), SVM_EXIT_MSR, 1},
    {"\x0F\x20\xC3", 3, WORD_CR, 0, SVM_EXIT_CR0_READ, MOV(3)},
    {"\x0F\x20\xD9", 3, WORD_CR, 3, SVM_EXIT_CR3_READ, MOV(1)},
    {"\x0F\x20\xE1", 3, WORD_CR, 4, SVM_EXIT_CR4_READ, MOV(1)},
    {"\x0F\x22\xC1", 3, WORD_CR, 16, SVM_EXIT_CR0_WRITE, MOV(1)},
    {"\x0F\x22\xD9", 3, WORD_CR, 19, SVM_EXIT_CR3_WRITE, MOV(1)},
    {"\x0F\x22\xE6", 3, WORD_CR, 20, SVM_EXIT_CR4_WRITE, MOV(6)},
    {"\x0F\x01\xE3", 3, WORD_CR, 0, SVM_EXIT_CR0_READ, 0},
    {"\x0F\x01\xF3", 3, WORD_CR, 16, SVM_EXIT_CR0_WRITE, 0},
    {"\x0F\x06", 2, WORD_CR, 16, SVM_EXIT_CR0_WRITE, 0},
    {"\x0F\x01\xF3", 3, ON(CR0_SEL_WRITE), SVM_EXIT_CR0_SEL_WRITE, 0},
    {"\x0F\x22\xC1", 3, ON(CR0_SEL_WRITE), SVM_EXIT_CR0_SEL_WRITE, MOV(1)},
    {"\x0F\x21\xFB", 3, WORD_DR, 7, SVM_EXIT_DR7_READ, 3},
    {"\x0F\x23\xC1", 3, WORD_DR, 16, SVM_EXIT_DR0_WRITE, 1},
#undef ON
#undef MOV
};

static void prepare(unsigned i)
{
    svm_make_real(&r);
    memset(r.m->storage + SVM_IOPM, 0xFF, 0x3000);
    memset(r.m->storage + SVM_MSRPM, 0xFF, 0x2000);
    r.m->cpu.state.gpr[X86_RDX] = r.m->cpu.state.gpr[X86_RSI] = 0;
    r.m->cpu.state.gpr[X86_RCX] = 4; /* in CR0: EM */
    vmcb_put(r.v, SVM_INTERCEPT_HLT, false);
    CODE(SVM_GUEST, "\x90\x90\x90\x90\x90\x90\x90\x90\x0F\x01\xD9");
    svm_code(&r, SVM_GUEST, exits[i].code, exits[i].n);
}

START_TEST(instructions_exit)
{
    prepare((unsigned)_i);
    r.v->field[exits[_i].field] |= UINT64_C(1) << exits[_i].bit;
    run_to(exits[_i].exit);
    ck_assert_uint_eq(F(EXITINFO1), exits[_i].info1);
    ck_assert_uint_eq(F(RIP), 0); /* not advanced */
    ck_assert_uint_eq(F(NRIP), exits[_i].n);
    ck_assert_uint_eq(F(EXITINFO2),
                      exits[_i].exit == SVM_EXIT_IOIO ? exits[_i].n : 0);
}
END_TEST

Suite *suite_x86_svm(void);
Suite *suite_x86_svm(void)
{
    Suite *s = suite_create("x86_svm");
    TCase *t = tcase_create("svm");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, instructions_exit, 0, ARRAY_LEN(exits));
    suite_add_tcase(s, t);
    return s;
}
