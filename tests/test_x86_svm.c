/* AMD-V in software: what exits, and events, for a monitor that is this
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
    svm_rig_enter(&r);
}

static void run_to(enum svm_exit_code code)
{
    svm_rig_run_to(&r, code);
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

/* Without their intercepts they are what they are on the bare processor; what
 * would go elsewhere or fault is not asked. */
static bool goes_on(enum svm_exit_code e)
{
    return e != SVM_EXIT_VMMCALL && e != SVM_EXIT_HLT && e != SVM_EXIT_RDPMC &&
           e != SVM_EXIT_RSM && e != SVM_EXIT_IRET && e != SVM_EXIT_SWINT &&
           e != SVM_EXIT_ICEBP && e != SVM_EXIT_POPF && e != SVM_EXIT_MSR &&
           e != SVM_EXIT_GDTR_WRITE && e != SVM_EXIT_IDTR_WRITE;
}

START_TEST(instructions_do_not_exit)
{
    if (!goes_on(exits[_i].exit))
        return;
    prepare((unsigned)_i);
    r.m->cpu.state.gpr[X86_RCX] = 0;
    r.m->cpu.state.gpr[X86_RSI] = 0;
    vmcb_put(r.v, SVM_INTERCEPT_VMMCALL, true);
    run_to(SVM_EXIT_VMMCALL);
    ck_assert_uint_eq(F(RIP), 8);
}
END_TEST

/* An exception that comes before the intercept: #GP or #UD in 64-bit mode, at
 * CPL 0; nothing is intercepted but that, and all else. */
static const struct {
    const char *code;
    unsigned n;
    uint64_t rax;
    enum svm_exit_code exit;
} faults[] = {
    {"\x0F\x22\xC0", 3, UINT64_C(1) << 32, SVM_EXIT_EXCP_GP}, /* CR0 */
    {"\x0F\x22\xC0", 3, 0x80000000, SVM_EXIT_EXCP_GP},        /* PG, no PE */
    {"\x0F\x22\xD8", 3, UINT64_C(1) << 40, SVM_EXIT_EXCP_GP}, /* CR3 */
    {"\x0F\x22\xE0", 3, 0, SVM_EXIT_EXCP_GP},                 /* CR4 */
    {"\x44\x0F\x22\xC0", 4, 0x10, SVM_EXIT_EXCP_GP},          /* CR8 */
    {"\x0F\x23\xF8", 3, UINT64_C(1) << 32, SVM_EXIT_EXCP_GP}, /* DR7 */
    {"\x0F\x22\xC8", 3, 0, SVM_EXIT_EXCP_UD},                 /* CR1 */
    {"\x0F\x01\xD8", 3, 0x50001, SVM_EXIT_EXCP_GP},           /* VMRUN */
    {"\x0F\x01\xDA", 3, UINT64_C(1) << 40, SVM_EXIT_EXCP_GP}, /* VMLOAD */
    {"\x0F\x01\xDE", 3, 0, SVM_EXIT_EXCP_UD},                 /* SKINIT */
    {"\x0F\x01\xC1", 3, 0, SVM_EXIT_EXCP_UD},                 /* VMCALL */
};

START_TEST(exceptions_come_first)
{
    svm_make_long(&r);
    F(INTERCEPT_CR) = F(INTERCEPT_DR) = F(INTERCEPT_1) = UINT32_MAX;
    F(INTERCEPT_2) = UINT32_MAX;
    F(INTERCEPT_EXCEPTIONS) = UINT32_MAX;
    F(RAX) = faults[_i].rax;
    svm_code(&r, SVM_GUEST, faults[_i].code, faults[_i].n);
    run_to(faults[_i].exit);
    ck_assert_uint_eq(F(RIP), SVM_GUEST);
    ck_assert_uint_eq(F(NRIP), 0);
}
END_TEST

/* Writes of TS and MP alone do not count. */
START_TEST(cr0_is_intercepted_by_choice)
{
    static const uint8_t others[] = {0x04, 0x20}; /* EM, NE */

    svm_make_long(&r);
    vmcb_put(r.v, SVM_INTERCEPT_CR0_SEL_WRITE, true);
    /* MOV EAX,CR0; XOR AL,0Ah; MOV CR0,RAX; XOR AL,20h; MOV CR0,RAX */
    CODE(SVM_GUEST, "\x0F\x20\xC0\x34\x0A\x0F\x22\xC0\x34\x20\x0F\x22\xC0");
    svm_code(&r, SVM_GUEST + 9, &others[_i], 1);
    run_to(SVM_EXIT_CR0_SEL_WRITE);
    ck_assert_uint_eq(F(RIP), SVM_GUEST + 10);
    ck_assert_uint_eq(F(CR0) & 0xA, 0xA);
}
END_TEST

