/* VT-x in software: entry, exits, EPT, for a monitor that is this program. */
#include "base/bytes.h"
#include "tests/x86_vtx_rig.h"
#include "x86vmm/machine/msr.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Code in real-address mode, the control that makes it exit, and what is
 * told. */
static const struct {
    const char *code;
    unsigned n;
    int control; /* -1: none is needed */
    enum vmx_exit reason;
    uint64_t qualification;
    unsigned length;
} exits[] = {
    {"\x0F\xA2", 2, -1, VMX_EXIT_CPUID, 0, 2},
    {"\x0F\x08", 2, -1, VMX_EXIT_INVD, 0, 2},
    {"\x0F\x01\xC1", 3, -1, VMX_EXIT_VMCALL, 0, 3},
    {"\xF4", 1, VMX_PRIMARY_HLT, VMX_EXIT_HLT, 0, 1},
    {"\x0F\x09", 2, VMX_SECONDARY_WBINVD, VMX_EXIT_WBINVD, 0, 2},
    {"\xF3\x90", 2, VMX_PRIMARY_PAUSE, VMX_EXIT_PAUSE, 0, 2},
    {"\x0F\x31", 2, VMX_PRIMARY_RDTSC, VMX_EXIT_RDTSC, 0, 2},
    {"\x0F\x33", 2, VMX_PRIMARY_RDPMC, VMX_EXIT_RDPMC, 0, 2},
    {"\x0F\x32", 2, -1, VMX_EXIT_RDMSR, 0, 2},
    {"\x0F\x30", 2, -1, VMX_EXIT_WRMSR, 0, 2},
    {"\x0F\x01\x3E\x34\x12", 5, VMX_PRIMARY_INVLPG, VMX_EXIT_INVLPG, 0x1234, 5},
    {"\x0F\x01\x16\x34\x12", 5, VMX_SECONDARY_DESCRIPTOR_TABLE,
     VMX_EXIT_GDTR_IDTR, 0x1234, 5},
    {"\xE4\x21", 2, VMX_PRIMARY_UNCONDITIONAL_IO, VMX_EXIT_IO, 0x210048, 2},
    {"\xEF", 1, VMX_PRIMARY_UNCONDITIONAL_IO, VMX_EXIT_IO, 1, 1},
    {"\x66\x6D", 2, VMX_PRIMARY_UNCONDITIONAL_IO, VMX_EXIT_IO, 0x1B, 2},
    {"\x0F\x22\xD8", 3, VMX_PRIMARY_CR3_LOAD, VMX_EXIT_CR_ACCESS, 3, 3},
    {"\x0F\x20\xDB", 3, VMX_PRIMARY_CR3_STORE, VMX_EXIT_CR_ACCESS, 0x313, 3},
    {"\x0F\x23\xC1", 3, VMX_PRIMARY_MOV_DR, VMX_EXIT_MOV_DR, 0x100, 3},
};

START_TEST(instructions_exit)
{
    make_real();
    m->cpu.state.gpr[X86_RDX] = 0;
    put_code(GUEST, exits[_i].code, exits[_i].n);
    if (exits[_i].control >= 0)
        vmcs_put(v, (enum vmx_control)exits[_i].control, true);
    vtx_rig_run_to(exits[_i].reason);
    ck_assert_uint_eq(v->field[VMCS_EXIT_QUALIFICATION],
                      exits[_i].qualification);
    ck_assert_uint_eq(v->field[VMCS_EXIT_INSTRUCTION_LENGTH], exits[_i].length);
    ck_assert_uint_eq(v->field[VMCS_GUEST_RIP], 0); /* not advanced */
}
END_TEST

/* Without their controls they are what they are on the bare processor. */
START_TEST(instructions_do_not_exit)
{
    if (exits[_i].control < 0)
        return;
    make_real();
    vmcs_put(v, VMX_PRIMARY_HLT, false);
    CODE(GUEST, "\x90\x90\x90\x90\x90\x90\x90\x0F\xA2");
    put_code(GUEST, exits[_i].code, exits[_i].n);
    vtx_rig_enter();
    if (exits[_i].reason == VMX_EXIT_HLT) {
        ck_assert_int_eq(x86_run(&m->cpu, 10), X86_HALT);
        return;
    }
    if (exits[_i].reason == VMX_EXIT_RDPMC) { /* there are no counters */
        m->cpu.guest->shutdown(&m->cpu);
        return;
    }
    for (unsigned i = 0; i < 20; i++)
        if (x86_step(&m->cpu) == X86_EXIT)
            break;
    ck_assert_uint_eq(v->field[VMCS_EXIT_REASON], VMX_EXIT_CPUID);
}
END_TEST

