/* VT-x in software: what a guest waits for, and what its monitor does. */
#include "base/bytes.h"
#include "tests/x86_vtx_rig.h"
#include "x86vmm/machine/assist.h"

#include <check.h>

START_TEST(the_timer_counts)
{
    make_real();
    CODE(GUEST, "\xEB\xFE");
    vmcs_put(v, VMX_PIN_PREEMPTION_TIMER, true);
    vmcs_put(v, VMX_EXIT_SAVE_TIMER, true);
    v->field[VMCS_PREEMPTION_TIMER] = 100;
    uint64_t ran = m->cpu.ran;
    vtx_rig_run_to(VMX_EXIT_PREEMPTION_TIMER);
    ck_assert_uint_eq(m->cpu.ran - ran, 100);
    ck_assert_uint_eq(v->field[VMCS_PREEMPTION_TIMER], 0);
}
END_TEST

/* Instructions are not looked at one by one until then, and time that jumps
 * counts. */
START_TEST(the_timer_is_due)
{
    make_real();
    CODE(GUEST, "\x90\x90\x90\xEB\xFB");
    vmcs_put(v, VMX_PIN_PREEMPTION_TIMER, true);
    v->field[VMCS_PREEMPTION_TIMER] = 501;
    vtx_rig_enter();
    ck_assert(!m->cpu.watched);
    ck_assert_int_eq(x86_run(&m->cpu, 100), X86_BUDGET);
    ck_assert_uint_eq(m->cpu.guest_due, m->cpu.ran + 401);
    m->clock.now += 400;
    ck_assert_int_eq(x86_run(&m->cpu, 100), X86_EXIT);
    ck_assert_uint_eq(v->field[VMCS_EXIT_REASON], VMX_EXIT_PREEMPTION_TIMER);
    ck_assert_uint_eq(v->field[VMCS_GUEST_RIP], 101 % 4);
}
END_TEST

/* A halted guest is entered halted; an event ends that. */
START_TEST(activity_is_kept)
{
    make_real();
    vmcs_put(v, VMX_PRIMARY_HLT, false);
    v->field[VMCS_GUEST_ACTIVITY] = 1;
    v->field[VMCS_GUEST_RFLAGS] = 0x202;
    vtx_rig_enter();
    ck_assert_int_eq(x86_run(&m->cpu, 10), X86_HALT);
    vmcs_put(v, VMX_PIN_EXTERNAL_INTERRUPT, true);
    m->cpu.interrupt_line = true;
    ck_assert_int_eq(x86_run(&m->cpu, 10), X86_EXIT);
    ck_assert_uint_eq(v->field[VMCS_EXIT_REASON], VMX_EXIT_EXTERNAL_INTERRUPT);
    ck_assert_uint_eq(v->field[VMCS_GUEST_ACTIVITY], 1);
    m->cpu.interrupt_line = false;
    store_le32(m->storage + 4 * 0x21, 0x30000100);
    CODE(GUEST + 0x100, "\x0F\xA2");
    v->field[VMCS_ENTRY_INTERRUPTION_INFO] = 0x80000021;
    vtx_rig_run_to(VMX_EXIT_CPUID);
    ck_assert_uint_eq(v->field[VMCS_GUEST_ACTIVITY], 0);
}
END_TEST

