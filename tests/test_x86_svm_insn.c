/* VMRUN and its kin, for a monitor that is in storage. */
#include "base/bytes.h"
#include "tests/x86_svm_rig.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/msr.h"

#include <check.h>
#include <string.h>

static struct svm_rig r;
static struct x86_cpu *cpu;

static void set_up(void)
{
    r = svm_rig_new();
    cpu = &r.m->cpu;
}

static void tear_down(void)
{
    svm_rig_free(&r);
}

#define CODE(at, bytes) svm_code(&r, at, bytes, sizeof(bytes) - 1)
#define F(name)         (r.v->field[VMCB_##name])

static int fault_of(const void *code, size_t n)
{
    svm_code(&r, BARE_CODE, code, n);
    cpu->state.rip = BARE_CODE;
    return x86_try(cpu) == X86_FAULT ? cpu->fault.vector : -1;
}
#define FAULT(bytes) fault_of(bytes, sizeof(bytes) - 1)

#define VMRUN   "\x0F\x01\xD8"
#define VMMCALL "\x0F\x01\xD9"
#define VMLOAD  "\x0F\x01\xDA"
#define VMSAVE  "\x0F\x01\xDB"
#define STGI    "\x0F\x01\xDC"
#define CLGI    "\x0F\x01\xDD"
#define SKINIT  "\x0F\x01\xDE"
#define INVLPGA "\x0F\x01\xDF"

/* r.v to its page and back. */
static void put(void)
{
    for (unsigned a = 0; a < VMCB_AREA_COUNT; a++)
        vmcb_store(r.v, 1u << a, r.m->storage + SVM_PAGE);
}

static void get(void)
{
    vmcb_load(r.v, r.m->storage + SVM_PAGE);
}

/* The monitor: VMRUN; and HLT behind it. */
static enum x86_outcome run(void)
{
    put();
    CODE(BARE_CODE, VMRUN "\xF4");
    cpu->state.gpr[X86_RAX] = SVM_PAGE;
    cpu->state.rip = BARE_CODE;
    enum x86_outcome out = x86_run(cpu, 1000);
    get();
    return out;
}

/* ---- Counters ---- */

/* RDPMC reads what WRMSR has written, four of 48 bits; there are no others. */
START_TEST(counters_are_read)
{
    uint64_t *g = cpu->state.gpr;

    for (unsigned i = 0; i < 4; i++) {
        ck_assert(!x86_msr_write(cpu, 0xC0010004 + i,
                                 UINT64_C(0xFFFF123456789AB0) + i));
        g[X86_RCX] = UINT64_C(0x100000000) + i;
        ck_assert_int_eq(FAULT("\x0F\x33"), -1);
        ck_assert_uint_eq(g[X86_RAX], 0x56789AB0 + i);
        ck_assert_uint_eq(g[X86_RDX], 0x1234);
    }
    g[X86_RCX] = 4;
    ck_assert_int_eq(FAULT("\x0F\x33"), X86_EXC_GP);
    g[X86_RCX] = 0;
    x86_bare_user(r.m);
    ck_assert_int_eq(FAULT("\x0F\x33"), X86_EXC_GP); /* CR4.PCE */
    cpu->state.cr4 |= 0x100;
    ck_assert_int_eq(FAULT("\x0F\x33"), -1);
}
END_TEST

/* ---- Conditions ---- */

START_TEST(svm_has_its_conditions)
{
    static const char *const codes[] = {VMRUN, VMLOAD, VMSAVE,
                                        STGI,  CLGI,   INVLPGA};

    for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
        x86_bare_enter(r.m, X86_MODE_LONG);
        cpu->state.gpr[X86_RAX] = SVM_PAGE;
        ck_assert_int_eq(fault_of(codes[i], 3), X86_EXC_UD); /* SVME */
        cpu->state.efer |= SVM_EFER_SVME;
        x86_bare_user(r.m);
        ck_assert_int_eq(fault_of(codes[i], 3), X86_EXC_GP);
        x86_bare_enter(r.m, X86_MODE_REAL);
        cpu->state.efer |= SVM_EFER_SVME;
        cpu->state.gpr[X86_RAX] = 0;
        memcpy(r.m->storage + BARE_CODE, codes[i], 3);
        cpu->state.seg[X86_CS].base = BARE_CODE;
        cpu->state.rip = 0;
        x86_mode_changed(cpu);
        x86_tlb_flush(cpu, true);
        ck_assert_int_eq(x86_try(cpu), X86_FAULT);
        ck_assert_int_eq(cpu->fault.vector, X86_EXC_UD);
    }
}
END_TEST