START_TEST(state_goes_in_and_out)
{
    struct vmcs before;

    make_real();
    vmcs_put(v, VMX_EXIT_SAVE_EFER, true);
    vmcs_put(v, VMX_ENTRY_LOAD_EFER, true);
    CODE(GUEST, "\xB8\x34\x12\x8E\xD8\xF9\x0F\xA2"); /* AX, DS, STC, CPUID */
    before = *v;
    vtx_rig_run_to(VMX_EXIT_CPUID);
    ck_assert_uint_eq(v->field[VMCS_GUEST_RIP], 6);
    ck_assert_uint_eq(v->field[VMCS_GUEST_DS_SELECTOR], 0x1234);
    ck_assert_uint_eq(v->field[VMCS_GUEST_DS_BASE], 0x12340);
    ck_assert_uint_eq(v->field[VMCS_GUEST_RFLAGS], 3);
    ck_assert_uint_eq((uint16_t)m->cpu.state.gpr[X86_RAX], 0x1234);
    for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++)
        if (i != VMCS_GUEST_RIP && i != VMCS_GUEST_DS_SELECTOR &&
            i != VMCS_GUEST_DS_BASE && i != VMCS_GUEST_RFLAGS &&
            i != VMCS_EXIT_REASON && i != VMCS_EXIT_INSTRUCTION_LENGTH)
            ck_assert_msg(v->field[i] == before.field[i], "%s: %llX, %llX",
                          vmcs_fields[i].name,
                          (unsigned long long)before.field[i],
                          (unsigned long long)v->field[i]);
}
END_TEST

/* IA32_DEBUGCTL goes in and out by its controls; a branch is recorded. */
START_TEST(branches_are_recorded_in_a_guest)
{
    make_real();
    vmcs_put(v, VMX_ENTRY_LOAD_DEBUG, _i);
    vmcs_put(v, VMX_EXIT_SAVE_DEBUG, _i);
    v->field[VMCS_GUEST_DEBUGCTL] = 1;
    v->field[VMCS_GUEST_DR7] = 0x400;
    CODE(GUEST, "\xEB\x01\x90\x0F\xA2"); /* JMP; CPUID */
    vtx_rig_run_to(VMX_EXIT_CPUID);
    ck_assert_uint_eq(m->cpu.debugctl, (unsigned)_i);
    ck_assert_uint_eq(m->cpu.msrs->branch_to, _i ? 3 : 0);
    m->cpu.debugctl = 2;
    make_real();
    vmcs_put(v, VMX_ENTRY_LOAD_DEBUG, false);
    vmcs_put(v, VMX_EXIT_SAVE_DEBUG, _i);
    v->field[VMCS_GUEST_DEBUGCTL] = 1;
    vtx_rig_run_to(VMX_EXIT_CPUID);
    ck_assert_uint_eq(v->field[VMCS_GUEST_DEBUGCTL], _i ? 2 : 1);
}
END_TEST

/* ---- Events ---- */

START_TEST(events_are_injected)
{
    make_real();
    store_le32(m->storage + 4 * 0x21, 0x30000100); /* 3000:0100 */
    CODE(GUEST + 0x100, "\x0F\xA2");
    v->field[VMCS_GUEST_IDTR_LIMIT] = 0x3FF;
    v->field[VMCS_GUEST_RFLAGS] = 0x202;
    v->field[VMCS_ENTRY_INTERRUPTION_INFO] = 0x80000021;
    vtx_rig_run_to(VMX_EXIT_CPUID);
    ck_assert_uint_eq(v->field[VMCS_GUEST_RIP], 0x100);
    ck_assert_uint_eq(v->field[VMCS_ENTRY_INTERRUPTION_INFO], 0x21);
    ck_assert_uint_eq(v->field[VMCS_GUEST_RFLAGS], 2); /* IF off */
    ck_assert_uint_eq(load_le16(m->storage + 0x7FFA), 0);
    ck_assert_uint_eq(load_le16(m->storage + 0x7FFE), 0x202);
}
END_TEST