/* In the shutdown state only an NMI counts, or a window for one. */
START_TEST(shutdown_is_kept)
{
    make_real();
    v->field[VMCS_GUEST_ACTIVITY] = 2;
    v->field[VMCS_GUEST_RFLAGS] = 0x202;
    vmcs_put(v, VMX_PIN_EXTERNAL_INTERRUPT, true);
    vmcs_put(v, VMX_PRIMARY_INTERRUPT_WINDOW, true);
    vtx_rig_enter();
    m->cpu.interrupt_line = true;
    ck_assert_int_eq(x86_run(&m->cpu, 10), X86_HALT);
    vmcs_put(v, VMX_PIN_EXTERNAL_INTERRUPT, false);
    ck_assert_int_eq(x86_run(&m->cpu, 10), X86_HALT);
    vmcs_put(v, VMX_PIN_NMI, true);
    m->cpu.nmi_pending = true;
    ck_assert_int_eq(x86_run(&m->cpu, 10), X86_EXIT);
    ck_assert_uint_eq(v->field[VMCS_EXIT_INTERRUPTION_INFO], 0x80000202);
    ck_assert_uint_eq(v->field[VMCS_GUEST_ACTIVITY], 2);
    m->cpu.interrupt_line = false;
    vmcs_put(v, VMX_PRIMARY_INTERRUPT_WINDOW, false);
    vmcs_put(v, VMX_PIN_NMI, false);
    v->field[VMCS_GUEST_INTERRUPTIBILITY] = 0;
    store_le32(m->storage + 4 * 2, 0x30000100);
    CODE(GUEST + 0x100, "\x0F\xA2");
    m->cpu.nmi_pending = true;
    vtx_rig_run_to(VMX_EXIT_CPUID);
    ck_assert_uint_eq(v->field[VMCS_GUEST_ACTIVITY], 0);
}
END_TEST

/* Would an interrupt end it (25.4.2, 26.2)?  In HLT one that the guest takes,
 * or that leaves it; in the shutdown state none. */
static const struct {
    unsigned activity; /* 1: HLT, 2: shutdown */
    bool flag, exits, wakes;
} sleepers[] = {
    {1, false, false, false}, {1, true, false, true},  {1, false, true, true},
    {1, true, true, true},    {2, true, false, false}, {2, false, true, false},
    {2, true, true, false},
};

static int vector_21(void *who)
{
    (void)who;
    m->cpu.interrupt_line = false;
    return 0x21;
}

START_TEST(interrupts_wake)
{
    bool wakes = sleepers[_i].wakes;

    make_real();
    vmcs_put(v, VMX_PRIMARY_HLT, false);
    vmcs_put(v, VMX_PIN_EXTERNAL_INTERRUPT, sleepers[_i].exits);
    v->field[VMCS_GUEST_ACTIVITY] = sleepers[_i].activity;
    v->field[VMCS_GUEST_RFLAGS] = sleepers[_i].flag ? 0x202 : 2;
    store_le32(m->storage + 4 * 0x21, 0x30000100);
    m->cpu.world.acknowledge = vector_21;
    vtx_rig_enter();
    ck_assert_int_eq(x86_run(&m->cpu, 10), X86_HALT);
    ck_assert_int_eq(x86_interrupt_wakes(&m->cpu), wakes);
    m->cpu.interrupt_line = true;
    ck_assert_int_eq(x86_run(&m->cpu, 10) != X86_HALT, wakes);
}
END_TEST

/* RF in the RFLAGS that are saved (SDM vol. 3, 28.3.3): instructions that exit
 * save it clear, faults set. */
static const struct {
    const char *code;
    unsigned n;
    enum vmx_exit reason;
    uint32_t exceptions; /* that exit */
    uint16_t idt_limit, flags;
    bool rf;
} saved_rf[] = {
    {"\x0F\xA2", 2, VMX_EXIT_CPUID, 0, 0x3FF, 0, false},
    {"\x0F\x0B", 2, VMX_EXIT_EXCEPTION, 1 << X86_EXC_UD, 0x3FF, 0, true},
    {"\x0F\x0B", 2, VMX_EXIT_EXCEPTION, 1 << X86_EXC_DF, 0, 0, true},
    {"\x0F\x0B", 2, VMX_EXIT_TRIPLE_FAULT, 0, 0, 0, true},
    {"\xCC", 1, VMX_EXIT_EXCEPTION, 1 << X86_EXC_BP, 0x3FF, 0, false},
    {"\x90", 1, VMX_EXIT_EXCEPTION, 1 << X86_EXC_DB, 0x3FF, X86_FLAG_TF, false},
    {"\xA0\x00\x90", 3, VMX_EXIT_EPT_VIOLATION, 0, 0x3FF, 0, true},
};