START_TEST(state_goes_in_and_out)
{
    struct vmcb before;

    svm_make_real(&r);
    vmcb_put(r.v, SVM_INTERCEPT_CPUID, true);
    F(RAX) = 0x12345678;
    CODE(SVM_GUEST, "\xB8\x34\x12\x8E\xD8\xF9\x0F\xA2"); /* AX, DS, STC */
    before = *r.v;
    run_to(SVM_EXIT_CPUID);
    ck_assert_uint_eq(F(RIP), 6);
    ck_assert_uint_eq(F(RAX), 0x12341234);
    ck_assert_uint_eq(F(DS_SELECTOR), 0x1234);
    ck_assert_uint_eq(F(DS_BASE), 0x12340);
    ck_assert_uint_eq(F(RFLAGS), 3);
    for (unsigned i = 0; i < VMCB_FIELD_COUNT; i++)
        if (i != VMCB_RIP && i != VMCB_RAX && i != VMCB_DS_SELECTOR &&
            i != VMCB_DS_BASE && i != VMCB_RFLAGS && i != VMCB_EXITCODE &&
            i != VMCB_NRIP)
            ck_assert_msg(r.v->field[i] == before.field[i], "%s: %llX, %llX",
                          vmcb_fields[i].name,
                          (unsigned long long)before.field[i],
                          (unsigned long long)r.v->field[i]);
}
END_TEST

/* FS to SYSENTER_EIP: by hand, or by VMLOAD and VMSAVE. */
START_TEST(the_other_state_is_moved_by_hand)
{
    struct vmcb out;

    svm_make_real(&r);
    memset(&out, 0, sizeof(out));
    for (unsigned i = 0; i < VMCB_FIELD_COUNT; i++)
        if (vmcb_fields[i].area == VMCB_AREA_MORE)
            vmcb_set(r.v, (enum vmcb_field)i, 0x93);
    F(KERNEL_GS_BASE) = UINT64_C(0x0001800000000000);
    svm_load_more(&r.m->cpu, r.v);
    svm_save_more(&r.m->cpu, &out);
    for (unsigned i = 0; i < VMCB_FIELD_COUNT; i++)
        if (vmcb_fields[i].area == VMCB_AREA_MORE && i != VMCB_KERNEL_GS_BASE)
            ck_assert_uint_eq(out.field[i], 0x93);
    ck_assert_uint_eq(out.field[VMCB_KERNEL_GS_BASE],
                      UINT64_C(0xFFFF800000000000));
}
END_TEST

/* ---- Events ---- */

START_TEST(events_are_injected)
{
    svm_make_real(&r);
    store_le32(r.m->storage + 4 * 0x21, 0x30000100); /* 3000:0100 */
    CODE(SVM_GUEST + 0x100, "\xF4");
    F(IDTR_LIMIT) = 0x3FF;
    F(RFLAGS) = 0x202;
    F(EVENTINJ) = 0x80000021;
    run_to(SVM_EXIT_HLT);
    ck_assert_uint_eq(F(RIP), 0x100);
    ck_assert_uint_eq(F(EVENTINJ), 0x21);
    ck_assert_uint_eq(F(RFLAGS), 2); /* IF off */
    ck_assert_uint_eq(load_le16(r.m->storage + 0x7FFA), 0);
    ck_assert_uint_eq(load_le16(r.m->storage + 0x7FFE), 0x202);
}
END_TEST

/* The return address is the next instruction's: NRIP. */
START_TEST(software_interrupts_are_injected)
{
    svm_make_real(&r);
    vmcb_put(r.v, SVM_INTERCEPT_SWINT, true);
    store_le32(r.m->storage + 4 * 0x21, 0x30000100);
    CODE(SVM_GUEST, "\xCD\x21");
    CODE(SVM_GUEST + 0x100, "\xF4");
    run_to(SVM_EXIT_SWINT);
    F(EVENTINJ) = VMCB_EVENT_VALID | VMCB_EVENT_SOFTWARE << 8 | 0x21;
    run_to(SVM_EXIT_HLT);
    ck_assert_uint_eq(load_le16(r.m->storage + 0x7FFA), 2);
}
END_TEST

/* So is that of #BP and #OF, but not of other exceptions; whatever the code is
 * (15.20). */
static const struct {
    unsigned vector, pushed;
} injections[] = {{X86_EXC_BP, 5},
                  {X86_EXC_OF, 5},
                  {X86_EXC_DB, 0},
                  {X86_EXC_UD, 0},
                  {X86_EXC_BR, 0}};