/* UD2: to the monitor, or to the guest. */
START_TEST(exceptions_exit_by_the_bitmap)
{
    make_real();
    store_le32(m->storage + 4 * 6, 0x30000100);
    CODE(GUEST, "\x0F\x0B");
    CODE(GUEST + 0x100, "\x0F\xA2");
    vtx_rig_run_to(VMX_EXIT_CPUID);
    v->field[VMCS_GUEST_RIP] = 0;
    v->field[VMCS_EXCEPTION_BITMAP] = 1 << 6;
    vtx_rig_run_to(VMX_EXIT_EXCEPTION);
    ck_assert_uint_eq(v->field[VMCS_EXIT_INTERRUPTION_INFO], 0x80000306);
    ck_assert_uint_eq(v->field[VMCS_GUEST_RIP], 0);
    ck_assert_uint_eq(v->field[VMCS_IDT_VECTORING_INFO], 0);
}
END_TEST

/* No IDT: #UD, #GP, #DF, and the third one exits. */
START_TEST(a_triple_fault_exits)
{
    make_real();
    v->field[VMCS_GUEST_IDTR_LIMIT] = 0;
    CODE(GUEST, "\x0F\x0B");
    vtx_rig_run_to(VMX_EXIT_TRIPLE_FAULT);
}
END_TEST

static int vector_33(void *who)
{
    (void)who;
    return 33;
}

START_TEST(interrupts_and_windows_exit)
{
    make_real();
    CODE(GUEST, "\xFB\x90\x90\xEB\xFE");
    m->cpu.world.acknowledge = vector_33;
    m->cpu.interrupt_line = true;
    vmcs_put(v, VMX_PIN_EXTERNAL_INTERRUPT, true);
    vtx_rig_run_to(VMX_EXIT_EXTERNAL_INTERRUPT); /* IF does not count */
    ck_assert_uint_eq(v->field[VMCS_EXIT_INTERRUPTION_INFO], 0);
    vmcs_put(v, VMX_EXIT_ACKNOWLEDGE_INTERRUPT, true);
    vtx_rig_run_to(VMX_EXIT_EXTERNAL_INTERRUPT);
    ck_assert_uint_eq(v->field[VMCS_EXIT_INTERRUPTION_INFO], 0x80000021);
    m->cpu.interrupt_line = false;
    vmcs_put(v, VMX_PRIMARY_INTERRUPT_WINDOW, true);
    vtx_rig_run_to(VMX_EXIT_INTERRUPT_WINDOW); /* after STI's shadow */
    ck_assert_uint_eq(v->field[VMCS_GUEST_RIP], 2);
    vmcs_put(v, VMX_PRIMARY_INTERRUPT_WINDOW, false);
    vmcs_put(v, VMX_PIN_NMI, true);
    m->cpu.nmi_pending = true;
    vtx_rig_run_to(VMX_EXIT_EXCEPTION);
    ck_assert_uint_eq(v->field[VMCS_EXIT_INTERRUPTION_INFO], 0x80000202);
    ck_assert(m->cpu.nmi_blocked); /* it is being handled (28.5.5) */
}
END_TEST

START_TEST(it_can_be_stepped)
{
    make_real();
    CODE(GUEST, "\x90\x40\x40\xEB\xFE");
    vmcs_put(v, VMX_PRIMARY_MONITOR_TRAP_FLAG, true);
    for (unsigned i = 1; i <= 3; i++) {
        vtx_rig_run_to(VMX_EXIT_MONITOR_TRAP_FLAG);
        ck_assert_uint_eq(v->field[VMCS_GUEST_RIP], i);
    }
}
END_TEST

/* A trap of TF waits while the trap flag of the monitor exits, and is delivered
 * at the next entry; then that exits once more, before the handler begins. */
