/* VT-x in software: what is told of instructions and events that leave a
 * guest, and what leaves it by a bitmap. */
#include "base/bytes.h"
#include "tests/x86_vtx_rig.h"
#include "x86vmm/machine/segment.h"

#include <check.h>

enum {
    NMI_BLOCKED = 8,    /* of GUEST_INTERRUPTIBILITY */
    UNBLOCKED = 0x1000, /* of EXIT_QUALIFICATION, EXIT_INTERRUPTION_INFO */
    STACK = 0x41000,    /* linear, in real-address mode below SS:8000 */
    PAE_POINTERS = 0x48020
};

/* ---- Operands ---- */

/* A 64-bit guest at GUEST, by the tables of the bare machine. */
static void make_long(void)
{
    make_ept();
    vmcs_make(v, X86_SAMPLE_LONG);
    vmcs_put(v, VMX_SECONDARY_EPT, true);
    v->field[VMCS_EPT_POINTER] = EPT | 0x1E;
    v->field[VMCS_GUEST_CR3] = m->cpu.state.cr3;
    v->field[VMCS_GUEST_RIP] = GUEST;
    v->field[VMCS_GUEST_RSP] = STACK;
}

/* By RIP the displacement is counted from 0: SGDT [RIP+1234h], 7 bytes. */
START_TEST(displacement_is_from_0)
{
    make_long();
    vmcs_put(v, VMX_SECONDARY_DESCRIPTOR_TABLE, true);
    CODE(GUEST, "\x0F\x01\x05\x34\x12\x00\x00");
    vtx_rig_run_to(VMX_EXIT_GDTR_IDTR);
    ck_assert_uint_eq(v->field[VMCS_EXIT_QUALIFICATION], GUEST + 7 + 0x1234);
    CODE(GUEST, "\x0F\x01\x43\xF8"); /* SGDT [RBX-8] */
    vtx_rig_run_to(VMX_EXIT_GDTR_IDTR);
    ck_assert_uint_eq(v->field[VMCS_EXIT_QUALIFICATION], UINT64_MAX - 7);
    CODE(GUEST, "\x0F\x00\xC8"); /* STR EAX */
    vtx_rig_run_to(VMX_EXIT_LDTR_TR);
    ck_assert_uint_eq(v->field[VMCS_EXIT_QUALIFICATION], 0);
}
END_TEST

/* ---- Bitmaps ---- */

START_TEST(msr_bitmaps_choose)
{
    make_real();
    vmcs_put(v, VMX_PRIMARY_MSR_BITMAPS, true);
    v->field[VMCS_MSR_BITMAP] = 0x70000;
    m->storage[0x70000 + 0x174 / 8] = 1 << (0x174 % 8);
    CODE(GUEST, "\x0F\x32\xB9\x74\x01\x0F\x32"); /* RDMSR 10, then 174 */
    m->cpu.state.gpr[X86_RCX] = 0x10;
    vtx_rig_run_to(VMX_EXIT_RDMSR);
    ck_assert_uint_eq(v->field[VMCS_GUEST_RIP], 5);
}
END_TEST

/* Of port 22 in the first bitmap, of 8000 in the second where `high`; where the
 * guest is left, 4: at CPUID.  A word at FFFF wraps around, and exits whatever
 * they say (26.1.3). */
static const struct {
    const char *code;
    unsigned rdx, high, at;
} ports[] = {
    {"\xE6\x21\xE7\x21\x0F\xA2", 0, 0, 2}, /* a byte; a word reaches 22 */
    {"\xEE\xEF\x90\x90\x0F\xA2", 0x7FFF, 1, 1},
    {"\xEE\xEF\x90\x90\x0F\xA2", 0x7FFF, 0, 4},
    {"\x90\xEE\x90\x90\x0F\xA2", 0x8000, 1, 1},
    {"\xEE\xEF\x90\x90\x0F\xA2", 0xFFFE, 0, 4},
    {"\xEE\xEF\x90\x90\x0F\xA2", 0xFFFF, 0, 1},
};

START_TEST(io_bitmaps_choose)
{
    make_real();
    vmcs_put(v, VMX_PRIMARY_IO_BITMAPS, true);
    v->field[VMCS_IO_BITMAP_A] = 0x70000;
    v->field[VMCS_IO_BITMAP_B] = 0x71000;
    m->storage[0x70000 + 0x22 / 8] = 1 << (0x22 % 8);
    m->storage[0x71000] = (uint8_t)ports[_i].high;
    put_code(GUEST, ports[_i].code, 6);
    m->cpu.state.gpr[X86_RDX] = ports[_i].rdx;
    vtx_rig_run_to(ports[_i].at == 4 ? VMX_EXIT_CPUID : VMX_EXIT_IO);
    ck_assert_uint_eq(v->field[VMCS_GUEST_RIP], ports[_i].at);
}
END_TEST