START_TEST(addresses_are_pages)
{
    static const char *const codes[] = {VMRUN, VMLOAD, VMSAVE};

    for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
        cpu->state.gpr[X86_RAX] = SVM_PAGE + 8;
        ck_assert_int_eq(fault_of(codes[i], 3), X86_EXC_GP);
        cpu->state.gpr[X86_RAX] = UINT64_C(1) << X86_PHYSICAL_BITS;
        ck_assert_int_eq(fault_of(codes[i], 3), X86_EXC_GP);
    }
    r.t->hsave_pa = 0; /* never written */
    cpu->state.gpr[X86_RAX] = SVM_PAGE;
    ck_assert_int_eq(FAULT(VMRUN), X86_EXC_GP);
}
END_TEST

/* A call to nobody; what is not offered; another vendor's. */
START_TEST(some_are_undefined)
{
    ck_assert_int_eq(FAULT(VMMCALL), X86_EXC_UD);
    ck_assert_int_eq(FAULT(SKINIT), X86_EXC_UD);
    ck_assert_int_eq(FAULT("\x0F\x01\xC1"), X86_EXC_UD);
    ck_assert_int_eq(FAULT("\x0F\x01\xC2"), X86_EXC_UD);
}
END_TEST

static int wrmsr(uint32_t index, uint64_t value)
{
    return x86_msr_write(cpu, index, value) ? cpu->fault.vector : -1;
}

static uint64_t rdmsr(uint32_t index)
{
    uint64_t value;

    ck_assert_int_eq(x86_msr_read(cpu, index, &value), 0);
    return value;
}

START_TEST(msrs_have_their_rules)
{
    enum { EFER = 0xC0000080, VM_CR = 0xC0010114, HSAVE = 0xC0010117 };
    uint64_t efer = rdmsr(EFER);

    ck_assert_int_eq(wrmsr(HSAVE, 0x1001), X86_EXC_GP);
    ck_assert_int_eq(wrmsr(HSAVE, UINT64_C(1) << 40), X86_EXC_GP);
    ck_assert_int_eq(wrmsr(HSAVE, 0x70000), -1);
    ck_assert_uint_eq(rdmsr(HSAVE), 0x70000);
    ck_assert_int_eq(wrmsr(VM_CR, 0x20), X86_EXC_GP);
    ck_assert_int_eq(wrmsr(VM_CR, 0x10), X86_EXC_GP); /* SVME is set */
    ck_assert_int_eq(wrmsr(EFER, efer & ~SVM_EFER_SVME), -1);
    ck_assert_int_eq(wrmsr(VM_CR, 0x18), -1);
    ck_assert_int_eq(wrmsr(EFER, efer), X86_EXC_GP); /* disabled */
    ck_assert_int_eq(wrmsr(VM_CR, 0), -1);
    ck_assert_uint_eq(rdmsr(VM_CR), 0x18);              /* locked */
    ck_assert_int_eq(wrmsr(0xC0010118, 1), X86_EXC_GP); /* no SVM_KEY */
    x86_cpu_reset(cpu);
    ck_assert_uint_eq(rdmsr(VM_CR), 0);
}
END_TEST

static struct x86_state cpuid(uint32_t leaf)
{
    cpu->state.gpr[X86_RAX] = leaf;
    cpu->state.gpr[X86_RCX] = 0;
    ck_assert_int_eq(FAULT("\x0F\xA2"), -1);
    return cpu->state;
}

START_TEST(cpuid_says_what_there_is)
{
    struct x86_state s = cpuid(0);

    ck_assert_uint_eq(s.gpr[X86_RBX], 0x68747541); /* Auth */
    ck_assert_uint_eq(s.gpr[X86_RDX], 0x69746E65); /* enti */
    ck_assert_uint_eq(s.gpr[X86_RCX], 0x444D4163); /* cAMD */
    ck_assert_uint_ge(cpuid(0x80000000).gpr[X86_RAX], 0x8000000A);
    ck_assert_uint_eq(cpuid(0x80000001).gpr[X86_RCX] & 4, 4);
    ck_assert_uint_eq(cpuid(1).gpr[X86_RCX] & 1 << 5, 0); /* no VMX */
    s = cpuid(0x8000000A);
    ck_assert_uint_eq(s.gpr[X86_RAX], 1);
    ck_assert_uint_eq(s.gpr[X86_RDX], 0xCB);
    ck_assert_uint_gt(s.gpr[X86_RBX], 1);
}
END_TEST