START_TEST(the_trap_flag_comes_before_a_trap)
{
    enum { AT_DB = 4 * X86_EXC_DB, BS = 0x4000 };

    make_real();
    store_le32(m->storage + AT_DB, 0x30000100); /* 3000:0100 */
    CODE(GUEST, "\x90\x90\x90");
    v->field[VMCS_GUEST_IDTR_LIMIT] = 0x3FF;
    v->field[VMCS_GUEST_RFLAGS] = 0x102;
    vmcs_put(v, VMX_PRIMARY_MONITOR_TRAP_FLAG, true);
    vtx_rig_run_to(VMX_EXIT_MONITOR_TRAP_FLAG);
    ck_assert_uint_eq(v->field[VMCS_GUEST_RIP], 1);
    ck_assert_uint_eq(v->field[VMCS_GUEST_PENDING_DEBUG], BS);
    vtx_rig_run_to(VMX_EXIT_MONITOR_TRAP_FLAG);
    ck_assert_uint_eq(v->field[VMCS_GUEST_RIP], 0x100);
    ck_assert_uint_eq(v->field[VMCS_GUEST_PENDING_DEBUG], 0);
}
END_TEST

/* Behind one that was waiting, before an instruction of its handler: by the
 * trap flag, by a timer that is out. */
START_TEST(exits_are_behind_a_waiting_event)
{
    enum { DEBUG = 0x1001, TIMER = 1, NMI = 2, NMI_VECTOR = 2 };

    make_real();
    store_le32(m->storage + 4 * X86_EXC_DB, 0x30000100);
    store_le32(m->storage + 4 * NMI_VECTOR, 0x30000100);
    CODE(GUEST + 0x100, "\x40\x40\x40\xEB\xFE");
    v->field[VMCS_GUEST_IDTR_LIMIT] = 0x3FF;
    if (_i == NMI)
        m->cpu.nmi_pending = true;
    else
        v->field[VMCS_GUEST_PENDING_DEBUG] = DEBUG;
    vmcs_put(v, VMX_PRIMARY_MONITOR_TRAP_FLAG, _i != TIMER);
    vmcs_put(v, VMX_PIN_PREEMPTION_TIMER, _i == TIMER);
    v->field[VMCS_PREEMPTION_TIMER] = 0;
    vtx_rig_run_to(_i == TIMER ? VMX_EXIT_PREEMPTION_TIMER
                               : VMX_EXIT_MONITOR_TRAP_FLAG);
    ck_assert_uint_eq(v->field[VMCS_GUEST_RIP], 0x100);
    ck_assert_uint_eq(v->field[VMCS_GUEST_PENDING_DEBUG], 0);
}
END_TEST

/* ---- Control registers ---- */

START_TEST(the_guest_sees_the_shadow)
{
    make_real();
    v->field[VMCS_CR0_MASK] = X86_CR0_NE;
    v->field[VMCS_CR0_SHADOW] = 0;
    /* MOV EAX,CR0; OR AL,2; MOV CR0,EAX (MP: the guest's own); SMSW BX */
    CODE(GUEST, "\x0F\x20\xC0\x0C\x02\x0F\x22\xC0\x0F\x01\xE3"
                "\x0C\x20\x0F\x22\xC0"); /* NE: the monitor's */
    vtx_rig_run_to(VMX_EXIT_CR_ACCESS);
    ck_assert_uint_eq(v->field[VMCS_EXIT_QUALIFICATION], 0);
    ck_assert_uint_eq(v->field[VMCS_GUEST_RIP], 13);
    ck_assert_uint_eq(m->cpu.state.gpr[X86_RBX] & 0x3F, 0x12);
    ck_assert_uint_eq(v->field[VMCS_GUEST_CR0] & 0x3F, 0x32);
}
END_TEST

/* 64-bit mode in the mode's own tables. */
static void make_long(void)
{
    make_ept();
    vmcs_make(v, X86_SAMPLE_LONG);
    v->field[VMCS_EPT_POINTER] = EPT | 0x1E;
    v->field[VMCS_GUEST_CR3] = m->cpu.state.cr3;
    v->field[VMCS_GUEST_RIP] = GUEST;
    v->field[VMCS_GUEST_RSP] = BARE_STACK;
}

