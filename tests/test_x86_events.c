/* What comes between instructions: interrupts, NMI, shadows, debug exceptions
 * of the modelled x86 processor. */
#include "tests/x86_program.h"
#include "x86vmm/machine/access.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/msr.h"

#include <check.h>
#include <string.h>

/* ---- Interrupts from outside ---- */

enum { LINE_VECTOR = 0x30 };

static int acknowledge(void *who)
{
    struct x86_bare *m = who;

    m->cpu.interrupt_line = false;
    return LINE_VECTOR;
}

static void raise_line(struct x86_bare *m)
{
    m->cpu.world.acknowledge = acknowledge;
    m->cpu.world.who = m;
    m->cpu.interrupt_line = true;
}

/* Not while IF is off; after STI one more instruction is done. */
START_TEST(sti_has_a_shadow)
{
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 0, "40 40 FB 40 40 40");

    raise_line(m);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), LINE_VECTOR);
    ck_assert_uint_eq(sys_reg(m, X86_RAX), 3);
    ck_assert_uint_eq(sys_stack(m, 0, 4), BARE_CODE + 4);
    x86_bare_free(m);
}
END_TEST

/* STI with IF on already has none; CLI in its shadow wins. */
START_TEST(sti_cli)
{
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 0, "FB FA F4");

    raise_line(m);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), -1);
    ck_assert(m->cpu.interrupt_line);
    x86_bare_free(m);
}
END_TEST

/* mov ss, cx: inc eax is done before the interrupt; one shadow, not two. */
START_TEST(stack_loads_have_a_shadow)
{
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 0, "8ED1 40 40 F4");

    m->cpu.state.gpr[X86_RCX] = SEL_DATA0;
    m->cpu.state.rflags |= X86_FLAG_IF;
    ck_assert_int_eq(x86_step(&m->cpu), X86_NEXT);
    raise_line(m);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(sys_reg(m, X86_RAX), 1);
    x86_bare_free(m);
    m = sys_ready(SYS_PROTECTED, 0, "8ED1 8ED1 40 F4");
    m->cpu.state.gpr[X86_RCX] = SEL_DATA0;
    m->cpu.state.rflags |= X86_FLAG_IF;
    ck_assert_int_eq(x86_step(&m->cpu), X86_NEXT);
    raise_line(m);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), LINE_VECTOR);
    ck_assert_uint_eq(sys_reg(m, X86_RAX), 0);
    x86_bare_free(m);
}
END_TEST

/* HLT waits, and goes on behind itself. */
START_TEST(halt_waits)
{
    struct x86_bare *m = sys_done(SYS_PROTECTED, 0, "FB F4 40 F4");

    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(m->cpu.state.rip, BARE_CODE + 2);
    m->storage[SYS_HANDLERS + 16 * LINE_VECTOR] = 0xCF; /* IRET */
    x86_code_written(&m->cpu, SYS_HANDLERS, 0x1000);
    raise_line(m);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(sys_reg(m, X86_RAX), 1);
    x86_bare_free(m);
}
END_TEST

/* The second NMI comes after the first one's IRET. */
START_TEST(nmi_is_blocked_till_iret)
{
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 0, "90 90 F4");

    memcpy(m->storage + SYS_HANDLERS + 32, "\x40\x90\xCF", 3); /* inc eax */
    m->cpu.nmi_pending = true;
    ck_assert_int_eq(x86_step(&m->cpu), X86_NEXT); /* in the handler */
    ck_assert_uint_eq(sys_reg(m, X86_RAX), 1);
    m->cpu.nmi_pending = true;
    ck_assert_int_eq(x86_step(&m->cpu), X86_NEXT);
    ck_assert_uint_eq(m->cpu.state.rip, SYS_HANDLERS + 34);
    ck_assert_int_eq(x86_step(&m->cpu), X86_NEXT); /* IRET */
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(sys_reg(m, X86_RAX), 2);
    x86_bare_free(m);
}
END_TEST

/* ---- Debugging ---- */

