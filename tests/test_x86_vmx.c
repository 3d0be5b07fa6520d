/* The VMX instructions, for a monitor that is in storage. */
#include "base/bytes.h"
#include "tests/x86_vtx_rig.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/exception.h"

#include <check.h>

/* ---- A monitor in storage ---- */

enum { CF = 1, ZF = 0x40 };

/* One instruction at BARE_CODE; its flags CF and ZF. */
static unsigned flags_after(const void *code, size_t n)
{
    put_code(BARE_CODE, code, n);
    m->cpu.state.rip = BARE_CODE;
    ck_assert_int_eq(x86_try(&m->cpu) & ~X86_SYNC, 0);
    return x86_flags_get(&m->cpu) & (CF | ZF);
}
#define FLAGS(bytes) flags_after(bytes, sizeof(bytes) - 1)

static void point(uint64_t address)
{
    m->cpu.state.gpr[X86_RDI] = BARE_DATA;
    store_le64(m->storage + BARE_DATA, address);
}

static unsigned vmxon(uint64_t address)
{
    point(address);
    return FLAGS("\xF3\x0F\xC7\x37");
}

static unsigned vmclear(uint64_t address)
{
    point(address);
    return FLAGS("\x66\x0F\xC7\x37");
}

static unsigned vmptrld(uint64_t address)
{
    point(address);
    return FLAGS("\x0F\xC7\x37");
}

static unsigned vmread(uint64_t encoding, uint64_t *value)
{
    m->cpu.state.gpr[X86_RAX] = encoding;
    unsigned flags = FLAGS("\x0F\x78\xC3"); /* RBX */
    *value = m->cpu.state.gpr[X86_RBX];
    return flags;
}

static unsigned vmwrite(uint64_t encoding, uint64_t value)
{
    m->cpu.state.gpr[X86_RAX] = encoding;
    m->cpu.state.gpr[X86_RBX] = value;
    return FLAGS("\x0F\x79\xC3");
}

static uint64_t error(void)
{
    uint64_t number;

    ck_assert_uint_eq(vmread(0x4400, &number), 0);
    return number;
}

static void allow_vmx(void)
{
    m->cpu.state.cr4 |= VMX_CR4_VMXE;
    m->cpu.state.cr0 |= X86_CR0_NE;
}

static int fault_of(const void *code, size_t n)
{
    put_code(BARE_CODE, code, n);
    m->cpu.state.rip = BARE_CODE;
    return x86_try(&m->cpu) == X86_FAULT ? m->cpu.fault.vector : -1;
}

START_TEST(vmx_has_its_conditions)
{
    point(VMXON_REGION);
    ck_assert_int_eq(fault_of("\xF3\x0F\xC7\x37", 4), X86_EXC_UD);
    ck_assert_int_eq(fault_of("\x0F\x01\xC2", 3), X86_EXC_UD);
    m->cpu.state.cr4 |= VMX_CR4_VMXE;
    m->cpu.state.cr0 &= ~X86_CR0_NE;
    ck_assert_int_eq(fault_of("\xF3\x0F\xC7\x37", 4), X86_EXC_GP); /* NE */
    allow_vmx();
    t->feature_control = VTX_FEATURE_LOCK;
    ck_assert_int_eq(fault_of("\xF3\x0F\xC7\x37", 4), X86_EXC_GP);
    t->feature_control |= VTX_FEATURE_VMXON;
    ck_assert_uint_eq(vmxon(VMXON_REGION + 1), CF);
    ck_assert_uint_eq(vmxon(0x53000), CF); /* no revision */
    ck_assert_uint_eq(vmxon(UINT64_C(1) << 40), CF);
    ck_assert_int_eq(fault_of("\x0F\x01\xC2", 3), X86_EXC_UD);
    ck_assert_uint_eq(vmxon(VMXON_REGION), 0);
    ck_assert_uint_eq(vmxon(VMXON_REGION), CF); /* no current VMCS */
    m->cpu.state.gpr[X86_RAX] = m->cpu.state.cr4 & ~VMX_CR4_VMXE;
    ck_assert_int_eq(fault_of("\x0F\x22\xE0", 3), X86_EXC_GP);
    m->cpu.state.gpr[X86_RAX] = m->cpu.state.cr0 & ~X86_CR0_NE;
    ck_assert_int_eq(fault_of("\x0F\x22\xC0", 3), X86_EXC_GP);
    x86_bare_user(m);
    ck_assert_int_eq(fault_of("\x0F\x01\xC4", 3), X86_EXC_GP); /* VMXOFF */
}
END_TEST