/* ---- INT1 ---- */

/* A privileged software exception, and how long the instruction is. */
START_TEST(int1_has_its_type)
{
    make_real();
    CODE(GUEST, "\xF1");
    v->field[VMCS_EXCEPTION_BITMAP] = 1 << 1;
    vtx_rig_run_to(VMX_EXIT_EXCEPTION);
    ck_assert_uint_eq(v->field[VMCS_EXIT_INTERRUPTION_INFO], 0x80000501);
    ck_assert_uint_eq(v->field[VMCS_EXIT_QUALIFICATION], 0);
    ck_assert_uint_eq(v->field[VMCS_EXIT_INSTRUCTION_LENGTH], 1);
    ck_assert_uint_eq(v->field[VMCS_GUEST_RIP], 0);
}
END_TEST

/* On the way to its handler, by itself or injected: the table is gone. */
START_TEST(int1_is_being_delivered)
{
    make_real();
    CODE(GUEST, "\xF1");
    store_le64(ept_of(0), 0);
    if (_i) {
        v->field[VMCS_ENTRY_INTERRUPTION_INFO] = 0x80000501;
        v->field[VMCS_ENTRY_INSTRUCTION_LENGTH] = 1;
        bool exited;
        ck_assert(vtx_enter(&m->cpu, v, &exited));
        ck_assert(exited);
    } else {
        vtx_rig_run_to(VMX_EXIT_EPT_VIOLATION);
    }
    ck_assert_uint_eq(v->field[VMCS_EXIT_REASON], VMX_EXIT_EPT_VIOLATION);
    ck_assert_uint_eq(v->field[VMCS_IDT_VECTORING_INFO], 0x80000501);
    ck_assert_uint_eq(v->field[VMCS_EXIT_INSTRUCTION_LENGTH], 1);
}
END_TEST

/* ---- IRET and NMIs ---- */

/* Who has NMIs, and whether a fault that leaves tells of IRET (26.3, 28.2). */
static const struct {
    bool exits, virtual; /* controls */
    bool unblocks;       /* IRET, those of the guest */
} nmis[] = {{false, false, true}, {true, false, false}, {true, true, true}};

static void make_iret(int i)
{
    make_real();
    CODE(GUEST, "\xCF");
    vmcs_put(v, VMX_PIN_NMI, nmis[i].exits);
    vmcs_put(v, VMX_PIN_VIRTUAL_NMIS, nmis[i].virtual);
    v->field[VMCS_GUEST_INTERRUPTIBILITY] = NMI_BLOCKED;
}

static void check_blocked(bool blocked)
{
    ck_assert_uint_eq(v->field[VMCS_GUEST_INTERRUPTIBILITY],
                      blocked ? NMI_BLOCKED : 0);
}

START_TEST(iret_unblocks)
{
    make_iret(_i);
    CODE(GUEST + 0x100, "\x0F\xA2");
    store_le16(m->storage + 0x8000, 0x100);
    store_le16(m->storage + 0x8002, GUEST >> 4);
    store_le16(m->storage + 0x8004, 2);
    vtx_rig_run_to(VMX_EXIT_CPUID);
    ck_assert_uint_eq(v->field[VMCS_EXIT_QUALIFICATION], 0);
    check_blocked(!nmis[_i].unblocks);
}
END_TEST

/* Its stack is gone; then nothing was blocked; then another instruction. */
START_TEST(iret_without_a_stack)
{
    const uint64_t told = nmis[_i].unblocks ? UNBLOCKED : 0;

    make_iret(_i);
    store_le64(ept_of(0x8000), 0);
    vtx_rig_run_to(VMX_EXIT_EPT_VIOLATION);
    ck_assert_uint_eq(v->field[VMCS_EXIT_QUALIFICATION] & UNBLOCKED, told);
    check_blocked(!nmis[_i].unblocks);
    v->field[VMCS_GUEST_INTERRUPTIBILITY] = 0;
    vtx_rig_run_to(VMX_EXIT_EPT_VIOLATION);
    ck_assert_uint_eq(v->field[VMCS_EXIT_QUALIFICATION] & UNBLOCKED, 0);
    v->field[VMCS_GUEST_INTERRUPTIBILITY] = NMI_BLOCKED;
    CODE(GUEST, "\x58"); /* POP AX */
    vtx_rig_run_to(VMX_EXIT_EPT_VIOLATION);
    ck_assert_uint_eq(v->field[VMCS_EXIT_QUALIFICATION] & UNBLOCKED, 0);
    check_blocked(true);
}
END_TEST

