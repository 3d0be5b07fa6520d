/* AMD-V in software: permission maps, nested paging, hostile guests. */
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

static void run_to(enum svm_exit_code code)
{
    svm_rig_run_to(&r, code);
}

/* ---- Permission maps, time ---- */

START_TEST(msr_maps_choose)
{
    static const uint32_t msrs[] = {0x174, 0xC0000081, 0xC0010117, 0x4000};

    for (unsigned i = 0; i < ARRAY_LEN(msrs); i++) {
        uint32_t bit = 2 * (msrs[i] & 0x1FFF);
        uint32_t at = i * 0x800 + bit / 8;

        svm_make_real(&r);
        vmcb_put(r.v, SVM_INTERCEPT_MSR, true);
        memset(r.m->storage + SVM_MSRPM, 0, 0x2000);
        if (i < 3)
            r.m->storage[SVM_MSRPM + at] = (uint8_t)(1 << bit % 8);
        CODE(SVM_GUEST, "\x66\xB9\x10\x00\x00\x00\x0F\x32"
                        "\x66\xB9\x00\x00\x00\x00\x0F\x32");
        store_le32(r.m->storage + SVM_GUEST + 10, msrs[i]);
        run_to(SVM_EXIT_MSR);
        ck_assert_uint_eq(F(RIP), 14); /* not that of the TSC */
    }
}
END_TEST

START_TEST(io_maps_choose)
{
    svm_make_real(&r);
    vmcb_put(r.v, SVM_INTERCEPT_IOIO, true);
    memset(r.m->storage + SVM_IOPM, 0, 0x3000);
    r.m->storage[SVM_IOPM + 0x22 / 8] = 1 << (0x22 % 8);
    CODE(SVM_GUEST, "\xE6\x21\xE7\x21"); /* a byte; a word reaches 22 */
    run_to(SVM_EXIT_IOIO);
    ck_assert_uint_eq(F(RIP), 2);
    r.m->storage[SVM_IOPM + 0x2000] = 1; /* behind port FFFF */
    F(RIP) = 4;
    r.m->cpu.state.gpr[X86_RDX] = 0xFFFF;
    CODE(SVM_GUEST + 4, "\xEE\xEF");
    run_to(SVM_EXIT_IOIO);
    ck_assert_uint_eq(F(RIP), 5);
}
END_TEST

START_TEST(the_time_is_offset)
{
    svm_make_real(&r);
    F(TSC_OFFSET) = UINT64_C(5) << 32;
    CODE(SVM_GUEST, "\x0F\x31\xF4");
    run_to(SVM_EXIT_HLT);
    ck_assert_uint_eq(r.m->cpu.state.gpr[X86_RDX], 5);
    ck_assert_uint_eq(r.m->cpu.tsc_offset, 0);
}
END_TEST

/* ---- Nested paging ---- */

START_TEST(nested_paging_moves_the_guest)
{
    svm_make_real(&r);
    store_le64(svm_nested_of(&r, SVM_GUEST), 0x31000 | 7);
    CODE(0x31000, "\xC6\x06\x00\x40\x55\xF4"); /* byte [4000h] = 55h */
    store_le64(svm_nested_of(&r, 0x4000), 0x42000 | 7);
    run_to(SVM_EXIT_HLT);
    ck_assert_uint_eq(r.m->storage[0x42000], 0x55);
    ck_assert_uint_eq(load_le64(svm_nested_of(&r, 0x4000)), 0x42067);
    ck_assert_uint_eq(load_le64(svm_nested_of(&r, SVM_GUEST)), 0x31027);
    ck_assert_uint_eq(load_le64(r.m->storage + SVM_NESTED) & 0x60, 0x20);
}
END_TEST

/* What the tables have for 4000h, and what a write of a byte at 4001h exits
 * with. */
static const struct {
    uint64_t entry, info1;
} nested[] = {
    {0, 0x100000006},
    {0x4000 | 6, 0x100000006},
    {0x4000 | 5, 0x100000007},
    {0x4000 | 3, 0x100000007}, /* not the user's */
    {UINT64_C(1) << 40 | 0x4007, 0x10000000F},
};