/* push 0x102; popfd; inc eax; inc eax: a trap after the first INC. */
START_TEST(single_step)
{
    struct x86_bare *m = sys_done(SYS_PROTECTED, 0, "68 02010000 9D 40 40 F4");

    ck_assert_int_eq(sys_vector(m), X86_EXC_DB);
    ck_assert_uint_eq(sys_reg(m, X86_RAX), 1);
    ck_assert_uint_eq(sys_stack(m, 0, 4), BARE_CODE + 7);
    ck_assert(m->cpu.dr[6] & X86_DR6_BS);
    ck_assert(!(m->cpu.state.rflags & X86_FLAG_TF));
    x86_bare_free(m);
}
END_TEST

/* Between mov ss, cx and what follows it there is no trap. */
START_TEST(single_step_over_a_stack_load)
{
    struct x86_bare *m =
        sys_ready(SYS_PROTECTED, 0, "68 02010000 9D 8ED1 40 40 F4");

    m->cpu.state.gpr[X86_RCX] = SEL_DATA0;
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(sys_stack(m, 0, 4), BARE_CODE + 9);
    x86_bare_free(m);
}
END_TEST

/* REP STOSB is traced at each iteration. */
START_TEST(single_step_of_strings)
{
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 0, "68 02010000 9D F3AA F4");

    m->cpu.state.gpr[X86_RCX] = 3;
    m->cpu.state.gpr[X86_RDI] = BARE_DATA;
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(sys_reg(m, X86_RCX), 2);
    ck_assert_uint_eq(sys_stack(m, 0, 4), BARE_CODE + 6);
    x86_bare_free(m);
}
END_TEST

static void make_calls(struct x86_bare *m)
{
    struct x86_msrs *r = m->cpu.msrs;

    m->cpu.state.efer |= X86_EFER_SCE;
    r->star = (uint64_t)SEL_CODE_64 << 32 | (uint64_t)SEL_CODE3 << 48;
    r->lstar = BARE_CODE + 0x100;
    r->fmask = X86_FLAG_TF;
    m->storage[BARE_CODE + 0x100] = 0xF4;
}

/* SYSCALL whose mask clears TF does not trap; SYSRET that restores it does,
 * before the program's next instruction. */
START_TEST(single_step_of_calls)
{
    struct x86_bare *m = sys_ready(SYS_LONG, 3, "0F05");

    make_calls(m);
    m->cpu.state.rflags |= X86_FLAG_TF;
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(m->cpu.state.rip, BARE_CODE + 0x101);
    ck_assert_uint_eq(sys_reg(m, X86_RCX), BARE_CODE + 2);
    ck_assert(sys_reg(m, 11) & X86_FLAG_TF);
    ck_assert_uint_eq(m->cpu.cpl, 0);
    x86_bare_free(m);
    m = sys_ready(SYS_LONG, 0, "480F07");
    make_calls(m);
    m->cpu.state.gpr[X86_RCX] = BARE_CODE + 0x10;
    m->cpu.state.gpr[11] = X86_FLAG_TF;
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_DB);
    ck_assert_uint_eq(sys_stack(m, 0, 8), BARE_CODE + 0x10);
    ck_assert_uint_eq(sys_stack(m, 1, 8), SEL_CODE3_64 | 3);
    ck_assert_uint_eq(sys_stack(m, 4, 8), SEL_DATA3 | 3);
    x86_bare_free(m);
}
END_TEST

static void breakpoint(struct x86_bare *m, uint64_t at, unsigned kind,
                       unsigned length)
{
    m->cpu.dr[1] = at;
    m->cpu.dr[7] = X86_DR7_ONE | 0x8 | kind << 20 | length << 22;
    x86_mode_changed(&m->cpu);
}

/* An instruction breakpoint is a fault; with RF it goes on. */
START_TEST(instruction_breakpoint)
{
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 0, "40 40 40 F4");

    breakpoint(m, BARE_CODE + 1, 0, 0);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_DB);
    ck_assert_uint_eq(sys_stack(m, 0, 4), BARE_CODE + 1);
    ck_assert_uint_eq(m->cpu.dr[6] & 0xF, 2);
    x86_bare_free(m);
    m = sys_ready(SYS_PROTECTED, 0, "40 40 40 F4");
    breakpoint(m, BARE_CODE + 1, 0, 0);
    /* handler: or dword [esp+8], 0x10000; iretd */
    memcpy(m->storage + SYS_HANDLERS + 16,
           "\x81\x4C\x24\x08\x00\x00\x01\x00\xCF", 9);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(sys_reg(m, X86_RAX), 3);
    x86_bare_free(m);
}
END_TEST