/* A fault of its own: #SS, from a stack that ends within the segment. */
START_TEST(iret_faults)
{
    const uint64_t told = nmis[_i].unblocks ? UNBLOCKED : 0;

    make_iret(_i);
    v->field[VMCS_GUEST_RSP] = 0xFFFF;
    v->field[VMCS_EXCEPTION_BITMAP] = 1 << X86_EXC_SS;
    vtx_rig_run_to(VMX_EXIT_EXCEPTION);
    ck_assert_uint_eq(v->field[VMCS_EXIT_INTERRUPTION_INFO],
                      0x80000300 | X86_EXC_SS | told);
    check_blocked(!nmis[_i].unblocks);
}
END_TEST

/* ---- The monitor's own NMIs ---- */

/* An NMI's handler of the guest does not block the monitor's. */
START_TEST(virtual_nmis_are_the_guests)
{
    make_real();
    vmcs_put(v, VMX_PIN_NMI, true);
    vmcs_put(v, VMX_PIN_VIRTUAL_NMIS, _i);
    v->field[VMCS_GUEST_INTERRUPTIBILITY] = NMI_BLOCKED;
    CODE(GUEST, "\x0F\xA2");
    vtx_rig_enter();
    t->outside = false; /* as of a monitor in storage */
    (void)x86_step(&m->cpu);
    ck_assert_uint_eq(v->field[VMCS_EXIT_REASON], VMX_EXIT_CPUID);
    check_blocked(true);
    ck_assert_int_eq(m->cpu.nmi_blocked, !_i);
}
END_TEST

/* ---- Violations without a linear address ---- */

/* The four pointers that a load of CR3 brings. */
START_TEST(pointers_have_no_linear_address)
{
    make_long();
    vmcs_make(v, X86_SAMPLE_PAE);
    vmcs_put(v, VMX_SECONDARY_EPT, true);
    vmcs_put(v, VMX_PRIMARY_CR3_LOAD, false);
    v->field[VMCS_EPT_POINTER] = EPT | 0x1E;
    store_le64(ept_of(PAE_POINTERS & ~0xFFF), 0);
    for (unsigned i = 0; i < 4; i++) /* one 2-MiB page, by a table at 49000h */
        v->field[VMCS_GUEST_PDPTE0 + i] = i ? 0 : 0x49001;
    store_le64(m->storage + 0x49000, 0x83);
    v->field[VMCS_GUEST_RIP] = GUEST;
    m->cpu.state.gpr[X86_RAX] = PAE_POINTERS;
    CODE(GUEST, "\x0F\x22\xD8"); /* MOV CR3, EAX */
    vtx_rig_run_to(VMX_EXIT_EPT_VIOLATION);
    ck_assert_uint_eq(v->field[VMCS_EXIT_QUALIFICATION], 1);
    ck_assert_uint_eq(v->field[VMCS_GUEST_PHYSICAL_ADDRESS], PAE_POINTERS);
    ck_assert_uint_eq(v->field[VMCS_GUEST_LINEAR_ADDRESS], 0);
}
END_TEST

Suite *suite_x86_vtx_told(void)
{
    Suite *s = suite_create("x86_vtx_told");
    TCase *c = tcase_create("told");

    tcase_add_checked_fixture(c, vtx_rig_set_up, vtx_rig_tear_down);
    tcase_add_test(c, displacement_is_from_0);
    tcase_add_test(c, msr_bitmaps_choose);
    tcase_add_loop_test(c, io_bitmaps_choose, 0, ARRAY_LEN(ports));
    tcase_add_test(c, int1_has_its_type);
    tcase_add_loop_test(c, int1_is_being_delivered, 0, 2);
    tcase_add_loop_test(c, iret_unblocks, 0, ARRAY_LEN(nmis));
    tcase_add_loop_test(c, iret_without_a_stack, 0, ARRAY_LEN(nmis));
    tcase_add_loop_test(c, iret_faults, 0, ARRAY_LEN(nmis));
    tcase_add_loop_test(c, virtual_nmis_are_the_guests, 0, 2);
    tcase_add_test(c, pointers_have_no_linear_address);
    suite_add_tcase(s, c);
    return s;
}