START_TEST(nested_paging_refuses)
{
    svm_make_real(&r);
    CODE(SVM_GUEST, "\xC6\x06\x01\x40\x55\xF4");
    store_le64(svm_nested_of(&r, 0x4000), nested[_i].entry);
    run_to(SVM_EXIT_NPF);
    ck_assert_uint_eq(F(EXITINFO1), nested[_i].info1);
    ck_assert_uint_eq(F(EXITINFO2), 0x4001);
    ck_assert_uint_eq(F(RIP), 0);
    ck_assert_uint_eq(F(INSN_COUNT), 15);
    ck_assert_uint_eq(F(INSN_BYTES) & 0xFFFFFF, 0x0106C6);
    ck_assert_uint_eq(r.m->storage[0x4001], 0);
    /* mended, it goes on */
    store_le64(svm_nested_of(&r, 0x4000), 0x4000 | 7);
    run_to(SVM_EXIT_HLT);
    ck_assert_uint_eq(r.m->storage[0x4001], 0x55);
}
END_TEST

START_TEST(nested_paging_refuses_a_fetch)
{
    svm_make_real(&r);
    store_le64(svm_nested_of(&r, SVM_GUEST), UINT64_C(1) << 63 | SVM_GUEST | 7);
    run_to(SVM_EXIT_NPF);
    ck_assert_uint_eq(F(EXITINFO1), 0x100000015);
    ck_assert_uint_eq(F(EXITINFO2), SVM_GUEST);
    ck_assert_uint_eq(F(INSN_COUNT), 0);
}
END_TEST

/* Reading a guest's page table counts as writing it. */
START_TEST(nested_paging_guards_page_tables)
{
    uint32_t root;

    svm_make_long(&r);
    root = (uint32_t)F(CR3);
    CODE(SVM_GUEST, "\xF4");
    store_le64(svm_nested_of(&r, root), root | 5);
    run_to(SVM_EXIT_NPF);
    ck_assert_uint_eq(F(EXITINFO1), 0x200000007);
    ck_assert_uint_eq(F(EXITINFO2), root);
    store_le64(svm_nested_of(&r, root), root | 7);
    run_to(SVM_EXIT_HLT);
    ck_assert_uint_eq(load_le64(svm_nested_of(&r, root)) & 0x60, 0x60);
}
END_TEST

/* PAE paging's pointers are read at each walk. */
START_TEST(nested_pae_pointers_are_read_when_wanted)
{
    svm_make_long(&r);
    vmcb_make(r.v, X86_SAMPLE_PAE);
    F(N_CR3) = SVM_NESTED;
    F(CR3) = 0x9000;
    F(RIP) = SVM_GUEST;
    store_le64(r.m->storage + 0x9000, 0xA001);
    store_le64(r.m->storage + 0x9008, 0x1E6 | 1); /* not used */
    store_le64(r.m->storage + 0xA000, 0x83);
    CODE(SVM_GUEST, "\xF4");
    run_to(SVM_EXIT_HLT);
    store_le64(svm_nested_of(&r, 0x9000), 0);
    F(TLB_CONTROL) = VMCB_TLB_DROP_ALL;
    run_to(SVM_EXIT_NPF);
    ck_assert_uint_eq(F(EXITINFO1), 0x200000006);
    ck_assert_uint_eq(F(EXITINFO2), 0x9000);
}
END_TEST

/* Translations outlive an exit, until they are dropped. */
START_TEST(translations_are_kept_by_asid)
{
    static const uint8_t controls[] = {VMCB_TLB_DROP_ALL, VMCB_TLB_DROP_ASID,
                                       VMCB_TLB_DROP_ASID_LOCAL};

    for (unsigned i = 0; i < ARRAY_LEN(controls); i++) {
        svm_make_real(&r);
        F(ASID) = 10 + i;
        CODE(SVM_GUEST, "\xF4");
        run_to(SVM_EXIT_HLT);
        store_le64(svm_nested_of(&r, SVM_GUEST), 0);
        run_to(SVM_EXIT_HLT); /* the monitor forgot to say so */
        F(TLB_CONTROL) = controls[i];
        run_to(SVM_EXIT_NPF);
    }
}
END_TEST