START_TEST(exceptions_are_injected)
{
    unsigned vector = injections[_i].vector;

    svm_make_real(&r);
    store_le32(r.m->storage + 4 * vector, 0x30000100);
    CODE(SVM_GUEST + 0x100, "\xF4");
    F(NRIP) = 5;
    F(EVENTINJ) = VMCB_EVENT_VALID | VMCB_EVENT_EXCEPTION << 8 | vector;
    run_to(SVM_EXIT_HLT);
    ck_assert_uint_eq(load_le16(r.m->storage + 0x7FFA), injections[_i].pushed);
}
END_TEST

/* UD2: to the monitor, or to the guest. */
START_TEST(exceptions_exit_by_the_bitmap)
{
    svm_make_real(&r);
    store_le32(r.m->storage + 4 * 6, 0x30000100);
    CODE(SVM_GUEST, "\x0F\x0B");
    CODE(SVM_GUEST + 0x100, "\xF4");
    run_to(SVM_EXIT_HLT);
    F(RIP) = 0;
    F(INTERCEPT_EXCEPTIONS) = 1 << X86_EXC_UD;
    run_to(SVM_EXIT_EXCP_UD);
    ck_assert_uint_eq(F(RIP), 0);
    ck_assert_uint_eq(F(EXITINTINFO), 0);
}
END_TEST

/* INT3 and INTO exit as faults do, and tell where they end. */
START_TEST(breakpoints_tell_where_they_end)
{
    svm_make_real(&r);
    F(INTERCEPT_EXCEPTIONS) = 1 << X86_EXC_BP | 1 << X86_EXC_OF;
    F(RFLAGS) = 0x802;
    CODE(SVM_GUEST, "\xCC\xCE");
    run_to(SVM_EXIT_EXCP_BP);
    ck_assert_uint_eq(F(RIP), 0);
    ck_assert_uint_eq(F(NRIP), 1);
    F(RIP) = 1;
    run_to(SVM_EXIT_EXCP_OF);
    ck_assert_uint_eq(F(RIP), 1);
    ck_assert_uint_eq(F(NRIP), 2);
}
END_TEST

/* CR2 is as it was; the instruction's bytes are told. */
START_TEST(page_faults_tell_all)
{
    svm_make_long(&r);
    r.m->cpu.state.cr2 = 1;
    F(CR2) = 7;
    F(INTERCEPT_EXCEPTIONS) = 1 << X86_EXC_PF;
    /* MOV [700000000010h],EAX */
    CODE(SVM_GUEST, "\xA3\x10\x00\x00\x00\x00\x70\x00\x00");
    run_to(SVM_EXIT_EXCP_PF);
    ck_assert_uint_eq(F(EXITINFO1), 2);
    ck_assert_uint_eq(F(EXITINFO2), UINT64_C(0x700000000010));
    ck_assert_uint_eq(F(CR2), 7);
    ck_assert_uint_eq(F(INSN_COUNT), 15);
    ck_assert_uint_eq(F(INSN_BYTES), UINT64_C(0x00700000000010A3));
    ck_assert_uint_eq(F(INSN_BYTES_2), 0);
}
END_TEST

/* DR6 is as a handler would see it. */
START_TEST(debug_exceptions_write_dr6)
{
    svm_make_real(&r);
    CODE(SVM_GUEST, "\x90\x90");
    F(RFLAGS) |= X86_FLAG_TF;
    F(INTERCEPT_EXCEPTIONS) = 1 << X86_EXC_DB;
    run_to(SVM_EXIT_EXCP_DB);
    ck_assert_uint_eq(F(DR6), 0xFFFF4FF0);
    ck_assert_uint_eq(F(RIP), 1);
}
END_TEST

/* No IDT: the third fault exits, or stops the machine. */
START_TEST(a_triple_fault_exits)
{
    svm_make_real(&r);
    F(IDTR_LIMIT) = 0;
    CODE(SVM_GUEST, "\x0F\x0B");
    run_to(SVM_EXIT_SHUTDOWN);
    svm_make_real(&r);
    F(IDTR_LIMIT) = 0;
    vmcb_put(r.v, SVM_INTERCEPT_SHUTDOWN, false);
    enter();
    ck_assert_int_eq(x86_run(&r.m->cpu, 1000), X86_SHUTDOWN);
}
END_TEST

static int vector_33(void *who)
{
    struct x86_cpu *cpu = who;

    cpu->interrupt_line = false;
    return 33;
}