START_TEST(the_task_priority_is_a_shadow)
{
    make_long();
    vmcs_put(v, VMX_PRIMARY_TPR_SHADOW, true);
    v->field[VMCS_VIRTUAL_APIC_ADDR] = 0x70000;
    v->field[VMCS_TPR_THRESHOLD] = 3;
    m->storage[0x70080] = 0x50;
    m->cpu.state.gpr[X86_RAX] = 4;
    /* MOV RBX,CR8; three times MOV CR8,RAX; DEC EAX */
    CODE(GUEST, "\x44\x0F\x20\xC3\x44\x0F\x22\xC0\xFF\xC8\x44\x0F\x22\xC0"
                "\xFF\xC8\x44\x0F\x22\xC0\xFF\xC8");
    vtx_rig_run_to(VMX_EXIT_TPR_BELOW_THRESHOLD);
    ck_assert_uint_eq(v->field[VMCS_GUEST_RIP], GUEST + 20); /* like a trap */
    ck_assert_uint_eq(m->storage[0x70080], 0x20);
    ck_assert_uint_eq(m->cpu.state.gpr[X86_RBX], 5);
    ck_assert_uint_eq(m->cpu.state.cr8, 0);
}
END_TEST

/* Error code of the page fault of a read; mask, match, bit 14; does it exit? */
static const struct {
    uint32_t mask, match, bitmap;
    bool exits;
} page_faults[] = {
    {0, 0, 1 << 14, true}, {0, 0, 0, false}, {2, 2, 1 << 14, false},
    {2, 0, 1 << 14, true}, {2, 2, 0, true},  {0, 1, 1 << 14, false},
};

START_TEST(page_faults_exit_by_error_code)
{
    make_long();
    v->field[VMCS_PF_ERROR_MASK] = page_faults[_i].mask;
    v->field[VMCS_PF_ERROR_MATCH] = page_faults[_i].match;
    v->field[VMCS_EXCEPTION_BITMAP] = page_faults[_i].bitmap;
    v->field[VMCS_GUEST_IDTR_LIMIT] = 0; /* what is delivered is the last */
    CODE(GUEST, "\x48\xA1\x10\x00\x00\x00\x00\x70\x00\x00");
    vtx_rig_run_to(page_faults[_i].exits ? VMX_EXIT_EXCEPTION
                                         : VMX_EXIT_TRIPLE_FAULT);
    if (!page_faults[_i].exits)
        return;
    ck_assert_uint_eq(v->field[VMCS_EXIT_INTERRUPTION_INFO], 0x80000B0E);
    ck_assert_uint_eq(v->field[VMCS_EXIT_INTERRUPTION_ERROR], 0);
    ck_assert_uint_eq(v->field[VMCS_EXIT_QUALIFICATION],
                      UINT64_C(0x700000000010));
    ck_assert_uint_eq(m->cpu.state.cr2, 0); /* the guest has not seen it */
}
END_TEST

/* DR6 is as it was: the qualification has what it would show. */
START_TEST(debug_exceptions_tell_by_the_qualification)
{
    make_real();
    CODE(GUEST, "\x90\x90");
    v->field[VMCS_GUEST_RFLAGS] |= X86_FLAG_TF;
    v->field[VMCS_EXCEPTION_BITMAP] = 1 << X86_EXC_DB;
    vtx_rig_run_to(VMX_EXIT_EXCEPTION);
    ck_assert_uint_eq(v->field[VMCS_EXIT_QUALIFICATION], 0x4000);
    ck_assert_uint_eq(v->field[VMCS_EXIT_INTERRUPTION_INFO], 0x80000301);
    ck_assert_uint_eq(v->field[VMCS_GUEST_RIP], 1);
    ck_assert_uint_eq(m->cpu.dr[6], 0xFFFF0FF0);
}
END_TEST

START_TEST(the_time_is_offset)
{
    make_real();
    vmcs_put(v, VMX_PRIMARY_TSC_OFFSETTING, true);
    v->field[VMCS_TSC_OFFSET] = UINT64_C(5) << 32;
    CODE(GUEST, "\x0F\x31\x0F\xA2");
    vtx_rig_run_to(VMX_EXIT_CPUID);
    ck_assert_uint_eq(m->cpu.state.gpr[X86_RDX], 5);
    ck_assert_uint_eq(m->cpu.tsc_offset, 0);
}
END_TEST

/* ---- EPT ---- */