/* An exit on the way to a handler tells of the event. */
START_TEST(an_exit_in_a_delivery_tells_of_it)
{
    svm_make_real(&r);
    store_le32(r.m->storage + 4 * 0x21, 0x30000100);
    CODE(SVM_GUEST, "\xCD\x21");
    F(SS_BASE) = 0x4000;
    F(SS_SELECTOR) = 0x400;
    F(RSP) = 0x100;
    store_le64(svm_nested_of(&r, 0x4000), 0);
    run_to(SVM_EXIT_NPF);
    ck_assert_uint_eq(F(EXITINTINFO), 0x80000421);
    ck_assert_uint_eq(F(RIP), 0);
}
END_TEST

/* An interrupt may have the vector of NMIs. */
START_TEST(an_interrupt_of_vector_2_is_no_nmi)
{
    static const uint32_t events[] = {0x80000002, 0x80000202};
    bool exited;

    svm_make_real(&r);
    store_le32(r.m->storage + 4 * 2, 0x30000100);
    CODE(SVM_GUEST, "\xF4");
    F(SS_BASE) = 0x4000;
    F(SS_SELECTOR) = 0x400;
    F(RSP) = 0x100;
    F(EVENTINJ) = events[_i];
    store_le64(svm_nested_of(&r, 0x4000), 0);
    ck_assert(svm_enter(&r.m->cpu, r.v, &exited) && exited);
    ck_assert_uint_eq(F(EXITCODE), SVM_EXIT_NPF);
    ck_assert_uint_eq(F(EXITINTINFO), events[_i]);
}
END_TEST

/* In protected mode, with a TSS at 28h. */
static void make_tasks(void)
{
    svm_make_long(&r);
    vmcb_make(r.v, X86_SAMPLE_PROTECTED);
    F(CR0) &= ~X86_CR0_PG;
    F(RIP) = SVM_GUEST;
    F(GDTR_BASE) = BARE_DATA;
    vmcb_put(r.v, SVM_INTERCEPT_TASK_SWITCH, true);
    store_le64(r.m->storage + BARE_DATA + 0x28, UINT64_C(0x0000890000000067));
}

START_TEST(task_switches_exit)
{
    make_tasks();
    CODE(SVM_GUEST, "\xEA\x00\x00\x00\x00\x28\x00"); /* JMP 28:0 */
    run_to(SVM_EXIT_TASK_SWITCH);
    ck_assert_uint_eq(F(EXITINFO1), 0x28);
    ck_assert_uint_eq(F(EXITINFO2), UINT64_C(1) << 38);
    ck_assert_uint_eq(F(RIP), SVM_GUEST);
}
END_TEST

/* A fault's error code goes to the new task (15.14.1): MOV AX,28h; MOV DS,AX is
 * a #GP, and its gate is one of tasks. */
START_TEST(task_switches_have_error_codes)
{
    const uint64_t has_error = UINT64_C(1) << 44;

    make_tasks();
    F(IDTR_BASE) = BARE_DATA + 0x100;
    F(IDTR_LIMIT) = 0xFF;
    store_le64(r.m->storage + BARE_DATA + 0x100 + 8 * X86_EXC_GP,
               UINT64_C(0x0000850000280000));
    CODE(SVM_GUEST, "\x66\xB8\x28\x00\x8E\xD8");
    run_to(SVM_EXIT_TASK_SWITCH);
    ck_assert_uint_eq(F(EXITINFO1), 0x28);
    ck_assert_uint_eq(F(EXITINFO2) & (has_error | UINT32_MAX),
                      has_error | 0x28);
    ck_assert_uint_eq(F(EXITINTINFO), UINT64_C(0x2880000B0D));
    ck_assert_uint_eq(F(RIP), SVM_GUEST + 4);
}
END_TEST

START_TEST(a_bad_vmcb_is_not_entered)
{
    bool exited;

    svm_make_real(&r);
    F(ASID) = 0;
    ck_assert(!svm_enter(&r.m->cpu, r.v, &exited));
    ck_assert_str_eq(r.t->why.check->name, "ASID");
    ck_assert_uint_eq(F(EXITCODE), UINT64_MAX);
    ck_assert_ptr_null(r.m->cpu.guest);
}
END_TEST

/* ---- Hostile ---- */