static void listen(void)
{
    r.m->cpu.world.acknowledge = vector_33;
    r.m->cpu.world.who = &r.m->cpu;
    r.m->cpu.interrupt_line = true;
    store_le32(r.m->storage + 4 * 33, 0x30000100);
    CODE(SVM_GUEST + 0x100, "\xF4");
}

/* RFLAGS.IF masks them, without V_INTR_MASKING; with it the monitor's. */
START_TEST(interrupts_exit_or_are_taken)
{
    svm_make_real(&r);
    CODE(SVM_GUEST, "\xFB\x90\x90\xEB\xFE");
    listen();
    vmcb_put(r.v, SVM_INTERCEPT_INTR, true);
    run_to(SVM_EXIT_INTR); /* after STI's shadow */
    ck_assert_uint_eq(F(RIP), 2);
    ck_assert(r.m->cpu.interrupt_line);
    F(V_INTR) = VMCB_V_MASKING;
    F(RFLAGS) = 2;
    F(RIP) = 1;
    run_to(SVM_EXIT_INTR); /* at once */
    ck_assert_uint_eq(F(RIP), 1);
    vmcb_put(r.v, SVM_INTERCEPT_INTR, false);
    run_to(SVM_EXIT_HLT); /* the guest has it */
    ck_assert_uint_eq(F(RIP), 0x100);
    ck_assert(!r.m->cpu.interrupt_line);
}
END_TEST

START_TEST(nmis_exit_and_stay)
{
    svm_make_real(&r);
    CODE(SVM_GUEST, "\xEB\xFE");
    vmcb_put(r.v, SVM_INTERCEPT_NMI, true);
    r.m->cpu.nmi_pending = true;
    run_to(SVM_EXIT_NMI);
    ck_assert(r.m->cpu.nmi_pending);
}
END_TEST

/* An injected one is being handled: the next exits behind its IRET. */
START_TEST(nmis_that_are_blocked_do_not_exit)
{
    svm_make_real(&r);
    store_le32(r.m->storage + 4 * X86_NMI_VECTOR, SVM_GUEST << 12 | 0x100);
    CODE(SVM_GUEST, "\xEB\xFE");
    CODE(SVM_GUEST + 0x100, "\x90\xCF"); /* nop; iret */
    F(RSP) = 0x8000;
    F(EVENTINJ) = VMCB_EVENT_VALID | VMCB_EVENT_NMI << 8 | X86_NMI_VECTOR;
    vmcb_put(r.v, SVM_INTERCEPT_NMI, true);
    r.m->cpu.nmi_pending = true;
    run_to(SVM_EXIT_NMI);
    ck_assert_uint_eq(F(RIP), 0);
    ck_assert_uint_eq(F(RSP), 0x8000);
}
END_TEST

/* V_IRQ: when IF lets it, and its priority is above V_TPR. */
static const struct {
    uint64_t v_intr, rflags;
    bool comes;
} virtuals[] = {
    {VMCB_V_IRQ | 1 << 16, 0x202, true},
    {VMCB_V_IRQ | 1 << 16, 2, false},
    {VMCB_V_IRQ | 5 << 16 | 5, 0x202, false},
    {VMCB_V_IRQ | 6 << 16 | 5, 0x202, true},
    {VMCB_V_IRQ | VMCB_V_IGNORE_TPR | 5, 0x202, true},
    {1 << 16, 0x202, false},
};

START_TEST(virtual_interrupts_come)
{
    svm_make_real(&r);
    listen();
    r.m->cpu.interrupt_line = false;
    CODE(SVM_GUEST, "\x90\x0F\x01\xD9");
    vmcb_put(r.v, SVM_INTERCEPT_VMMCALL, true);
    F(V_INTR) = virtuals[_i].v_intr | UINT64_C(33) << 32 | VMCB_V_MASKING;
    F(RFLAGS) = virtuals[_i].rflags;
    run_to(virtuals[_i].comes ? SVM_EXIT_HLT : SVM_EXIT_VMMCALL);
    ck_assert_uint_eq(F(V_INTR) & VMCB_V_IRQ,
                      virtuals[_i].comes ? 0
                                         : virtuals[_i].v_intr & VMCB_V_IRQ);
    /* as a window */
    F(V_INTR) = virtuals[_i].v_intr | UINT64_C(33) << 32 | VMCB_V_MASKING;
    F(RFLAGS) = virtuals[_i].rflags;
    F(RIP) = 0;
    vmcb_put(r.v, SVM_INTERCEPT_VINTR, true);
    run_to(virtuals[_i].comes ? SVM_EXIT_VINTR : SVM_EXIT_VMMCALL);
    ck_assert_uint_eq(F(V_INTR) & VMCB_V_IRQ, virtuals[_i].v_intr & VMCB_V_IRQ);
}
END_TEST