START_TEST(ept_moves_the_guest)
{
    make_real();
    store_le64(ept_of(GUEST), 0x31000 | 7 | 6 << 3);
    CODE(0x31000, "\xC6\x06\x00\x40\x55\x0F\xA2"); /* byte [4000h] = 55h */
    store_le64(ept_of(0x4000), 0x42000 | 7 | 6 << 3);
    v->field[VMCS_EPT_POINTER] |= 0x40;
    vtx_rig_run_to(VMX_EXIT_CPUID);
    ck_assert_uint_eq(m->storage[0x42000], 0x55);
    ck_assert_uint_eq(load_le64(ept_of(0x4000)) & 0x300, 0x300);
    ck_assert_uint_eq(load_le64(ept_of(GUEST)) & 0x300, 0x100);
    ck_assert_uint_eq(load_le64(m->storage + EPT) & 0x100, 0x100);
}
END_TEST

/* What EPT has for 4000h, and what a write of a byte there exits with. */
static const struct {
    uint64_t entry;
    enum vmx_exit reason;
    uint64_t qualification;
} epts[] = {
    {0, VMX_EXIT_EPT_VIOLATION, 0x182},
    {0x4000 | 1 | 6 << 3, VMX_EXIT_EPT_VIOLATION, 0x18A},
    {0x4000 | 5 | 6 << 3, VMX_EXIT_EPT_VIOLATION, 0x1AA},
    {0x4000 | 4 | 6 << 3, VMX_EXIT_EPT_VIOLATION, 0x1A2},
    {0x4000 | 2, VMX_EXIT_EPT_MISCONFIGURATION, 0},
    {0x4000 | 6, VMX_EXIT_EPT_MISCONFIGURATION, 0},
    {0x4000 | 7 | 2 << 3, VMX_EXIT_EPT_MISCONFIGURATION, 0},
    {UINT64_C(1) << 40 | 7 | 6 << 3, VMX_EXIT_EPT_MISCONFIGURATION, 0},
};

START_TEST(ept_refuses)
{
    make_real();
    CODE(GUEST, "\xC6\x06\x01\x40\x55\x0F\xA2");
    store_le64(ept_of(0x4000), epts[_i].entry);
    vtx_rig_run_to(epts[_i].reason);
    ck_assert_uint_eq(v->field[VMCS_EXIT_QUALIFICATION],
                      epts[_i].qualification);
    ck_assert_uint_eq(v->field[VMCS_GUEST_PHYSICAL_ADDRESS] & ~UINT64_C(0xFFF),
                      0x4000);
    ck_assert_uint_eq(v->field[VMCS_GUEST_RIP], 0);
    ck_assert_uint_eq(m->storage[0x4001], 0);
    /* mended, it goes on */
    store_le64(ept_of(0x4000), 0x4000 | 7 | 6 << 3);
    vtx_rig_run_to(VMX_EXIT_CPUID);
    ck_assert_uint_eq(m->storage[0x4001], 0x55);
}
END_TEST

/* A guest's page directory of 4-MiB pages, where EPT refuses writes: setting
 * its accessed flag is one. */
START_TEST(ept_guards_page_tables)
{
    make_ept();
    vmcs_make(v, X86_SAMPLE_PROTECTED);
    vmcs_put(v, VMX_PRIMARY_SECONDARY, true);
    vmcs_put(v, VMX_SECONDARY_EPT, true);
    v->field[VMCS_EPT_POINTER] = EPT | 0x1E;
    v->field[VMCS_GUEST_CR3] = 0x9000;
    v->field[VMCS_GUEST_CR4] |= X86_CR4_PSE;
    v->field[VMCS_GUEST_RIP] = GUEST;
    CODE(GUEST, "\x0F\xA2");
    store_le32(m->storage + 0x9000, 0x83);
    store_le64(ept_of(0x9000), 0x9000 | 1 | 6 << 3);
    vtx_rig_run_to(VMX_EXIT_EPT_VIOLATION);
    ck_assert_uint_eq(v->field[VMCS_EXIT_QUALIFICATION], 0x8A);
    ck_assert_uint_eq(v->field[VMCS_GUEST_PHYSICAL_ADDRESS], 0x9000);
    ck_assert_uint_eq(v->field[VMCS_GUEST_LINEAR_ADDRESS], GUEST);
    store_le64(ept_of(0x9000), 0x9000 | 3 | 6 << 3);
    vtx_rig_run_to(VMX_EXIT_CPUID);
    ck_assert_uint_eq(load_le32(m->storage + 0x9000), 0xA3);
}
END_TEST