enum { ROUNDS = 300 };

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Fields that are anything, but for what would keep the guest out. */
static void mend(void)
{
    F(EFER) = (F(EFER) & X86_EFER_OWN) | SVM_EFER_SVME;
    F(CR4) &= X86_CR4_OWN;
    F(CR0) &= 0xDFFFFFFF;
    F(CR3) &= 0xFFFFF;
    F(DR6) &= UINT32_MAX;
    F(DR7) &= UINT32_MAX;
    F(MSRPM_BASE) &= 0xFFFFF;
    F(IOPM_BASE) &= 0xFFFFF;
    F(N_CR3) = SVM_NESTED;
    F(G_PAT) = 0;
    F(ASID) |= 1;
    F(INTERCEPT_2) |= 1;
    F(TLB_CONTROL) = VMCB_TLB_DROP_ALL;
    F(EVENTINJ) &= ~UINT64_C(0x500);
    if (F(EFER) & X86_EFER_LME)
        F(CR4) |= X86_CR4_PAE, F(CR0) |= X86_CR0_PE;
}

/* Anything in a few fields, in the code, in the nested tables.  It ends in an
 * exit, the budget, HLT or shutdown. */
static bool run_random(unsigned round, uint64_t *seed)
{
    bool exited, entered;

    vmcb_make(r.v, (enum x86_sample)(round % X86_SAMPLE_COUNT));
    svm_make_nested(&r);
    F(N_CR3) = SVM_NESTED;
    F(CR3) = next_random(seed) & 0xFF000;
    F(RIP) = next_random(seed) & 0xFFFFF;
    for (unsigned i = 0; i < 12; i++)
        vmcb_set(r.v, (enum vmcb_field)(next_random(seed) % VMCB_FIELD_COUNT),
                 next_random(seed));
    if (round % 8)
        mend();
    for (unsigned i = 0; i < 4096; i += 8)
        store_le64(r.m->storage + (F(RIP) & 0xFE000) + i, next_random(seed));
    for (unsigned i = 0; i < 32; i++)
        store_le64(r.m->storage + SVM_NESTED + 0x3000 +
                       next_random(seed) % 511 * 8,
                   next_random(seed));
    x86_tlb_flush(&r.m->cpu, true);
    r.m->cpu.nmi_blocked = false;
    entered = svm_enter(&r.m->cpu, r.v, &exited);
    if (entered && !exited)
        x86_run(&r.m->cpu, 200);
    if (r.m->cpu.guest)
        svm_leave_by(&r.m->cpu, SVM_EXIT_INTR);
    return entered;
}

START_TEST(random_guests_do_no_harm)
{
    uint64_t seed = 0x1234567 + (unsigned)_i;
    unsigned entered = 0;

    for (unsigned round = 0; round < ROUNDS; round++)
        entered += run_random(round, &seed);
    ck_assert_uint_gt(entered, ROUNDS / 2);
}
END_TEST

Suite *suite_x86_nested(void);
Suite *suite_x86_nested(void)
{
    Suite *s = suite_create("x86_nested");
    TCase *t = tcase_create("svm");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, msr_maps_choose);
    tcase_add_test(t, io_maps_choose);
    tcase_add_test(t, the_time_is_offset);
    tcase_add_test(t, nested_paging_moves_the_guest);
    tcase_add_loop_test(t, nested_paging_refuses, 0, ARRAY_LEN(nested));
    tcase_add_test(t, nested_paging_refuses_a_fetch);
    tcase_add_test(t, nested_paging_guards_page_tables);
    tcase_add_test(t, nested_pae_pointers_are_read_when_wanted);
    tcase_add_test(t, translations_are_kept_by_asid);
    tcase_add_test(t, an_exit_in_a_delivery_tells_of_it);
    tcase_add_loop_test(t, an_interrupt_of_vector_2_is_no_nmi, 0, 2);
    tcase_add_test(t, task_switches_exit);
    tcase_add_test(t, task_switches_have_error_codes);
    tcase_add_test(t, a_bad_vmcb_is_not_entered);
    tcase_add_loop_test(t, random_guests_do_no_harm, 0, 4);
    suite_add_tcase(s, t);
    return s;
}