/* ---- World switches ---- */

/* The monitor goes on behind VMRUN as it was; but for what #VMEXIT says. */
START_TEST(the_monitor_comes_back)
{
    struct x86_state before;

    svm_make_real(&r);
    CODE(SVM_GUEST, "\x89\xC1\xF4"); /* MOV CX,AX; HLT */
    F(RAX) = 0x1234;
    cpu->dr[7] = F(DR7) = 0x455;
    cpu->msrs->pat = UINT64_C(0x0606060606060606);
    cpu->state.rflags |= X86_FLAG_IF;
    before = cpu->state;
    ck_assert_int_eq(run(), X86_HALT);
    ck_assert_uint_eq(F(EXITCODE), SVM_EXIT_HLT);
    ck_assert_uint_eq(F(RAX), 0x1234);
    ck_assert_uint_eq(F(G_PAT), UINT64_C(0x0007040600070406));
    before.rip = BARE_CODE + 4;
    before.gpr[X86_RAX] = SVM_PAGE;
    before.gpr[X86_RCX] = 0x1234;
    ck_assert_mem_eq(&cpu->state, &before, sizeof(before));
    ck_assert_uint_eq(cpu->dr[7], 0x400);
    ck_assert_uint_eq(cpu->msrs->pat, UINT64_C(0x0606060606060606));
    ck_assert(!r.t->gif);
}
END_TEST

/* Records of branches: the guest's own if LBR_CONTROL says so (15.23). */
START_TEST(branches_are_virtual)
{
    enum { FROM = 0x11, TO = 0x22 };
    bool own = _i;

    svm_make_real(&r);
    CODE(SVM_GUEST, "\xEB\x03\x90\x90\x90\xF4"); /* JMP; HLT */
    F(LBR_CONTROL) = own;
    F(DBGCTL) = own;
    F(BR_FROM) = 0x33;
    cpu->debugctl = !own;
    cpu->msrs->branch_from = FROM;
    cpu->msrs->branch_to = TO;
    ck_assert_int_eq(run(), X86_HALT);
    ck_assert_uint_eq(F(EXITCODE), SVM_EXIT_HLT);
    ck_assert_uint_eq(cpu->debugctl, !own);
    ck_assert_uint_eq(cpu->msrs->branch_from, own ? FROM : 0);
    ck_assert_uint_eq(cpu->msrs->branch_to, own ? TO : 5);
    ck_assert_uint_eq(F(DBGCTL), own);
    ck_assert_uint_eq(F(BR_FROM), own ? 0 : 0x33);
    ck_assert_uint_eq(F(BR_TO), own ? 5 : 0);
}
END_TEST

/* Not what VMLOAD moves: that is the guest's still. */
START_TEST(the_other_state_is_moved_by_instructions)
{
    svm_make_real(&r);
    CODE(SVM_GUEST, "\x8E\xE0\xF4"); /* MOV FS,AX; HLT */
    F(RAX) = 0x77;
    F(STAR) = 0x5555;
    cpu->msrs->star = 0x1111;
    ck_assert_int_eq(run(), X86_HALT);
    ck_assert_uint_eq(cpu->state.seg[X86_FS].selector, 0x77);
    ck_assert_uint_eq(cpu->msrs->star, 0x1111);
    cpu->state.gpr[X86_RAX] = SVM_PAGE;
    ck_assert_int_eq(FAULT(VMSAVE), -1);
    get();
    ck_assert_uint_eq(F(FS_SELECTOR), 0x77);
    ck_assert_uint_eq(F(STAR), 0x1111);
    F(STAR) = 0x2222;
    put();
    ck_assert_int_eq(FAULT(VMLOAD), -1);
    ck_assert_uint_eq(cpu->msrs->star, 0x2222);
}
END_TEST

START_TEST(a_bad_vmcb_exits_at_once)
{
    svm_make_real(&r);
    F(ASID) = 0;
    F(EXITINFO1) = 5;
    ck_assert_int_eq(run(), X86_HALT);
    ck_assert_uint_eq(F(EXITCODE), UINT64_MAX);
    ck_assert_uint_eq(F(EXITINFO1), 0);
    ck_assert_uint_eq(F(RIP), 0);
    ck_assert_uint_eq(cpu->state.rip, BARE_CODE + 4);
    ck_assert(!r.t->gif);
    ck_assert_str_eq(r.t->why.check->name, "ASID");
}
END_TEST