/* mov [0x20000], eax; mov ebx, [0x20000]: writes trap behind them, reads only
 * where they are asked for; next to it nothing does. */
START_TEST(data_breakpoints)
{
    static const char text[] = "A300000200 8B1D00000200 F4";
    static const struct {
        uint64_t at;
        unsigned kind, length;
        uint64_t rip;
    } cases[] = {
        {BARE_DATA, 1, 3, BARE_CODE + 5},
        {BARE_DATA + 2, 3, 0, BARE_CODE + 5},
        {BARE_DATA + 4, 3, 3, 0},
        {BARE_DATA - 1, 1, 0, 0},
        {BARE_DATA - 4, 1, 2, BARE_CODE + 5}, /* 8 bytes */
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct x86_bare *m = sys_ready(SYS_PROTECTED, 0, text);

        breakpoint(m, cases[i].at, cases[i].kind, cases[i].length);
        if (cases[i].length == 2)
            breakpoint(m, BARE_DATA & ~7u, 1, 2);
        ck_assert_int_eq(sys_run(m), X86_HALT);
        ck_assert_int_eq(sys_vector(m), cases[i].rip ? X86_EXC_DB : -1);
        if (cases[i].rip)
            ck_assert_uint_eq(sys_stack(m, 0, 4), cases[i].rip);
        x86_bare_free(m);
    }
}
END_TEST

/* mov ebx, [0x20000] is a read. */
START_TEST(write_breakpoints_let_reads_pass)
{
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 0, "8B1D00000200 F4");

    breakpoint(m, BARE_DATA, 1, 3);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), -1);
    breakpoint(m, BARE_DATA, 3, 3);
    m->cpu.halted = false;
    m->cpu.state.rip = BARE_CODE;
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_DB);
    x86_bare_free(m);
}
END_TEST

/* mov ss, [0x20000]; int3: what the load has hit comes behind INT3, before its
 * handler's first instruction. */
START_TEST(watched_stack_load_and_interrupt)
{
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 0, "8E1500000200 CC");

    m->storage[BARE_DATA] = SEL_DATA0;
    breakpoint(m, BARE_DATA, 3, 1);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_DB);
    ck_assert_uint_eq(sys_stack(m, 0, 4), SYS_HANDLERS + 16 * X86_EXC_BP);
    ck_assert_uint_eq(sys_stack(m, 3, 4), BARE_CODE + 7);
    x86_bare_free(m);
}
END_TEST

/* out 0x42, al with CR4.DE. */
START_TEST(port_breakpoint)
{
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 0, "E642 F4");

    m->cpu.state.cr4 |= X86_CR4_DE;
    breakpoint(m, 0x42, 2, 0);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_DB);
    ck_assert_uint_eq(sys_stack(m, 0, 4), BARE_CODE + 2);
    x86_bare_free(m);
}
END_TEST

static void add_events(Suite *s)
{
    TCase *t = tcase_create("events");

    tcase_add_test(t, sti_has_a_shadow);
    tcase_add_test(t, sti_cli);
    tcase_add_test(t, stack_loads_have_a_shadow);
    tcase_add_test(t, halt_waits);
    tcase_add_test(t, nmi_is_blocked_till_iret);
    tcase_add_test(t, single_step);
    tcase_add_test(t, single_step_over_a_stack_load);
    tcase_add_test(t, single_step_of_strings);
    tcase_add_test(t, single_step_of_calls);
    tcase_add_test(t, instruction_breakpoint);
    tcase_add_test(t, data_breakpoints);
    tcase_add_test(t, write_breakpoints_let_reads_pass);
    tcase_add_test(t, watched_stack_load_and_interrupt);
    tcase_add_test(t, port_breakpoint);
    suite_add_tcase(s, t);
}

Suite *suite_x86_events(void);

Suite *suite_x86_events(void)
{
    Suite *s = suite_create("x86_events");

    add_events(s);
    return s;
}