START_TEST(vmxoff_ends_it)
{
    allow_vmx();
    ck_assert_uint_eq(vmxon(VMXON_REGION), 0);
    ck_assert_uint_eq(FLAGS("\x0F\x01\xC4"), 0);
    ck_assert_int_eq(fault_of("\x0F\x01\xC4", 3), X86_EXC_UD);
}
END_TEST

START_TEST(instructions_fail_with_numbers)
{
    uint64_t value;

    allow_vmx();
    ck_assert_uint_eq(vmxon(VMXON_REGION), 0);
    ck_assert_uint_eq(FLAGS("\x0F\x01\xC2"), CF);
    ck_assert_uint_eq(vmread(0x6800, &value), CF);
    ck_assert_uint_eq(vmwrite(0x6800, 1), CF);
    ck_assert_uint_eq(vmptrld(REGION + 8), CF);
    ck_assert_uint_eq(vmptrld(REGION), 0);
    ck_assert_uint_eq(vmptrld(REGION + 8), ZF);
    ck_assert_uint_eq(error(), VMX_ERROR_VMPTRLD_ADDRESS);
    ck_assert_uint_eq(vmptrld(VMXON_REGION), ZF);
    ck_assert_uint_eq(error(), VMX_ERROR_VMPTRLD_VMXON);
    ck_assert_uint_eq(vmptrld(0x54000), ZF);
    ck_assert_uint_eq(error(), VMX_ERROR_VMPTRLD_REVISION);
    ck_assert_uint_eq(vmclear(12), ZF);
    ck_assert_uint_eq(error(), VMX_ERROR_VMCLEAR_ADDRESS);
    ck_assert_uint_eq(vmclear(VMXON_REGION), ZF);
    ck_assert_uint_eq(error(), VMX_ERROR_VMCLEAR_VMXON);
    ck_assert_uint_eq(vmread(0x6830, &value), ZF);
    ck_assert_uint_eq(error(), VMX_ERROR_UNSUPPORTED_FIELD);
    ck_assert_uint_eq(vmwrite(0x4400, 1), ZF);
    ck_assert_uint_eq(error(), VMX_ERROR_READ_ONLY_FIELD);
    ck_assert_uint_eq(vmxon(VMXON_REGION), ZF);
    ck_assert_uint_eq(error(), VMX_ERROR_VMXON_IN_ROOT);
    ck_assert_uint_eq(FLAGS("\x0F\x01\xC1"), ZF);
    ck_assert_uint_eq(error(), VMX_ERROR_VMCALL_IN_ROOT);
    ck_assert_uint_eq(FLAGS("\x0F\x01\xC3"), ZF);
    ck_assert_uint_eq(error(), VMX_ERROR_VMRESUME_NOT_LAUNCHED);
    ck_assert_uint_eq(FLAGS("\x0F\x01\xC2"), ZF);
    ck_assert_uint_eq(error(), VMX_ERROR_ENTRY_CONTROLS);
    m->cpu.state.gpr[X86_RAX] = 3;
    ck_assert_uint_eq(FLAGS("\x66\x0F\x38\x80\x07"), ZF); /* INVEPT */
    ck_assert_uint_eq(error(), VMX_ERROR_INVALID_OPERAND);
    m->cpu.state.gpr[X86_RAX] = 2;
    ck_assert_uint_eq(FLAGS("\x66\x0F\x38\x80\x07"), 0);
}
END_TEST

