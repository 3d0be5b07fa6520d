/* Last-branch records and traps of branches (Intel SDM vol. 3, "Last Branch,
 * Interrupt, and Exception Recording"). */
#include "tests/x86_system.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/msr.h"

#include <check.h>

enum { ZF = 0x40, UNTOLD = 0x1111 };

static struct x86_bare *begin(unsigned cpl, const char *program,
                              uint64_t debugctl)
{
    struct x86_bare *m = sys_new(SYS_LONG, cpl);

    sys_program(m, program);
    m->cpu.debugctl = debugctl;
    m->cpu.msrs->branch_from = m->cpu.msrs->branch_to = UNTOLD;
    return m;
}

/* One instruction at BARE_CODE, RCX and flags before it, and where it goes,
 * from there; 0: it is no branch, or is not taken. */
static const struct row {
    const char *program;
    uint64_t rcx, flags, to;
} rows[] = {
    {"90", 0, 0, 0},      {"EB00", 0, 0, 2},
    {"EB10", 0, 0, 0x12}, {"7400", 0, 0, 0},
    {"7400", 0, ZF, 2},   {"7510", 0, 0, 0x12},
    {"7510", 0, ZF, 0},   {"E310", 0, 0, 0x12},
    {"E310", 1, 0, 0},    {"E200", 2, 0, 2},
    {"E200", 1, 0, 0},    {"E110", 2, ZF, 0x12},
    {"E110", 2, 0, 0},    {"E010", 2, 0, 0x12},
    {"E010", 2, ZF, 0},   {"E820000000", 0, 0, 0x25},
    {"F3A4", 0, 0, 0},    {"FFE1", BARE_CODE + 0x40, 0, 0x40},
};

START_TEST(branches_are_recorded)
{
    const struct row *r = &rows[_i];
    struct x86_bare *m = begin(0, r->program, X86_DEBUGCTL_LBR);

    m->cpu.state.gpr[X86_RCX] = r->rcx;
    x86_flags_set(&m->cpu, X86_FLAG_ONE | r->flags);
    ck_assert_int_eq(x86_run(&m->cpu, 1), X86_BUDGET);
    ck_assert_uint_eq(m->cpu.msrs->branch_from, r->to ? BARE_CODE : UNTOLD);
    ck_assert_uint_eq(m->cpu.msrs->branch_to,
                      r->to ? BARE_CODE + r->to : UNTOLD);
    x86_bare_free(m);
}
END_TEST

/* A jump, then an interruption by INT3, INT n, a fault. */
static const struct {
    const char *program;
    unsigned vector;
} events[] = {{"EB00 CC", 3}, {"EB00 CD30", 0x30}, {"EB00 0F0B", X86_EXC_UD}};

START_TEST(what_was_before_an_event_is_kept)
{
    struct x86_bare *m = begin(0, events[_i].program, X86_DEBUGCTL_LBR);
    const struct x86_msrs *r = m->cpu.msrs;

    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), (int)events[_i].vector);
    ck_assert_uint_eq(r->before_from, BARE_CODE);
    ck_assert_uint_eq(r->before_to, BARE_CODE + 2);
    ck_assert_uint_eq(r->branch_from, BARE_CODE + 2);
    ck_assert_uint_eq(r->branch_to, SYS_HANDLERS + 16 * events[_i].vector);
    ck_assert_uint_eq(m->cpu.debugctl, X86_DEBUGCTL_LBR);
    x86_bare_free(m);
}
END_TEST

START_TEST(nothing_is_recorded_unasked)
{
    struct x86_bare *m = begin(0, "EB00 CC", _i ? X86_DEBUGCTL_BTF : 0);

    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(m->cpu.msrs->branch_from, UNTOLD);
    ck_assert_uint_eq(m->cpu.msrs->before_from, 0);
    x86_bare_free(m);
}
END_TEST

/* With BTF only the third instruction is trapped. */
START_TEST(traps_of_branches)
{
    struct x86_bare *m =
        begin(0, "90 F8 EB00 90 F4", _i ? X86_DEBUGCTL_OWN : X86_DEBUGCTL_LBR);

    m->cpu.state.rflags |= X86_FLAG_TF;
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_DB);
    ck_assert_uint_eq(sys_stack(m, 0, 8), BARE_CODE + (_i ? 4 : 1));
    ck_assert(m->cpu.dr[6] & X86_DR6_BS);
    /* The exception turned it off, and is no branch that counts. */
    ck_assert_uint_eq(m->cpu.debugctl, 0);
    ck_assert_uint_eq(m->cpu.msrs->branch_from, _i ? BARE_CODE + 2 : UNTOLD);
    x86_bare_free(m);
}
END_TEST

START_TEST(system_calls_are_branches)
{
    struct x86_bare *m = begin(3, "0F05", X86_DEBUGCTL_OWN);

    m->cpu.state.efer |= X86_EFER_SCE;
    m->cpu.msrs->star = (uint64_t)SEL_CODE << 32;
    m->cpu.msrs->lstar = BARE_CODE + 0x100;
    ck_assert_int_eq(x86_run(&m->cpu, 1), X86_BUDGET);
    ck_assert_uint_eq(m->cpu.msrs->branch_from, BARE_CODE);
    ck_assert_uint_eq(m->cpu.msrs->branch_to, BARE_CODE + 0x100);
    x86_bare_free(m);
}
END_TEST

START_TEST(registers_have_their_rules)
{
    struct x86_bare *m = begin(0, "F4", 0);
    struct x86_cpu *cpu = &m->cpu;
    uint64_t value;

    ck_assert_int_eq(x86_msr_write(cpu, X86_MSR_DEBUGCTL, 3), 0);
    ck_assert_int_eq(x86_msr_read(cpu, X86_MSR_DEBUGCTL, &value), 0);
    ck_assert_uint_eq(value, 3);
    for (unsigned bit = 2; bit < 64; bit++)
        ck_assert_int_eq(
            x86_msr_write(cpu, X86_MSR_DEBUGCTL, UINT64_C(1) << bit),
            X86_FAULT);
    for (uint32_t i = X86_MSR_BRANCH_FROM; i <= X86_MSR_BEFORE_TO; i++) {
        ck_assert_int_eq(x86_msr_read(cpu, i, &value), 0);
        ck_assert_int_eq(x86_msr_write(cpu, i, 0), X86_FAULT);
    }
    x86_cpu_reset(cpu);
    ck_assert_uint_eq(cpu->debugctl, 0);
    ck_assert_uint_eq(cpu->msrs->branch_from, 0);
    x86_bare_free(m);
}
END_TEST

Suite *suite_x86_branches(void);
Suite *suite_x86_branches(void)
{
    Suite *s = suite_create("x86_branches");
    TCase *t = tcase_create("x86_branches");

    tcase_add_loop_test(t, branches_are_recorded, 0, ARRAY_LEN(rows));
    tcase_add_loop_test(t, what_was_before_an_event_is_kept, 0,
                        ARRAY_LEN(events));
    tcase_add_loop_test(t, nothing_is_recorded_unasked, 0, 2);
    tcase_add_loop_test(t, traps_of_branches, 0, 2);
    tcase_add_test(t, system_calls_are_branches);
    tcase_add_test(t, registers_have_their_rules);
    suite_add_tcase(s, t);
    return s;
}