/* Where there is no storage, ones are read: never a VMCB to be entered. */
START_TEST(a_vmcb_may_be_nowhere)
{
    cpu->state.gpr[X86_RAX] = 0xFFFFFF000;
    ck_assert_int_eq(FAULT(VMRUN), -1);
    ck_assert(!cpu->guest);
    ck_assert_int_eq(FAULT(VMLOAD), -1);
    ck_assert_int_eq(FAULT(VMSAVE), -1);
}
END_TEST

/* The host save area has been tampered with. */
START_TEST(a_lost_monitor_shuts_down)
{
    svm_make_real(&r);
    store_le64(svm_nested_of(&r, 0x4000), SVM_HSAVE | 7);
    CODE(SVM_GUEST, "\x66\xC7\x06\x58\x45\x00\x00\x00\x00\xF4"); /* CR0 = 0 */
    ck_assert_int_eq(run(), X86_SHUTDOWN);
    ck_assert(!cpu->guest);
}
END_TEST

/* A monitor that steps has its trap behind VMRUN. */
START_TEST(vmrun_is_stepped_over)
{
    svm_make_real(&r);
    CODE(SVM_GUEST, "\x90\xF4");
    put();
    CODE(BARE_CODE, VMRUN "\x90\x90");
    cpu->state.gpr[X86_RAX] = SVM_PAGE;
    cpu->state.rip = BARE_CODE;
    cpu->state.rflags |= X86_FLAG_TF;
    cpu->state.idt = (struct x86_table_reg){0, 0};
    for (unsigned i = 0; i < 3; i++)
        x86_step(cpu);
    get();
    ck_assert_uint_eq(F(EXITCODE), SVM_EXIT_HLT);
    ck_assert_uint_eq(cpu->debug_hits, X86_DR6_BS);
    ck_assert_uint_eq(cpu->state.rip, BARE_CODE + 3);
}
END_TEST

/* ---- GIF ---- */

static int vector_33(void *who)
{
    (void)who;
    return 33;
}

START_TEST(gif_holds_everything)
{
    svm_make_long(&r);
    cpu->world.acknowledge = vector_33;
    ck_assert_int_eq(FAULT(CLGI), -1);
    cpu->interrupt_line = cpu->nmi_pending = true;
    cpu->state.rflags |= X86_FLAG_IF;
    CODE(BARE_CODE, "\x90\x90\x90\x90\x90" STGI "\x90");
    cpu->state.rip = BARE_CODE;
    cpu->state.idt = (struct x86_table_reg){0, 0};
    for (unsigned i = 0; i < 6; i++)
        ck_assert_int_eq(x86_step(cpu), X86_NEXT);
    ck_assert(cpu->nmi_pending);
    ck_assert_int_eq(x86_step(cpu), X86_SHUTDOWN); /* the NMI; no IDT */
    ck_assert(!cpu->nmi_pending);
}
END_TEST

/* An interrupt that exits waits for STGI. */
START_TEST(interrupts_wait_for_the_monitor)
{
    svm_make_real(&r);
    CODE(SVM_GUEST, "\xEB\xFE");
    vmcb_put(r.v, SVM_INTERCEPT_INTR, true);
    F(V_INTR) = VMCB_V_MASKING;
    cpu->world.acknowledge = vector_33;
    cpu->state.rflags |= X86_FLAG_IF;
    cpu->interrupt_line = true;
    cpu->held = X86_HELD_INTERRUPTS; /* until VMRUN */
    ck_assert_int_eq(run(), X86_HALT);
    ck_assert_uint_eq(F(EXITCODE), SVM_EXIT_INTR);
    ck_assert(cpu->interrupt_line);
    ck_assert(!x86_interrupt_wakes(cpu));
    ck_assert_int_eq(FAULT(STGI), -1);
    ck_assert(x86_interrupt_wakes(cpu));
}
END_TEST

/* One that the monitor masks does not keep the guest from its virtual ones. */
START_TEST(a_masked_interrupt_is_in_nobodys_way)
{
    svm_make_real(&r);
    store_le32(r.m->storage + 4 * 0x21, 0x30000100);
    CODE(SVM_GUEST, "\xEB\xFE");
    CODE(SVM_GUEST + 0x100, "\xF4");
    vmcb_put(r.v, SVM_INTERCEPT_INTR, true);
    F(RFLAGS) = 0x202;
    F(V_INTR) =
        VMCB_V_MASKING | VMCB_V_IRQ | VMCB_V_IGNORE_TPR | UINT64_C(0x21) << 32;
    cpu->interrupt_line = true;
    ck_assert_int_eq(run(), X86_HALT);
    ck_assert_uint_eq(F(EXITCODE), SVM_EXIT_HLT);
    ck_assert_uint_eq(F(RIP), 0x100);
}
END_TEST