/* Of all types, that of all contexts too, bits 63:16 are reserved. */
START_TEST(invvpid_has_reserved_bits)
{
    allow_vmx();
    ck_assert_uint_eq(vmxon(VMXON_REGION), 0);
    ck_assert_uint_eq(vmptrld(REGION), 0);
    m->cpu.state.gpr[X86_RDI] = BARE_DATA;
    m->cpu.state.gpr[X86_RAX] = (unsigned)_i;
    store_le64(m->storage + BARE_DATA, 0xFFFF);
    store_le64(m->storage + BARE_DATA + 8, 0);
    ck_assert_uint_eq(FLAGS("\x66\x0F\x38\x81\x07"), 0);
    for (unsigned bit = 16; bit < 64; bit++) {
        store_le64(m->storage + BARE_DATA, UINT64_C(1) << bit | 1);
        ck_assert_uint_eq(FLAGS("\x66\x0F\x38\x81\x07"), ZF);
        ck_assert_uint_eq(error(), VMX_ERROR_INVALID_OPERAND);
    }
}
END_TEST

START_TEST(fields_are_written_and_kept)
{
    uint64_t value;

    allow_vmx();
    ck_assert_uint_eq(vmxon(VMXON_REGION), 0);
    ck_assert_uint_eq(vmclear(REGION), 0);
    ck_assert_uint_eq(vmptrld(REGION), 0);
    ck_assert_uint_eq(vmwrite(0x6800, UINT64_C(0x123456789ABCDEF0)), 0);
    ck_assert_uint_eq(vmwrite(0x0800, 0x12345), 0); /* 16 bits */
    ck_assert_uint_eq(vmwrite(0x2001, 7), 0);       /* its upper half */
    ck_assert_uint_eq(vmptrld(REGION_2), 0);
    ck_assert_uint_eq(vmread(0x6800, &value), 0);
    ck_assert_uint_eq(value, 0);
    ck_assert_uint_eq(vmptrld(REGION), 0);
    ck_assert_uint_eq(vmread(0x6800, &value), 0);
    ck_assert_uint_eq(value, UINT64_C(0x123456789ABCDEF0));
    ck_assert_uint_eq(vmread(0x0800, &value), 0);
    ck_assert_uint_eq(value, 0x2345);
    ck_assert_uint_eq(vmread(0x2000, &value), 0);
    ck_assert_uint_eq(value, UINT64_C(7) << 32);
    FLAGS("\x0F\xC7\x3F"); /* VMPTRST */
    ck_assert_uint_eq(load_le64(m->storage + BARE_DATA), REGION);
    ck_assert_uint_eq(vmwrite(0x6800, 0x55), 0);
    ck_assert_uint_eq(vmclear(REGION), 0); /* into its region */
    ck_assert_uint_eq(vmptrld(REGION), 0);
    ck_assert_uint_eq(vmread(0x6800, &value), 0);
    ck_assert_uint_eq(value, 0x55);
    ck_assert_uint_eq(vmwrite(0x2000, 5), 0); /* all; then its upper half */
    ck_assert_uint_eq(vmwrite(0x2001, 8), 0);
    ck_assert_uint_eq(vmread(0x2000, &value), 0);
    ck_assert_uint_eq(value, UINT64_C(8) << 32 | 5);
}
END_TEST