/* An exit on the way to a handler tells of the event. */
START_TEST(an_exit_in_a_delivery_tells_of_it)
{
    make_real();
    store_le32(m->storage + 4 * 0x21, 0x30000100);
    CODE(GUEST, "\xCD\x21");
    v->field[VMCS_GUEST_SS_BASE] = 0x4000;
    v->field[VMCS_GUEST_SS_SELECTOR] = 0x400;
    v->field[VMCS_GUEST_RSP] = 0x100;
    store_le64(ept_of(0x4000), 0);
    vtx_rig_run_to(VMX_EXIT_EPT_VIOLATION);
    ck_assert_uint_eq(v->field[VMCS_IDT_VECTORING_INFO], 0x80000421);
    ck_assert_uint_eq(v->field[VMCS_GUEST_RIP], 0);
    ck_assert_uint_eq(v->field[VMCS_EXIT_INSTRUCTION_LENGTH], 2);
    ck_assert_uint_eq(v->field[VMCS_GUEST_RFLAGS] & X86_FLAG_RF, 0);
    CODE(GUEST, "\x0F\x0B"); /* a fault is saved with RF */
    x86_code_written(&m->cpu, GUEST, 2);
    vtx_rig_run_to(VMX_EXIT_EPT_VIOLATION);
    ck_assert_uint_eq(v->field[VMCS_IDT_VECTORING_INFO], 0x80000306);
    ck_assert_uint_eq(v->field[VMCS_GUEST_RFLAGS] & X86_FLAG_RF, X86_FLAG_RF);
}
END_TEST

/* An interrupt may have the vector of NMIs. */
START_TEST(an_interrupt_of_vector_2_is_no_nmi)
{
    static const uint32_t events[] = {0x80000002, 0x80000202};
    bool exited;

    make_real();
    store_le32(m->storage + 4 * 2, 0x30000100);
    CODE(GUEST, "\xF4");
    v->field[VMCS_GUEST_SS_BASE] = 0x4000;
    v->field[VMCS_GUEST_SS_SELECTOR] = 0x400;
    v->field[VMCS_GUEST_RSP] = 0x100;
    v->field[VMCS_GUEST_RFLAGS] |= X86_FLAG_IF;
    v->field[VMCS_ENTRY_INTERRUPTION_INFO] = events[_i];
    store_le64(ept_of(0x4000), 0);
    ck_assert(vtx_enter(&m->cpu, v, &exited) && exited);
    ck_assert_uint_eq(v->field[VMCS_EXIT_REASON], VMX_EXIT_EPT_VIOLATION);
    ck_assert_uint_eq(v->field[VMCS_IDT_VECTORING_INFO], events[_i]);
}
END_TEST

/* Before an instruction of its handler. */
START_TEST(the_trap_flag_exits_behind_an_injected_event)
{
    make_real();
    store_le32(m->storage + 4 * 0x21, 0x30000100);
    CODE(GUEST + 0x100, "\x90\x0F\xA2");
    v->field[VMCS_GUEST_IDTR_LIMIT] = 0x3FF;
    v->field[VMCS_GUEST_RFLAGS] = 0x202;
    v->field[VMCS_ENTRY_INTERRUPTION_INFO] = 0x80000021;
    vmcs_put(v, VMX_PRIMARY_MONITOR_TRAP_FLAG, true);
    vtx_rig_run_to(VMX_EXIT_MONITOR_TRAP_FLAG);
    ck_assert_uint_eq(v->field[VMCS_GUEST_RIP], 0x100);
    vtx_rig_run_to(VMX_EXIT_MONITOR_TRAP_FLAG);
    ck_assert_uint_eq(v->field[VMCS_GUEST_RIP], 0x101);
}
END_TEST