START_TEST(invlpga_drops_a_page_of_an_asid)
{
    uint64_t page;

    ck_assert_int_eq(x86_walk(cpu, 0x7000, X86_READ, X86_AS_CPL, &page), 0);
    struct x86_tlb_entry *e;
    ck_assert_int_eq(x86_tlb_find(cpu, 0x7000, X86_READ, 0, &e), 0);
    cpu->state.gpr[X86_RAX] = 0x7000;
    cpu->state.gpr[X86_RCX] = 5; /* nobody's that is kept */
    ck_assert_int_eq(FAULT(INVLPGA), -1);
    ck_assert_uint_ne(e->tag[0], X86_TLB_NONE);
    cpu->state.gpr[X86_RCX] = 0;
    ck_assert_int_eq(FAULT(INVLPGA), -1);
    ck_assert_uint_eq(e->tag[0], X86_TLB_NONE);
}
END_TEST

/* ---- Hostile ---- */

/* Pages of any bytes: VMCBs, host save areas, nested page tables. */
START_TEST(random_pages_do_no_harm)
{
    uint64_t seed = 0x9E3779B97F4A7C15u + (unsigned)_i;

    for (unsigned round = 0; round < 250; round++) {
        x86_cpu_reset(cpu);
        x86_bare_enter(r.m, X86_MODE_LONG);
        cpu->state.efer |= SVM_EFER_SVME;
        r.t->hsave_pa = SVM_HSAVE;
        vmcb_make(r.v, (enum x86_sample)(round % X86_SAMPLE_COUNT));
        svm_make_nested(&r);
        F(N_CR3) = SVM_NESTED;
        F(INTERCEPT_1) = round % 3 ? 0xFFFFFFFF : 0;
        put();
        for (unsigned i = 0; i < 40; i++) {
            seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
            uint32_t at = (uint32_t)(seed >> 8) % (VMCB_PAGE - 8);

            if (round % 5 == 0 || (at < 0x400 && at > 0x18))
                store_le64(r.m->storage + SVM_PAGE + at, seed);
            if (round % 7 == 0)
                store_le64(r.m->storage + SVM_HSAVE + at, seed);
            store_le64(r.m->storage + SVM_GUEST + at, seed);
            store_le64(r.m->storage + SVM_NESTED + 0x3000 + (at & ~7u), seed);
        }
        CODE(BARE_CODE, VMRUN STGI VMSAVE VMLOAD VMRUN "\xF4");
        cpu->state.gpr[X86_RAX] = SVM_PAGE;
        cpu->state.rip = BARE_CODE;
        x86_run(cpu, 300);
    }
}
END_TEST

Suite *suite_x86_svm_insn(void);
Suite *suite_x86_svm_insn(void)
{
    Suite *s = suite_create("x86_svm_insn");
    TCase *t = tcase_create("svm");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, counters_are_read);
    tcase_add_test(t, svm_has_its_conditions);
    tcase_add_test(t, addresses_are_pages);
    tcase_add_test(t, some_are_undefined);
    tcase_add_test(t, msrs_have_their_rules);
    tcase_add_test(t, cpuid_says_what_there_is);
    tcase_add_test(t, the_monitor_comes_back);
    tcase_add_loop_test(t, branches_are_virtual, 0, 2);
    tcase_add_test(t, the_other_state_is_moved_by_instructions);
    tcase_add_test(t, a_bad_vmcb_exits_at_once);
    tcase_add_test(t, a_vmcb_may_be_nowhere);
    tcase_add_test(t, a_lost_monitor_shuts_down);
    tcase_add_test(t, vmrun_is_stepped_over);
    tcase_add_test(t, gif_holds_everything);
    tcase_add_test(t, interrupts_wait_for_the_monitor);
    tcase_add_test(t, a_masked_interrupt_is_in_nobodys_way);
    tcase_add_test(t, invlpga_drops_a_page_of_an_asid);
    tcase_add_loop_test(t, random_pages_do_no_harm, 0, 4);
    suite_add_tcase(s, t);
    return s;
}