START_TEST(exits_save_rf)
{
    for (unsigned before = 0; before < 2; before++) {
        make_real();
        put_code(GUEST, saved_rf[_i].code, saved_rf[_i].n);
        v->field[VMCS_EXCEPTION_BITMAP] = saved_rf[_i].exceptions;
        v->field[VMCS_GUEST_IDTR_LIMIT] = saved_rf[_i].idt_limit;
        v->field[VMCS_GUEST_RFLAGS] |=
            saved_rf[_i].flags | (before ? X86_FLAG_RF : 0);
        store_le64(ept_of(0x9000), 0);
        vtx_rig_run_to(saved_rf[_i].reason);
        ck_assert_uint_eq(v->field[VMCS_GUEST_RFLAGS] & X86_FLAG_RF,
                          saved_rf[_i].rf ? X86_FLAG_RF : 0);
    }
}
END_TEST

/* Debug exceptions that wait are none any more behind an event that is
 * injected, but for INT n and its like in the shadow of a load of SS (27.7.3).
 * #DB exits; so does CPUID, the first instruction of each handler. */
static const struct {
    enum vmcs_event_type type;
    unsigned vector, blocked, waiting;
    bool exits; /* by #DB */
} injections[] = {
    {VMCS_EVENT_INTERRUPT, 0x21, 0, 0x1001, false},
    {VMCS_EVENT_NMI, 2, VMCS_BY_STI, 0x4000, false},
    {VMCS_EVENT_EXCEPTION, 6, VMCS_BY_STI, 0x4000, false},
    {VMCS_EVENT_EXCEPTION, 6, VMCS_BY_MOV_SS, 0x5001, false},
    {VMCS_EVENT_SOFTWARE, 0x21, VMCS_BY_STI, 0x4000, false},
    {VMCS_EVENT_SOFTWARE, 0x21, 0, 0x1001, false},
    {VMCS_EVENT_SOFTWARE, 0x21, VMCS_BY_MOV_SS, 0x5001, true},
    {VMCS_EVENT_BREAK, 3, VMCS_BY_MOV_SS, 0x5001, true},
    {VMCS_EVENT_BREAK, 3, 0, 0x1001, false},
};

START_TEST(events_end_what_waits)
{
    enum { STEP = 0x4000 };
    unsigned vector = injections[_i].vector;
    bool steps = injections[_i].waiting & STEP;

    make_real();
    store_le32(m->storage + 4 * vector, 0x30000100);
    CODE(GUEST + 0x100, "\x0F\xA2");
    v->field[VMCS_EXCEPTION_BITMAP] = 1 << 1;
    v->field[VMCS_GUEST_RFLAGS] = 0x202 | (steps ? X86_FLAG_TF : 0);
    v->field[VMCS_GUEST_INTERRUPTIBILITY] = injections[_i].blocked;
    v->field[VMCS_GUEST_PENDING_DEBUG] = injections[_i].waiting;
    v->field[VMCS_ENTRY_INTERRUPTION_INFO] =
        VMCS_EVENT_VALID | (uint32_t)injections[_i].type << 8 | vector;
    v->field[VMCS_ENTRY_INSTRUCTION_LENGTH] = 2;
    vtx_rig_run_to(injections[_i].exits ? VMX_EXIT_EXCEPTION : VMX_EXIT_CPUID);
    ck_assert_uint_eq(v->field[VMCS_GUEST_RIP], 0x100);
    ck_assert_uint_eq(v->field[VMCS_GUEST_PENDING_DEBUG], 0);
}
END_TEST

Suite *suite_x86_vtx_waiting(void)
{
    Suite *s = suite_create("x86_vtx_waiting");
    TCase *c = tcase_create("waiting");

    tcase_add_checked_fixture(c, vtx_rig_set_up, vtx_rig_tear_down);
    tcase_add_test(c, the_timer_counts);
    tcase_add_loop_test(c, events_end_what_waits, 0, ARRAY_LEN(injections));
    tcase_add_test(c, the_timer_is_due);
    tcase_add_test(c, activity_is_kept);
    tcase_add_test(c, shutdown_is_kept);
    tcase_add_loop_test(c, interrupts_wake, 0, ARRAY_LEN(sleepers));
    tcase_add_loop_test(c, exits_save_rf, 0, ARRAY_LEN(saved_rf));
    suite_add_tcase(s, c);
    return s;
}