/* The shadow of STI goes out and in. */
START_TEST(the_shadow_is_kept)
{
    svm_make_real(&r);
    CODE(SVM_GUEST, "\xFB\xF4\x90\xEB\xFE");
    run_to(SVM_EXIT_HLT);
    ck_assert_uint_eq(F(INTERRUPT_SHADOW), VMCB_SHADOW);
    F(RIP) = 2;
    F(V_INTR) = VMCB_V_IRQ | VMCB_V_IGNORE_TPR;
    vmcb_put(r.v, SVM_INTERCEPT_VINTR, true);
    run_to(SVM_EXIT_VINTR);
    ck_assert_uint_eq(F(RIP), 3);
    ck_assert_uint_eq(F(INTERRUPT_SHADOW), 0);
}
END_TEST

/* CR8 with V_INTR_MASKING, and without. */
START_TEST(the_task_priority_is_virtual)
{
    svm_make_long(&r);
    F(RAX) = 4;
    F(V_INTR) = VMCB_V_MASKING | 5;
    /* MOV RBX,CR8; MOV CR8,RAX; HLT */
    CODE(SVM_GUEST, "\x44\x0F\x20\xC3\x44\x0F\x22\xC0\xF4");
    run_to(SVM_EXIT_HLT);
    ck_assert_uint_eq(r.m->cpu.state.gpr[X86_RBX], 5);
    ck_assert_uint_eq(r.m->cpu.state.cr8, 0);
    ck_assert_uint_eq(F(V_INTR), VMCB_V_MASKING | 4);
    F(V_INTR) = 0;
    F(RIP) = SVM_GUEST;
    run_to(SVM_EXIT_HLT);
    ck_assert_uint_eq(r.m->cpu.state.gpr[X86_RBX], 0);
    ck_assert_uint_eq(r.m->cpu.state.cr8, 4);
    ck_assert_uint_eq(F(V_INTR), 4);
}
END_TEST

/* A halted guest leaves when its monitor has an interrupt. */
START_TEST(a_halted_guest_exits)
{
    svm_make_real(&r);
    vmcb_put(r.v, SVM_INTERCEPT_HLT, false);
    vmcb_put(r.v, SVM_INTERCEPT_INTR, true);
    F(V_INTR) = VMCB_V_MASKING;
    CODE(SVM_GUEST, "\xF4");
    enter();
    ck_assert_int_eq(x86_run(&r.m->cpu, 10), X86_HALT);
    ck_assert(x86_interrupt_wakes(&r.m->cpu));
    r.m->cpu.interrupt_line = true;
    ck_assert_int_eq(x86_run(&r.m->cpu, 10), X86_EXIT);
    ck_assert_uint_eq(F(EXITCODE), SVM_EXIT_INTR);
    ck_assert_uint_eq(F(RIP), 1);
}
END_TEST

Suite *suite_x86_svm(void);
Suite *suite_x86_svm(void)
{
    Suite *s = suite_create("x86_svm");
    TCase *t = tcase_create("svm");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, instructions_exit, 0, ARRAY_LEN(exits));
    tcase_add_loop_test(t, instructions_do_not_exit, 0, ARRAY_LEN(exits));
    tcase_add_loop_test(t, exceptions_come_first, 0, ARRAY_LEN(faults));
    tcase_add_loop_test(t, cr0_is_intercepted_by_choice, 0, 2);
    tcase_add_test(t, state_goes_in_and_out);
    tcase_add_test(t, the_other_state_is_moved_by_hand);
    tcase_add_test(t, events_are_injected);
    tcase_add_test(t, software_interrupts_are_injected);
    tcase_add_loop_test(t, exceptions_are_injected, 0, ARRAY_LEN(injections));
    tcase_add_test(t, exceptions_exit_by_the_bitmap);
    tcase_add_test(t, breakpoints_tell_where_they_end);
    tcase_add_test(t, page_faults_tell_all);
    tcase_add_test(t, debug_exceptions_write_dr6);
    tcase_add_test(t, a_triple_fault_exits);
    tcase_add_test(t, interrupts_exit_or_are_taken);
    tcase_add_test(t, nmis_exit_and_stay);
    tcase_add_test(t, nmis_that_are_blocked_do_not_exit);
    tcase_add_loop_test(t, virtual_interrupts_come, 0, ARRAY_LEN(virtuals));
    tcase_add_test(t, the_shadow_is_kept);
    tcase_add_test(t, the_task_priority_is_virtual);
    tcase_add_test(t, a_halted_guest_exits);
    suite_add_tcase(s, t);
    return s;
}