/* What an exit loads beside the fields (28.5). */
static void check_host(void)
{
    const struct x86_state *s = &m->cpu.state;

    ck_assert_uint_eq(m->cpu.debugctl, 0);
    ck_assert_uint_eq(m->cpu.dr[7], X86_DR7_ONE);
    ck_assert_uint_eq(s->seg[X86_ES].attr & X86_ATTR_UNUSABLE,
                      X86_ATTR_UNUSABLE);
    ck_assert_uint_eq(s->seg[X86_DS].selector, 0x18);
    ck_assert_uint_eq(s->seg[X86_DS].limit, UINT32_MAX);
    ck_assert_uint_eq(s->seg[X86_DS].attr & X86_ATTR_UNUSABLE, 0);
    ck_assert_uint_eq(s->seg[X86_LDTR].attr & X86_ATTR_UNUSABLE,
                      X86_ATTR_UNUSABLE);
    ck_assert_uint_eq(s->seg[X86_TR].limit, 0x67);
    ck_assert_uint_eq(s->gdt.limit, 0xFFFF);
    ck_assert_uint_eq(s->idt.limit, 0xFFFF);
}

/* A monitor in 64-bit mode that launches a guest in real-address mode, which
 * calls CPUID; then both go on, until the guest halts.  It begins with this
 * code, VMLAUNCH at its end. */
static void run_a_guest(const char *launch, size_t n)
{
    struct x86_state *s = &m->cpu.state;

    allow_vmx();
    ck_assert_uint_eq(vmxon(VMXON_REGION), 0);
    ck_assert_uint_eq(vmclear(REGION), 0);
    ck_assert_uint_eq(vmptrld(REGION), 0);
    make_real();
    x86_bare_host(v, s, BARE_CODE + 0x100);
    v->field[VMCS_HOST_ES_SELECTOR] = 0;
    v->field[VMCS_HOST_DS_SELECTOR] = 0x18;
    v->launched = false;
    t->own = *v;
    m->cpu.debugctl = X86_DEBUGCTL_OWN; /* an exit clears it */
    m->cpu.dr[7] |= 1;                  /* and this */
    m->cpu.dr[0] = GUEST - 1;
    CODE(GUEST, "\x40\x0F\xA2\x40\xF4");
    /* monitor's exit: RBX = EXIT_REASON; RIP += 2; again; HLT */
    CODE(BARE_CODE + 0x100, "\xB8\x02\x44\x00\x00\x0F\x78\xC3" /* VMREAD */
                            "\xB8\x1E\x68\x00\x00\x0F\x78\xC1"
                            "\x48\x83\xC1\x02\x0F\x79\xC1" /* VMWRITE */
                            "\x83\xFB\x0C\x74\x03" /* HLT? then the end */
                            "\x0F\x01\xC3"         /* VMRESUME */
                            "\xF4");
    put_code(BARE_CODE, launch, n);
    s->rip = BARE_CODE;
    x86_mode_changed(&m->cpu);
    x86_tlb_flush(&m->cpu, true);
    ck_assert_int_eq(x86_run(&m->cpu, 100), X86_HALT);
    ck_assert_uint_eq(s->gpr[X86_RBX], VMX_EXIT_HLT);
    ck_assert_uint_eq(s->rip, BARE_CODE + 0x100 + 32);
    ck_assert_uint_eq(t->own.field[VMCS_GUEST_RIP], 4 + 2);
    ck_assert(t->own.launched);
    ck_assert_uint_eq(s->cr0, v->field[VMCS_HOST_CR0]);
    ck_assert_uint_eq(s->efer, v->field[VMCS_HOST_EFER]);
    check_host();
}

START_TEST(a_monitor_runs_a_guest)
{
    run_a_guest("\x0F\x01\xC2", 3);
}
END_TEST

/* TF over VMLAUNCH is the monitor's, and no trap of the guest's.  pushfq;
 * or dword [rsp], 100h; popfq; vmlaunch */
START_TEST(a_step_ends_at_the_entry)
{
    run_a_guest("\x9C\x81\x0C\x24\x00\x01\x00\x00\x9D\x0F\x01\xC2", 12);
    ck_assert_uint_eq(m->cpu.dr[6], 0xFFFF0FF0);
    ck_assert_uint_eq(t->own.field[VMCS_GUEST_PENDING_DEBUG], 0);
}
END_TEST