START_TEST(a_bad_vmcs_is_not_entered)
{
    bool exited;

    make_real();
    v->field[VMCS_GUEST_RFLAGS] = 0;
    ck_assert(!vtx_enter(&m->cpu, v, &exited));
    ck_assert_str_eq(t->why.check->name, "RFLAGS_RESERVED");
    ck_assert_uint_eq(v->field[VMCS_EXIT_REASON], 0x80000021);
    ck_assert_ptr_null(m->cpu.guest);
    v->field[VMCS_PIN_CONTROLS] = 0;
    ck_assert(!vtx_enter(&m->cpu, v, &exited));
    ck_assert_str_eq(t->why.check->name, "PIN_CONTROLS");
}
END_TEST

/* ---- Hostile ---- */

/* Any VMCS that can be entered, any code: it ends in an exit or the budget. */
START_TEST(random_guests_do_no_harm)
{
    uint64_t seed = 0x1234567 + (unsigned)_i;

    for (unsigned round = 0; round < 300; round++) {
        bool exited;

        make_ept();
        vmcs_make(v, (enum x86_sample)(round % X86_SAMPLE_COUNT));
        v->field[VMCS_EPT_POINTER] = EPT | (round & 1 ? 0x5E : 0x1E);
        v->field[VMCS_GUEST_RIP] = GUEST;
        v->field[VMCS_GUEST_CR3] = 0x1000;
        for (unsigned i = 0; i < 12; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            unsigned f = seed >> 33 & 255;

            if (f < VMCS_FIELD_COUNT && i < round % 12)
                vmcs_set(v, (enum vmcs_field)f, seed >> (seed >> 58));
        }
        for (unsigned i = 0; i < 256; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            m->storage[GUEST + i] = (uint8_t)(seed >> 40);
            if (i < 64 && round % 3 == 0)
                m->storage[EPT + 0x3000 + (seed >> 50) % 512] ^= (uint8_t)i;
        }
        x86_code_written(&m->cpu, GUEST, 256);
        if (vtx_enter(&m->cpu, v, &exited) && !exited)
            x86_run(&m->cpu, 200);
        m->cpu.halted = m->cpu.nmi_blocked = false;
        if (m->cpu.guest)
            m->cpu.guest->shutdown(&m->cpu);
    }
}
END_TEST

Suite *suite_x86_vtx(void)
{
    Suite *s = suite_create("x86_vtx");
    TCase *c = tcase_create("vtx");

    tcase_add_checked_fixture(c, vtx_rig_set_up, vtx_rig_tear_down);
    tcase_add_loop_test(c, instructions_exit, 0, ARRAY_LEN(exits));
    tcase_add_loop_test(c, instructions_do_not_exit, 0, ARRAY_LEN(exits));
    tcase_add_test(c, state_goes_in_and_out);
    tcase_add_loop_test(c, branches_are_recorded_in_a_guest, 0, 2);
    tcase_add_test(c, events_are_injected);
    tcase_add_test(c, exceptions_exit_by_the_bitmap);
    tcase_add_test(c, a_triple_fault_exits);
    tcase_add_test(c, interrupts_and_windows_exit);
    tcase_add_test(c, it_can_be_stepped);
    tcase_add_test(c, the_trap_flag_comes_before_a_trap);
    tcase_add_loop_test(c, exits_are_behind_a_waiting_event, 0, 3);
    tcase_add_test(c, the_guest_sees_the_shadow);
    tcase_add_test(c, the_task_priority_is_a_shadow);
    tcase_add_loop_test(c, page_faults_exit_by_error_code, 0,
                        ARRAY_LEN(page_faults));
    tcase_add_test(c, debug_exceptions_tell_by_the_qualification);
    tcase_add_test(c, the_time_is_offset);
    tcase_add_test(c, ept_moves_the_guest);
    tcase_add_loop_test(c, ept_refuses, 0, ARRAY_LEN(epts));
    tcase_add_test(c, ept_guards_page_tables);
    tcase_add_test(c, an_exit_in_a_delivery_tells_of_it);
    tcase_add_loop_test(c, an_interrupt_of_vector_2_is_no_nmi, 0, 2);
    tcase_add_test(c, the_trap_flag_exits_behind_an_injected_event);
    tcase_add_test(c, a_bad_vmcs_is_not_entered);
    tcase_add_loop_test(c, random_guests_do_no_harm, 0, 4);
    suite_add_tcase(s, c);
    return s;
}
