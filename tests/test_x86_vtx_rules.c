/* VT-x in software: rules that programs seldom meet, one by one. */
#include "base/bytes.h"
#include "tests/x86_vtx_rig.h"
#include "x86vmm/machine/debug.h"

#include <check.h>

/* ---- The exception bitmap ---- is not asked about interrupts and NMIs, though
 * their vectors are exceptions' (26.2). */

static int vector_13(void *who)
{
    struct x86_cpu *cpu = who;

    cpu->interrupt_line = false;
    return 13;
}

START_TEST(interrupts_are_no_exceptions)
{
    unsigned vector = _i ? X86_NMI_VECTOR : 13;

    make_real();
    CODE(GUEST, "\xEB\xFE");
    CODE(GUEST + 0x100, "\x0F\xA2");
    store_le32(m->storage + 4 * vector, 0x30000100);
    v->field[VMCS_EXCEPTION_BITMAP] = UINT32_MAX;
    v->field[VMCS_GUEST_RFLAGS] = 0x202;
    m->cpu.world.acknowledge = vector_13;
    m->cpu.world.who = &m->cpu;
    m->cpu.interrupt_line = !_i;
    m->cpu.nmi_pending = _i;
    vtx_rig_run_to(VMX_EXIT_CPUID);
    ck_assert_uint_eq(v->field[VMCS_GUEST_RIP], 0x100);
}
END_TEST

/* ---- LMSW ---- can set PE, and never clears it (26.1.3). */

static const struct {
    unsigned mask, shadow, value;
    bool exits;
} words[] = {
    {1, 1, 0, false}, {1, 0, 1, true},  {1, 1, 1, false}, {2, 2, 0, true},
    {2, 0, 2, true},  {2, 2, 2, false}, {4, 0, 8, false}, {8, 0, 8, true},
};

START_TEST(lmsw_exits_by_the_mask)
{
    make_real();
    CODE(GUEST, "\x0F\x01\xF0\x0F\xA2"); /* lmsw ax; cpuid */
    v->field[VMCS_CR0_MASK] = words[_i].mask;
    v->field[VMCS_CR0_SHADOW] = words[_i].shadow;
    m->cpu.state.gpr[X86_RAX] = words[_i].value;
    vtx_rig_run_to(words[_i].exits ? VMX_EXIT_CR_ACCESS : VMX_EXIT_CPUID);
    if (words[_i].exits)
        ck_assert_uint_eq(v->field[VMCS_EXIT_QUALIFICATION],
                          3 << 4 | words[_i].value << 16);
}
END_TEST

/* ---- Entry ---- */

/* Without "load IA32_EFER" LME stays where paging is off (27.3.2.1). */
START_TEST(lme_stays_without_paging)
{
    make_real();
    vmcs_put(v, VMX_ENTRY_LOAD_EFER, false);
    ck_assert(m->cpu.state.efer & X86_EFER_LME);
    CODE(GUEST, "\x0F\xA2");
    vtx_rig_enter();
    ck_assert(m->cpu.state.efer & X86_EFER_LME);
    ck_assert(!(m->cpu.state.efer & X86_EFER_LMA));
}
END_TEST

/* Bits of DR7 that are reserved are not loaded (27.3.2.1). */
START_TEST(dr7_has_reserved_bits)
{
    make_real();
    vmcs_put(v, VMX_ENTRY_LOAD_DEBUG, true);
    v->field[VMCS_GUEST_DR7] = 0xD855;
    vtx_rig_enter();
    ck_assert_uint_eq(m->cpu.dr[7], X86_DR7_ONE | 0x55);
}
END_TEST

/* ---- Exit ---- An unrestricted guest has turned on long mode: that is saved
 * in the control, too (28.3.1), so that it can be entered again. */
START_TEST(long_mode_is_saved_in_the_control)
{
    make_ept();
    vmcs_make(v, X86_SAMPLE_PROTECTED);
    vmcs_put(v, VMX_PRIMARY_SECONDARY, true);
    vmcs_put(v, VMX_SECONDARY_EPT, true);
    vmcs_put(v, VMX_SECONDARY_UNRESTRICTED_GUEST, true);
    vmcs_put(v, VMX_PRIMARY_CR3_LOAD, false);
    vmcs_put(v, VMX_ENTRY_LOAD_EFER, true);
    v->field[VMCS_EPT_POINTER] = EPT | 0x1E;
    v->field[VMCS_GUEST_CR0] &= ~X86_CR0_PG;
    v->field[VMCS_GUEST_CR3] = m->cpu.state.cr3;
    v->field[VMCS_GUEST_CR4] |= X86_CR4_PAE;
    v->field[VMCS_GUEST_EFER] = X86_EFER_LME;
    v->field[VMCS_GUEST_RIP] = GUEST;
    /* mov eax, cr0; or eax, 80000000h; mov cr0, eax; cpuid */
    CODE(GUEST, "\x0F\x20\xC0\x0D\x00\x00\x00\x80\x0F\x22\xC0\x0F\xA2");
    vtx_rig_run_to(VMX_EXIT_CPUID);
    ck_assert(vmcs_has(v, VMX_ENTRY_IA32E_GUEST));
    v->field[VMCS_GUEST_EFER] |= X86_EFER_LMA;
    vtx_rig_run_to(VMX_EXIT_CPUID);
}
END_TEST

/* ---- EPT ---- entries of more than a page, and of tables: reserved bits. */

static const struct {
    unsigned level;
    uint64_t bits;
    bool wrong;
} entries[] = {
    {1, 0x80 | 7 | 6 << 3, false},       {1, 0x80 | 0x1007 | 6 << 3, true},
    {1, 0x80 | 0x100007 | 6 << 3, true}, {1, EPT + 0x3000 + 7, false},
    {1, EPT + 0x3000 + 0xF, true},       {2, EPT + 0x2000 + 0x47, true},
    {3, EPT + 0x1000 + 0x87, true},      {3, EPT + 0x1000 + 7, false},
    {1, 0x80 | 7 | 7 << 3, true},
};

START_TEST(ept_entries_have_reserved_bits)
{
    make_real();
    CODE(GUEST, "\x0F\xA2");
    store_le64(m->storage + EPT + 0x1000 * (3 - entries[_i].level),
               entries[_i].bits);
    vtx_rig_run_to(entries[_i].wrong ? VMX_EXIT_EPT_MISCONFIGURATION
                                     : VMX_EXIT_CPUID);
}
END_TEST

Suite *suite_x86_vtx_rules(void);
Suite *suite_x86_vtx_rules(void)
{
    Suite *s = suite_create("x86_vtx_rules");
    TCase *c = tcase_create("rules");

    tcase_add_checked_fixture(c, vtx_rig_set_up, vtx_rig_tear_down);
    tcase_add_loop_test(c, interrupts_are_no_exceptions, 0, 2);
    tcase_add_loop_test(c, lmsw_exits_by_the_mask, 0, ARRAY_LEN(words));
    tcase_add_test(c, lme_stays_without_paging);
    tcase_add_test(c, dr7_has_reserved_bits);
    tcase_add_test(c, long_mode_is_saved_in_the_control);
    tcase_add_loop_test(c, ept_entries_have_reserved_bits, 0,
                        ARRAY_LEN(entries));
    suite_add_tcase(s, c);
    return s;
}