/* ---- Hostile ---- */

static uint64_t random_64(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Operand at RDI; RAX and RBX. */
static const char instructions[][8] = {
    "\xF3\x0F\xC7\x37\xF4",     "\x66\x0F\xC7\x37\xF4",     "\x0F\xC7\x37\xF4",
    "\x0F\xC7\x3F\xF4",         "\x0F\x78\x07\xF4",         "\x0F\x79\xC3\xF4",
    "\x0F\x79\xC3\xF4",         "\x0F\x79\xC3\xF4",         "\x0F\x01\xC2\xF4",
    "\x0F\x01\xC3\xF4",         "\x0F\x01\xC1\xF4",         "\x0F\x01\xC4\xF4",
    "\x66\x0F\x38\x80\x07\xF4", "\x66\x0F\x38\x81\x07\xF4",
};

static void begin_anew(void)
{
    x86_bare_enter(m, X86_MODE_LONG);
    allow_vmx();
    x86_mode_changed(&m->cpu);
    vmxon(VMXON_REGION);
    store_le32(m->storage + REGION, VMCS_REVISION);
    vmptrld(REGION);
    make_real();
    x86_bare_host(v, &m->cpu.state, BARE_CODE);
    v->field[VMCS_EXIT_MSR_STORE_COUNT] = 1;
    v->field[VMCS_EXIT_MSR_STORE_ADDR] = 0x70000;
    v->launched = false;
    t->own = *v;
}

/* Any of them, any operands, in root operation and in a guest. */
START_TEST(random_instructions_do_no_harm)
{
    static const uint64_t pointers[] = {
        VMXON_REGION, REGION,  REGION_2, 0,       0x1000,
        BARE_CODE,    0xFF000, 0x100000, 0xFFFFF, UINT64_MAX};
    uint64_t seed = 88172645463325252u, entered = 0;

    for (unsigned round = 0; round < 4000; round++) {
        uint64_t r = random_64(&seed);

        if (round % 20 == 0)
            begin_anew();
        point(pointers[r % ARRAY_LEN(pointers)]);
        m->cpu.state.gpr[X86_RAX] =
            r >> 63 ? r >> 16 & 0x7FFF
                    : vmcs_fields[(r >> 16) % VMCS_FIELD_COUNT].encoding;
        m->cpu.state.gpr[X86_RBX] = random_64(&seed) >> (r >> 40 & 63);
        const char *code = instructions[(r >> 48) % ARRAY_LEN(instructions)];
        put_code(BARE_CODE, code, 6);
        put_code(GUEST, code, 6);
        if (!m->cpu.guest)
            m->cpu.state.rip = BARE_CODE;
        m->cpu.halted = false;
        entered += m->cpu.guest != NULL;
        for (unsigned i = 0; i < 3; i++)
            if (x86_step(&m->cpu) == X86_SHUTDOWN)
                begin_anew();
    }
    ck_assert_uint_gt(entered, 0);
}
END_TEST

Suite *suite_x86_vmx(void)
{
    Suite *s = suite_create("x86_vmx");
    TCase *c = tcase_create("vmx");

    tcase_add_checked_fixture(c, vtx_rig_set_up, vtx_rig_tear_down);
    tcase_add_test(c, vmx_has_its_conditions);
    tcase_add_test(c, vmxoff_ends_it);
    tcase_add_test(c, instructions_fail_with_numbers);
    tcase_add_loop_test(c, invvpid_has_reserved_bits, 0, 4);
    tcase_add_test(c, fields_are_written_and_kept);
    tcase_add_test(c, a_monitor_runs_a_guest);
    tcase_add_test(c, a_step_ends_at_the_entry);
    tcase_add_test(c, random_instructions_do_no_harm);
    suite_add_tcase(s, c);
    return s;
}
